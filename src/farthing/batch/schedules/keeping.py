"""Keeps schedules: looks when each is due, has it started, and has results written. Every gateway does; the store knows who was
first.

What is due is started in a task of its own, and results are written in another, so that a query that takes its time holds up
nothing else; a schedule is started once at a time. What was due while no gateway ran is started once when one does, if the
schedule's patience lasts so long; else it is noted as missed. What was begun is tried as long, also when it is due anew meanwhile. What was due before a schedule was known, or changed, is nobody's loss.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from functools import partial

from farthing.batch.desk import Desk
from farthing.batch.schedules.schedule import Schedule
from farthing.batch.schedules.starting import Starter
from farthing.batch.schedules.writing import ResultWriter
from farthing.store.batch import schedules
from farthing.store.batch.schedules import Occurrence
from farthing.store.engine import Connection

log = logging.getLogger("farthing.batch")

LOOK_S = 30.0
"""Between two looks, at most."""
FAILED_S = 5.0
LATE_S = 60.0
"""From which on it is said that something is started late."""
_RESULTS = ""


class Keeper:
    """See the module. `told` is called when a job has come of one."""

    def __init__(
        self, desk: Desk, known: Sequence[Schedule], starter: Starter, writer: ResultWriter, told: Callable[[], None],
        look_s: float = LOOK_S,
    ) -> None:  # fmt: skip
        self._desk = desk
        self._known = known
        self._starter = starter
        self._writer = writer
        self._told = told
        self._look_s = look_s
        self._task: asyncio.Task[None] | None = None
        self._under_way: dict[str, asyncio.Task[None]] = {}
        """By the schedule's name; results have none."""

    def start(self) -> None:
        self._task = asyncio.create_task(self._live())

    async def close(self) -> None:
        """What it was in the middle of is begun anew by whoever comes next."""
        tasks = [*([self._task] if self._task is not None else []), *self._under_way.values()]
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task

    async def settle(self) -> None:
        """Wait for what is under way."""
        await asyncio.gather(*self._under_way.values())

    async def turn(self) -> float:
        """See to it that what is due is started and what has ended is written; seconds until the next look. Raises StoreError."""
        for schedule in self._known:
            if schedule.name not in self._under_way:
                due = await self._due(schedule)
                if due:
                    self._begin(schedule.name, partial(self._start, schedule, due))
        if _RESULTS not in self._under_way:
            self._begin(_RESULTS, self._write)
        now_us = self._desk.now_us
        ahead = [schedule.times.next(now_us) for schedule in self._known]
        soonest = min((each for each in ahead if each), default=now_us + int(self._look_s * 1e6))
        return max(0.05, min(self._look_s, (soonest - now_us) / 1e6))

    def _begin(self, name: str, work: Callable[[], Coroutine[None, None, None]]) -> None:
        task = self._under_way[name] = asyncio.create_task(self._safely(work), name=f"schedule {name}")
        task.add_done_callback(lambda _: self._under_way.pop(name))

    async def _safely(self, work: Callable[[], Coroutine[None, None, None]]) -> None:
        try:
            await work()
        except Exception as error:  # the store is in trouble; it is asked again
            log.warning("schedules cannot be kept", extra={"error": type(error).__name__})

    async def _due(self, schedule: Schedule) -> list[int]:
        """The moments at which something was due that is not started, the oldest first."""
        now_us = self._desk.now_us

        def look(connection: Connection) -> list[int]:
            since_us = schedules.known_since(connection, schedule.name, schedule.spec, now_us)
            begun, latest = schedules.begun(connection, schedule.name), schedule.times.latest(since_us, now_us)
            is_new = latest and schedules.get(connection, schedule.name, latest) is None
            return [*begun, latest] if is_new else begun

        return await self._desk.store.do(look)

    async def _start(self, schedule: Schedule, due: Sequence[int]) -> None:
        for due_us in due:
            await self._start_one(schedule, due_us)

    async def _write(self) -> None:
        while await self._writer.write_one():
            pass

    async def _start_one(self, schedule: Schedule, due_us: int) -> None:
        desk, now_us = self._desk, self._desk.now_us
        late_us = now_us - due_us
        if late_us > schedule.patience_s * 1e6:
            await desk.store.do(lambda c: _missed(c, schedule, due_us, desk.holder, now_us))
        elif await self._starter.start(schedule, due_us):
            late = late_us > LATE_S * 1e6
            says = "a schedule was started late" if late else "a schedule was started"
            log.info(says, extra={"schedule": schedule.name})
            self._told()

    async def _live(self) -> None:
        while True:
            try:
                pause = await self.turn()
            except Exception as error:  # the store is in trouble; it is asked again
                log.warning("schedules cannot be kept", extra={"error": type(error).__name__})
                pause = FAILED_S
            await asyncio.sleep(pause)


def _missed(connection: Connection, schedule: Schedule, due_us: int, holder: str, now_us: int) -> None:
    with connection.transaction():
        found = schedules.get(connection, schedule.name, due_us)
        if not schedules.claim(connection, schedule.name, due_us, holder, now_us, now_us):
            return
        error = found.error if found is not None and found.error else "no gateway ran"
        state: schedules.State = "failed" if found is not None and found.error else "missed"
        schedules.end(connection, Occurrence(schedule.name, due_us), state, now_us, error)
        log.warning("a schedule was missed", extra={"schedule": schedule.name, "error": error})
