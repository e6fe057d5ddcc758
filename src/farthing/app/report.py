"""The report to send, made without a gateway: settings and store -> one HTML file. Loaded only where the pages' libraries are
installed. Nothing is decided here."""

import time
from contextlib import AsyncExitStack

from starlette.datastructures import QueryParams

from farthing.app.providers import open_providers
from farthing.app.routing import models_of
from farthing.dashboard.backtests import Backtests
from farthing.dashboard.charts.studio import Studio
from farthing.dashboard.filters import Filters
from farthing.dashboard.pages import report
from farthing.dashboard.periods import period_of
from farthing.dashboard.proofs import Proofs
from farthing.dashboard.rendering import Rendering
from farthing.dashboard.sources import Sources
from farthing.dashboard.view import View
from farthing.gateway.guard import Pass
from farthing.model.record import Record
from farthing.prices.configured import configured_book
from farthing.quality.table import maker
from farthing.settings import Settings
from farthing.steps.balance.health import Health
from farthing.store import Store
from farthing.store.buckets import Buckets
from farthing.store.routes import Routes


async def report_html(settings: Settings, store: Store, period: str, tenant: str) -> str:
    """The report of a tenant and a period, as the address of a page names it. Raises StoreError, SettingsError, BadRequest."""
    async with AsyncExitStack() as stack:
        sources, studio = await _sources(settings, store, stack)
        filters = Filters(period_of(period, sources.now_us()), compare=True)
        view = View("/report", {}, QueryParams(), filters, Pass(None, tenant), sources)
        values = {"view": view, "filters": filters, "page": report.PAGE, **await report.read(view)}
        return await Rendering(studio).document("report.html", values)


async def _sources(settings: Settings, store: Store, stack: AsyncExitStack) -> tuple[Sources, Studio]:
    url = settings.store.url.reveal()
    studio, proofs, backtests, buckets = Studio(), Proofs(url), Backtests(url, settings.alerts), Buckets()
    for each in (studio, proofs, backtests, buckets):
        stack.callback(each.close)
    providers = await open_providers(settings, stack)
    known = models_of(settings, configured_book(settings.prices), providers)
    table = (await Routes(store).active()).over(maker(known.catalog)(()))
    health = Health(providers, settings.balance, buckets)
    return Sources(
        settings, store, _AllWritten(), health, _now_us, known.catalog, known.costs, lambda: table, proofs, backtests
    ), studio  # fmt: skip


class _AllWritten:
    """No call is under way here."""

    def find(self, call_id: str) -> Record | None:
        return None


def _now_us() -> int:
    return time.time_ns() // 1000
