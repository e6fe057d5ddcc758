"""Keeps schedules: looks when each is due, has it started, and has results written. Every gateway does; the store knows who was
first.

What was due while no gateway ran is started once when one does, if the schedule's patience lasts so long; else it is noted as
missed. What was due before a schedule was known, or changed, is nobody's loss.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress

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

    def start(self) -> None:
        self._task = asyncio.create_task(self._live())

    async def close(self) -> None:
        """What it was in the middle of is begun anew by whoever comes next."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def turn(self) -> float:
        """Start what is due, write what has ended; seconds until the next look. Raises StoreError."""
        for schedule in self._known:
            await self._look(schedule)
        while await self._writer.write_one():
            pass
        now_us = self._desk.now_us
        ahead = [schedule.times.next(now_us) for schedule in self._known]
        soonest = min((each for each in ahead if each), default=now_us + int(self._look_s * 1e6))
        return max(0.05, min(self._look_s, (soonest - now_us) / 1e6))

    async def _look(self, schedule: Schedule) -> None:
        desk, now_us = self._desk, self._desk.now_us
        since_us = await desk.store.do(lambda c: schedules.known_since(c, schedule.name, schedule.spec, now_us))
        due_us = schedule.times.latest(since_us, now_us)
        if not due_us:
            return
        found = await desk.store.do(lambda c: schedules.get(c, schedule.name, due_us))
        if found is not None and found.state != "due":
            return
        late_us = now_us - due_us
        if late_us > schedule.patience_s * 1e6:
            await desk.store.do(lambda c: _missed(c, schedule, due_us, desk.holder, now_us))
        elif await self._starter.start(schedule, due_us):
            late = late_us > LATE_S * 1e6
            says = "a schedule was started late: it was due while no gateway ran" if late else "a schedule was started"
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
