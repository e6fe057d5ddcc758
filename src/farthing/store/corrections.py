"""Corrections: dated amounts that bring the ledger to what was really paid. Each is an entry of its own, with who and why;
none is ever changed or taken away: a wrong one is put right by another.

What a correction is for is decided elsewhere (`finops.reconcile`).
"""

from collections.abc import Sequence

import msgspec

from farthing.model.errors import BadRequest
from farthing.model.money import Nano
from farthing.model.principal import OPERATOR
from farthing.store import audit
from farthing.store.engine import Connection
from farthing.store.rollups import DAY_US
from farthing.store.rows import LONGEST_NAME, LONGEST_TEXT, mended_text
from farthing.store.store import Store, now_us

ALWAYS_US = 1 << 62


class Entry(msgspec.Struct, frozen=True):
    """What is to be posted."""

    day_us: int
    """Start of the UTC day that it counts for."""
    amount: Nano
    """What was paid beyond the ledger; below zero where the ledger has too much."""
    provider: str = ""
    """Whose bill it was, by the provider's name in the settings. Empty: not said; so for the model."""
    model: str = ""
    tenant: str = ""
    """Empty: nobody's in particular, which is the operator's: so that what tenants see adds up to the whole."""


class Correction(msgspec.Struct, frozen=True):
    """A posted entry."""

    no: int
    posted_us: int
    day_us: int
    tenant: str
    provider: str
    model: str
    amount: Nano
    who: str
    reason: str


_COLUMNS = "no, posted_us, day_us, tenant, provider, model, amount, who, reason"


class Corrections:
    """The corrections in a store. Methods raise StoreError if it cannot be used."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def post(self, entries: Sequence[Entry], *, who: str, reason: str, after: int | None = None) -> list[int]:
        """Add entries, all or none; their numbers. `after` is the number of the last correction that they reckon with:
        raises BadRequest if there are later ones, and for an entry without a reason."""
        if not reason.strip():
            raise BadRequest("a correction needs a reason", param="reason")
        return await self._store.do(lambda connection: _post(connection, entries, who, reason, after))

    async def last(self) -> int:
        """The number of the latest correction; 0 if there is none."""
        return await self._store.do(_last)

    async def entries(
        self, since_us: int = 0, until_us: int | None = None, *, tenant: str = "", provider: str | None = None,
        model: str | None = None,
    ) -> list[Correction]:  # fmt: skip
        """Corrections for these days, in the order in which they were posted."""
        return await self._store.do(
            lambda connection: _entries(connection, since_us, until_us, tenant, provider, model)
        )


def entries_of(connection: Connection, since_us: int, until_us: int, tenant: str = "") -> list[Correction]:
    """The same for whoever has a connection; `tenant` empty means all."""
    return _entries(connection, since_us, until_us, tenant, None, None)


def _post(
    connection: Connection, entries: Sequence[Entry], who: str, reason: str, after: int | None
) -> list[int]:  # fmt: skip
    now = now_us()
    with connection.transaction():
        connection.lock(("corrections",))
        last = _last(connection)
        if after is not None and last != after:
            raise BadRequest("somebody posted corrections meanwhile; compare again before you post")
        numbers = list(range(last + 1, last + 1 + len(entries)))
        rows = [
            (
                no, now, each.day_us - each.day_us % DAY_US, mended_text(each.tenant, LONGEST_NAME),
                mended_text(each.provider, LONGEST_NAME), mended_text(each.model, LONGEST_NAME), each.amount,
                mended_text(who, LONGEST_NAME), mended_text(reason, LONGEST_TEXT),
            )
            for no, each in zip(numbers, entries, strict=True)
        ]  # fmt: skip
        if rows:
            connection.insert("corrections", _COLUMNS.split(", "), rows)
            for tenant in dict.fromkeys(row[3] for row in rows):
                mine = [row for row in rows if row[3] == tenant]
                audit.note(
                    connection, "correction", mine[0][0], "posted", tenant=tenant or OPERATOR, who=who, entries=len(mine),
                    amount=sum(row[6] for row in mine), why=mended_text(reason, LONGEST_TEXT),
                )  # fmt: skip
    return numbers


def _last(connection: Connection) -> int:
    return int(connection.query("SELECT coalesce(max(no), 0) FROM corrections")[0][0])


def _entries(
    connection: Connection, since_us: int, until_us: int | None, tenant: str, provider: str | None, model: str | None
) -> list[Correction]:  # fmt: skip
    """The span is widened to whole UTC days, as that of a report."""
    until = ALWAYS_US if until_us is None else -(-until_us // DAY_US) * DAY_US
    tests = ["day_us >= ?", "day_us < ?"]
    values: list[object] = [max(0, since_us) // DAY_US * DAY_US, until]
    if tenant:
        tests.append("tenant IN (?, ?)")
        values += [tenant, "" if tenant == OPERATOR else tenant]
    for name, value in (("provider", provider), ("model", model)):
        if value is not None:
            tests.append(f"{name} = ?")
            values.append(value)
    rows = connection.query(f"SELECT {_COLUMNS} FROM corrections WHERE {' AND '.join(tests)} ORDER BY no", values)
    return [Correction(*row) for row in rows]
