"""The dearest values of a dimension, a part at a time, with the sum of all: what a page shows of some ten thousand users.

`reading.report` makes a row of sums for each value. Here the store only ranks them, by few columns, and the sums are made for
those shown. Where sums by calendar month are kept too, a month is read as one, less the days outside the span, if these are
fewer.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from farthing.model.errors import BadRequest
from farthing.store.engine import Connection, Row
from farthing.store.reading import ALWAYS_US, TIMES, ReportRow, group_of, held, summed, view_for
from farthing.store.rollups import DAY_US, MONTH_US, VIEWS, View, month_of
from farthing.store.schema import ROLLUP_SUMS

_MOST_DAYS = 400
"""Spans up to this length are looked up day by day, which the key of the rollups makes quick."""
_CALENDAR_US = 47_482 * DAY_US
"""2100-01-01, shortly before `month_of` ends."""
_WORTH_DAYS = 3
"""Days that a month's own sums are about as long to read as."""


class Dearest(NamedTuple):
    """A part of the values, in order."""

    rows: list[ReportRow]
    first: int
    """How many come before them."""
    size: int
    """How many there are."""
    total: ReportRow
    """The sum of all, those that are not in `rows` too."""


def dearest(
    connection: Connection, by: str, most: int, since_us: int = 0, until_us: int | None = None, *, tenant: str = "",
    where: Mapping[str, str] | None = None, first: int = 0, of: str = "cost",
) -> Dearest:  # fmt: skip
    """At most `most` values of one name, or of two with a comma between, from the `first` on; those that have most of a sum
    (`of`, one of `ROLLUP_SUMS`) first. Beyond the end it is the last part. What is alike in `of`, cost and calls stands in
    the store's own order of text. The span is widened to whole UTC days. Raises BadRequest for a combination that no rollup
    holds, and for times, of which there are no dearest."""
    names, asked = [name.strip() for name in by.split(",")], dict(where or {})
    if of not in ROLLUP_SUMS or set(names) & set(TIMES):
        raise BadRequest(f"there are no first ones by {by!r} and {of!r}", param="by")
    view = view_for(names, asked)
    since, until = _days(since_us, until_us)
    ranked = connection.query(*_ranking(connection, names, view, since, until, tenant, asked, of, first + most))
    count = int(ranked[0][-1]) if ranked else 0
    first = min(first, max(0, count - 1) // most * most)
    keys = [row[: len(names)] for row in ranked[first : first + most]]
    rows = {(row.key, row.also): row for row in _rows(connection, names, keys, view, since, until, tenant, asked)}
    return Dearest(
        [rows[_pair(key)] for key in keys],
        first,
        count,
        total(connection, since_us, until_us, tenant=tenant, where=asked),
    )


def among(
    connection: Connection, by: str, keys: Iterable[tuple[str, str]], since_us: int = 0, until_us: int | None = None, *,
    tenant: str = "", where: Mapping[str, str] | None = None,
) -> list[ReportRow]:  # fmt: skip
    """What `reading.report` says of these values alone (`key` and `also`), in no order. Raises BadRequest likewise."""
    names, asked = [name.strip() for name in by.split(",")], dict(where or {})
    wanted = [key[: len(names)] for key in keys]
    return _rows(connection, names, wanted, view_for(names, asked), *_days(since_us, until_us), tenant, asked)


def total(
    connection: Connection, since_us: int = 0, until_us: int | None = None, *, tenant: str = "",
    where: Mapping[str, str] | None = None,
) -> ReportRow:  # fmt: skip
    """The sum over all calls of a scope. Raises BadRequest for one that no rollup holds."""
    asked = dict(where or {})
    view = view_for(["day"], asked)
    tests, values = held(view, asked, tenant)
    tests += ["bucket_us >= ?", "bucket_us < ?"]
    found = summed(connection, (), view, tests, [*values, *_days(since_us, until_us)])
    return found[0] if found else ReportRow("")


def _days(since_us: int, until_us: int | None) -> tuple[int, int]:
    """Widened to whole days."""
    until = ALWAYS_US if until_us is None else -(-until_us // DAY_US) * DAY_US
    return max(0, since_us) // DAY_US * DAY_US, until


def _rows(
    connection: Connection, names: Sequence[str], keys: Sequence[Row], view: View, since: int, until: int, tenant: str,
    where: Mapping[str, str],
) -> list[ReportRow]:  # fmt: skip
    if not keys:
        return []
    tests, values = held(view, where, tenant)
    if until - since <= _MOST_DAYS * DAY_US:
        days = range(since, until, DAY_US)
        tests.append(f"bucket_us IN ({_marks(days)})")
        values += days
    else:
        tests += ["bucket_us >= ?", "bucket_us < ?"]
        values += (since, until)
    for place, name in enumerate(names):
        some = list(dict.fromkeys(key[place] for key in keys))
        tests.append(f"{group_of(name, view)} IN ({_marks(some)})")
        values += some
    wanted = {_pair(key) for key in keys}
    return [row for row in summed(connection, names, view, tests, values) if (row.key, row.also) in wanted]


def _ranking(
    connection: Connection, names: Sequence[str], view: View, since: int, until: int, tenant: str,
    where: Mapping[str, str], of: str, most: int,
) -> tuple[str, list[object]]:  # fmt: skip
    """SQL for the values in their order, each with how many there are; what is in no day of the span has no calls there."""
    groups = ", ".join(group_of(name, view) for name in names)
    sums = list(dict.fromkeys((of, "cost", "calls")))
    parts, values = [], []
    for piece in _pieces(connection, view, since, until):
        tests, some = held(piece.view, where, tenant)
        columns = ", ".join(f"{'-' if piece.is_less else ''}{name} AS {name}" for name in sums)
        parts.append(
            f"SELECT {groups}, {columns} FROM rollups WHERE {' AND '.join((*tests, 'bucket_us >= ?', 'bucket_us < ?'))}"
        )
        values += [*some, piece.since, piece.until]
    columns = ", ".join(f"sum({name}) AS {name}" for name in sums)
    return (
        f"SELECT {groups}, count(*) OVER () FROM (SELECT {groups}, {columns} FROM ({' UNION ALL '.join(parts)}) AS cells "
        f"GROUP BY {groups} HAVING sum(calls) > 0) AS each_value "
        f"ORDER BY {', '.join(f'{name} DESC' for name in sums)}, {groups} LIMIT ?",
        [*values, most],
    )


class _Piece(NamedTuple):
    """Cells of a view, to be added or, where `is_less`, taken away."""

    view: View
    since: int
    until: int
    is_less: bool = False


def _pieces(connection: Connection, view: View, since: int, until: int) -> list[_Piece]:
    """What adds up to the span."""
    whole = _Piece(view, since, until)
    months = next((each for each in VIEWS if each.bucket_us == MONTH_US and (each.a, each.b) == (view.a, view.b)), None)
    if months is None or until > _CALENDAR_US:
        return [whole]
    ((newest,),) = connection.query("SELECT coalesce(max(bucket_us), 0) FROM rollups WHERE dims = 'day'")
    found: list[_Piece] = []
    for start, end in _months(since, until):
        first, last = max(since, start), min(until, end)
        outside = (first - start) + max(0, min(end, newest + DAY_US) - last)
        if outside + _WORTH_DAYS * DAY_US < min(last, newest + DAY_US) - first:
            found += [_Piece(months, start, end), _Piece(view, start, first, True), _Piece(view, last, end, True)]
        else:
            found.append(_Piece(view, first, last))
    return _joined(piece for piece in found if piece.since < piece.until) or [whole]


def _months(since: int, until: int) -> Iterable[tuple[int, int]]:
    """The calendar months that the span touches."""
    start = month_of(since)
    while start < until:
        end = month_of(start + 32 * DAY_US)
        yield start, end
        start = end


def _joined(pieces: Iterable[_Piece]) -> list[_Piece]:
    """Neighbours of one kind are one piece."""
    found: list[_Piece] = []
    for piece in sorted(pieces, key=lambda each: (each.view.dims, each.is_less, each.since)):
        last = found[-1] if found else None
        if last and (last.view, last.is_less, last.until) == (piece.view, piece.is_less, piece.since):
            found[-1] = last._replace(until=piece.until)
        else:
            found.append(piece)
    return found


def _pair(key: Row) -> tuple[str, str]:
    return (str(key[0]), str(key[1]) if len(key) > 1 else "")


def _marks(values: Sequence[object] | range) -> str:
    return ", ".join("?" * len(values))
