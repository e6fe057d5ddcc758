"""What the company spends, what was saved and by what, what is wrong now, and what to switch on next."""

from collections.abc import Sequence

from farthing.dashboard.charts.chart import Chart
from farthing.dashboard.charts.spend_by_day import REST
from farthing.dashboard.page import Page, Values
from farthing.dashboard.table import Column, Row, Table
from farthing.dashboard.view import View
from farthing.gateway.guard import VIEWER
from farthing.store import ReportRow, reading

FEATURES_DRAWN = 7


async def read(view: View) -> Values:
    period = view.filters.period
    by_day = await view.read(
        lambda each: reading.report(
            each, "day,feature", period.since_us, period.until_us, tenant=view.tenant, where=view.where
        )
    )
    return {"spent": sum(row.cost for row in by_day), "spend": _spend(by_day), "features": _features(view, by_day)}


def _spend(by_day: Sequence[ReportRow]) -> Chart:
    dearest = [name for name, _ in _sums(by_day)][:FEATURES_DRAWN]
    names = [*dearest, REST] if len(_sums(by_day)) > FEATURES_DRAWN else dearest
    cells: dict[tuple[str, str], int] = {}
    for row in by_day:
        name = row.also if row.also in dearest else REST
        cells[row.key, name] = cells.get((row.key, name), 0) + row.cost
    rows = [
        {"day": day, "name": name, "dollars": cost / 1e9, "rank": names.index(name)}
        for (day, name), cost in cells.items()
    ]
    total = sum(cells.values()) / 1e9
    return Chart("spend_by_day", "Spend by feature", f"${total:,.2f} in all.", rows, {"names": names})


def _sums(by_day: Sequence[ReportRow]) -> list[tuple[str, int]]:
    sums: dict[str, int] = {}
    for row in by_day:
        sums[row.also] = sums.get(row.also, 0) + row.cost
    return sorted(sums.items(), key=lambda each: (-each[1], each[0]))


def _features(view: View, by_day: Sequence[ReportRow]) -> Table:
    rows = [
        Row((name, cost), href=view.href("/spend", feature=name), calls=view.calls(feature=name))
        for name, cost in _sums(by_day)
    ]
    return Table("features", "By feature", (Column("feature", "Feature"), Column("cost", "Cost", "money")), rows)


PAGE = Page("overview", "/", "Overview", VIEWER, read, section="Cost", filters=("period", "scope", "compare"))
