"""Where the money goes: by one name or two, over time, and deeper into each value down to the single calls."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from farthing.dashboard import formats
from farthing.dashboard.charts.chart import REST, Chart
from farthing.dashboard.page import Page, Values
from farthing.dashboard.spending.newest import MOST, Newest, newest, summed
from farthing.dashboard.spending.sums import NAMES, Part, holds, like, part, sums, whole
from farthing.dashboard.spending.table import TITLES, ranking, spend_table
from farthing.dashboard.view import View
from farthing.gateway.guard import VIEWER
from farthing.model.errors import BadRequest
from farthing.store import ReportRow, corrections
from farthing.store.engine import Connection

DRAWN = 7
"""Values with a colour of their own; the rest are drawn together."""
MOST_APART = 400
"""Values up to this number are drawn apart. Of more, such as users, the dearest few are a small part, and finding them day by
day would cost seconds."""
SHORT_DAYS = 2
"""Periods up to this length are drawn by the hour."""
LONGEST_DRAWN = 32
"""Characters of a name in a chart."""


class Choice(NamedTuple):
    """A name to see spend by."""

    title: str
    href: str
    is_here: bool
    is_kept: bool
    """Sums are kept for it; otherwise they are made of the newest calls."""


class Found(NamedTuple):
    """What a page was read as."""

    names: tuple[str, ...]
    part: Part
    before: Part | None
    over_time: list[ReportRow]
    each: str
    """What `over_time` is by: day or hour; empty where nothing can be drawn."""
    apart: str
    """The name whose values are drawn apart; empty where all spend is drawn as one."""
    posted: int
    """Nano-dollars of corrections for these days."""
    newest: Newest | None
    """The calls that the rows were summed from, where no sums are kept."""


async def read(view: View) -> Values:
    names = _names(view)
    found, tabled = await view.read(lambda connection: _tabled(connection, view, names))
    before = found.before.total if found.before is not None else None
    values: dict[str, Any] = {
        "found": found, "total": found.part.total, "before": before, "whose": _whose(found), "asked": names,
        "titles": TITLES, "choices": _choices(view, names), "seconds": _seconds(view, names),
        "by": ",".join(names), "query": view.query.get("q", ""), "kept": [each for each in view.kept() if each[0] != "q"],
        **tabled,
    }  # fmt: skip
    if found.each:
        values["over_time"] = _chart(found)
    return values


def _names(view: View) -> tuple[str, ...]:
    """What is asked for; else the first name that the scope leaves open. Raises BadRequest."""
    where = view.filters.where
    if "by" in view.query:
        names = tuple(name.strip() for name in view.query["by"].split(","))
        if not 1 <= len(names) <= 2 or len(set(names)) < len(names) or not set(names) <= {*NAMES, "day"}:
            raise BadRequest(f"Spend is explored by one or two of: {', '.join((*NAMES, 'day'))}.", param="by")
        return names
    free = (name for name in NAMES if name not in where)
    return (next((name for name in free if holds((name,), where)), "day"),)


def _tabled(connection: Connection, view: View, names: tuple[str, ...]) -> tuple[Found, dict[str, Any]]:
    """All in the thread of the store: there may be some ten thousand users."""
    found = _found(connection, view, names)
    return found, spend_table(view, names, found.part, found.before, in_sums=found.newest is None)


def _found(connection: Connection, view: View, names: tuple[str, ...]) -> Found:
    filters = view.filters
    if not holds(names, filters.where):
        return _from_calls(connection, view, names)
    shown = part(connection, names, filters.period, view.tenant, filters.where, ranking(view))
    before = (
        like(connection, shown, names, filters.period.before(), view.tenant, filters.where)
        if filters.compare and names != ("day",)
        else None
    )
    apart = "" if names[0] == "day" or shown.size > MOST_APART else names[0]
    each, of_time = _drawn_by(view, apart)
    over_time = sums(connection, of_time, filters.period, view.tenant, filters.where) if each else []
    return Found(names, shown, before, over_time, each, apart, _posted(connection, view), None)


def _from_calls(connection: Connection, view: View, names: tuple[str, ...]) -> Found:
    found = newest(connection, view.filters.period, view.where_calls)
    each = "hour" if view.filters.period.days <= SHORT_DAYS else "day"
    apart = "" if names[0] == "day" else names[0]
    over_time = summed(found.calls, (each, apart) if apart else (each,)) if found.complete else []
    return Found(
        names, whole(summed(found.calls, names)), None, over_time, each if found.complete else "", apart, 0, found
    )


def _drawn_by(view: View, name: str) -> tuple[str, tuple[str, ...]]:
    """Hours for short periods where they are kept; else days, if there is more than one. Apart by `name`, if any."""
    value = (name,) if name else ()
    where, days = view.filters.where, view.filters.period.days
    if days <= SHORT_DAYS and holds(("hour", *value), where):
        return "hour", ("hour", *value)
    return ("day" if days > 1 else ""), ("day", *value)


def _posted(connection: Connection, view: View) -> int:
    """Corrections are of a day, a provider and a model, and of no feature, team or user."""
    filters = view.filters
    if set(filters.where) - {"model", "provider"}:
        return 0
    entries = corrections.entries_of(connection, filters.period.since_us, filters.period.until_us, view.tenant)
    return sum(
        each.amount for each in entries if all(getattr(each, name) == value for name, value in filters.where.items())
    )


def _choices(view: View, names: tuple[str, ...]) -> list[Choice]:
    where = view.filters.where
    return [
        Choice(TITLES[name], view.href(by=name), names[0] == name, holds((name,), where))
        for name in (*NAMES, "day")
        if name not in where
    ]


def _seconds(view: View, names: tuple[str, ...]) -> list[Choice]:
    """Names to split each value by, as far as sums are kept for the pair."""
    where, first = view.filters.where, names[0]
    found = [
        Choice(TITLES[name], view.href(by=f"{first},{name}"), names[1:] == (name,), True)
        for name in NAMES
        if name != first and name not in where and holds((first, name), where)
    ]
    return [Choice("nothing more", view.href(by=first), len(names) == 1, True), *found] if found else []


def _whose(found: Found) -> str:
    """Which calls the figures are of, where that is not all."""
    if found.newest is None or not found.newest.calls:
        return ""
    if found.newest.complete:
        return "No sums are kept for this combination; these are of the single calls, all of them."
    since = formats.moment(found.newest.calls[-1].started_us)
    return (
        f"No sums are kept for this combination: all figures are of the newest {MOST:,} calls, since {since}. "
        "Take a name away from the scope to see all."
    )


def _chart(found: Found) -> Chart:
    costs: dict[str, int] = {}
    for row in found.over_time:
        costs[row.also] = costs.get(row.also, 0) + row.cost
    dearest = sorted(costs, key=lambda name: (-costs[name], name))[:DRAWN]
    labels = _labels(dearest) | ({} if len(costs) <= DRAWN else {None: REST})
    cells: dict[tuple[str, str], int] = {}
    for row in found.over_time:
        label = labels[row.also if row.also in labels else None]
        cells[row.key, label] = cells.get((row.key, label), 0) + row.cost
    shown = list(labels.values())
    rows = [
        {
            "at": at, "name": label, "dollars": cost / 1e9, "rank": shown.index(label),
            "said": f"{f'{label}, ' if found.apart else ''}{_when(at)}: {formats.money(cost)}",
        }
        for (at, label), cost in cells.items()
    ]  # fmt: skip
    title = f"Spend by {found.each}" + (f", by {found.apart}" if found.apart else "")
    return Chart("spend_over_time", title, _said(found, dearest[:3], costs, labels), rows, {"names": shown, "each": found.each})  # fmt: skip


def _labels(values: Sequence[str]) -> dict[str | None, str]:
    """A name of each value, short and unlike the others."""
    found: dict[str | None, str] = {}
    for place, value in enumerate(values, 1):
        label = formats.said(value)
        label = label if len(label) <= LONGEST_DRAWN else f"{label[: LONGEST_DRAWN - 1]}…"
        found[value] = label if label not in found.values() and label != REST else f"{label} ({place})"
    return found


def _when(at: str) -> str:
    return at.replace("T", " ").removesuffix("Z")


def _said(found: Found, top: Sequence[str], costs: Mapping[str, int], labels: Mapping[str | None, str]) -> str:
    by_time: dict[str, int] = {}
    for row in found.over_time:
        by_time[row.key] = by_time.get(row.key, 0) + row.cost
    all_ = sum(costs.values())
    most = max(by_time, key=lambda at: by_time[at], default="")
    parts = [f"{formats.money(all_)} in all"]
    if most:
        parts.append(f"the dearest {found.each} is {_when(most)} with {formats.money(by_time[most])}")
    if found.apart and all_:
        parts.append(
            "most of it " + ", ".join(f"{labels[name]} ({formats.percent(costs[name] / all_, 0)})" for name in top)
        )
    return "; ".join(parts) + "."


PAGE = Page("spend", "/spend", "Spend", VIEWER, read, section="Cost", filters=("period", "scope", "compare"))
