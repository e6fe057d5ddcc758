"""From the form to the comparison that it asks for: demand from the ledger, prices from the book, speed from the roofline or
as measured; the same functions as `farthing tco`. Dollars for planning."""

import asyncio
from datetime import UTC, date, datetime
from pathlib import Path
from typing import NamedTuple

from farthing.dashboard.own import models
from farthing.dashboard.own.asked import ENGINE, Asked
from farthing.dashboard.view import View
from farthing.finops.makers import maker_of
from farthing.model.errors import BadRequest
from farthing.prices import PriceBook
from farthing.prices.configured import configured_book
from farthing.selfhost import gpu_prices, gpus, points
from farthing.selfhost.formats import FORMATS
from farthing.selfhost.gpu_prices import Offer
from farthing.selfhost.points import Measured
from farthing.selfhost.tco.api_side import ApiPrices, prices_of
from farthing.selfhost.tco.demand import Demand
from farthing.selfhost.tco.fleet import Goal, Replica, Sizing
from farthing.selfhost.tco.from_ledger import read_demand
from farthing.selfhost.tco.own_side import Own
from farthing.selfhost.tco.report import Case, Report, report
from farthing.selfhost.tco.sensitivity import Bar, Range, simulate, tornado
from farthing.selfhost.tco.speed import as_said, replica_for
from farthing.store.engine import Connection
from farthing.store.reading import report as sums
from farthing.store.rollups import DAY_US, HOUR_US

WEEKS = 4
GOAL = Goal(ttft_s=2.0, tpot_s=0.05)
STORAGE_GB = 500.0
MOST_OFFERED = 40
"""Features and models in the form."""


class Traffic(NamedTuple):
    """The last weeks of the ledger."""

    features: list[str]
    """The dearest first."""
    models: list[str]
    """Of the chosen calls, the dearest first."""
    demand: Demand | None
    """None where there is none with tokens."""


class Compared(NamedTuple):
    """What came of it."""

    asked: Asked
    api: str
    case: Case
    found: Report
    sure: Range
    bars: list[Bar]
    offer: Offer | None
    """Where the price of the GPU comes from; None where it was said."""
    today: date


async def traffic(view: View, feature: str) -> Traffic:
    return await view.read(lambda connection: _traffic(connection, view, feature))


def _traffic(connection: Connection, view: View, feature: str) -> Traffic:
    until = view.now_us // HOUR_US * HOUR_US
    since, tenant = until - WEEKS * 7 * DAY_US, view.tenant
    where = {"feature": feature} if feature else {}
    by_feature = sums(connection, "feature", since, until, tenant=tenant)
    by_model = sums(connection, "model", since, until, tenant=tenant, where=where)
    try:
        demand = read_demand(connection, since, until, tenant=tenant, where=where)
    except BadRequest:
        demand = None
    features = [row.key for row in by_feature if row.key][:MOST_OFFERED]
    return Traffic(features, [row.key for row in by_model if row.key and row.cost][:MOST_OFFERED], demand)


async def compared(view: View, asked: Asked, demand: Demand, api: str) -> Compared:
    """Worked out once an hour for the same question: it takes a tenth of a second. Raises BadRequest for what cannot be
    compared."""
    memory = view.sources.memory
    key, stamp = ("own models beside an API", view.tenant, asked, api), view.now_us // HOUR_US
    found: Compared | None = memory.get(key, stamp)
    if found is None:
        book = await _book(view)
        measured = await asyncio.to_thread(_measured, view)
        found = await asyncio.to_thread(_compared, view, asked, demand, api, book, measured)
        memory.keep(key, stamp, found)
    return found


def _compared(
    view: View, asked: Asked, demand: Demand, api: str, book: PriceBook, measured: list[Measured]
) -> Compared:  # fmt: skip
    demand = demand.times(asked.growth)
    offer = offer_of(view, asked.gpu) if not asked.hour else None
    case = Case(
        demand=demand, prices=_prices(book, api, view.now_us, demand), own=_own(asked, offer),
        replica=_replica(asked, demand, measured), sizing=Sizing(),
        hour_range=(offer.low, offer.high) if offer is not None else None,
    )  # fmt: skip
    today = datetime.fromtimestamp(view.now_us / 1e6, UTC).date()
    return Compared(asked, api, case, report(case), simulate(case), tornado(case), offer, today)


def offer_of(view: View, gpu: str) -> Offer | None:
    """Prices of the user's table before ours. Raises BadRequest for a file that holds none."""
    kind = gpus.find(gpu)
    known = gpu_prices.known(view.sources.settings.selfhost.gpu_prices)
    return gpu_prices.offers_for(kind, known) if kind is not None else None


def _prices(book: PriceBook, api: str, now_us: int, demand: Demand) -> ApiPrices:
    try:
        return prices_of(book, maker_of(api, "openai.chat"), api, now_us, demand.input_tokens)
    except BadRequest as error:
        raise BadRequest(f"{error.message[:1].upper()}{error.message[1:]}.", param="api") from None


def _own(asked: Asked, offer: Offer | None) -> Own:
    hour = asked.hour or (offer.median if offer is not None else 0.0)
    if not hour:
        raise BadRequest(f"The table has no price of {asked.gpu}: set what a GPU hour costs.", param="hour")
    return Own(gpu_hour=hour, storage_gb=STORAGE_GB, engineers=asked.engineers)


def _replica(asked: Asked, demand: Demand, measured: list[Measured]) -> Replica:
    if asked.tokens_s:
        return as_said(asked.tokens_s, asked.gpus or 1)
    try:
        return replica_for(
            demand, models.shape(asked.own), FORMATS[asked.format], gpus.gpu(asked.gpu), GOAL, engine=ENGINE, gpus=asked.gpus,
            measured=measured,
        )  # fmt: skip
    except BadRequest as error:
        raise BadRequest(f"{error.message[:1].upper()}{error.message[1:]}.", param="gpu") from None


async def _book(view: View) -> PriceBook:
    """The prices that calls are booked at; read once."""
    memory, prices = view.sources.memory, view.sources.settings.prices
    book: PriceBook | None = memory.get("price book", None)
    if book is None:
        book = await asyncio.to_thread(configured_book, prices)
        memory.keep("price book", None, book)
    return book


def _measured(view: View) -> list[Measured]:
    """Of own servers; the file lies beside the settings, unless it is absolute. Raises BadRequest."""
    file = view.sources.settings_file
    return points.read((Path(file).parent if file else Path()) / view.sources.settings.selfhost.measurements)
