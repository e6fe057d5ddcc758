"""Lines that go alone: on the cheap tier, as ordinary calls, or at our own servers; as many at once as each place takes
beside the calls of people.

A line's call id is in the store before the line is sent, so that after a crash the ledger and the queue tell of the same
call; what came of lines that end at about the same time is written in one transaction. Knows nothing of batches.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

from farthing.batch.capping import within_cap
from farthing.batch.desk import Desk
from farthing.batch.pacing import Occupied, Pace
from farthing.batch.settling import Outcome, Settler, outcome
from farthing.batch.walks import Settled, Walks
from farthing.model.batch import Job, Line, Way
from farthing.model.money import Nano
from farthing.store.batch import lines
from farthing.store.engine import Connection
from farthing.store.errors import StoreError

log = logging.getLogger("farthing.batch")

BEGIN_AT_ONCE = 32
"""Lines whose call ids are written in one transaction; a kill makes so many of them wait again at most, sent or not."""
CAPPED_S = 5.0
"""How long a line waits that its job's cap has room for only if others cost less than they can."""
RESTS_S = 1.0
"""How long a place rests where the day's cap has no room for its next line."""
FULL_S = 0.02
"""Between two looks for room while a place is full, if no line of ours ends there before."""
GRACE_S = 5.0
LONGEST_PAUSE_S = 15.0
USUAL_S = 10.0
"""What a call takes of which nothing is known."""
SMOOTHING = 0.1
LONGEST = 6.0
"""How many times longer than the usual call nearly none takes."""


class Waiting(NamedTuple):
    """A line that this gateway holds."""

    line: Line
    job: Job
    way: Way
    worst: Nano = 0
    """What it can cost at most; known where its job has a cap, or the day."""


class Place:
    """Lines for one place, those that must go first at the front."""

    def __init__(self, pace: Pace) -> None:
        self.pace = pace
        self.queue: deque[Waiting] = deque()
        self.urgent: deque[Waiting] = deque()
        self.rests_until = 0.0
        self.refused = 0.0
        """Share of tries on the cheap tier that were refused lately."""
        self.takes_s = USUAL_S

    def next(self, now: float) -> Waiting | None:
        if self.urgent:
            return self.urgent.popleft()
        return self.queue.popleft() if self.queue and self.rests_until <= now else None

    @property
    def waiting(self) -> int:
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
        place_of: Callable[[str], tuple[str, Occupied, bool] | None], *, at_once: int,
        allows: Callable[[Nano], bool] = lambda worst: True,
    ) -> None:  # fmt: skip
        """`allows` says whether so much may be spent now (and notes it), as nano-dollars at worst."""
        self._desk = desk
        self._walks = walks
        self._settler = settler
        self._place_of = place_of
        self._at_once = at_once
        self._allows = allows
        self._places: dict[str, Place] = {}
        self._running: set[asyncio.Task[None]] = set()
        self._held: set[tuple[str, int]] = set()
        self._worst: dict[str, Nano] = {}
        """Of jobs with a cap, what their lines under way can cost."""
        self._moved = asyncio.Event()

    def place(self, model: str) -> Place:
        """Where lines of a model go. Places are few: they are those of the settings."""
        found = self._place_of(model)
        name, state, own = found if found is not None else ("", NOWHERE, False)
        place = self._places.get(name)
        if place is None:
            place = self._places[name] = Place(Pace(state, self._at_once, climbs=own))
        return place

    def wants(self, model: str) -> int:
        """How many lines more may be handed in for a model: enough to keep its place busy, and no more, so that what was
        decided is not old when its turn comes."""
        place = self.place(model)
        return max(0, place.pace.limit * 4 - place.waiting)

    def hand_in(self, waiting: Sequence[Waiting], *, urgent: bool = False) -> None:
        """Run these lines, which this gateway holds."""
        for each in waiting:
            place = self.place(each.line.model)
            self._held.add((each.line.job, each.line.no))
            (place.urgent if urgent else place.queue).append(each)
        self._moved.set()

    def in_hand(self) -> set[tuple[str, int]]:
        """The lines that wait here for a slot, or are under way."""
        return set(self._held)

    def has(self, line: Line) -> bool:
        """Whether it is one of these."""
        return (line.job, line.no) in self._held

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
        """Send as many as there is room for, then wait until something moves."""
        self._moved.clear()
        full = False
        for place in self._places.values():
            batch = self._take(place)
            full = full or bool(place.waiting)
            if batch:
                await self._begin(place, batch)
        try:
            async with asyncio.timeout(FULL_S if full else 1.0):
                await self._moved.wait()
        except TimeoutError:
            pass
        await asyncio.sleep(0)  # calls that waited for the slot that has become free go first
        return 0.0

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
        while len(batch) < room and (each := place.next(now)) is not None:
            batch.append(each)
        if len(batch) < room:
            place.pace.starved()
        return batch

    async def _begin(self, place: Place, batch: list[Waiting]) -> None:
        """Note what is sent, then send it. A line that has ended meanwhile, or is somebody else's, is not."""
        desk = self._desk
        if any(each.job.cap for each in batch):
            batch = await self._within_caps(batch)
        batch = await self._within_the_day(place, batch)
        calls = [desk.new_id() for _ in batch]
        now_us, until_us = desk.now_us, desk.until_us

        def begin(connection: Connection) -> list[bool]:
            with connection.transaction():
                return [
                    lines.begin(
                        connection, each.line, way=each.way, call_id=call, now_us=now_us, holder=desk.holder,
                        until_us=until_us,
                    )
                    for each, call in zip(batch, calls, strict=True)
                ]  # fmt: skip

        try:
            begun = await desk.store.do(begin)
        except Exception:
            self._held.difference_update((each.line.job, each.line.no) for each in batch)
            raise
        for each, call, may in zip(batch, calls, begun, strict=True):
            if not may:
                self._held.discard((each.line.job, each.line.no))
            else:
                if each.job.cap:
                    self._worst[each.job.id] = self._worst.get(each.job.id, 0) + each.worst
                place.pace.began(desk.clock.monotonic())
                task = asyncio.create_task(self._run(place, each, call))
                self._running.add(task)
                task.add_done_callback(self._running.discard)

    async def _within_caps(self, batch: list[Waiting]) -> list[Waiting]:
        """Those that their job's cap has room for; the others wait, or have failed."""
        out: set[tuple[str, int]] = set()
        for job in {each.job.id for each in batch if each.job.cap}:
            wanted = [(each.line, each.worst) for each in batch if each.job.id == job]
            found = await within_cap(self._desk, job, wanted, self._worst.get(job, 0))
            if found.failed:
                await self._settler.keep(found.failed)
            if found.wait:
                now_us = self._desk.now_us
                ready_us = now_us + int(CAPPED_S * 1e6)
                await self._desk.store.do(lambda c, back=found.wait, at=ready_us: lines.give_back(c, back, at, now_us))  # type: ignore[misc]  # noqa: B023
            out.update((line.job, line.no) for line in (*found.wait, *(each.line for each in found.failed)))
        self._held -= out
        return [each for each in batch if (each.line.job, each.line.no) not in out]

    async def _within_the_day(self, place: Place, batch: list[Waiting]) -> list[Waiting]:
        """Those that may be spent on today; the others wait in front, and the place rests. What is promoted goes all the same:
        its place in the day's sum is that of its batch."""
        going, wait = list[Waiting](), list[Waiting]()
        for each in batch:
            (going if not each.worst or self._allows(each.worst) else wait).append(each)
        if wait:
            now_us = self._desk.now_us
            place.rests_until = self._desk.clock.monotonic() + RESTS_S
            over = [each.line for each in wait if each.line.deadline_us <= now_us]
            place.queue.extendleft(reversed([each for each in wait if each.line.deadline_us > now_us]))
            if over:
                await self._desk.store.do(lambda c: lines.give_back(c, over, now_us, now_us))
                self._held.difference_update((line.job, line.no) for line in over)
        return going

    async def _run(self, place: Place, waiting: Waiting, call_id: str) -> None:
        line, job, way, worst = waiting
        begun = self._desk.clock.monotonic()
        try:
            try:
                settled = await self._walks.run(line, job, call_id, "flex" if way == "flex" else "")
            finally:
                took = self._ended(place, begun)
            self._learn(place, way, settled, took)
            await self._keep(outcome(line, call_id, settled, self._desk.now_us))
        except Exception as error:  # the line is tried again when it is seen that nobody has it in hand
            log.error("a line could not be run", extra={"call_id": call_id, "error": type(error).__name__})
        finally:
            self._held.discard((line.job, line.no))
            if job.cap:
                self._worst[job.id] -= worst

    def _learn(self, place: Place, way: Way, settled: Settled, took_s: float) -> None:
        if way == "flex":
            place.refused += SMOOTHING * ((settled.status == 429) - place.refused)
        elif settled.status < 400:
            place.takes_s += SMOOTHING * (took_s - place.takes_s)

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

    def _ended(self, place: Place, begun: float) -> float:
        now = self._desk.clock.monotonic()
        place.pace.ended(now - begun, now)
        self._moved.set()
        return now - begun


class _Nowhere:
    """The place of models that nobody serves."""

    in_flight = 0
    max_in_flight = 0

    def wait(self, tokens: float, now: float) -> float:
        return 0.0


NOWHERE = _Nowhere()
