"""What broke prefixes that a provider's prompt cache could have read: counts by day, tenant, feature, model, kind and place.

No text: a `shape` is what differed with its letters and digits masked. Gateways add what they have seen since they last did.
The kind `looked` counts the calls that were looked at, and their input.
"""

from collections.abc import Iterable, Sequence

import msgspec

from farthing.model.money import Nano
from farthing.store.engine import Connection, Row
from farthing.store.rollups import DAY_US
from farthing.store.rows import LONGEST_NAME, mended_text
from farthing.store.store import Store

LOOKED = "looked"
_KEY = ("day_us", "tenant", "feature", "model", "kind", "place")
_SUMS = ("calls", "tokens", "nano")


class Broken(msgspec.Struct, frozen=True):
    """Sums of one reason at one place. With `kind` LOOKED: all calls that were looked at, their input, and no loss."""

    tenant: str
    feature: str
    model: str
    kind: str
    place: str
    """`tools`, `system 1`, `message 3`: counted from 1; `message 9+` for all later ones."""
    calls: int
    tokens: int
    """Input that could have been read from the provider's cache and was not."""
    nano: Nano
    """What that cost more than reading it would have: nano-dollars."""
    at_byte: int
    """Where in the block, the nearest to its beginning."""
    shape: str
    """What differed last, masked."""
    last_us: int


class Busters:
    """The table in a store. Methods raise StoreError."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def add(self, seen: Sequence[Broken]) -> None:
        """Add what was seen since the last time, all or nothing."""
        if seen:
            await self._store.do(lambda connection: _add(connection, seen))

    async def prune(self, before_us: int) -> int:
        """Forget the days before that one; returns how many rows that were."""
        day = before_us - before_us % DAY_US
        return await self._store.do(
            lambda connection: connection.execute("DELETE FROM busters WHERE day_us < ?", (day,))
        )


def _add(connection: Connection, seen: Iterable[Broken]) -> None:
    names = (*_KEY, *_SUMS, "at_byte", "shape", "last_us")
    adds = ", ".join(f"{name} = busters.{name} + excluded.{name}" for name in _SUMS)
    nearer = "CASE WHEN excluded.at_byte < busters.at_byte THEN excluded.at_byte ELSE busters.at_byte END"
    newer = "excluded.last_us >= busters.last_us"
    rows = sorted(_row(each) for each in seen)  # in one order, so that gateways do not wait for each other in a ring
    with connection.transaction():
        for row in rows:
            connection.execute(
                f"INSERT INTO busters ({', '.join(names)}) VALUES ({', '.join('?' * len(names))}) "
                f"ON CONFLICT ({', '.join(_KEY)}) DO UPDATE SET {adds}, at_byte = {nearer}, "
                f"shape = CASE WHEN {newer} THEN excluded.shape ELSE busters.shape END, "
                f"last_us = CASE WHEN {newer} THEN excluded.last_us ELSE busters.last_us END",
                row,
            )


def _row(seen: Broken) -> Row:
    tenant, feature, model = (mended_text(text, LONGEST_NAME) for text in (seen.tenant, seen.feature, seen.model))
    day = seen.last_us - seen.last_us % DAY_US
    return (
        day, tenant, feature, model, seen.kind, seen.place, seen.calls, seen.tokens, seen.nano, seen.at_byte,
        mended_text(seen.shape, LONGEST_NAME), seen.last_us,
    )  # fmt: skip


def broken(
    connection: Connection, since_us: int, until_us: int, *, tenant: str = "", feature: str | None = None
) -> list[Broken]:
    """The sums over these days (UTC, widened to whole ones), the dearest first."""
    tests, values = ["day_us >= ?", "day_us < ?"], [since_us // DAY_US * DAY_US, -(-until_us // DAY_US) * DAY_US]
    asked: list[object] = list(values)
    if tenant:
        tests.append("tenant = ?")
        asked.append(tenant)
    if feature is not None:
        tests.append("feature = ?")
        asked.append(feature)
    sums = ", ".join(f"CAST(sum({name}) AS BIGINT)" for name in _SUMS)
    # the newest shape: shapes hold no NUL and moments have as many digits until the year 2286
    rows = connection.query(
        f"SELECT {', '.join(_KEY[1:])}, {sums}, min(at_byte), max(CAST(last_us AS TEXT) || ' ' || shape), max(last_us) "
        f"FROM busters WHERE {' AND '.join(tests)} GROUP BY {', '.join(_KEY[1:])} "
        f"ORDER BY sum(nano) DESC, {', '.join(_KEY[1:])}",
        asked,
    )
    return [
        Broken(
            *_words(row[:5]), int(row[5]), int(row[6]), int(row[7]), int(row[8]), str(row[9]).partition(" ")[2], int(row[10])
        )
        for row in rows
    ]  # fmt: skip


def _words(row: Row) -> tuple[str, str, str, str, str]:
    tenant, feature, model, kind, place = row
    return str(tenant), str(feature), str(model), str(kind), str(place)


def span(connection: Connection, since_us: int, until_us: int, *, tenant: str = "") -> tuple[int, int]:
    """The first and the last moment of which anything is known in these days; (0, 0) for none."""
    tests, values = "day_us >= ? AND day_us < ?", [since_us // DAY_US * DAY_US, -(-until_us // DAY_US) * DAY_US]
    asked: list[object] = [*values, *([tenant] if tenant else [])]
    rows = connection.query(
        f"SELECT min(day_us), max(last_us) FROM busters WHERE {tests}{' AND tenant = ?' if tenant else ''}", asked
    )
    first, last = rows[0]
    return (int(first), int(last)) if first is not None else (0, 0)
