"""Writes the results of a schedule's job into its file, when the job has ended.

A file is there when it is whole: it is written under another name beside it first, so that it does not matter who dies
meanwhile and who writes it again.
"""

import asyncio
import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from farthing.batch import handing
from farthing.batch.desk import Desk
from farthing.batch.outcomes import Outcome, outcomes
from farthing.batch.written import Writer, kind_of
from farthing.model.batch import Job
from farthing.store.batch import jobs, schedules
from farthing.store.batch.schedules import Occurrence
from farthing.store.engine import Connection

log = logging.getLogger("farthing.batch")

AGAIN_S = 300.0


class ResultWriter:
    """See the module. `drops`: what was written is kept no longer in the store."""

    def __init__(self, desk: Desk, names: Sequence[str], *, drops: bool) -> None:
        self._desk = desk
        self._names = names
        self._drops = drops

    async def write_one(self) -> bool:
        """Write the results of one job that has ended; whether there was any. Raises StoreError."""
        desk = self._desk
        found = await desk.store.do(
            lambda c: schedules.to_write(c, self._names, desk.holder, desk.now_us, desk.until_us)
        )
        if found is None:
            return False
        job = await desk.store.do(lambda c: jobs.get(c, found.job))
        if job is None or job.dropped or job.state == "failed":
            why = job.errors[0].message if job is not None and job.errors else "its results are gone"
            await desk.store.do(lambda c: schedules.end(c, found, "failed", desk.now_us, why))
            return True
        try:
            if await self._write(found, job):
                await desk.store.do(lambda c: self._done(c, found, job))
        except OSError as error:
            says = f"{found.output}: {error.strerror or type(error).__name__}"
            log.warning("results of a schedule cannot be written", extra={"error": says, "schedule": found.name})
            again_us = desk.now_us + int(AGAIN_S * 1e6)
            await desk.store.do(lambda c: schedules.put_off(c, found, desk.holder, again_us, says))
        return True

    def _done(self, connection: Connection, found: Occurrence, job: Job) -> None:
        with connection.transaction():
            schedules.end(connection, found, "written", self._desk.now_us)
            if self._drops:
                handing.delivered(connection, job)

    async def _write(self, found: Occurrence, job: Job) -> bool:
        """False where it is somebody else's by now. Raises OSError."""
        desk, output = self._desk, Path(found.output)
        part = output.with_name(f".{output.name}.{desk.holder}")
        writer = Writer(kind_of(output.name), [])
        await asyncio.to_thread(output.parent.mkdir, parents=True, exist_ok=True)
        with part.open("wb") as file:
            async for some in outcomes(desk.store, desk.wrapping, job):
                await asyncio.to_thread(_put, file, writer, some)
                if not await desk.store.do(lambda c: schedules.hold(c, found, desk.holder, desk.until_us)):
                    part.unlink(missing_ok=True)
                    return False
            file.flush()
            await asyncio.to_thread(os.fsync, file.fileno())
        os.replace(part, output)
        return True


def _put(file: IO[bytes], writer: Writer, some: Sequence[Outcome]) -> None:
    for each in some:
        file.write(writer.line(each).encode("utf-8", "replace"))
