"""Sums by day from providers' exports of usage and costs. They hold no single calls: they say how cost is split, no more."""

from collections.abc import Sequence

import msgspec

from farthing.model.money import Nano
from farthing.store.engine import Connection
from farthing.store.rows import LONGEST_NAME, mended_text
from farthing.store.schema_past import DAY_COLUMNS

SPLITS = {"model": "model", "provider": "provider", "key": "key_id", "tier": "tier", "unit": "unit", "day": "day_us"}


class PastDay(msgspec.Struct, frozen=True):
    """One line of a day."""

    source: str
    day_us: int
    provider: str
    model: str
    tier: str
    key: str
    kind: str
    """usage (units, with what they cost at our prices), cost (what the provider asks for), calls (how many)."""
    unit: str
    count: int
    cost: Nano | None
    """None: not known."""


class Split(msgspec.Struct, frozen=True):
    """The sum of one value of what it is split by."""

    value: str
    billed: Nano
    """By the provider's own cost lines."""
    priced: Nano
    """Usage at our prices."""
    unpriced: int
    """Units without a price."""
    calls: int


def replace(connection: Connection, file_id: str, days: Sequence[PastDay]) -> None:
    """Let these be all lines of the file, as a part of the caller's transaction."""
    connection.execute("DELETE FROM past_days WHERE file_id = ?", (file_id,))
    connection.insert("past_days", DAY_COLUMNS, [_row(file_id, no, day) for no, day in enumerate(days)])


def split(connection: Connection, by: str) -> list[Split]:
    """All lines by one of `SPLITS`, the dearest first."""
    column = SPLITS[by]
    rows = connection.query(
        f"SELECT {column}, "
        "CAST(sum(CASE WHEN kind = 'cost' THEN coalesce(cost, 0) ELSE 0 END) AS BIGINT), "
        "CAST(sum(CASE WHEN kind = 'usage' THEN coalesce(cost, 0) ELSE 0 END) AS BIGINT), "
        "CAST(sum(CASE WHEN kind = 'usage' AND cost IS NULL THEN n ELSE 0 END) AS BIGINT), "
        "CAST(sum(CASE WHEN kind = 'calls' THEN n ELSE 0 END) AS BIGINT) "
        f"FROM past_days GROUP BY {column} ORDER BY 2 DESC, 3 DESC, 1"
    )
    return [Split(str(row[0]), *map(int, row[1:])) for row in rows]


def _row(file_id: str, no: int, day: PastDay) -> tuple[object, ...]:
    texts = [
        mended_text(text, LONGEST_NAME) for text in (day.provider, day.model, day.tier, day.key, day.kind, day.unit)
    ]
    return (file_id, no, day.source, day.day_us, *texts, day.count, day.cost)
