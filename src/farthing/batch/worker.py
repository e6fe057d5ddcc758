"""Works the queue: its parts take turns beside the gateway's calls, each in a task of its own.

A part does one bounded piece of work at a turn and says when it wants the next. What one of them cannot do now, it does
later, and the others go on meanwhile. No part runs before the store has work for them: a gateway that nobody hands a job
to looks into the store now and then, and that is all. A worker that is driven has no tasks: whoever moves its clock has the
parts take their turns. Knows nothing of lines, shards and providers.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Protocol, runtime_checkable

log = logging.getLogger("farthing.batch")

LONGEST_PAUSE_S = 30.0
"""Between two turns of a part that fails again and again."""
IDLE_S = 3.0
"""Between two looks for work that another gateway took in, while there has never been any."""
ROUNDS = 100
"""Turns that a part has at most at one moment of a clock that stands still meanwhile."""


class Part(Protocol):
    """Something that the worker does."""

    @property
    def name(self) -> str:
        """For logs."""

    async def turn(self) -> float:
        """Do a piece of work; seconds until the next. Whatever it raises is logged by its kind alone, and it is asked
        again."""

    async def close(self) -> None:
        """End what is under way. What that leaves undone the store knows."""


@runtime_checkable
class Sending(Protocol):
    """A part whose work goes on beside its turns."""

    bell: asyncio.Event
    """Rung when it wants a turn before its time."""

    async def settle(self) -> None:
        """Wait for what is under way."""


class Worker:
    """See the module. `open_work` says whether there is any job that has not ended."""

    def __init__(self, open_work: Callable[[], Awaitable[bool]], *, idle_s: float = IDLE_S) -> None:
        self._open_work = open_work
        self._make: Callable[[], Sequence[Part]] = tuple
        self._idle_s = idle_s
        self._seats: list[_Seat] = []
        self._woken = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._seconds: Callable[[], float] | None = None

    def start(self, make: Callable[[], Sequence[Part]]) -> None:
        """`make` makes the parts when they are first needed, in the order in which they are to be closed."""
        self._make = make
        self._tasks.append(asyncio.create_task(self._begin()))

    def drive(self, make: Callable[[], Sequence[Part]], seconds: Callable[[], float]) -> None:
        """The same, but nothing is done by itself: whoever moves the clock calls `tick`."""
        self._make, self._seconds = make, seconds

    def wake(self) -> None:
        """There is something new to do: every part has a look now."""
        self._woken.set()
        for seat in self._seats:
            seat.bell.set()

    async def tick(self) -> bool:
        """Have every part whose time has come take its turns, one after another, until none wants another at this moment.
        False where there is no job that has not ended."""
        seconds = self._seconds
        if seconds is None or not await self._has_work():
            return False
        if not self._seats:
            self._seats = [_Seat(part) for part in self._make()]
        for _ in range(ROUNDS):
            due = [seat for seat in self._seats if seat.bell.is_set() or seat.next_s <= seconds()]
            if not due:
                break
            for seat in due:
                seat.bell.clear()
                seat.next_s = await seat.turn() + seconds()
                if isinstance(seat.part, Sending):
                    await seat.part.settle()
        return True

    async def close(self) -> None:
        """End all parts; what they were in the middle of is found again by whoever works the queue next."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        for seat in self._seats:
            with suppress(Exception):
                await seat.part.close()

    async def _begin(self) -> None:
        while not await self._has_work():
            await _heard(self._woken, self._idle_s)
        self._seats = [_Seat(part) for part in self._make()]
        self._tasks += [asyncio.create_task(seat.live()) for seat in self._seats]

    async def _has_work(self) -> bool:
        try:
            return await self._open_work()
        except Exception as error:  # the store is in trouble; it is asked again
            log.warning("the queue cannot be looked at", extra={"error": type(error).__name__})
            return False


class _Seat:
    """A part, with when it has its next turn."""

    def __init__(self, part: Part) -> None:
        self.part = part
        self.bell = part.bell if isinstance(part, Sending) else asyncio.Event()
        self.next_s = 0.0
        self._failures = 0

    async def turn(self) -> float:
        """Seconds until the next one."""
        try:
            pause = await self.part.turn()
            self._failures = 0
        except Exception as error:
            self._failures += 1
            pause = min(LONGEST_PAUSE_S, 0.25 * 2.0 ** min(self._failures, 10))
            _tell(self.part.name, error, self._failures)
        return pause

    async def live(self) -> None:
        """One turn after the other, for ever."""
        while True:
            await _heard(self.bell, await self.turn())


def _tell(part: str, error: Exception, failures: int) -> None:
    """By its kind and place alone: its text may hold what a client sent."""
    if failures & (failures - 1) == 0:  # the 1st, 2nd, 4th, 8th ... in a row
        log.warning(
            "a part of the queue's worker failed",
            extra={"part": part, "error": type(error).__name__, "count": failures},
        )


async def _heard(bell: asyncio.Event, pause_s: float) -> None:
    """Wait for the bell, but no longer than that."""
    if pause_s <= 0:
        await asyncio.sleep(0)
        return
    with suppress(TimeoutError):
        await asyncio.wait_for(bell.wait(), pause_s)
    bell.clear()
