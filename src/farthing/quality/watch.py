"""What the route step tells of each answer, and asks before it sends a cascade: the one face of the evidence of quality.

Hearing of an answer costs microseconds: a check waits its turn off the caller's path, a shadow is drawn by a dice. Nothing
in here raises into a call. Knows nothing of how answers are compared, nor how tables are made.
"""

import asyncio
import logging
import math
import random
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from farthing.model.call import Call
from farthing.model.record import Record
from farthing.model.routes import Table, scopes_of
from farthing.quality.checks import Checked, check, named
from farthing.quality.evidence import PASSED, Evidence
from farthing.quality.noninferiority import Counts, lower
from farthing.quality.proposals import Floors
from farthing.quality.recorder import Recorder
from farthing.quality.scores import Scores
from farthing.quality.shadow import Shadow
from farthing.quality.tables import Tables
from farthing.settings import RoutingSettings, TaskRoutingSettings
from farthing.steps.route.cascade import Seen
from farthing.steps.route.wish import ANSWERS

log = logging.getLogger("farthing.quality")

MOST_WAITING = 100
LONGEST = 512 * 1024
"""Bytes of request and answer that wait for a check."""
NOTED = 0.1
"""Share of answers whose length is noted: a tenth says as much of the mean."""
SUSPECTED_TIMES = 10.0
"""How much more often a model is looked at that may have become worse, at most: the more, the more speaks for that."""
MOST_JUDGED = 20_000
"""Calls of which it is remembered that somebody judged them: a second verdict on the same one is no more evidence."""
NOTHING = TaskRoutingSettings()


class _Waiting(NamedTuple):
    call: Call
    model: str
    whole: bytes
    kind: str
    scopes: tuple[str, ...]


def floors_of(settings: RoutingSettings) -> Floors:
    """The floors of a scope: the one of its task, or of all, first; then those of features."""
    features = [each.quality_floor for each in settings.features.values() if each.quality_floor is not None]

    def floors(scope: str) -> tuple[float, ...]:
        task = settings.tasks.get(scope.removeprefix("task:"), NOTHING) if scope.startswith("task:") else NOTHING
        own = task.quality_floor if task.quality_floor is not None else settings.quality_floor
        return tuple(dict.fromkeys((own, *features)))

    return floors


class Quality:
    """See the module."""

    def __init__(
        self, settings: RoutingSettings, evidence: Evidence, recorder: Recorder, shadow: Shadow, tables: Tables,
        scores: Scores, chance: Callable[[], float] = random.random,
    ) -> None:  # fmt: skip
        self._kinds = {task: _known_kind(task, rules.check) for task, rules in settings.tasks.items()}
        self._evidence = evidence
        self._recorder = recorder
        self._shadow = shadow
        self._tables = tables
        self._scores = scores
        self._chance = chance
        self._waiting: deque[_Waiting] = deque(maxlen=MOST_WAITING)
        self._checking: asyncio.Task[None] | None = None
        self._judged: dict[str, None] = {}

    @property
    def table(self) -> Table:
        """The routing table that holds."""
        return self._tables.table

    async def start(self, *, keeps: bool = True) -> None:
        """Read the table; `keeps`: and keep it up to date from now on, else that is for `refresh`."""
        await self._tables.start(keeps=keeps)
        if keeps:
            self._scores.start()

    async def settle(self) -> None:
        """Wait for the looks that are under way."""
        if self._checking is not None:
            await asyncio.gather(self._checking, return_exceptions=True)
        await self._shadow.settle()

    async def refresh(self) -> None:
        """Bring the table up to date, and write the scores of calls that are in the ledger. Raises StoreError."""
        await self.settle()
        await self._tables.refresh()
        await self._scores.flush()

    async def close(self) -> None:
        """End what is under way, write what is not written."""
        if self._checking is not None:
            self._checking.cancel()
            await asyncio.gather(self._checking, return_exceptions=True)
        await self._shadow.close()
        await self._tables.close()
        await self._scores.close()

    def wants(self, call: Call) -> bool:
        """Whether it is worth keeping the call's answer for a look."""
        return call.wire in ANSWERS

    def seen(self, call: Call, model: str, whole: bytes) -> None:
        """An answer of `model` ended well. `whole` may be a stream of events too. Never raises."""
        try:
            self._see(call, model, whole)
        except Exception as error:  # the client's answer is not ours to spoil
            log.warning("an answer was not looked at", extra={"error": type(error).__name__})

    def has_check(self, call: Call) -> bool:
        """Whether the call's answer can be checked by a program."""
        kind = self._kind(call)
        if kind != "auto" or call.asked is None:
            return kind not in ("none", "auto")
        asked = call.asked
        return asked.schema or asked.json or bool(asked.labels) or asked.tools > 0

    def check(self, call: Call, model: str, whole: bytes) -> Checked | None:
        """The verdict on an answer that is not given yet; one that fails is evidence at once, since nobody sees it."""
        found = check(self._kind(call), call.asked, call.wire, call.body, whole)
        if found is not None and not found.passed:
            scopes = scopes_of(call.template, call.task)
            self._recorder.checked(call.principal.tenant, scopes, model, 0.0)
        return found

    def record_of(self, tenant: str, scopes: tuple[str, ...], model: str) -> Seen | None:
        """What checks of the model's answers have shown, in the narrowest scope that has been compared; None for nothing."""
        for scope in scopes:
            answers, good = self._evidence.scores(tenant, scope, model, "check")
            compared, right = self._evidence.scores(tenant, scope, model, PASSED)
            if answers and compared:
                least = (1 + lower(Counts(better=right, worse=compared - right))) / 2
                return Seen(answers, good / answers, least)
        return None

    async def take(self, record: Record, *, good: bool, score: float | None = None) -> int:
        """A person's verdict on a call's answer; the first one counts. No stored answer dies of it."""
        if record.id in self._judged:
            return 0
        if len(self._judged) >= MOST_JUDGED:
            del self._judged[next(iter(self._judged))]
        self._judged[record.id] = None
        self._recorder.take(record, good=good, score=score)
        if record.arms:
            self._scores.add(record.id, min(1.0, max(0.0, score)) if score is not None else float(good))
        return 0

    def _see(self, call: Call, model: str, whole: bytes) -> None:
        scopes = scopes_of(call.template, call.task)
        tenant, last = call.principal.tenant, call.trail.last_attempt
        if last is not None:
            noted = last.usage.total_out if last.usage is not None and self._chance() < NOTED else None
            self._recorder.answered(tenant, scopes, model, last.served_model, noted)
        kind = self._kind(call)
        if self.has_check(call) and len(whole) + len(call.body) <= LONGEST:
            self._waiting.append(_Waiting(call, model, whole, kind, scopes))
            if self._checking is None or self._checking.done():
                self._checking = asyncio.get_running_loop().create_task(self._check_waiting())
        if any(call.arms.values()):
            return  # a second answer would be spending that the other arm has too, and tell of the flagship alone
        times = min(SUSPECTED_TIMES, math.exp(2 * self._recorder.suspicion(tenant, scopes, model)))
        self._shadow.draw(call, model, whole, scopes, kind, times=times)

    async def _check_waiting(self) -> None:
        while self._waiting:
            call, model, whole, kind, scopes = self._waiting.popleft()
            try:
                found = check(kind, call.asked, call.wire, call.body, whole)
                if found is not None:
                    self._recorder.checked(call.principal.tenant, scopes, model, float(found.passed))
                    if call.arms:
                        self._scores.add(call.id, float(found.passed))
            except Exception as error:
                log.warning("a check failed", extra={"error": type(error).__name__})
            await asyncio.sleep(0)  # others first

    def _kind(self, call: Call) -> str:
        return self._kinds.get(call.task, "auto")


def _known_kind(task: str, kind: str) -> str:
    try:
        named(kind)
    except ValueError as error:
        log.warning("routing.tasks.%s.check is no check, answers are not checked: %s", task, error)
        return "none"
    return kind
