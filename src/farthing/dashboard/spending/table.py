"""The table of spend: its columns, in the order and the part that the address asks for; each value leads deeper."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from farthing.dashboard import paging
from farthing.dashboard.paging import PAGE_ROWS
from farthing.dashboard.spending.sums import NAMES, Part, Ranking, holds, total
from farthing.dashboard.table import Column, Kind, Row, Table
from farthing.dashboard.view import View
from farthing.store import ReportRow

TITLES = {
    "feature": "Feature", "team": "Team", "user": "User", "project": "Project", "model": "Model", "tier": "Tier",
    "task": "Task", "provider": "Provider", "key": "Key", "day": "Day",
}  # fmt: skip
DEEPER = {
    "feature": ("model", "user"), "user": ("feature", "model"), "team": ("model", "feature"), "project": ("model", "user"),
    "model": ("feature", "user"), "tier": ("feature", "task"), "task": ("model", "feature"),
    "provider": ("model", "feature"), "key": ("model", "feature"),
}  # fmt: skip
"""What a value is seen by next: the first that the scope leaves open and sums are kept for, else the first open."""


class Figure(NamedTuple):
    """A column beside the names. `value` is given the row, that of the period before, and the sum of all rows."""

    column: Column
    value: Callable[[ReportRow, ReportRow | None, ReportRow], Any]


def _figure(name: str, title: str, kind: Kind, value: Callable[[ReportRow], Any], help: str = "") -> Figure:
    return Figure(Column(name, title, kind, help), lambda row, before, all_: value(row))


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None


COST = _figure("cost", "Cost", "money", lambda row: row.cost)
SHARE = Figure(
    Column("share", "Share", "percent", "Of the cost of all rows"), lambda row, _, all_: _ratio(row.cost, all_.cost)
)
BEFORE = Figure(
    Column("cost_before", "Before", "money", "Cost in the period before"),
    lambda row, before, _: before.cost if before is not None else None,
)
CHANGE = Figure(
    Column("change", "Change", "change", "Cost against the period before"),
    lambda row, before, _: _ratio(row.cost - before.cost, before.cost) if before is not None else None,
)
PLAIN = (
    _figure("calls", "Calls", "count", lambda row: row.calls),
    _figure("errors", "Errors", "count", lambda row: row.errors),
    _figure("cost_per_call", "Per call", "money", lambda row: _ratio(row.cost, row.calls - row.calls_without_cost), "Cost by calls whose cost is known"),
    _figure("in_tokens", "Tokens in", "count", lambda row: row.in_tokens),
    _figure("cached_tokens", "Cached", "count", lambda row: row.cached_tokens, "Input tokens that the provider's cache served"),
    _figure("out_tokens", "Tokens out", "count", lambda row: row.out_tokens),
    _figure("hit_rate", "Hit rate", "percent", lambda row: _ratio(row.cache_hits, row.cacheable), "Calls that our cache answered, of those that it was allowed to answer"),
    _figure("saved", "Saved", "money", lambda row: row.saved, "What the calls as sent would have cost, less their cost"),
)  # fmt: skip
WITHOUT_COST = _figure(
    "calls_without_cost", "Without cost", "count", lambda row: row.calls_without_cost,
    "Calls with no known price or no reported usage; what they cost is in no sum",
)  # fmt: skip


RANKED = {
    "cost": "cost", "share": "cost", "calls": "calls", "errors": "errors", "in_tokens": "in_tokens",
    "cached_tokens": "cached_tokens", "out_tokens": "out_tokens", "saved": "saved",
}  # fmt: skip
"""Columns by which the store ranks values, and the sum of each."""


def ranking(view: View) -> Ranking | None:
    """What of the table the address asks for, where the store can find just that: no file, no search, the most of a sum
    first."""
    asked = view.query.get("sort", "-cost")
    if (
        "table" in view.params
        or view.query.get("q", "").strip()
        or not asked.startswith("-")
        or asked[1:] not in RANKED
    ):
        return None
    return Ranking(RANKED[asked[1:]], PAGE_ROWS * (paging.asked(view) - 1), PAGE_ROWS)


def spend_table(
    view: View, names: tuple[str, ...], found: Part, before: Part | None, *, in_sums: bool
) -> dict[str, Any]:  # fmt: skip
    """The `table`, how many rows there are (`matching`), and where the parts before and after it are."""
    rows, all_ = found.rows, found.total
    query = view.query.get("q", "").strip().casefold()
    matching = [row for row in rows if query in row.key.casefold() or query in row.also.casefold()]
    figures = _figures(all_, compared=before is not None)
    former = {(row.key, row.also): row for row in before.rows} if before is not None else {}

    def values(row: ReportRow, wanted: Sequence[Figure] = figures) -> list[Any]:
        earlier = former.get((row.key, row.also), ReportRow("")) if before is not None else None
        return [figure.value(row, earlier, all_) for figure in wanted]

    columns = (*(Column(name, TITLES[name]) for name in names), *(figure.column for figure in figures))
    by, down = _order(view, names, columns)
    place = by - len(names)

    def standing(row: ReportRow) -> tuple[bool, Any]:
        return _sortable(values(row, figures[place : place + 1])[0] if place >= 0 else _said(row, names)[by], down)

    count = found.size if found.is_cut else len(matching)
    pages = max(1, -(-count // PAGE_ROWS))
    if found.is_cut:
        page, some = found.first // PAGE_ROWS + 1, rows
    else:
        matching.sort(key=standing, reverse=down)
        page = min(paging.asked(view), pages)
        some = matching if "table" in view.params else matching[PAGE_ROWS * (page - 1) : PAGE_ROWS * page]
    shown = [_row(view, names, row, values(row)) for row in some]
    if "table" not in view.params and count > 1:
        if count == found.size:
            label, sums = "total", (all_, before.total if before is not None else None)
        else:
            keys = {(row.key, row.also) for row in matching}
            earlier = total([row for key, row in former.items() if key in keys]) if before is not None else None
            label, sums = f"total of {count:,} found", (total(matching), earlier)
        values_of_sum = [figure.value(*sums, all_) for figure in figures]
        shown.append(Row((label, *[""] * (len(names) - 1), *values_of_sum), mark="total"))
    return {
        "table": Table(
            "spend", f"By {' and '.join(names)}", _linked(view, names, columns, by, down), shown,
            empty=_empty(view, found.size), note=_note(all_, names, in_sums),
        ),
        "matching": count,
        "turning": paging.Part(
            page, pages, _at(view, names, page=f"{page - 1}" if page > 2 else None) if page > 1 else "",
            _at(view, names, page=f"{page + 1}") if page < pages else "",
        ),
    }  # fmt: skip


def _figures(all_: ReportRow, *, compared: bool) -> list[Figure]:
    apart = [WITHOUT_COST] if all_.calls_without_cost else []
    return [COST, SHARE, *([BEFORE, CHANGE] if compared else []), *PLAIN, *apart]


def _said(row: ReportRow, names: tuple[str, ...]) -> tuple[str, ...]:
    return (row.key, row.also)[: len(names)]


def _order(view: View, names: tuple[str, ...], columns: Sequence[Column]) -> tuple[int, bool]:
    """The column to sort by, and whether the most comes first: `sort=-cost`. What is no column is no order."""
    asked = view.query.get("sort", names[0] if names[0] == "day" else "-cost")
    place = next((at for at, column in enumerate(columns) if column.name == asked.lstrip("-")), len(names))
    return place, asked.startswith("-")


def _sortable(value: Any, down: bool) -> tuple[bool, Any]:
    """What there is not stands last, whichever way."""
    if isinstance(value, str):
        return (False, (value.casefold(), value))
    return (value is not None if down else value is None, value if value is not None else 0)


def _at(view: View, names: tuple[str, ...], **changes: str | None) -> str:
    """This page in another order, or another part of it."""
    kept: dict[str, str | None] = {
        "by": ",".join(names),
        "sort": view.query.get("sort"),
        "q": view.query.get("q") or None,
    }
    return view.href(**(kept | changes))


def _linked(
    view: View, names: tuple[str, ...], columns: Sequence[Column], by: int, down: bool
) -> tuple[Column, ...]:  # fmt: skip
    """Each title leads to the table sorted by it, figures from the most down; once more, the other way."""
    found = []
    for place, column in enumerate(columns):
        first_down = column.is_numeric
        turn_down = not down if place == by else first_down
        href = _at(view, names, sort=f"{'-' if turn_down else ''}{column.name}")
        standing: Any = ("descending" if down else "ascending") if place == by else ""
        found.append(msgspec.structs.replace(column, href=href, sorted=standing))
    return tuple(found)


def _row(view: View, names: tuple[str, ...], row: ReportRow, values: Sequence[Any]) -> Row:
    said = _said(row, names)
    if names == ("day",):
        where: dict[str, str] = {"period": row.key}
    elif names[0] == "day":
        where = {"period": row.key, names[1]: row.also}
    else:
        where = dict(zip(names, said, strict=True))
    return Row((*said, *values), href=_deeper(view, names, where), calls=view.calls(**where))


def _deeper(view: View, names: tuple[str, ...], where: Mapping[str, str]) -> str:
    """Into one value: by what the scope leaves open then; to the calls where that is nothing."""
    scope = {**view.filters.where, **{name: value for name, value in where.items() if name != "period"}}
    ways = [*DEEPER.get(names[-1], ()), *NAMES]
    free = [name for name in dict.fromkeys(ways) if name not in scope]
    by = next((name for name in free if holds((name,), scope)), "")
    if not by and len(scope) <= 2:
        by = next(iter(free), "")
    return view.href("/spend", **where, by=by) if by else view.calls(**where)


def _empty(view: View, count: int) -> str:
    if count:
        return "No name here has these letters in it."
    if view.filters.where:
        return "No calls of this scope in this period. Take a name away, or choose a longer period."
    return "No calls in this period. Choose a longer one, or point a client at this gateway."


def _note(all_: ReportRow, names: tuple[str, ...], in_sums: bool) -> str:
    parts = []
    if all_.calls_without_cost:
        parts.append(
            f"Calls without a known cost: {all_.calls_without_cost:,} of {all_.calls:,}; what they cost is in no sum."
        )
    if "provider" in names and in_sums:
        parts.append("Sums by provider do not know which calls the cache was allowed to answer.")
    return " ".join(parts)
