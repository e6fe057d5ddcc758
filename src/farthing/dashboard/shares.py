"""Shares of calls over the days of a period, as the chart `shares` takes them: days, or weeks where there are many."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from farthing.dashboard.charts.chart import Chart
from farthing.dashboard.formats import count, percent
from farthing.dashboard.periods import Period, day_of
from farthing.dashboard.spending.sums import holds
from farthing.dashboard.view import View
from farthing.finops.metrics.facts import Facts, Scope, of_shares
from farthing.store.engine import Connection
from farthing.store.rollups import DAY_US

MOST_DAYS = 100
"""Up to which each day is drawn by itself."""


class Share(NamedTuple):
    """What is drawn of one name: its colour's number, and its calls by day (microseconds)."""

    name: str
    look: int
    calls: Mapping[int, int]


def chart(
    title: str, period: Period, shares: Sequence[Share], of: Mapping[int, int], what: str, target: float, goal: Sequence[str],
) -> Chart:  # fmt: skip
    """`of` is what they are shares of, called `what`; `goal` are the names that together should reach `target`."""
    step = DAY_US if period.days <= MOST_DAYS else 7 * DAY_US
    rows: list[dict[str, Any]] = []
    reached = drawn = 0
    top = target
    for start in range(period.since_us, period.until_us, step):
        end = min(start + step, period.until_us)
        whole = _sum(of, start, end)
        if not whole:
            continue
        level, towards = 0.0, 0
        for each in shares:
            part = _sum(each.calls, start, end)
            if part:
                said = (
                    f"{_when(start, end)}: {each.name} {percent(part / whole)}, {count(part)} of {count(whole)} {what}"
                )
                rows.append(
                    {"start": start // 1000, "end": end // 1000, "name": each.name, "from": level, "to": level + part / whole, "said": said}
                )  # fmt: skip
            level += part / whole
            towards += part if each.name in goal else 0
        top, drawn, reached = max(top, level), drawn + 1, reached + (towards >= target * whole)
    unit = "days" if step == DAY_US else "weeks"
    words = f"{' and '.join(goal)} together reached {percent(target, 0)} on {reached} of {drawn} {unit} with {what}."
    options = {
        "names": [each.name for each in shares], "looks": [each.look for each in shares], "target": target,
        "since": period.since_us // 1000, "until": period.until_us // 1000, "target_said": f"target: {percent(target, 0)}",
        "most": min(1.0, 1.15 * top),
    }  # fmt: skip
    return Chart("shares", title, words, rows, options)


def facts_of(connection: Connection, view: View) -> tuple[Facts, bool]:
    """What shares are made of, and whether sums are kept for the scope at all."""
    period = view.filters.period
    scope = Scope(period.since_us, period.until_us, view.tenant, view.where)
    if holds(("day",), view.where):
        return of_shares(connection, scope, view.now_us), True
    return Facts(scope, view.now_us, [], [], None, None, None, None, None, None, None), False


def legend(drawn: Chart) -> list[tuple[str, str]]:
    """Class of the swatch, and name."""
    named = zip(drawn.options["names"], drawn.options["looks"], strict=True)
    swatches = [(f"series-{look}" if look else "", name) for name, look in named]
    return [*swatches, ("goal", drawn.options["target_said"])]


def _sum(calls: Mapping[int, int], start: int, end: int) -> int:
    return sum(calls.get(day, 0) for day in range(start, end, DAY_US))


def _when(start: int, end: int) -> str:
    first = f"{day_of(start):%-d %b}"
    return first if end - start <= DAY_US else f"{first} to {day_of(end - DAY_US):%-d %b}"
