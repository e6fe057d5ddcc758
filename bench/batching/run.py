"""What is done with the lines, second by second on a clock of its own, with the product's own functions.

Slots, shards and queues are as simple as can be; whatever is decided is decided by a `Way` of deciding. Every ten seconds
calls begin and end, shards are packed and looked at; promotions are asked for every half minute.
"""

import heapq
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from batching.traffic import Arrival
from batching.world import NEVER, WINDOW_S, World, call_s, flex_s
from farthing.batch.packing import Item, Limits, Room, pack

TICK_S = 10.0
PROMOTE_S = 30.0
POLL_S = 30.0
"""A shard's results are seen this late at most; sooner where it is young."""
LINGER_S = 60.0
SLOTS, FLEX_SLOTS = 16, 64
A_SECOND = 1.9
"""Calls that the slots end in a second; a little less than what they do."""
FAILS = 0.003
"""Of calls: they take 20 seconds and are tried again."""
AGAIN_S = 45.0
"""After the cheap tier refused."""
PROBES = 4
"""Tries at a time while it refuses most."""
CHEAP = 0.5
LIMITS = Limits(lines=50_000, bytes=200_000_000, an_hour=2_000)


@dataclass
class Line:
    no: int
    arrival: Arrival
    shard: int = -1
    last_s: float = 0.0
    """When it must go alone, at the latest."""
    alone: bool = False
    """Promoted, or never in a shard."""
    ended_s: float = NEVER
    paid: float = 0.0
    """In standard prices."""


@dataclass
class Running:
    """A shard."""

    no: int
    began_s: float
    lines: list[int]
    open: set[int]
    """Not promoted and not ended."""
    ready_s: float
    ended_s: float = NEVER
    withdrawn_s: float = NEVER
    """When it will have ended, if it was taken back."""
    back: bool = False


@dataclass
class Counts:
    batch: int = 0
    flex: int = 0
    now: int = 0
    promoted: int = 0
    again: int = 0
    """Lines of shards that ended without their answers."""
    twice: int = 0
    refused: int = 0
    withdrawn: int = 0
    shards: int = 0


class Way(Protocol):
    """How it is decided."""

    def choose(self, run: "Run", line: Line) -> str: ...

    def promote(self, run: "Run") -> Iterable[tuple[int, list[int], str, bool]]:
        """(shard, lines of it, way, whether it is taken back first)."""
        ...


@dataclass
class Run:
    world: World
    arrivals: Sequence[Arrival]
    way: Way
    dice: random.Random
    now_s: float = 0.0
    lines: list[Line] = field(default_factory=list)
    waiting: dict[int, float] = field(default_factory=dict)
    """For a shard: line -> since when."""
    running: dict[int, Running] = field(default_factory=dict)
    ended: list[Running] = field(default_factory=list)
    calls: list[tuple[float, int]] = field(default_factory=list)
    """Deadline and line, for a slot."""
    flex: list[tuple[float, int]] = field(default_factory=list)
    """The same, of the cheap tier."""
    later: list[tuple[float, int]] = field(default_factory=list)
    """Refused there: when it is tried again, and line."""
    busy: list[tuple[float, int, str]] = field(default_factory=list)
    flexing: int = 0
    calling: int = 0
    counts: Counts = field(default_factory=Counts)
    refusals: float = 0.1
    """Share of tries on the cheap tier that were refused lately."""
    hour: list[float] = field(default_factory=list)
    left: int = 0

    def play(self) -> "Run":
        self.lines = [Line(no, each) for no, each in enumerate(self.arrivals)]
        self.left = len(self.lines)
        coming, promote_s = 0, 0.0
        while self.left and self.now_s < self.arrivals[-1].at_s + 30 * 3600:
            self._end_calls()
            self._look()
            while coming < len(self.lines) and self.lines[coming].arrival.at_s <= self.now_s:
                self._place(self.lines[coming], self.way.choose(self, self.lines[coming]))
                coming += 1
            if self.waiting:
                self._pack()
            if self.now_s >= promote_s:
                promote_s = self.now_s + PROMOTE_S
                for shard, numbers, way, withdraw in self.way.promote(self):
                    self._promote(self.running[shard], numbers, way, withdraw)
            self._begin_calls()
            self.now_s += TICK_S
        return self

    def _place(self, line: Line, way: str) -> None:
        if way == "batch":
            self.waiting[line.no] = self.now_s
            return
        line.alone = True
        if way == "flex":
            heapq.heappush(self.flex, (line.arrival.deadline_s, line.no))
        else:
            heapq.heappush(self.calls, (line.arrival.deadline_s, line.no))

    def _pack(self) -> None:
        self.hour = [at for at in self.hour if at > self.now_s - 3600]
        items = [
            Item(no, us(line.arrival.deadline_s), us(since), line.arrival.size, line.arrival.tokens)
            for no, since in self.waiting.items()
            for line in (self.lines[no],)
        ]
        packed = pack(
            items, LIMITS, Room(an_hour=len(self.hour)), now_us=us(self.now_s), linger_s=LINGER_S, a_second=A_SECOND
        )
        for shard in packed.shards:
            numbers = [item.line for item in shard]
            no = self.counts.shards
            self.counts.shards += 1
            self.hour.append(self.now_s)
            self.running[no] = Running(no, self.now_s, numbers, set(numbers), self.world.ready_s(self.now_s))
            self.counts.batch += len(numbers)
            for number in numbers:
                self.lines[number].shard = no
                del self.waiting[number]

    def _look(self) -> None:
        for shard in list(self.running.values()):
            ends = min(shard.ready_s, shard.withdrawn_s, shard.began_s + WINDOW_S)
            if ends + min(POLL_S, 0.05 * (self.now_s - shard.began_s)) > self.now_s:
                continue
            shard.ended_s, shard.back = self.now_s, ends == shard.ready_s
            worked = 1.0 if shard.back else self.world.worked(shard.began_s, ends) if ends == shard.withdrawn_s else 0.0
            self._settle(shard, shard.lines[: int(worked * len(shard.lines))])
            del self.running[shard.no]
            self.ended.append(shard)

    def _settle(self, shard: Running, worked: Sequence[int]) -> None:
        for number in worked:
            line = self.lines[number]
            line.paid += CHEAP
            if line.alone:
                self.counts.twice += 1
            self._finish(line)
        for number in sorted(shard.open - set(worked)):
            self.counts.again += 1
            self._place(self.lines[number], self.way.choose(self, self.lines[number]))

    def _promote(self, shard: Running, numbers: Sequence[int], way: str, withdraw: bool) -> None:
        if withdraw and shard.withdrawn_s == NEVER:
            self.counts.withdrawn += 1
            shard.withdrawn_s = self.now_s + self.world.withdrawn_s[int(shard.began_s / 60)]
        for number in numbers:
            shard.open.discard(number)
            self.counts.promoted += 1
            self._place(self.lines[number], way)
        if numbers and not shard.open and shard.withdrawn_s == NEVER:
            shard.withdrawn_s = self.now_s + self.world.withdrawn_s[int(shard.began_s / 60)]

    def _begin_calls(self) -> None:
        minute = int(self.now_s / 60)
        while self.later and self.later[0][0] <= self.now_s:
            no = heapq.heappop(self.later)[1]
            heapq.heappush(self.flex, (self.lines[no].arrival.deadline_s, no))
        tries = PROBES if self.refusals > 0.5 else FLEX_SLOTS
        while self.flex and self.flexing < FLEX_SLOTS and tries:
            deadline_s, no = heapq.heappop(self.flex)
            line = self.lines[no]
            if line.ended_s < NEVER:
                continue
            if self.now_s >= line.last_s:
                heapq.heappush(self.calls, (deadline_s, no))
                continue
            tries -= 1
            refused = self.dice.random() < self.world.refuses[minute]
            self.refusals += 0.03 * (refused - self.refusals)
            if refused:
                self.counts.refused += 1
                heapq.heappush(self.later, (min(self.now_s + AGAIN_S, line.last_s), no))
            else:
                self.flexing += 1
                self.counts.flex += 1
                takes_s = flex_s(self.dice)
                self._busy(no, takes_s, "flex")
                if self.now_s + takes_s > line.last_s:
                    self._busy(no, line.last_s - self.now_s, "overdue")
        while self.flex and self.lines[self.flex[0][1]].last_s <= self.now_s:
            heapq.heappush(self.calls, heapq.heappop(self.flex))
        while self.calls and self.calling < SLOTS:
            _, no = heapq.heappop(self.calls)
            if self.lines[no].ended_s == NEVER:
                self.calling += 1
                self.counts.now += 1
                failed = self.dice.random() < FAILS
                self._busy(no, 20.0 if failed else call_s(self.dice), "failed" if failed else "now")

    def _busy(self, no: int, takes_s: float, what: str) -> None:
        heapq.heappush(self.busy, (self.now_s + takes_s, no, what))

    def _end_calls(self) -> None:
        """What ends within a tick makes room within it."""
        at = self.now_s
        while self.busy and self.busy[0][0] <= at:
            self.now_s, no, what = heapq.heappop(self.busy)
            line = self.lines[no]
            if what == "overdue":
                if line.ended_s == NEVER:
                    heapq.heappush(self.calls, (line.arrival.deadline_s, no))
                continue
            if what == "flex":
                self.flexing -= 1
            else:
                self.calling -= 1
            if what == "failed":
                heapq.heappush(self.calls, (line.arrival.deadline_s, no))
            else:
                line.paid += CHEAP if what == "flex" else 1.0
                self._finish(line)
            if self.calls:
                self._begin_calls()
        self.now_s = at

    def _finish(self, line: Line) -> None:
        if line.ended_s == NEVER:
            line.ended_s = self.now_s
            self.left -= 1
            if line.shard in self.running:
                self.running[line.shard].open.discard(line.no)

    @property
    def met(self) -> int:
        return sum(line.ended_s <= line.arrival.deadline_s for line in self.lines)

    @property
    def price(self) -> float:
        """Mean, as a share of the standard price."""
        return sum(line.paid * line.arrival.price for line in self.lines) / sum(each.price for each in self.arrivals)


def us(seconds: float) -> int:
    return round(seconds * 1e6)
