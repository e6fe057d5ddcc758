"""What attempts were booked at, for comparing with a bill: read in order, page by page, from the rows. For reports that may
take seconds; pages read rollups."""

from collections.abc import Callable, Iterator, Sequence

import msgspec

from farthing.model.money import Nano
from farthing.model.record import PricedLine
from farthing.model.usage import CostState, Usage
from farthing.store.engine import Connection, Row
from farthing.store.rows import counts_of, lines_of
from farthing.store.store import Store

PAGE = 5_000

LONGEST_CALL_US = 2 * 86_400_000_000
"""An attempt may begin so long after its call did (a call that was deferred)."""


class Booked(msgspec.Struct, frozen=True):
    """One attempt, as far as bills are concerned."""

    started_us: int
    provider: str
    model: str
    """The model that ran, as the provider named it, else the one that was sent for."""
    tier: str
    estimated: bool
    cost_state: CostState
    cost: Nano
    usage: Usage | None
    lines: list[PricedLine]
    sent: bool
    """Whether the provider got it: one that it refused, or that never reached it, is on no bill."""


_UNITS = (
    "uncached_in", "cache_read", "w5m", "w1h", "w30m", "w12h", "audio_in", "image_in", "cached_audio", "tool_in",
    "text_out", "audio_out", "image_out",
)  # fmt: skip
_COLUMNS = (
    "call_id", "attempt_no", "part_no", "calls.started_us AS call_us", "attempts.started_us", "attempts.provider",
    "attempts.model", "served_model", "attempts.tier", "usage_estimated", "attempts.cost_state", "attempts.cost",
    "lines", "attempts.outcome", "requests", *_UNITS,
)  # fmt: skip


async def booked(
    store: Store, providers: Sequence[str], since_us: int, until_us: int, hear: Callable[[list[Booked]], None]
) -> None:
    """Hand `hear` all attempts at these providers that began in the span, page by page, in the store's thread. Raises
    StoreError."""

    def read(connection: Connection) -> None:
        for page in _pages(connection, providers, since_us, until_us):
            hear(page)

    await store.do(read)


def _pages(
    connection: Connection, providers: Sequence[str], since_us: int, until_us: int
) -> Iterator[list[Booked]]:  # fmt: skip
    if not providers:
        return
    after: Row = (-1, "", 0, 0)
    marks = ", ".join("?" * len(providers))
    while True:
        rows = connection.query(
            f"SELECT {', '.join(_COLUMNS)} FROM calls JOIN attempts ON call_id = id WHERE calls.started_us >= ? AND "
            f"calls.started_us < ? AND attempts.started_us >= ? AND attempts.started_us < ? AND attempts.provider IN ({marks}) "
            "AND (calls.started_us, call_id, attempt_no, part_no) > (?, ?, ?, ?) "
            "ORDER BY calls.started_us, call_id, attempt_no, part_no LIMIT ?",
            (max(since_us - LONGEST_CALL_US, after[0]), until_us, since_us, until_us, *providers, *after, PAGE),
        )
        yield [_booked(row) for row in rows]
        if len(rows) < PAGE:
            return
        after = (rows[-1][3], *rows[-1][:3])


def _booked(row: Row) -> Booked:
    (
        _id, _no, _part, _call_us, started_us, provider, model, served, tier, estimated, state, cost, lines, outcome,
        requests, *units,
    ) = row  # fmt: skip
    usage = None
    if units[0] is not None:
        *inputs, out, audio_out, image_out = units
        named = dict(zip(_UNITS[:-3], inputs, strict=True))
        usage = Usage(**named, out=out, audio_out=audio_out, image_out=image_out, requests=counts_of(requests))
    return Booked(
        started_us=started_us, provider=provider, model=served or model, tier=tier, estimated=bool(estimated),
        cost_state=state, cost=cost, usage=usage, lines=lines_of(lines),
        sent=outcome not in ("error", "unreachable") or usage is not None,
    )  # fmt: skip
