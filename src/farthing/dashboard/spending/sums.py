"""Sums by one or two names, from whichever sums of the store hold them: the rollups, or for the provider those of what is
billed. Knows nothing of how they are shown.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from farthing.dashboard.periods import Period
from farthing.model.errors import BadRequest
from farthing.store import ReportRow, billed, dearest, reading
from farthing.store.billed import short
from farthing.store.engine import Connection
from farthing.store.schema_billed import CALL_SUMS

BILLED = ("provider", "model", "team", "project", "feature")
"""Names by which what is billed is summed; with all of them at once."""
NAMES = ("feature", "team", "user", "project", "model", "tier", "task", "provider", "key")
"""What spend is explored by."""
FIRST_OF_TIME = ("day", "hour")


def holds(names: Sequence[str], where: Mapping[str, str]) -> bool:
    """Whether sums are kept for it."""
    asked = {*names, *where}
    if "provider" in asked:
        return asked <= {*BILLED, "day"} and 1 <= len(names) <= 2 and len(set(names)) == len(names)
    try:
        reading.view_for(names, where)
    except BadRequest:
        return False
    return True


def sums(
    connection: Connection, names: Sequence[str], period: Period, tenant: str, where: Mapping[str, str]
) -> list[ReportRow]:  # fmt: skip
    """Dearest first; by time, oldest first. Raises BadRequest where `holds` says no."""
    if "provider" in (*names, *where) and holds(names, where):
        return _billed(connection, names, period, tenant, where)
    return reading.report(
        connection, ",".join(names), period.since_us, period.until_us, tenant=tenant, where=where
    )  # fmt: skip


class Ranking(NamedTuple):
    """Which part of the values a page shows, and by which sum they are ranked."""

    of: str
    first: int
    most: int


class Part(NamedTuple):
    """Sums by value, all of them or those of one part."""

    rows: list[ReportRow]
    size: int
    """How many values there are."""
    total: ReportRow
    first: int = 0
    """How many values come before the rows."""
    is_cut: bool = False
    """Whether the rows are one part, already in their order."""


def whole(rows: list[ReportRow]) -> Part:
    return Part(rows, len(rows), total(rows))


def part(
    connection: Connection, names: Sequence[str], period: Period, tenant: str, where: Mapping[str, str], ranking: Ranking | None
) -> Part:  # fmt: skip
    """The part that is ranked; all where there is no ranking, or the store cannot rank. Raises BadRequest as `sums` does."""
    if ranking is None or {"provider", *FIRST_OF_TIME} & {*names, *where}:
        return whole(sums(connection, names, period, tenant, where))
    found = dearest.dearest(
        connection, ",".join(names), ranking.most, period.since_us, period.until_us, tenant=tenant, where=where,
        first=ranking.first, of=ranking.of,
    )  # fmt: skip
    return Part(found.rows, found.size, found.total, found.first, is_cut=True)


def like(
    connection: Connection, found: Part, names: Sequence[str], period: Period, tenant: str, where: Mapping[str, str]
) -> Part:  # fmt: skip
    """The same values in another period. Its count is only that of the rows where they are cut."""
    if not found.is_cut:
        return whole(sums(connection, names, period, tenant, where))
    since, until = period.since_us, period.until_us
    keys = [(row.key, row.also) for row in found.rows]
    rows = dearest.among(connection, ",".join(names), keys, since, until, tenant=tenant, where=where)
    return Part(rows, len(rows), dearest.total(connection, since, until, tenant=tenant, where=where), is_cut=True)


def total(rows: Sequence[ReportRow]) -> ReportRow:
    """The sum of rows, with nothing to tell them by."""
    states: dict[str, int] = {}
    for row in rows:
        for state, calls in row.calls_by_state.items():
            states[state] = states.get(state, 0) + calls
    sums_: dict[str, Any] = {name: sum(getattr(row, name) for row in rows) for name in _SUMS}
    return ReportRow("", calls_by_state=states, **sums_)


_SUMS = (
    "calls", "errors", "cacheable", "cache_hits", "in_tokens", "cached_tokens", "out_tokens", "cost", "baseline", "saved",
    "duration_us",
)  # fmt: skip


def _billed(
    connection: Connection, names: Sequence[str], period: Period, tenant: str, where: Mapping[str, str]
) -> list[ReportRow]:  # fmt: skip
    columns = tuple(dict.fromkeys((*names, *where)))
    found = billed.spent_by(
        connection,
        tuple("day_us" if name == "day" else name for name in columns),
        period.since_us,
        period.until_us,
        tenant=tenant,
    )
    rows = [
        _row(names, dict(zip(columns, key, strict=True)), dict(zip(CALL_SUMS, numbers, strict=True)))
        for key, numbers in found
        if all(key[columns.index(name)] == short(value) for name, value in where.items())
    ]
    if names[0] == "day":
        return sorted(rows, key=lambda row: (row.key, -row.cost, row.also))
    return sorted(rows, key=lambda row: (-row.cost, -row.calls, row.key, row.also))


def _row(names: Sequence[str], said: Mapping[str, str], numbers: Mapping[str, int]) -> ReportRow:
    """What is billed is not summed by whether the cache was asked, so no rate of hits follows from it."""
    values = [_day(said[name]) if name == "day" else said[name] for name in names]
    sums_: dict[str, Any] = {name: numbers[name] for name in _SUMS if name in numbers and name != "cache_hits"}
    without = {"unknown": numbers["without_cost"]} if numbers["without_cost"] else {}
    return ReportRow(values[0], values[1] if len(values) > 1 else "", calls_by_state=without, **sums_)


def _day(us: str) -> str:
    return datetime.fromtimestamp(int(us) // 1_000_000, UTC).date().isoformat()
