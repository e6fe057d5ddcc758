"""Works the queue: its parts take turns beside the gateway's calls, each in a task of its own.

A part does one bounded piece of work at a turn and says when it wants the next. What one of them cannot do now, it does
later, and the others go on meanwhile. No part runs before the store has work for them: a gateway that nobody hands a job
to looks into the store now and then, and that is all. Knows nothing of lines, shards and providers.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Protocol

log = logging.getLogger("farthing.batch")

LONGEST_PAUSE_S = 30.0
"""Between two turns of a part that fails again and again."""
IDLE_S = 3.0
"""Between two looks for work that another gateway took in, while there has never been any."""


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


class Worker:
    """See the module. `open_work` says whether there is any job that has not ended."""

    def __init__(self, open_work: Callable[[], Awaitable[bool]], *, idle_s: float = IDLE_S) -> None:
        self._open_work = open_work
        self._make: Callable[[], Sequence[Part]] = tuple
        self._idle_s = idle_s
        self._parts: Sequence[Part] = ()
        self._bells: list[asyncio.Event] = []
        self._woken = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def start(self, make: Callable[[], Sequence[Part]]) -> None:
        """`make` makes the parts when they are first needed, in the order in which they are to be closed."""
        self._make = make
        self._tasks.append(asyncio.create_task(self._begin()))

    def wake(self) -> None:
        """There is something new to do: every part has a look now."""
        self._woken.set()
        for bell in self._bells:
            bell.set()

    async def close(self) -> None:
        """End all parts; what they were in the middle of is found again by whoever works the queue next."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        for part in self._parts:
            with suppress(Exception):
                await part.close()

    async def _begin(self) -> None:
        while not await self._has_work():
            await _heard(self._woken, self._idle_s)
        self._parts = self._make()
        for part in self._parts:
            bell = asyncio.Event()
            self._bells.append(bell)
            self._tasks.append(asyncio.create_task(self._live(part, bell)))

    async def _has_work(self) -> bool:
        try:
            return await self._open_work()
        except Exception as error:  # the store is in trouble; it is asked again
            log.warning("the queue cannot be looked at", extra={"error": type(error).__name__})
            return False

    async def _live(self, part: Part, bell: asyncio.Event) -> None:
        failures = 0
        while True:
            try:
                pause = await part.turn()
                failures = 0
            except Exception as error:
                failures += 1
                pause = min(LONGEST_PAUSE_S, 0.25 * 2.0 ** min(failures, 10))
                _tell(part.name, error, failures)
            await _heard(bell, pause)


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
