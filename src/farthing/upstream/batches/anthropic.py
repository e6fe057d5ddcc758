"""Anthropic's message batches: all requests in one body, one stream of results.

A batch has no name, no metadata and no key that makes creation idempotent. After a crash it is known by three things: when
it was created, how many requests it has, and, once it has ended, the custom_ids of its results, which begin with the
shard's id. Until then nobody can tell, so the shard waits rather than is paid twice. Knows nothing of the store.
"""

from collections.abc import AsyncGenerator, Collection, Iterable
from contextlib import aclosing
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import msgspec

from farthing.model.batch import Shard
from farthing.model.clock import SYSTEM, Clock
from farthing.upstream.batches.api import (
    CANCELLED,
    EXPIRED,
    NO_STATUS,
    Created,
    Limits,
    Look,
    Maybe,
    Refused,
    Result,
    Unsure,
)
from farthing.upstream.batches.asking import Asking, decoded, segment
from farthing.upstream.batches.body import why_not
from farthing.upstream.batches.limits import Learned
from farthing.upstream.batches.looking import LAG_S, Lookout
from farthing.upstream.batches.rows import quoted, written
from farthing.upstream.batches.states import States, shown
from farthing.upstream.providers import Provider

WIRE = "anthropic.messages"
PATH = "/messages/batches"
SKEW_S = 600
"""Seconds by which the provider's clock may differ from ours."""
PAGE = 100
MOST_PAGES = 500
UNDECIDED_S = 60.0
"""Seconds until a batch that may be the one looked for is looked at again."""
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


class AnthropicBatchApi:
    """See `BatchApi`."""

    kind = "anthropic"

    def __init__(self, provider: Provider, clock: Clock = SYSTEM, lag_s: float = LAG_S) -> None:
        self._wires = [wire for wire in provider.formats if wire == WIRE]
        self._asking = Asking(provider, WIRE)
        self._clock = clock
        self._learned = Learned(self.kind, clock.monotonic)
        self._lookout = Lookout(clock.monotonic, lag_s)
        self._undecided_s = min(UNDECIDED_S, lag_s)
        self._states = States(self.kind, provider.name)

    @property
    def limits(self) -> Limits:
        return self._learned.published

    def limits_for(self, model: str) -> Limits:
        return self._learned.of(model)

    def serves(self, wire: str, body: bytes) -> str:
        return why_not(wire, body, self._wires)

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

    async def create(self, shard: Shard, data: bytes) -> Created:
        if (made := self._lookout.made(shard.id)) is not None:
            return made
        self._lookout.begin(shard.id)
        try:
            answer = await self._asking.create(PATH, data)
        except Refused as refused:
            self._learned.learn(refused.code, refused.message, shard, len(data))
            raise
        try:
            batch = msgspec.json.decode(answer, type=_Batch)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            raise Unsure("The provider's answer to the creation of a batch cannot be read.") from None
        return self._lookout.note(shard.id, _created(batch))

    async def find(self, shard: Shard, known: Collection[str] = ()) -> Created | Maybe | None:
        if (made := self._lookout.made(shard.id)) is not None:
            return made
        others = {*known, *self._lookout.others(shard.id)}
        oldest_us = shard.created_us - SKEW_S * 1_000_000
        undecided, after = False, ""
        for _ in range(MOST_PAGES):
            page = decoded(await self._asking.get(f"{PATH}?limit={PAGE}{after}"), _Page)
            recent = [batch for batch in page.data if (_microseconds(batch.created_at) or oldest_us) >= oldest_us]
            for batch in recent:
                if batch.id in others or batch.total != shard.lines or batch.archived_at:
                    continue
                is_it = await self._is_of(batch, shard)
                if is_it:
                    return self._lookout.note(shard.id, _created(batch))
                undecided = undecided or is_it is None
            if not page.has_more or not page.data or len(recent) < len(page.data):
                missing = self._lookout.missing(shard.id)
                return self._undecided() if undecided else missing
            after = f"&after_id={segment(page.last_id or page.data[-1].id)}"
        return Maybe(self._undecided_s, "The provider's list of batches does not end.")

    async def look(self, shard: Shard) -> Look:
        batch = decoded(await self._asking.get(f"{PATH}/{segment(shard.remote_id)}"), _Batch)
        has_results = batch.results_url is not None
        window_end_us = _microseconds(batch.expires_at) or shard.window_end_us
        over = bool(window_end_us) and self._clock.now_us() > window_end_us
        return Look(
            self._states.settled(batch.processing_status, over=over, has_results=has_results),
            shown(batch.processing_status), batch.id if has_results else "",
            done=batch.request_counts.done if batch.request_counts is not None else 0, total=batch.total,
            window_end_us=window_end_us,
        )  # fmt: skip

    async def results(self, shard: Shard, look: Look) -> AsyncGenerator[Result, None]:
        async with aclosing(self._rows(shard.remote_id)) as rows:
            async for row in rows:
                yield row

    async def cancel(self, shard: Shard) -> None:
        try:
            await self._asking.post(f"{PATH}/{segment(shard.remote_id)}/cancel", b"{}")
        except Refused as refused:
            if refused.status not in (400, 404, 409):
                raise

    async def forget(self, shard: Shard) -> None:
        try:
            await self._asking.delete(f"{PATH}/{segment(shard.remote_id)}")
        except Refused:
            return  # it is under way; its results expire

    async def _is_of(self, batch: _Batch, shard: Shard) -> bool | None:
        """Whether this batch is the shard's; None: it does not say yet."""
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
        async with aclosing(self._asking.lines(f"{PATH}/{segment(batch_id)}/results")) as lines:
            async for line in lines:
                read = _result(line)
                if read is not None:
                    yield read

    def _undecided(self) -> Maybe:
        return Maybe(
            self._undecided_s, "A batch of as many requests was created since; it shows whose it is at its end."
        )


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


def _created(batch: _Batch) -> Created:
    return Created(batch.id, "", _microseconds(batch.expires_at))


def _microseconds(moment: str | None) -> int:
    """An RFC 3339 time in microseconds since 1970; 0 for none, or one that cannot be read."""
    try:
        read = datetime.fromisoformat(moment or "")
    except ValueError:
        return 0
    return int((read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp() * 1_000_000)
