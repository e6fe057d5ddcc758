"""The doctor: finds what keeps a provider's prompt cache from being read, and counts what that costs. It changes nothing.

A call is looked at when its answer has ended and the provider has said what it read. Counts and places go to the store every
minute; prompts stay in this process, see `watching`. Knows nothing of the words in which people are told.
"""

import asyncio
import logging
import re
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache, partial
from typing import NamedTuple, Protocol

from farthing.catalog.caching import Caching
from farthing.model.arms import PROVIDER_CACHING
from farthing.model.call import Answer, Call, Deployment
from farthing.model.marks import ALIKE, EXPLICIT, MARKED
from farthing.model.money import nano_from_pico
from farthing.pipeline import Proceed
from farthing.steps.shape.diagnosing import HELD_S, LEAST_TOKENS, Loss, Sent, diagnose
from farthing.steps.shape.watching import Prompt, Watch
from farthing.store import StoreError
from farthing.store.busters import LOOKED, Broken, Busters
from farthing.store.store import now_us
from farthing.wire.tokens import told_ratio

LEAST_BYTES = 1_500
"""Shorter bodies have no prompt that any provider would keep."""
NEARLY_ALL = 20
"""Where less than one token in so many was not read, there is nothing to look for."""
EVERY_S = 60.0
KEPT_DAYS = 400
MOST_COUNTS = 20_000
"""Between two writes: features and models that callers name have an end here."""
DAY_US = 86_400_000_000
ANY_PLACE = ""

log = logging.getLogger("farthing.prompts")

Spoken = Callable[[str, str], str]
"""The format that is spoken with a provider for calls of a wire; empty where there is none."""


class Cachings(Protocol):
    """See `catalog.Cachings`."""

    def of(self, deployment: Deployment, format: str) -> Caching | None: ...


class Key(NamedTuple):
    day_us: int
    tenant: str
    feature: str
    model: str
    kind: str
    place: str


class Count:
    """Sums under one key."""

    __slots__ = ("at_byte", "calls", "last_us", "nano", "shape", "tokens")

    def __init__(self) -> None:
        self.calls = self.tokens = self.nano = self.last_us = 0
        self.at_byte = 1 << 40
        self.shape = ""


class Doctor:
    """See the module. `clock` gives seconds."""

    name = "doctor"

    def __init__(self, cachings: Cachings, spoken: Spoken, clock: Callable[[], float]) -> None:
        self._cachings = cachings
        self._spoken = spoken
        self._clock = clock
        self._watch = Watch()
        self.counts: dict[Key, Count] = {}

    async def __call__(self, call: Call, proceed: Proceed) -> Answer:
        body, begun = call.body, self._clock()
        answer = await proceed(call)
        if answer.status < 400 and len(body) >= LEAST_BYTES:
            answer.on_end(partial(self._end, call, body, begun))
        return answer

    def _end(self, call: Call, body: bytes, begun: float, _: object) -> None:
        attempt, deployment = call.trail.last_attempt, call.deployment
        if attempt is None or deployment is None or attempt.usage is None or attempt.estimated:
            return
        rates = self._cachings.of(deployment, self._spoken(call.wire, deployment.provider))
        if rates is None:
            return
        usage, model, principal = attempt.usage, deployment.price_as or deployment.model, call.principal
        prompt = Prompt(call.wire, body, attempt.deployment, model, begun, self._clock())
        key = (principal.tenant, principal.feature or call.template, family_of(model))
        if usage.uncached_in + usage.written < max(LEAST_TOKENS, usage.total_in // NEARLY_ALL):
            self._add(call, model, LOOKED, ANY_PLACE, usage.total_in, 0, 0, "")
            self._watch.keep(key, prompt)
            return
        found = prompt.found
        if found is None or not found.ends:
            return
        self._add(call, model, LOOKED, ANY_PLACE, usage.total_in, 0, 0, "")
        parted = self._watch.see(key, prompt)
        if parted is None or EXPLICIT in attempt.flags or call.arms.get(PROVIDER_CACHING, False):
            return
        marked = found.marked or not _FLAGS.isdisjoint(attempt.flags)
        sent = Sent(
            attempt.usage,
            told_ratio(usage.total_in, found.ends[-1]),
            attempt.deployment,
            model,
            marked,
            _held(call, rates),
        )
        loss = diagnose(parted, sent, rates)
        if loss is not None:
            self._count(call, model, loss, rates)

    def _count(self, call: Call, model: str, loss: Loss, rates: Caching) -> None:
        nano = nano_from_pico(loss.tokens * max(0, rates.plain - rates.read))
        self._add(call, model, loss.kind, loss.place, loss.tokens, nano, loss.at_byte, loss.shape)

    def _add(
        self, call: Call, model: str, kind: str, place: str, tokens: int, nano: int, at_byte: int, shape: str
    ) -> None:  # fmt: skip
        at_us = call.started_us
        principal = call.principal
        key = Key(at_us - at_us % DAY_US, principal.tenant, principal.feature, model, kind, place)
        count = self.counts.get(key)
        if count is None:
            if len(self.counts) >= MOST_COUNTS:
                return
            count = self.counts[key] = Count()
        count.calls += 1
        count.tokens += tokens
        count.nano += nano
        count.at_byte = min(count.at_byte, at_byte)
        count.shape = shape
        count.last_us = max(count.last_us, at_us)


_FLAGS = frozenset((MARKED, ALIKE))


def _held(call: Call, rates: Caching) -> float:
    return 3_600.0 if rates.way == "marks" and call.ask.cache_ttl == "1h" else HELD_S[rates.way]


@lru_cache(maxsize=1_024)
def family_of(model: str) -> str:
    """The name without its date: models of one family take each other's place."""
    return _DATED.sub("", model)


_DATED = re.compile(r"(?:[-@]\d{4}-?\d{2}-?\d{2}|-latest)$")


class Reporter:
    """Carries the doctor's counts to the store, and forgets old ones there."""

    def __init__(self, doctor: Doctor, busters: Busters, every_s: float = EVERY_S) -> None:
        self._doctor = doctor
        self._busters = busters
        self._every_s = every_s
        self._ends = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._keep(), name="doctor")

    async def close(self) -> None:
        """Write what was seen, and end. What is being written is not cut off: it would be counted twice, or not at all."""
        self._ends.set()
        if self._task is not None:
            await self._task
            self._task = None
        with suppress(StoreError):
            await self.write()

    async def write(self) -> None:
        """Add what was seen since the last time. Raises StoreError; then it is added the next time."""
        counts, self._doctor.counts = self._doctor.counts, {}
        try:
            await self._busters.add([_row(key, count) for key, count in counts.items()])
        except StoreError:
            newer, self._doctor.counts = self._doctor.counts, counts
            for key, count in newer.items():
                _merge(counts.setdefault(key, Count()), count)
            raise

    async def _keep(self) -> None:
        with suppress(StoreError):
            await self._busters.prune(now_us() - KEPT_DAYS * DAY_US)
        while not self._ends.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._ends.wait(), self._every_s)
                return
            try:
                await self.write()
            except StoreError as error:
                log.warning("what the doctor found waits for the store: %s", error)


def _row(key: Key, count: Count) -> Broken:
    return Broken(
        key.tenant, key.feature, key.model, key.kind, key.place, count.calls, count.tokens, count.nano, count.at_byte,
        count.shape, count.last_us,
    )  # fmt: skip


def _merge(into: Count, more: Count) -> None:
    into.calls += more.calls
    into.tokens += more.tokens
    into.nano += more.nano
    into.at_byte = min(into.at_byte, more.at_byte)
    into.shape = more.shape
    into.last_us = max(into.last_us, more.last_us)
