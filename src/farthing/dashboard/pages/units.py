"""Unit economics: what a business transaction costs, whether that beats people, what users and plans leave over; and the
calculator for what is still to come."""

from farthing.dashboard.formats import count, money, percent
from farthing.dashboard.page import Page, Values
from farthing.dashboard.units import tables
from farthing.dashboard.units.estimating import LABELS, PREFIX, calculator
from farthing.dashboard.units.summary import summary
from farthing.dashboard.view import View
from farthing.finops import units
from farthing.gateway.guard import VIEWER
from farthing.store.units import Units

USERS = 10


async def read(view: View) -> Values:
    period, settings = view.filters.period, view.sources.settings.transactions
    book = await Units(view.sources.store).book(period.since_us, period.until_us, tenant=view.tenant, users=USERS)
    found = units.report(book, settings, period.since_us, period.until_us)
    server = view.sources.settings.server
    return {
        "types": tables.types(view, found), "summaries": [summary(view, each) for each in found.units[:6]],
        "more": max(0, len(found.units) - 6), "plans": tables.plans([each for each in found.plans if each.plan]),
        "users": tables.users(view, found.users), "tiles": _tiles(found) if found.units else [],
        "calc": await calculator(view), "labels": LABELS, "prefix": PREFIX,
        "address": f"{'https' if server.tls_cert else 'http'}://{server.host}:{server.port}",
        "needs_key": view.entered.key is not None, "file": view.sources.settings_file or "farthing.toml",
    }  # fmt: skip


def _tiles(found: units.Report) -> list[dict[str, str]]:
    cost = sum(each.cost + each.tool_cost for each in found.units)
    each_n = sum(each.transactions for each in found.units)
    ended = sum(each.succeeded + each.failed for each in found.units)
    good = sum(each.succeeded for each in found.units)
    unsaid, partly = sum(each.open for each in found.units), sum(each.partly for each in found.units)
    compared = [each.handling for each in found.units if each.handling is not None]
    saved = sum(each.saved for each in compared)
    tiles = [
        {"title": "Transactions", "value": count(each_n), "note": f"{money(cost)} of calls and tools"},
        {"title": "Ended well", "value": percent(good / ended) if ended else "?",
         "note": f"of {count(ended)} whose outcome was posted" if ended else "nobody posted an outcome yet"},
    ]  # fmt: skip
    if compared:
        note = "beside handling by hand, people's time taken off"
        tiles.append({"title": "Saved" if saved >= 0 else "Lost", "value": money(abs(saved)), "note": note, "state": "good" if saved >= 0 else "bad"})  # fmt: skip
    if unsaid:
        tiles.append({"title": "Outcome unknown", "value": count(unsaid), "note": "in the cost of each, in no comparison", "state": "warn"})  # fmt: skip
    if partly:
        tiles.append({"title": "Cost unknown", "value": count(partly), "note": "a call or tool without a price; in no cost", "state": "warn"})  # fmt: skip
    return tiles


PAGE = Page("units", "/units", "Unit economics", VIEWER, read, section="Cost", filters=("period",))
