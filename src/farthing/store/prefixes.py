"""What repeats in prompts: how often a prefix was used and how soon it came again, by day, tenant and model.

Digests and counts, no text: a `name` is the digest of a prefix, or a kind of place in a prompt. Gateways add what they have
seen since they last did; what it means is for whoever reads it.
"""

from collections.abc import Sequence

import msgspec

from farthing.store.engine import Connection, Row
from farthing.store.rollups import DAY_US
from farthing.store.rows import LONGEST_NAME, mended_text
from farthing.store.store import Store

STRETCHES = 5
"""Of time behind a use."""
_CAME = tuple(f"came_{at}" for at in range(STRETCHES))
_STAYED = tuple(f"stayed_{at}" for at in range(STRETCHES))
_KEY = ("day_us", "tenant", "model", "name")
_SUMS = ("uses", *_CAME, *_STAYED)


class Reuse(msgspec.Struct, frozen=True):
    """How one prefix, or one kind of place, was used."""

    tenant: str
    model: str
    name: str
    uses: int
    came: tuple[int, ...]
    """Uses that another one followed, by the stretch of time in which it came."""
    stayed: tuple[int, ...]
    """Uses that none had followed by the end of a stretch; may fall, where one came later than was thought."""
    last_us: int


class Prefixes:
    """The table in a store. Methods raise StoreError."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def add(self, seen: Sequence[Reuse]) -> None:
        """Add what was seen since the last time, all or nothing."""
        if seen:
            await self._store.do(lambda connection: _add(connection, seen))

    async def since(self, day_us: int) -> list[Reuse]:
        """The sums from this day (UTC) on, over its days."""
        return await self._store.do(lambda connection: _sums(connection, day_us))

    async def prune(self, before_us: int) -> int:
        """Forget the days before that one; returns how many rows that were."""
        day = before_us - before_us % DAY_US
        return await self._store.do(
            lambda connection: connection.execute("DELETE FROM prefixes WHERE day_us < ?", (day,))
        )


def _add(connection: Connection, seen: Sequence[Reuse]) -> None:
    names = (*_KEY, *_SUMS, "last_us")
    adds = ", ".join(f"{name} = prefixes.{name} + excluded.{name}" for name in _SUMS)
    later = "CASE WHEN excluded.last_us > prefixes.last_us THEN excluded.last_us ELSE prefixes.last_us END"
    rows = sorted(_row(each) for each in seen)  # in one order, so that gateways do not wait for each other in a ring
    with connection.transaction():
        for row in rows:
            connection.execute(
                f"INSERT INTO prefixes ({', '.join(names)}) VALUES ({', '.join('?' * len(names))}) "
                f"ON CONFLICT ({', '.join(_KEY)}) DO UPDATE SET {adds}, last_us = {later}",
                row,
            )


def _row(seen: Reuse) -> Row:
    tenant, model, name = (mended_text(text, LONGEST_NAME) for text in (seen.tenant, seen.model, seen.name))
    day = seen.last_us - seen.last_us % DAY_US
    return day, tenant, model, name, seen.uses, *seen.came, *seen.stayed, seen.last_us


def _sums(connection: Connection, day_us: int) -> list[Reuse]:
    sums = ", ".join(f"CAST(sum({name}) AS BIGINT)" for name in _SUMS)
    rows = connection.query(
        f"SELECT tenant, model, name, {sums}, max(last_us) FROM prefixes WHERE day_us >= ? "
        "GROUP BY tenant, model, name ORDER BY tenant, model, name",
        (day_us - day_us % DAY_US,),
    )
    return [
        Reuse(
            str(row[0]), str(row[1]), str(row[2]), int(row[3]), tuple(map(int, row[4 : 4 + STRETCHES])),
            tuple(map(int, row[4 + STRETCHES : 4 + 2 * STRETCHES])), int(row[-1]),
        )
        for row in rows
    ]  # fmt: skip
