"""Takes the lines of a job out of its input file: all of them are checked, then all are handed in, or none is.

A part of the worker. What a gateway that died had handed in of a job is forgotten, and another one begins anew. Files are
read twice, a part at a time; what is held is one part, and what `checking` holds. Knows nothing of who hands files in.
"""

from collections.abc import Callable, Iterator

import msgspec

from farthing.batch.alike import Alike
from farthing.batch.checking import Check, JsonLines, Request, Shape
from farthing.batch.leasing import LEASE_S
from farthing.model.batch import Job, JobError, Line
from farthing.model.clock import SYSTEM, Clock
from farthing.model.errors import BadRequest
from farthing.model.principal import Key
from farthing.store import RowRefused, Store
from farthing.store.batch import files, jobs, lines
from farthing.store.engine import Connection
from farthing.store.errors import Duplicate
from farthing.store.sealing import Unreadable, Wrapping
from farthing.wire import FORMATS

CHUNK = 500
"""Lines of one transaction."""
IDLE_S = 5.0
"""Between two looks for jobs that another gateway took in."""
_GONE = JobError("empty_file", "The input file is gone, or can no longer be read.")


class Bounds(msgspec.Struct, frozen=True):
    """What a file may be."""

    requests: int
    line_bytes: int


class Intake:
    """See the module. `told` is called when lines have come in."""

    name = "intake"

    def __init__(
        self, store: Store, wrapping: Wrapping, alike: Alike, bounds: Bounds, holder: str, told: Callable[[], None],
        clock: Clock = SYSTEM,
    ) -> None:  # fmt: skip
        self._store = store
        self._wrapping = wrapping
        self._alike = alike
        self._bounds = bounds
        self._holder = holder
        self._told = told
        self._clock = clock

    async def turn(self) -> float:
        """Take one job in; seconds until the next look. Raises StoreError."""
        now_us, until_us = self._clock.now_us(), self._until_us()
        found = await self._store.do(lambda connection: jobs.unvalidated(connection, self._holder, now_us, until_us, 1))
        for job in found:
            await self.take_in(job)
        return 0.0 if found else IDLE_S

    async def close(self) -> None:
        """What it was in the middle of begins anew elsewhere."""

    async def take_in(self, job: Job) -> None:
        """Check the job's file and hand its lines in. It must be held. Raises StoreError."""
        key = await self._store.key(job.key_id) if job.key_id else None
        try:
            errors = await self._checked(job) or await self._handed_in(job, key)
        except _Unreadable:
            errors = [_GONE]
        except _Lost:
            return
        if errors:
            now_us = self._clock.now_us()
            await self._store.do(lambda connection: jobs.refused(connection, job.id, errors, now_us))
        self._told()

    async def _checked(self, job: Job) -> list[JobError]:
        """What is wrong with the file. One that came as a list of requests was checked while it arrived."""
        if job.origin == "anthropic":
            return []
        run = _Run(job, self._bounds)
        while not run.ended and not run.check.hopeless:
            await self._store.do(lambda connection: self._look(connection, run))
        return run.check.errors

    def _look(self, connection: Connection, run: "_Run") -> None:
        self._hold(connection, run)
        for _ in run.requests(self._part(connection, run)):
            pass

    async def _handed_in(self, job: Job, key: Key | None) -> list[JobError]:
        """Hand the lines in. What is wrong after all."""
        run = _Run(job, self._bounds)
        while not run.ended:
            await self._store.do(lambda connection: self._add(connection, run, key))
        if not run.check.errors:
            await self._store.do(lambda connection: self._open(connection, run))
        return run.check.errors

    def _add(self, connection: Connection, run: "_Run", key: Key | None) -> None:
        """The lines of the next part. Raises _Lost if the job is no longer ours."""
        found = [self._line(run, request, key) for request in run.requests(self._part(connection, run))]
        for start in range(0, len(found), CHUNK):
            with connection.transaction():
                self._hold(connection, run)
                try:
                    lines.add(connection, found[start : start + CHUNK], wrapping=self._wrapping)
                except (RowRefused, Duplicate):
                    raise _Lost from None

    def _line(self, run: "_Run", request: Request, key: Key | None) -> Line:
        job, digest = run.job, b""
        if request.refusal is not None:
            run.refuse(request)
        elif request.ask is not None:
            digest = self._alike.digest(job.wire, request.body, request.ask, run.headers, key, job.tenant)
        return line_of(job, request.no, request.custom_id, request.model, request.body, digest)

    def _open(self, connection: Connection, run: "_Run") -> None:
        """From now on the lines may be taken; those that cannot be run have ended with this."""
        now_us = self._clock.now_us()
        with connection.transaction():
            self._hold(connection, run)
            jobs.validated(connection, run.job.id, run.check.total, now_us)
            ended = [
                lines.Ended(run.job.id, no, "", "failed", BadRequest.status, answer, 0, 0)
                for answer, numbers in run.refused.items()
                for no in numbers
            ]
            for start in range(0, len(ended), CHUNK):
                lines.settle(connection, ended[start : start + CHUNK], now_us, wrapping=self._wrapping)
            if run.job.origin == "anthropic":
                files.delete(connection, run.job.input_file)  # nobody can ask for it, and the lines have all of it

    def _hold(self, connection: Connection, run: "_Run") -> None:
        if not jobs.hold(connection, run.job.id, self._holder, self._until_us()):
            raise _Lost

    def _part(self, connection: Connection, run: "_Run") -> bytes | None:
        try:
            found = files.part(connection, run.job.input_file, run.part, wrapping=self._wrapping)
        except Unreadable:
            raise _Unreadable from None
        if found is None and not run.part:
            file = files.info(connection, run.job.input_file)
            if file is None or file.bytes:
                raise _Unreadable
        run.part += 1
        return found

    def _until_us(self) -> int:
        return self._clock.now_us() + int(LEASE_S * 1e6)


class _Run:
    """One reading of a job's file."""

    def __init__(self, job: Job, bounds: Bounds) -> None:
        self.job = job
        self.headers = {
            name.encode("latin-1"): value.encode("latin-1", "replace") for name, value in job.headers.items()
        }
        self.part = 0
        self.ended = False
        self.refused: dict[bytes, list[int]] = {}
        """Numbers of requests that cannot be run, by the answer that they get."""
        self._format = FORMATS[job.wire]
        shape: Shape = "anthropic" if job.origin == "anthropic" else "openai"
        self.check = Check(shape, self._format, most_requests=bounds.requests, most_bytes=bounds.line_bytes)
        self._lines = JsonLines(bounds.line_bytes)

    def requests(self, piece: bytes | None) -> Iterator[Request]:
        """Those whose lines end in this piece; None ends the file."""
        for text in self._lines.feed(piece) if piece is not None else self._lines.end():
            request = self.check.look(text)
            if request is not None:
                yield request
        if piece is None:
            self.check.ended()
            self.ended = True

    def refuse(self, request: Request) -> None:
        assert request.refusal is not None
        answer = self._format.error(request.refusal, self.job.id)
        self.refused.setdefault(answer, []).append(request.no)


class _Lost(Exception):
    """The job was cancelled, or somebody else has it by now."""


class _Unreadable(Exception):
    """The file is gone, or sealed with a key that is not at hand."""


def line_of(job: Job, no: int, custom_id: str, model: str, body: bytes, digest: bytes = b"") -> Line:
    """A line of a job, as it is handed in."""
    return Line(
        job.id, no, custom_id, job.tenant, model, job.deadline_us, len(body), priority=job.priority, digest=digest, body=body
    )  # fmt: skip
