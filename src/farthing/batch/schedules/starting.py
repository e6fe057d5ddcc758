"""Starts what is due: the occurrence is taken, its file is read, or its query asked, and kept, and the job is added in one
transaction with the note that it was started. So each occurrence becomes one job, whichever gateway dies meanwhile.

What cannot be read, or has a mistake, is tried again each minute as long as the schedule's patience lasts: it may be
late, or still being written.
"""

import asyncio
import hashlib
import logging
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from farthing.batch import handing
from farthing.batch.desk import Desk
from farthing.batch.handing import Order, job_of
from farthing.batch.leasing import LEASE_S
from farthing.batch.prompts.requests import InputError, Source, TemplateError, pieces, source
from farthing.batch.schedules.querying import Patience, write_rows
from farthing.batch.schedules.schedule import Schedule
from farthing.model.batch import Job
from farthing.model.errors import BadRequest
from farthing.store.batch import files, schedules
from farthing.store.batch.schedules import Occurrence
from farthing.store.engine import Connection
from farthing.store.errors import Duplicate, RowRefused

log = logging.getLogger("farthing.batch")

AGAIN_S = 60.0
AT_ONCE = 4
"""Queries that one gateway asks at the same time."""
BREATH_S = 0.005
"""Between two pieces of a file, for the calls that are served meanwhile."""
MOST_ERROR = 500
"""Characters of what went wrong."""


class Starter:
    """See the module. `most`: requests of one file."""

    def __init__(self, desk: Desk, most: int, keep_s: float) -> None:
        self._desk = desk
        self._most = most
        self._keep_s = keep_s
        self._free = asyncio.Semaphore(AT_ONCE)
        self._threads = ThreadPoolExecutor(AT_ONCE, "query of a schedule")
        """Of their own: one that hangs takes none from others."""

    async def start(self, schedule: Schedule, due_us: int) -> bool:
        """Start the occurrence, unless somebody else does or did, or starts another one of the same schedule; whether a job
        came of it. Waits where `AT_ONCE` other queries are asked. Raises StoreError."""
        async with self._free if schedule.query else nullcontext():
            return await self._start(schedule, due_us)

    async def _start(self, schedule: Schedule, due_us: int) -> bool:
        desk = self._desk
        holder, now_us, until_us = desk.holder, desk.now_us, desk.until_us
        if not await desk.store.do(lambda c: schedules.claim(c, schedule.name, due_us, holder, now_us, until_us)):
            return False
        found = Occurrence(schedule.name, due_us)
        file_id = f"file-{uuid.uuid4().hex}"
        try:
            wire = await self._kept(schedule, found, file_id)
            started = await desk.store.do(lambda c: self._started(c, schedule, found, file_id, wire))
        except (InputError, TemplateError, OSError, BadRequest) as error:
            await desk.store.do(lambda c: files.delete(c, file_id))
            await self._put_off(schedule, found, _said(error))
            return False
        except _Lost:
            started = False
        if not started:
            await desk.store.do(lambda c: files.delete(c, file_id))
        return started

    async def _kept(self, schedule: Schedule, found: Occurrence, file_id: str) -> str:
        """What the schedule asks is in the store; its format."""
        with TemporaryDirectory(prefix="farthing-") as folder:
            path = await self._written(schedule, found, Path(folder)) if schedule.query else None
            return await self._read(schedule, found, file_id, path or schedule.path(schedule.file, found.due_us))

    async def _written(self, schedule: Schedule, found: Occurrence, folder: Path) -> Path:
        """A file with the rows of the schedule's query, which may take longer than the occurrence is held at once."""
        desk = self._desk
        path = folder / "rows.jsonl"
        query = schedule.filled(schedule.query, found.due_us)
        patience = Patience()
        asked = asyncio.get_running_loop().run_in_executor(
            self._threads, write_rows, schedule.database.reveal(), query, path, self._most + 1, patience
        )
        try:
            while not (await asyncio.wait({asked}, timeout=LEASE_S / 3))[0]:
                if not await desk.store.do(lambda c: schedules.hold(c, found, desk.holder, desk.until_us)):
                    raise _Lost
            await asked
        finally:
            patience.stop()  # else its thread would go on, and the end of the process wait for it
            asked.cancel()
        return path

    async def _read(self, schedule: Schedule, found: Occurrence, file_id: str, path: Path) -> str:
        """The requests of a file in the store; their format."""
        desk = self._desk
        template = schedule.path(schedule.template, found.due_us) if schedule.template else None
        read = await asyncio.to_thread(
            source, path, template=template, model=schedule.model, max_tokens=schedule.max_tokens, most=self._most
        )
        file = handing.a_file(file_id, schedule.tenant, path.name, desk.now_us)
        await desk.store.do(lambda c: files.create(c, file))
        data = _pieces(read)
        while piece := await asyncio.to_thread(next, data, b""):
            await desk.store.do(lambda c, piece=piece: self._append(c, found, file_id, piece))  # type: ignore[misc]
            await asyncio.sleep(BREATH_S)
        return read.wire

    def _append(self, connection: Connection, found: Occurrence, file_id: str, piece: bytes) -> None:
        desk = self._desk
        with connection.transaction():
            if not schedules.hold(connection, found, desk.holder, desk.until_us):
                raise _Lost
            try:
                files.append(connection, file_id, piece, wrapping=desk.wrapping)
            except RowRefused:
                raise _Lost from None

    def _started(
        self, connection: Connection, schedule: Schedule, found: Occurrence, file_id: str, wire: str
    ) -> bool:  # fmt: skip
        desk = self._desk
        order = Order(
            wire, schedule.deadline_s, schedule.name, schedule.priority, schedule.cap, schedule.headers
        )  # fmt: skip
        name = job_name(schedule.name, found.due_us)
        job: Job = job_of(order, name, "schedule", file_id, schedule.tenant, desk.now_us, self._keep_s)
        output = str(schedule.path(schedule.output, found.due_us)) if schedule.output else ""
        with suppress(Duplicate), connection.transaction():
            if schedules.started(connection, found, desk.holder, name, output, desk.now_us):
                files.finish(connection, file_id)
                handing.add(connection, job)
                return True
        return False

    async def _put_off(self, schedule: Schedule, found: Occurrence, error: str) -> None:
        """Try it again later, as long as there is patience."""
        desk = self._desk
        again_us = desk.now_us + int(AGAIN_S * 1e6)
        log.warning("a schedule cannot start", extra={"error": error, "schedule": schedule.name})
        if again_us > found.due_us + int(schedule.patience_s * 1e6):
            await desk.store.do(lambda c: schedules.end(c, found, "failed", desk.now_us, error))
        else:
            await desk.store.do(lambda c: schedules.put_off(c, found, desk.holder, again_us, error))


def job_name(name: str, due_us: int) -> str:
    """The job of an occurrence: always the same one, so that there can be no second."""
    digest = hashlib.blake2b(f"{due_us}:{name}".encode(), digest_size=16, person=b"farthing sched").hexdigest()
    return f"{handing.PREFIX}{digest}"


def _pieces(read: Source) -> Iterator[bytes]:
    return pieces(read.requests())


def _said(error: Exception) -> str:
    """For people; it names a place in a file, and nothing that is in it."""
    if isinstance(error, OSError):
        return f"{error.filename or 'a file'}: {error.strerror or type(error).__name__}"[:MOST_ERROR]
    return (error.message if isinstance(error, BadRequest) else str(error))[:MOST_ERROR]


class _Lost(Exception):
    """Another gateway took it over."""
