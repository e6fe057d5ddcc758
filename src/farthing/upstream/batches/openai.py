"""The batch API of OpenAI, and of Azure OpenAI and Groq, who have the same: a file goes up, a batch is made of it, two
files come back.

A batch carries its shard's id in its metadata, and its input file is no other's: by either it is found after a crash.
Knows nothing of the store.
"""

from collections.abc import AsyncGenerator, Collection, Iterable
from contextlib import aclosing
from typing import Any

import msgspec

from farthing.model.batch import JobError, Shard
from farthing.model.clock import SYSTEM, Clock
from farthing.model.errors import UpstreamError
from farthing.upstream.batches import uploads
from farthing.upstream.batches.api import Created, Limits, Look, Maybe, Refused, Result, Unsure
from farthing.upstream.batches.asking import Asking, code_of, decoded, segment
from farthing.upstream.batches.body import why_not
from farthing.upstream.batches.limits import Learned
from farthing.upstream.batches.looking import LAG_S, Lookout
from farthing.upstream.batches.rows import quoted, result, written
from farthing.upstream.batches.states import States, shown
from farthing.upstream.providers import Provider

SHARD = "farthing_shard"
"""The name under which a batch's metadata say whose it is."""
SKEW_S = 600
"""Seconds by which the provider's clock may differ from ours."""
PAGE = 100
MOST_PAGES = 500
WINDOW = "24h"

ENDPOINTS: dict[str, dict[str, str]] = {
    "openai": {
        "openai.chat": "/v1/chat/completions", "openai.responses": "/v1/responses", "openai.embeddings": "/v1/embeddings"
    },
    "azure": {"openai.chat": "/chat/completions", "openai.responses": "/responses", "openai.embeddings": "/embeddings"},
    "groq": {"openai.chat": "/v1/chat/completions"},
}  # fmt: skip
"""Kind of provider -> wire -> how lines and batches name it there."""


class _Counts(msgspec.Struct):
    total: int = 0
    completed: int = 0
    failed: int = 0


class _Error(msgspec.Struct):
    code: str | None = None
    message: str | None = None
    line: int | None = None
    param: str | None = None


class _Errors(msgspec.Struct):
    data: list[_Error] | None = None


class _Batch(msgspec.Struct):
    """What of a batch is read; all may be missing but its id."""

    id: str
    status: str = ""
    input_file_id: str | None = None
    output_file_id: str | None = None
    error_file_id: str | None = None
    created_at: int = 0
    expires_at: int | None = None
    request_counts: _Counts | None = None
    errors: _Errors | None = None
    metadata: dict[str, Any] | None = None


class _Page(msgspec.Struct):
    data: list[_Batch] = []
    has_more: bool = False


class OpenAIBatchApi:
    """See `BatchApi`."""

    def __init__(self, provider: Provider, kind: str, clock: Clock = SYSTEM, lag_s: float = LAG_S) -> None:
        """`kind`: openai, azure or groq."""
        self.kind = kind
        self._endpoints = ENDPOINTS[kind]
        self._wires = [wire for wire in provider.formats if wire in self._endpoints]
        self._asking = Asking(provider, provider.formats[0])
        self._clock = clock
        self._learned = Learned(kind, clock.monotonic)
        self._lookout = Lookout(clock.monotonic, lag_s)
        self._states = States(kind, provider.name)

    @property
    def limits(self) -> Limits:
        return self._learned.published

    def limits_for(self, model: str) -> Limits:
        return self._learned.of(model)

    def serves(self, wire: str, body: bytes) -> str:
        return why_not(wire, body, self._wires)

    def encode(self, lines: Iterable[tuple[str, bytes]], wire: str, model: str, name: str = "") -> bytes:
        middle = b',"method":"POST","url":"%b","body":' % self._endpoints[wire].encode()
        written_lines = (written(b'{"custom_id":' + quoted(custom_id) + middle, body) for custom_id, body in lines)
        return uploads.form(written_lines, name or "farthing")

    def cost_of(self, custom_id: str, body: bytes) -> int:
        return len(body) + len(custom_id) + 80

    async def create(self, shard: Shard, data: bytes) -> Created:
        if (made := self._lookout.made(shard.id)) is not None:
            return made
        self._lookout.begin(shard.id)
        try:
            file = await uploads.upload(self._asking, data, self._clock, waits=self.kind == "azure")
        except Refused as refused:
            self._learned.learn(refused.code, refused.message, shard, len(data))
            raise
        body = {
            "input_file_id": file, "endpoint": self._endpoints[shard.wire], "completion_window": WINDOW,
            "metadata": {SHARD: shard.id},
        }  # fmt: skip
        try:
            answer = await self._asking.create("/batches", msgspec.json.encode(body), file)
        except Refused as refused:
            self._learned.learn(refused.code, refused.message, shard, len(data))
            await self._drop(file)
            raise
        try:
            batch = msgspec.json.decode(answer, type=_Batch)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            raise Unsure("The provider's answer to the creation of a batch cannot be read.", file) from None
        return self._lookout.note(shard.id, _created(batch))

    async def find(self, shard: Shard, known: Collection[str] = ()) -> Created | Maybe | None:
        if (made := self._lookout.made(shard.id)) is not None:
            return made
        oldest = shard.created_us // 1_000_000 - SKEW_S
        after = ""
        for _ in range(MOST_PAGES):
            page = decoded(await self._asking.get(f"/batches?limit={PAGE}{after}"), _Page)
            for batch in page.data:
                if _is_of(batch, shard) and batch.id not in known:
                    return self._lookout.note(shard.id, _created(batch))
            if not page.has_more or not page.data or page.data[-1].created_at < oldest:
                return self._lookout.missing(shard.id)
            after = f"&after={segment(page.data[-1].id)}"
        return Maybe(LAG_S, "The provider's list of batches does not end.")

    async def look(self, shard: Shard) -> Look:
        batch = decoded(await self._asking.get(f"/batches/{segment(shard.remote_id)}"), _Batch)
        counts = batch.request_counts or _Counts()
        listed = batch.errors.data if batch.errors is not None and batch.errors.data else []
        errors = [_job_error(each) for each in listed]
        for each in errors:
            self._learned.learn(each.code, each.message, shard)
        output, error = batch.output_file_id or "", batch.error_file_id or ""
        window_end_us = _seconds(batch.expires_at) or shard.window_end_us
        over = bool(window_end_us) and self._clock.now_us() > window_end_us
        return Look(
            self._states.settled(batch.status, over=over, has_results=bool(output or error)), shown(batch.status), output,
            error, counts.completed + counts.failed, counts.total, errors, window_end_us, batch.input_file_id or "",
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
            await self._asking.post(f"/batches/{segment(shard.remote_id)}/cancel")
        except Refused as refused:
            if refused.status not in (400, 404, 409):
                raise

    async def forget(self, shard: Shard) -> None:
        await uploads.remove(self._asking, shard.remote_file, shard.output_file, shard.error_file)

    async def _drop(self, file: str) -> None:
        """An input that no batch needs, if that is easily done; it expires anyway."""
        try:
            await uploads.remove(self._asking, file)
        except UpstreamError:
            return


def _is_of(batch: _Batch, shard: Shard) -> bool:
    if shard.remote_file and batch.input_file_id == shard.remote_file:
        return True
    return batch.metadata is not None and batch.metadata.get(SHARD) == shard.id


def _job_error(error: _Error) -> JobError:
    message = error.message or ""
    return JobError(code_of(error.code or "", message), message, max(0, error.line or 0), error.param or "")


def _created(batch: _Batch) -> Created:
    return Created(batch.id, batch.input_file_id or "", _seconds(batch.expires_at))


def _seconds(moment: int | None) -> int:
    """Unix seconds in microseconds; 0 for none."""
    return (moment or 0) * 1_000_000
