"""What all kinds of batches share: how far a batch is by the clock, and its lines, worked one by one as time passes."""

import asyncio
import math
from collections.abc import Mapping
from typing import Literal

import msgspec

from farthing.upstream.simulator import errors, quick, seeds
from farthing.upstream.simulator.bill import units
from farthing.upstream.simulator.faults import Faults, Plan, UnknownFault
from farthing.upstream.simulator.provider import Provider
from farthing.upstream.simulator.settings import SimulatorSettings
from farthing.upstream.simulator.wire import Family, Json, Refusal, Spent, Wire

Phase = Literal["validating", "in_progress", "finalizing", "completed", "failed", "expired", "cancelling", "cancelled"]
Fate = Literal["", "no-status", "lost"]
"""Of a line that is done: as it should be; without a status; never spoken of again."""

_VALIDATED, _WORKED = 0.1, 0.9
"""Shares of the whole time at which a batch starts to be worked, and at which its last line is done."""
_CANCELLING = 0.05
_AT_ONCE = 20
"""Lines that are worked before others get their turn."""
_P90 = 1.2815515655446004
"""The normal distribution's nine tenths."""
ODD_WORD = "reticulating"
"""A state of which no documentation speaks."""


class Progress(msgspec.Struct):
    """Where a batch is. Times are Unix seconds."""

    created: float
    seconds: float
    """From its creation to its end."""
    plan: Plan
    window: float = 86_400.0
    """Seconds until it expires unfinished; infinite where it never does."""
    invalid: bool = False
    cancelled: float | None = None
    """When its cancellation was asked for."""

    @property
    def started(self) -> float:
        return self.created + _VALIDATED * self.seconds

    @property
    def worked(self) -> float:
        return self.created + _WORKED * self.seconds

    @property
    def expires(self) -> float:
        return self.created + self.window

    @property
    def ends(self) -> float:
        """When it is over, however."""
        if self.invalid:
            return self.started
        if self.cancelled is not None:
            return self.cancelled + _CANCELLING * self.seconds
        if self.plan.has("batch-stuck"):
            return self.expires
        return min(self.created + self.seconds, self.expires)

    def phase(self, now: float) -> Phase:
        if now >= self.ends:
            return self._last()
        if self.cancelled is not None:
            return "cancelling"
        if now < self.started or self.plan.has("batch-stuck"):
            return "validating"
        return "in_progress" if now < self.worked else "finalizing"

    def share(self, now: float) -> float:
        """Of the lines that are done."""
        if self.invalid or self.plan.has("batch-stuck"):
            return 0.0
        now = min(now, self.expires, now if self.cancelled is None else self.cancelled)
        span = self.worked - self.started
        done = (now - self.started) / span if span > 0 else float(now >= self.started)
        most = self.plan.get("batch-expire")
        return min(1.0, max(0.0, done), 1.0 if most is None else most)

    def _last(self) -> Phase:
        if self.invalid:
            return "failed"
        if self.cancelled is not None:
            return "cancelled"
        late = (
            self.plan.has("batch-stuck") or self.plan.has("batch-expire") or self.created + self.seconds > self.expires
        )
        return "expired" if late else "completed"


def progress(
    settings: SimulatorSettings, model: str, number: int, plan: Plan, now: float, *, expires: bool = True
) -> Progress:
    """Of a new batch: how long it will take follows from its model, the seed and its number."""
    turnround = settings.batch_turnround.get(model) or settings.batch_turnround.get("")
    seconds = settings.batch_seconds
    if turnround is not None:
        dice = seeds.dice(settings.seed, "turn-round", model, number)
        sigma = math.log(turnround.p90 / turnround.median) / _P90 if turnround.p90 > turnround.median > 0 else 0.0
        seconds = turnround.median * dice.lognormvariate(0.0, sigma)
        if dice.random() < turnround.stuck:
            plan = Plan({**plan.values, "batch-stuck": 0.0})
    return Progress(now, seconds, plan, settings.batch_window if expires else math.inf)


def listed(settings: SimulatorSettings, progress: Progress, now: float) -> bool:
    """Whether lists show it yet."""
    lag = progress.plan.get("batch-list-lag")
    return now >= progress.created + (settings.batch_list_lag if lag is None else lag)


class Line(msgspec.Struct):
    """One request of a batch."""

    custom_id: str
    body: Json
    """Dropped once it is done."""
    marked: bool = False
    """Whether its text may ask for a fault."""
    status: int = 0
    """As an HTTP call would have it; 0 until it is done."""
    answer: msgspec.Raw = msgspec.Raw(b"null")
    fate: Fate = ""


class Lines:
    """The lines of one batch."""

    def __init__(
        self, provider: Provider, wire: Wire, key: str, path: str, batch: str, lines: list[Line], plan: Plan
    ) -> None:  # fmt: skip
        self.all = lines
        self.count = len(lines)
        self.done = 0
        self.good = 0
        self.spent = dict.fromkeys(units(Spent(prompt=0)), 0)
        """Tokens by kind, of all that is done."""
        self._provider = provider
        self._wire = wire
        self._key = key
        self._path = path
        self._batch = batch
        self._no_status, self._lost = plan.get("batch-no-status") or 0.0, plan.get("batch-lost-lines") or 0.0
        self._chances = Faults(provider.settings.line_faults, provider.settings.seed)
        self._calm = not (provider.settings.faults or provider.settings.line_faults)
        self._turn = asyncio.Lock()

    @property
    def bad(self) -> int:
        return self.done - self.good

    async def advance(self, share: float) -> None:
        """Work lines until so many are done."""
        wanted = int(share * self.count + 1e-9)
        if self.done >= wanted:
            return
        async with self._turn:
            while self.done < wanted:
                line = self.all[self.done]
                self._work(line)
                line.body = {}
                self.done += 1
                self.good += line.status == 200 and not line.fate
                if self.done % _AT_ONCE == 0:
                    await asyncio.sleep(0)

    def forget(self) -> None:
        """The lines are not needed any more; what was counted stays."""
        self.all = []

    def _work(self, line: Line) -> None:
        provider, wire = self._provider, self._wire
        line.fate = self._fate(line)
        if line.fate:
            return
        number = provider.number()
        try:
            plan = self._plan(line, number)
            errors.check(plan, wire.family)
            if line.body.get("stream"):
                raise Refusal(400, "invalid_request_error", "stream: is not supported in batches")
            if provider.settings.batch_quick and not plan.values and self._quickly(line, number):
                return
            work = provider.work(wire, line.body, self._key, number, plan, batch=True)
        except Refusal as refusal:
            line.status, line.answer = refusal.status, _raw(errors.shape(refusal, wire.family))
            return
        line.status, line.answer = 200, _raw(wire.answer(work.asked, work.replies, work.told))
        self._charge(line, work.asked.id, work.asked.question.model.id, work.spent, work.asked.body)

    def _quickly(self, line: Line, number: int) -> bool:
        made = quick.answer(self._path, line.body, number, int(self._provider.clock()))
        if made is None:
            return False
        line.status, line.answer = 200, _raw(made.answer)
        self._charge(line, made.id, made.model, made.spent, line.body)
        return True

    def _charge(self, line: Line, id: str, model: str, spent: Spent, body: Mapping[str, object]) -> None:
        user = body.get("user")
        self._provider.bill.add(
            id, self._path, model, spent, tier="batch", user=user if isinstance(user, str) else "", batch=self._batch,
            custom_id=line.custom_id,
        )  # fmt: skip
        for unit, tokens in units(spent).items():
            self.spent[unit] += tokens

    def _fate(self, line: Line) -> Fate:
        if not (self._no_status or self._lost):
            return ""
        chance = seeds.unit(self._batch, "fate", line.custom_id)
        return "no-status" if chance < self._no_status else "lost" if chance < self._no_status + self._lost else ""

    def _plan(self, line: Line, number: int) -> Plan:
        if self._calm and not line.marked:
            return Plan()
        try:
            chance = self._chances.plan("", {}, number)
            raw = msgspec.json.encode(line.body) if line.marked else b""
            asked = self._provider.faults.plan("", line.body if line.marked else {}, number, raw)
        except UnknownFault as error:
            raise Refusal(400, "invalid_request_error", str(error)) from error
        return Plan({**chance.values, **asked.values})


def check(plan: Plan, family: Family) -> None:
    """Before a batch is accepted. Raises Refusal."""
    status = next((name for name in plan.values if name.startswith("batch-refuse-")), "")
    if status:
        raise errors.provider_error(int(status.removeprefix("batch-refuse-")), family)


def accepted(plan: Plan, family: Family) -> Plan:
    """After a batch was accepted: what befalls the reply. Raises Refusal for an error although it was."""
    status = next((name for name in plan.values if name.startswith("batch-late-")), "")
    if status:
        raise errors.provider_error(int(status.removeprefix("batch-late-")), family)
    replies = {
        "batch-lost-reply": "lost-reply",
        "batch-slow-reply": "slow-first-byte",
        "batch-no-json": "malformed-json",
    }
    return Plan({replies.get(name, name): value for name, value in plan.values.items()})


def _raw(what: Json) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(what))
