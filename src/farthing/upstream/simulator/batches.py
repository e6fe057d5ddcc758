"""What both kinds of batches share: how far a batch is by the clock, and its lines, worked one by one as time passes."""

import asyncio
from collections.abc import Callable
from typing import Literal

import msgspec

from farthing.upstream.simulator import errors
from farthing.upstream.simulator.faults import Plan, UnknownFault
from farthing.upstream.simulator.provider import Provider
from farthing.upstream.simulator.wire import Json, Refusal, Wire

Phase = Literal["validating", "in_progress", "finalizing", "completed", "failed", "expired", "cancelling", "cancelled"]

WINDOW = 86_400
"""Seconds until an unfinished batch expires."""
_VALIDATED, _WORKED = 0.1, 0.9
"""Shares of the whole time at which a batch starts to be worked, and at which its last line is done."""
_CANCELLING = 0.05
_AT_ONCE = 20
"""Lines that are worked before others get their turn."""


class Progress(msgspec.Struct):
    """Where a batch is. Times are Unix seconds."""

    created: float
    seconds: float
    """From its creation to its end."""
    plan: Plan
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
        return self.created + WINDOW

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
        return min(1.0, max(0.0, done), self.plan.get("batch-expire") or 1.0)

    def _last(self) -> Phase:
        if self.invalid:
            return "failed"
        if self.cancelled is not None:
            return "cancelled"
        late = (
            self.plan.has("batch-stuck") or self.plan.has("batch-expire") or self.created + self.seconds > self.expires
        )
        return "expired" if late else "completed"


class Line(msgspec.Struct):
    """One request of a batch."""

    custom_id: str
    body: Json
    status: int = 0
    """As an HTTP call would have it; 0 until it is done."""
    answer: Json | None = None
    spent: dict[str, int] = {}


class Lines:
    """The lines of one batch."""

    def __init__(self, provider: Provider, wire: Wire, key: str, path: str, lines: list[Line]) -> None:
        self.all = lines
        self.done = 0
        self._provider = provider
        self._wire = wire
        self._key = key
        self._path = path
        self._turn = asyncio.Lock()

    async def advance(self, share: float) -> None:
        """Work lines until so many are done."""
        wanted = int(share * len(self.all) + 1e-9)
        async with self._turn:
            while self.done < wanted:
                self._work(self.all[self.done])
                self.done += 1
                if self.done % _AT_ONCE == 0:
                    await asyncio.sleep(0)

    def count(self, accept: Callable[[Line], bool]) -> int:
        return sum(accept(line) for line in self.all[: self.done])

    def _work(self, line: Line) -> None:
        provider = self._provider
        number = provider.number()
        try:
            plan = self._plan(line, number)
            errors.check(plan, self._wire.family)
            if line.body.get("stream"):
                raise Refusal(400, "invalid_request_error", "stream: is not supported in batches")
            work = provider.work(self._wire, line.body, self._key, number, plan, batch=True)
        except Refusal as refusal:
            line.status, line.answer = refusal.status, errors.shape(refusal, self._wire.family)
            return
        line.status, line.answer = 200, self._wire.answer(work.asked, work.replies, work.told)
        model = work.asked.question.model.id
        provider.bill.add(work.asked.id, self._path, model, work.spent, tier="batch")
        line.spent = provider.bill.lines[-1].spent

    def _plan(self, line: Line, number: int) -> Plan:
        try:
            return self._provider.faults.plan("", line.body, number, msgspec.json.encode(line.body))
        except UnknownFault as error:
            raise Refusal(400, "invalid_request_error", str(error)) from error
