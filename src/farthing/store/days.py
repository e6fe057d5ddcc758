"""Daily sums for reports that look at many days: few columns, one row a day and value, straight from the rollups.

`reading.report` says more of each row, by cost state; this says less, in a fifth of the time.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from farthing.model.money import Nano
from farthing.store.engine import Connection
from farthing.store.reading import ALWAYS_US, group_of, view_for
from farthing.store.rollups import DAY_US, PRICED, bin_of

_KNOWN = f"cost_state IN {PRICED!r}"

_SUMS = (
    "sum(calls)", "sum(errors)", f"sum(CASE WHEN {_KNOWN} THEN calls - errors ELSE 0 END)",
    f"sum(CASE WHEN {_KNOWN} THEN 0 ELSE calls END)", "sum(cacheable)", "sum(cache_hits)", "sum(in_tokens)",
    "sum(cached_tokens)", "sum(out_tokens)", "sum(cost)",
)  # fmt: skip


class Day(NamedTuple):
    """Sums over the calls of one day, or of one value on one day. Amounts in nano-dollars."""

    day_us: int
    value: str
    """Of the dimension asked by; empty where none was."""
    calls: int = 0
    errors: int = 0
    priced: int = 0
    """Calls that did not fail and whose cost is known."""
    without_cost: int = 0
    """Calls whose cost is not known, or not wholly."""
    cacheable: int = 0
    cache_hits: int = 0
    in_tokens: int = 0
    cached_tokens: int = 0
    out_tokens: int = 0
    cost: Nano = 0


def days(
    connection: Connection, since_us: int, until_us: int | None = None, *, by: str = "", tenant: str = "",
    where: Mapping[str, str] | None = None,
) -> list[Day]:  # fmt: skip
    """Sums by day, and by one dimension if `by` names it, oldest first. The span is widened to whole UTC days. Raises
    BadRequest for a combination that no rollup holds."""
    asked = dict(where or {})
    view = view_for(["day", by] if by else ["day"], asked)
    value = group_of(by, view) if by else "''"
    tests = ["dims = ?", "bucket_us >= ?", "bucket_us < ?"]
    until = ALWAYS_US if until_us is None else -(-until_us // DAY_US) * DAY_US
    values: list[object] = [view.dims, max(0, since_us) // DAY_US * DAY_US, until]
    if tenant:
        tests.append("tenant = ?")
        values.append(tenant)
    for name, wanted in asked.items():
        tests.append(f"{group_of(name, view)} = ?")
        values.append(wanted)
    sums = ", ".join(f"CAST({each} AS BIGINT)" for each in _SUMS)
    groups = "bucket_us, 2" if by else "bucket_us"
    rows = connection.query(
        f"SELECT bucket_us, {value}, {sums} FROM rollups WHERE {' AND '.join(tests)} GROUP BY {groups} ORDER BY {groups}",
        values,
    )
    return [Day(*row) for row in rows]


class Paid(NamedTuple):
    """Calls of one feature to one model on one day that were paid for and whose cost is known: no cache hits."""

    tenant: str
    day_us: int
    feature: str
    model: str
    calls: int
    cost: Nano
    tokens: int


def paid(connection: Connection, since_us: int, until_us: int) -> list[Paid]:
    """Of all tenants, whole UTC days, by day."""
    rows = connection.query(
        "SELECT tenant, bucket_us, a, b, CAST(sum(calls - cache_hits) AS BIGINT), CAST(sum(cost) AS BIGINT), "
        "CAST(sum(in_tokens + out_tokens) AS BIGINT) FROM rollups WHERE dims = 'feature_model' AND bucket_us >= ? "
        f"AND bucket_us < ? AND {_KNOWN} GROUP BY bucket_us, tenant, a, b HAVING sum(calls - cache_hits) > 0 ORDER BY 2, 1, 3, 4",
        (since_us, until_us),
    )
    return [Paid(*row) for row in rows]


class Both(NamedTuple):
    """Sums of one value, or pair, over a span and over the one before. Amounts in nano-dollars."""

    dims: str
    tenant: str
    a: str
    b: str
    cost: Nano
    cost_before: Nano
    calls: int
    calls_before: int
    without_cost: int
    """Calls of the span whose cost is not known."""


def both(
    connection: Connection, dims: Sequence[str], since_us: int, middle_us: int, until_us: int
) -> list[Both]:  # fmt: skip
    """Of all tenants; from `middle_us` on is the span, and from `since_us` until then the one before."""
    late, early = f"bucket_us >= {middle_us}", f"bucket_us < {middle_us}"
    sums = (
        ("cost", late), ("cost", early), ("calls", late), ("calls", early), ("calls", f"{late} AND NOT {_KNOWN}"),
    )  # fmt: skip
    columns = ", ".join(f"CAST(sum(CASE WHEN {test} THEN {name} ELSE 0 END) AS BIGINT)" for name, test in sums)
    rows = connection.query(
        f"SELECT dims, tenant, a, b, {columns} FROM rollups WHERE dims IN ({', '.join('?' * len(dims))}) AND bucket_us >= ? "
        "AND bucket_us < ? GROUP BY dims, tenant, a, b",
        [*dims, since_us, until_us],
    )
    return [Both(*row) for row in rows]


def calls_above(
    connection: Connection, cost: Nano, since_us: int, until_us: int, *, tenant: str = "", model: str | None = None
) -> tuple[int, int]:  # fmt: skip
    """How many calls cost more, and how many there are whose cost is known; by histogram, so calls within 6 % of `cost`
    may be on either side."""
    tests = ["kind = 'cost'", "day_us >= ?", "day_us < ?"]
    values: list[object] = [bin_of(cost), since_us // DAY_US * DAY_US, -(-until_us // DAY_US) * DAY_US]
    for column, value in (("tenant", tenant or None), ("model", model)):
        if value is not None:
            tests.append(f"{column} = ?")
            values.append(value)
    (row,) = connection.query(
        "SELECT coalesce(sum(CASE WHEN bin > ? THEN n ELSE 0 END), 0), coalesce(sum(n), 0) FROM histograms "
        f"WHERE {' AND '.join(tests)}",
        values,
    )
    return int(row[0]), int(row[1])


def tokens_of_transactions(
    connection: Connection, since_us: int, until_us: int, *, tenant: str = ""
) -> tuple[int, int]:  # fmt: skip
    """Tokens of all calls of the transactions that began in the span, and how many transactions these are."""
    test, named = (" AND tenant = ?", [tenant]) if tenant else ("", [])
    (row,) = connection.query(
        "SELECT CAST(coalesce(sum(in_tokens + out_tokens), 0) AS BIGINT), CAST(coalesce(sum(transactions), 0) AS BIGINT) "
        f"FROM transaction_days WHERE day_us >= ? AND day_us < ?{test}",
        [since_us // DAY_US * DAY_US, -(-until_us // DAY_US) * DAY_US, *named],
    )
    return int(row[0]), int(row[1])
