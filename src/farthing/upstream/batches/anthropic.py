"""Anthropic's message batches: all requests in one body, one stream of results.

A batch has no name, no metadata and no key that makes creation idempotent. After a crash it is known by three things: when
it was created, how many requests it has, and, once it has ended, the custom_ids of its results, which begin with the
shard's id. Until then nobody can tell, so the shard waits rather than is paid twice. Knows nothing of the store.
"""

from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import msgspec

from farthing.model.batch import Shard
from farthing.model.clock import SYSTEM, Clock
from farthing.upstream.batches.account import PAGE, SKEW_S, Account
from farthing.upstream.batches.api import CANCELLED, EXPIRED, NO_STATUS, Look, Refused, Result, Told
from farthing.upstream.batches.asking import decoded, segment
from farthing.upstream.batches.looking import LAG_S
from farthing.upstream.batches.rows import quoted, written
from farthing.upstream.providers import Provider

WIRE = "anthropic.messages"
_ROWS_READ = 20
"""Of results, to see whose batch it is: more than one, since a line may be unreadable."""
_STATUS = {
    "invalid_request_error": 400, "authentication_error": 401, "billing_error": 402, "permission_error": 403,
    "not_found_error": 404, "request_too_large": 413, "rate_limit_error": 429, "api_error": 500, "timeout_error": 504,
    "overloaded_error": 529,
}  # fmt: skip
"""Kind of error -> the status that a synchronous call would have had."""
_UNBILLED = {"expired": EXPIRED, "canceled": CANCELLED, "cancelled": CANCELLED}


class _Counts(msgspec.Struct):
    processing: int = 0
    succeeded: int = 0
    errored: int = 0
    canceled: int = 0
    expired: int = 0

    @property
    def done(self) -> int:
        return self.succeeded + self.errored + self.canceled + self.expired


class _Batch(msgspec.Struct):
    """What of a batch is read; all may be missing but its id."""

    id: str
    processing_status: str = ""
    request_counts: _Counts | None = None
    created_at: str = ""
    expires_at: str | None = None
    archived_at: str | None = None
    results_url: str | None = None

    @property
    def total(self) -> int:
        counts = self.request_counts or _Counts()
        return counts.processing + counts.done


class _Page(msgspec.Struct):
    data: list[_Batch] = []
    has_more: bool = False
    last_id: str | None = None


class _Outcome(msgspec.Struct):
    type: str
    message: msgspec.Raw = msgspec.Raw(b"")
    error: msgspec.Raw = msgspec.Raw(b"")


class _Row(msgspec.Struct):
    custom_id: str
    result: _Outcome


_ROW = msgspec.json.Decoder(_Row)


class AnthropicBatchApi(Account[_Batch]):
    """See `BatchApi`."""

    path = "/messages/batches"
    ending = b"{}"

    def __init__(self, provider: Provider, clock: Clock = SYSTEM, lag_s: float = LAG_S) -> None:
        super().__init__(provider, "anthropic", (WIRE,), _Batch, clock, lag_s)

    def encode(self, lines: Iterable[tuple[str, bytes]], wire: str, model: str, name: str = "") -> bytes:
        made = BytesIO()  # unlike a join it holds its parts once
        made.write(b'{"requests":[')
        comma = b""
        for custom_id, body in lines:
            made.write(written(comma + b'{"custom_id":' + quoted(custom_id) + b',"params":', body))
            comma = b","
        made.write(b"]}")
        return made.getvalue()

    def cost_of(self, custom_id: str, body: bytes) -> int:
        return len(body) + len(custom_id) + 32

    async def _order(self, shard: Shard, data: bytes) -> tuple[bytes, str]:
        return await self._asking.create(self.path, data), ""

    async def _page(self, shard: Shard, cursor: str) -> tuple[list[_Batch], str]:
        after = f"&after_id={segment(cursor)}" if cursor else ""
        page = decoded(await self._asking.get(f"{self.path}?limit={PAGE}{after}"), _Page)
        oldest_us = shard.created_us - SKEW_S * 1_000_000
        recent = [batch for batch in page.data if (_microseconds(batch.created_at) or oldest_us) >= oldest_us]
        is_last = not page.has_more or not page.data or len(recent) < len(page.data)
        return recent, "" if is_last else page.last_id or page.data[-1].id

    def _told(self, batch: _Batch) -> Told:
        return Told(
            batch.processing_status, batch.id if batch.results_url is not None else "",
            done=batch.request_counts.done if batch.request_counts is not None else 0, total=batch.total,
            window_end_us=_microseconds(batch.expires_at),
        )  # fmt: skip

    async def results(self, shard: Shard, look: Look) -> AsyncGenerator[Result, None]:
        async with aclosing(self._rows(shard.remote_id)) as rows:
            async for row in rows:
                yield row

    async def forget(self, shard: Shard) -> None:
        try:
            await self._asking.delete(f"{self.path}/{segment(shard.remote_id)}")
        except Refused:
            return  # it is under way; its results expire

    async def _is_of(self, batch: _Batch, shard: Shard) -> bool | None:
        if batch.total != shard.lines or batch.archived_at:
            return False
        if batch.results_url is None:
            return None
        prefix, seen = f"{shard.id}-", 0
        try:
            async with aclosing(self._rows(batch.id)) as rows:
                async for row in rows:
                    if row.custom_id.startswith(prefix):
                        return True
                    seen += 1
                    if seen >= _ROWS_READ:
                        return False
        except Refused:
            return None
        return False if seen else None

    async def _rows(self, batch_id: str) -> AsyncGenerator[Result, None]:
        # The address that a batch gives for its results is not used: a key goes to the host of the settings alone.
        async with aclosing(self._asking.lines(f"{self.path}/{segment(batch_id)}/results")) as lines:
            async for line in lines:
                read = _result(line)
                if read is not None:
                    yield read


def _result(line: bytes) -> Result | None:
    """What a line of results says; None where it cannot be read."""
    try:
        row = _ROW.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    kind = row.result.type
    if kind == "succeeded":
        body = bytes(row.result.message)
        done = body not in (b"", b"null")
        return Result(row.custom_id, 200, body) if done else Result(row.custom_id, 0, b"", NO_STATUS)
    if kind == "errored":
        body = bytes(row.result.error)
        name = _kind_of(body)
        return Result(row.custom_id, _STATUS.get(name, 500), body, name)
    return Result(row.custom_id, 0, b"", _UNBILLED.get(kind, NO_STATUS))


def _kind_of(error: bytes) -> str:
    """The kind of an error, with or without its envelope."""
    try:
        found: Any = msgspec.json.decode(error)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ""
    inner = found.get("error", found) if isinstance(found, dict) else None
    return str(inner.get("type") or "")[:100] if isinstance(inner, dict) else ""


def _microseconds(moment: str | None) -> int:
    """An RFC 3339 time in microseconds since 1970; 0 for none, or one that cannot be read."""
    try:
        read = datetime.fromisoformat(moment or "")
    except ValueError:
        return 0
    return int((read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp() * 1_000_000)
