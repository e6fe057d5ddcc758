"""Lines that go alone: on the cheap tier, as ordinary calls, or at our own servers; as many at once as each place takes
beside the calls of people.

A line's call id is in the store before the line is sent, so that after a crash the ledger and the queue tell of the same
call; what came of lines that end at about the same time is written in one transaction. Knows nothing of batches.
"""

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Callable, Sequence
from functools import partial

from farthing.batch.capping import within_cap
from farthing.batch.choosing import AGAIN_S
from farthing.batch.desk import Desk
from farthing.batch.flexing import Flexing, Waiting
from farthing.batch.pacing import Occupied, Pace
from farthing.batch.settling import Outcome, Settler, outcome
from farthing.batch.spending import Spending
from farthing.batch.walks import Settled, Walks
from farthing.model.batch import Line
from farthing.store.batch import lines
from farthing.store.batch.holds import HoldRefused
from farthing.store.batch.lines import Begun
from farthing.store.engine import Connection
from farthing.store.errors import StoreError

log = logging.getLogger("farthing.batch")

BEGIN_AT_ONCE = 32
"""Lines whose call ids are written in one transaction; a kill makes so many of them wait again at most, sent or not."""
CAPPED_S = 5.0
"""How long a line waits that its job's cap has room for only if others cost less than they can."""
FULL_S = 0.02
"""Between two looks for room while a place is full, if no line of ours ends there before."""
GRACE_S = 5.0
LONGEST_PAUSE_S = 15.0
USUAL_S = 10.0
"""What a call takes of which nothing is known."""
SMOOTHING = 0.1
REFUSED = 429
"""The status with which a cheap tier says that it has no room."""
LONGEST = 6.0
"""How many times longer than the usual call nearly none takes."""


class Place:
    """Lines for one place, those that must go first at the front."""

    def __init__(self, pace: Pace, flex: Flexing) -> None:
        self.pace = pace
        self.flex = flex
        self.queue: deque[Waiting] = deque()
        self.urgent: deque[Waiting] = deque()
        self.takes_s = USUAL_S

    def add(self, waiting: Waiting, *, urgent: bool) -> None:
        if waiting.way == "flex":
            self.flex.add(waiting)
        else:
            (self.urgent if urgent else self.queue).append(waiting)

    def next(self) -> Waiting | None:
        if self.urgent:
            return self.urgent.popleft()
        return self.queue.popleft() if self.queue else None

    @property
    def waiting(self) -> int:
        """Lines for ordinary calls that wait for a slot."""
        return len(self.queue) + len(self.urgent)

    @property
    def takes_long_s(self) -> float:
        """Seconds within which nearly all calls are answered here."""
        return LONGEST * self.takes_s


class Runner:
    """See the module. `place_of` names the place where a model is served, with its state and whether it is a server of our
    own; None: nobody serves it, and the walk will say so."""

    name = "running"

    def __init__(
        self, desk: Desk, walks: Walks, settler: Settler,
        place_of: Callable[[str], tuple[str, Occupied, bool] | None], spending: Spending, *, at_once: int,
    ) -> None:  # fmt: skip
        self._desk = desk
        self._walks = walks
        self._settler = settler
        self._place_of = place_of
        self._spending = spending
        self._at_once = at_once
        self._places: dict[str, Place] = {}
        self._running: set[asyncio.Task[None]] = set()
        self._held: Counter[tuple[str, int]] = Counter()
        self._under_way: Counter[tuple[str, int]] = Counter()
        self.bell = asyncio.Event()

    def place(self, model: str) -> Place:
        """Where lines of a model go. Places are few: they are those of the settings."""
        found = self._place_of(model)
        name, state, own = found if found is not None else ("", NOWHERE, False)
        place = self._places.get(name)
        if place is None:
            flex = Flexing(self._at_once, self._desk.clock.monotonic)
            place = self._places[name] = Place(Pace(state, self._at_once, climbs=own), flex)
        return place

    def wants(self, model: str) -> int:
        """How many lines more may be handed in for a model: enough to keep its place busy, and no more, so that what was
        decided is not old when its turn comes."""
        place = self.place(model)
        return max(0, place.pace.limit * 4 - place.waiting)

    def hand_in(self, waiting: Sequence[Waiting], *, urgent: bool = False) -> None:
        """Run these lines, which this gateway holds."""
        for each in waiting:
            self._held[each.line.job, each.line.no] += 1
            self.place(each.line.model).add(each, urgent=urgent)
        if waiting:
            self.bell.set()

    def in_hand(self) -> set[tuple[str, int]]:
        """The lines that wait here for a slot, or are under way."""
        return set(self._held)

    def has(self, line: Line) -> bool:
        """Whether it is one of these."""
        return (line.job, line.no) in self._held

    def runs(self, line: Line) -> bool:
        """Whether it is under way."""
        return self._under_way[line.job, line.no] > 0

    def _lets_go(self, waiting: Sequence[Waiting]) -> None:
        for each in waiting:
            key = (each.line.job, each.line.no)
            self._held[key] -= 1
            if self._held[key] <= 0:
                del self._held[key]

    @property
    def most(self) -> int:
        """Lines at once, at any place."""
        return self._at_once

    @property
    def takes_long_s(self) -> float:
        """Seconds within which nearly all calls are answered, wherever they are."""
        return max((place.takes_long_s for place in self._places.values()), default=LONGEST * USUAL_S)

    @property
    def a_second(self) -> float:
        """Lines that can be worked off in a second, all places together."""
        return sum(place.pace.limit / place.takes_s for place in self._places.values()) or self._at_once / USUAL_S

    @property
    def busy(self) -> int:
        """Lines that wait for a slot."""
        return sum(place.waiting for place in self._places.values())

    async def turn(self) -> float:
        """Send as many as there is room for."""
        await asyncio.sleep(0)  # calls that waited for the slot that has become free go first
        full = False
        for place in self._places.values():
            self.hand_in(place.flex.overdue(self._desk.now_us), urgent=True)
            batch = self._take(place)
            full = full or bool(place.waiting)
            if batch:
                await self._begin(place, batch)
        return FULL_S if full else 1.0

    async def settle(self) -> None:
        """Wait for the lines that are under way."""
        await asyncio.gather(*self._running, return_exceptions=True)

    async def close(self) -> None:
        """Let calls that are under way end, for a while; then break them off: the journal and the store know of them."""
        if self._running:
            await asyncio.wait(self._running, timeout=GRACE_S)
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    def _take(self, place: Place) -> list[Waiting]:
        now = self._desk.clock.monotonic()
        room = min(place.pace.room(now), BEGIN_AT_ONCE)
        batch: list[Waiting] = []
        while len(batch) < room and (each := place.next()) is not None:
            batch.append(each)
        if len(batch) < room:
            place.pace.starved()
        room = 0 if place.pace.wait(now) else min(place.flex.room, BEGIN_AT_ONCE)
        while room and (each := place.flex.next()) is not None:
            batch.append(each)
            room -= 1
        return batch

    async def _begin(self, place: Place, batch: list[Waiting]) -> None:
        """Note what is sent, then send it. A line that has ended meanwhile, or is somebody else's, is not."""
        sent: set[int] = set()
        try:
            for each, call_id in await self._noted(batch):
                sent.add(id(each))
                self._start(place, each, call_id)
        finally:
            self._lets_go([each for each in batch if id(each) not in sent])

    async def _noted(self, batch: list[Waiting]) -> list[tuple[Waiting, str]]:
        """Those that may be sent, with the calls that the store has of them."""
        batch = await self._within_the_day(batch)
        while batch:
            batch = await self._within_caps(batch)
            calls = [self._desk.new_id() for _ in batch]
            try:
                begun = await self._desk.store.do(partial(self._note, batch, calls))
            except HoldRefused:  # another gateway took what was left of a job's cap
                continue
            return [pair for pair in zip(batch, calls, strict=True) if pair[1] in begun]
        return []

    def _note(self, batch: list[Waiting], calls: list[str], connection: Connection) -> set[str]:
        desk, counts = self._desk, self._spending.capped
        started = [
            Begun(
                each.line.job, each.line.no, each.way, call, each.worst if each.job.cap or counts else 0, each.again
            )
            for each, call in zip(batch, calls, strict=True)
        ]  # fmt: skip
        return lines.begin_all(
            connection, started, holder=desk.holder, until_us=desk.until_us, now_us=desk.now_us
        )  # fmt: skip

    def _start(self, place: Place, waiting: Waiting, call_id: str) -> None:
        line = waiting.line
        line.state, line.way, line.call_id, line.holder = "sent", waiting.way, call_id, self._desk.holder
        line.tries += 1
        if waiting.way == "flex":
            place.flex.began(call_id, waiting)
        else:
            place.pace.began(self._desk.clock.monotonic())
        task = asyncio.create_task(self._run(place, waiting, call_id))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _within_caps(self, batch: list[Waiting]) -> list[Waiting]:
        """Those that their job's cap has room for; the others wait, or have failed."""
        out: set[tuple[str, int]] = set()
        for job in {each.job.id for each in batch if each.job.cap}:
            mine = [each for each in batch if each.job.id == job]
            found = await within_cap(self._desk, job, [(each.line, each.worst) for each in mine])
            if found.failed:
                await self._settler.keep(found.failed)
            wait = {(line.job, line.no) for line in found.wait}
            back = [each.line for each in mine if (each.line.job, each.line.no) in wait and _waits_alone(each)]
            await self._put_back({self._desk.now_us + int(CAPPED_S * 1e6): back})
            out.update(wait, ((each.line.job, each.line.no) for each in found.failed))
        return [each for each in batch if (each.line.job, each.line.no) not in out]

    async def _within_the_day(self, batch: list[Waiting]) -> list[Waiting]:
        """Those that may be spent on now; the others wait until they may. What would be late otherwise goes ahead of the clock,
        but never beyond the day's cap: what is in a batch or on the cheap tier then stays there, and may be late."""
        if not self._spending.capped:
            return batch
        going, wait = list[Waiting](), list[Waiting]()
        for each in batch:
            (going if self._spending.allows(each.worst, urgent=self._is_urgent(each)) else wait).append(each)
        back = [(each.line, each.worst) for each in wait if _waits_alone(each)]
        await self._put_back(self._spending.turns(back))
        return going

    def _is_urgent(self, waiting: Waiting) -> bool:
        """It was promoted, has left the cheap tier, or has only just the time that a call takes."""
        return not _waits_alone(waiting) or self._spending.is_urgent(waiting.line)

    async def _put_back(self, later: dict[int, list[Line]]) -> None:
        now_us = self._desk.now_us
        for ready_us, some in later.items():
            if some:
                await self._desk.store.do(partial(lines.give_back, lines=some, ready_us=ready_us, now_us=now_us))

    async def _run(self, place: Place, waiting: Waiting, call_id: str) -> None:
        line, job = waiting.line, waiting.job
        begun, refused = self._desk.clock.monotonic(), False
        key = (line.job, line.no)
        self._under_way[key] += 1
        try:
            try:
                settled = await self._walks.run(line, job, call_id, "flex" if waiting.way == "flex" else "")
                refused = waiting.way == "flex" and settled.status == REFUSED
            finally:
                took = self._ended(place, waiting, call_id, begun, refused)
            if waiting.way != "flex" and settled.status < 400:
                place.takes_s += SMOOTHING * (took - place.takes_s)
            now_us = self._desk.now_us
            if refused:
                await self._keep(_turned_away(waiting, call_id, settled, now_us))
            else:
                await self._keep(outcome(line, call_id, settled, now_us))
        except Exception as error:  # the line is tried again when it is seen that nobody has it in hand
            log.error("a line could not be run", extra={"call_id": call_id, "error": type(error).__name__})
        finally:
            self._under_way[key] -= 1
            if not self._under_way[key]:
                del self._under_way[key]
            self._lets_go([waiting])

    async def _keep(self, made: Outcome) -> None:
        """Write it, however long the store is in trouble: it is paid for. A gateway that stops leaves it to the journal."""
        pause = 0.5
        while True:
            try:
                await self._settler.keep([made])
                return
            except StoreError as error:
                log.warning(
                    "an answer waits for the store", extra={"call_id": made.call_id, "error": type(error).__name__}
                )
            await self._desk.clock.sleep(pause)
            pause = min(LONGEST_PAUSE_S, 2 * pause)

    def _ended(self, place: Place, waiting: Waiting, call_id: str, begun: float, refused: bool) -> float:
        now = self._desk.clock.monotonic()
        if waiting.way == "flex":
            place.flex.ended(call_id, refused)
        else:
            place.pace.ended(now - begun, now)
        self.bell.set()
        return now - begun


def _waits_alone(waiting: Waiting) -> bool:
    """Whether a line that may not go now must be put back: one that is in a batch, or on the cheap tier, stays there."""
    return not waiting.promoted and not waiting.again


def _turned_away(waiting: Waiting, call_id: str, settled: Settled, now_us: int) -> Outcome:
    """What came of a line that the cheap tier had no room for: it is no try, and it is dealt out anew later, or when it must go as
    an ordinary call."""
    wait_s = max(AGAIN_S, settled.again_s or 0.0)
    until_us = waiting.last_us or (now_us + waiting.line.deadline_us) // 2
    ready_us = max(now_us, min(now_us + int(wait_s * 1e6), until_us))
    return Outcome(waiting.line, call_id, "waiting", record=settled.record, ready_us=ready_us, tries=-1)


class _Nowhere:
    """The place of models that nobody serves."""

    in_flight = 0
    max_in_flight = 0

    def wait(self, tokens: float, now: float) -> float:
        return 0.0


NOWHERE = _Nowhere()
