"""Mistral's batch jobs: a file goes up, a job is made of it, two files come back.

A job carries its shard's id in its metadata; the list is looked through for it after a crash. Results are kept for a day
only. Knows nothing of the store.
"""

from collections.abc import AsyncGenerator, Collection, Iterable
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any

import msgspec

from farthing.model.batch import JobError, Shard
from farthing.model.clock import SYSTEM, Clock
from farthing.model.errors import UpstreamError
from farthing.upstream.batches import uploads
from farthing.upstream.batches.api import Created, Limits, Look, Maybe, Refused, Result, Unsure
from farthing.upstream.batches.asking import Asking, decoded, segment
from farthing.upstream.batches.body import why_not
from farthing.upstream.batches.limits import Learned
from farthing.upstream.batches.looking import LAG_S, Lookout
from farthing.upstream.batches.rows import quoted, result, written
from farthing.upstream.batches.states import States, shown
from farthing.upstream.providers import Provider

SHARD = "farthing_shard"
"""The name under which a job's metadata say whose it is."""
PATH = "/batch/jobs"
SKEW_S = 600
PAGE = 100
MOST_PAGES = 500
HOURS = 24
ENDPOINTS = {"openai.chat": "/v1/chat/completions", "openai.embeddings": "/v1/embeddings"}


class _Error(msgspec.Struct):
    message: str = ""
    count: int = 1


class _Job(msgspec.Struct):
    """What of a job is read; all may be missing but its id."""

    id: str
    status: str = ""
    input_files: list[str] = []
    metadata: dict[str, Any] | None = None
    output_file: str | None = None
    error_file: str | None = None
    errors: list[_Error] | None = None
    created_at: int = 0
    total_requests: int = 0
    completed_requests: int = 0


class _Page(msgspec.Struct):
    data: list[_Job] | None = None
    total: int = 0


class MistralBatchApi:
    """See `BatchApi`."""

    kind = "mistral"

    def __init__(self, provider: Provider, clock: Clock = SYSTEM, lag_s: float = LAG_S) -> None:
        self._wires = [wire for wire in provider.formats if wire in ENDPOINTS]
        self._asking = Asking(provider, provider.formats[0])
        self._clock = clock
        self._learned = Learned(self.kind, clock.monotonic)
        self._lookout = Lookout(clock.monotonic, lag_s)
        self._states = States(self.kind, provider.name)

    @property
    def limits(self) -> Limits:
        return self._learned.published

    def limits_for(self, model: str) -> Limits:
        return self._learned.of(model)

    def serves(self, wire: str, body: bytes) -> str:
        return why_not(wire, body, self._wires)

    def encode(self, lines: Iterable[tuple[str, bytes]], wire: str, model: str, name: str = "") -> bytes:
        rows = (written(b'{"custom_id":' + quoted(custom_id) + b',"body":', body) for custom_id, body in lines)
        return uploads.form(rows, name or "farthing")

    def cost_of(self, custom_id: str, body: bytes) -> int:
        return len(body) + len(custom_id) + 32

    async def create(self, shard: Shard, data: bytes) -> Created:
        if (made := self._lookout.made(shard.id)) is not None:
            return made
        self._lookout.begin(shard.id)
        try:
            file = await uploads.upload(self._asking, data, self._clock)
        except Refused as refused:
            self._learned.learn(refused.code, refused.message, shard, len(data))
            raise
        body = {
            "input_files": [file], "endpoint": ENDPOINTS[shard.wire], "model": shard.model, "timeout_hours": HOURS,
            "metadata": {SHARD: shard.id},
        }  # fmt: skip
        try:
            answer = await self._asking.create(PATH, msgspec.json.encode(body), file)
        except Refused as refused:
            self._learned.learn(refused.code, refused.message, shard, len(data))
            await self._drop(file)
            raise
        try:
            job = msgspec.json.decode(answer, type=_Job)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            raise Unsure("The provider's answer to the creation of a batch cannot be read.", file) from None
        return self._lookout.note(shard.id, _created(job))

    async def find(self, shard: Shard, known: Collection[str] = ()) -> Created | Maybe | None:
        if (made := self._lookout.made(shard.id)) is not None:
            return made
        since = datetime.fromtimestamp(shard.created_us // 1_000_000 - SKEW_S, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        seen = 0
        for page_no in range(MOST_PAGES):
            path = f"{PATH}?page={page_no}&page_size={PAGE}&created_after={since}"
            page = decoded(await self._asking.get(path), _Page)
            jobs = page.data or []
            for job in jobs:
                if _is_of(job, shard) and job.id not in known:
                    return self._lookout.note(shard.id, _created(job))
            seen += len(jobs)
            if not jobs or seen >= page.total:
                return self._lookout.missing(shard.id)
        return Maybe(LAG_S, "The provider's list of batches does not end.")

    async def look(self, shard: Shard) -> Look:
        job = decoded(await self._asking.get(f"{PATH}/{segment(shard.remote_id)}"), _Job)
        output, error = job.output_file or "", job.error_file or ""
        window_end_us = _window_end(job) or shard.window_end_us
        over = bool(window_end_us) and self._clock.now_us() > window_end_us
        errors = [JobError("", each.message) for each in job.errors or []]
        return Look(
            self._states.settled(job.status, over=over, has_results=bool(output or error)), shown(job.status), output,
            error, job.completed_requests, job.total_requests, errors, window_end_us,
            job.input_files[0] if job.input_files else "",
        )  # fmt: skip

    async def results(self, shard: Shard, look: Look) -> AsyncGenerator[Result, None]:
        files = look.output_file or shard.output_file, look.error_file or shard.error_file
        async with aclosing(uploads.lines(self._asking, *files)) as rows:
            async for row in rows:
                read = result(row)
                if read is not None:
                    yield read

    async def cancel(self, shard: Shard) -> None:
        try:
            await self._asking.post(f"{PATH}/{segment(shard.remote_id)}/cancel")
        except Refused as refused:
            if refused.status not in (400, 404, 409):
                raise

    async def forget(self, shard: Shard) -> None:
        await uploads.remove(self._asking, shard.remote_file, shard.output_file, shard.error_file)

    async def _drop(self, file: str) -> None:
        """An input that no job needs, if that is easily done."""
        try:
            await uploads.remove(self._asking, file)
        except UpstreamError:
            return


def _is_of(job: _Job, shard: Shard) -> bool:
    if shard.remote_file and shard.remote_file in job.input_files:
        return True
    return job.metadata is not None and job.metadata.get(SHARD) == shard.id


def _created(job: _Job) -> Created:
    return Created(job.id, job.input_files[0] if job.input_files else "", _window_end(job))


def _window_end(job: _Job) -> int:
    return (job.created_at + HOURS * 3600) * 1_000_000 if job.created_at else 0
