"""One type of business transaction: its cost and how that is spread, AI beside people, what drives it, the newest ones."""

from farthing.dashboard.page import Page, Values
from farthing.dashboard.units import distribution, tables
from farthing.dashboard.units.summary import summary
from farthing.dashboard.view import View
from farthing.finops import units
from farthing.gateway.guard import VIEWER
from farthing.store.units import Units

NEWEST = 20
IN_FILE = 1_000


async def read(view: View) -> Values:
    kind, period, settings = view.query.get("type", ""), view.filters.period, view.sources.settings.transactions
    known = Units(view.sources.store)
    book = await known.book(period.since_us, period.until_us, tenant=view.tenant, kind=kind, users=0)
    found = units.report(book, settings, period.since_us, period.until_us)
    unit = found.units[0] if found.units else None
    newest = await known.newest(
        period.since_us,
        period.until_us,
        tenant=view.tenant,
        kind=kind,
        limit=IN_FILE if "table" in view.params else NEWEST,
    )
    shared = {"kind": kind, "newest": tables.newest(view, kind, newest), "unit": unit}
    if unit is None:
        return shared
    sizes = sorted(pair for (of, _), each in book.sizes.items() if of == kind for pair in each)
    return {
        **shared, "summary": summary(view, unit), "distribution": distribution.chart(kind, sizes),
        "drivers": tables.drivers(view, unit), "plans": tables.plans([each for each in found.plans if each.plan]),
    }  # fmt: skip


PAGE = Page("unit", "/units/type", "Unit economics", VIEWER, read, filters=("period",))
