"""The alerts' part of the composition root: settings -> the loop that looks and the one that delivers."""

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack, suppress

from farthing.finops import forecasts
from farthing.finops.alerts.booked import Foreseen, StoredBudgets
from farthing.finops.alerts.catalog import looks_at_users, rules_for, single_call_limit
from farthing.finops.alerts.channels.making import channels_of
from farthing.finops.alerts.delivery import Delivery
from farthing.finops.alerts.digest.reading import Digests
from farthing.finops.alerts.digest.weekly import Weekly
from farthing.finops.alerts.prices import BookPrices, Priced
from farthing.finops.alerts.reading import Reader
from farthing.finops.alerts.recipients import Recipients
from farthing.finops.alerts.states import HOUR_US, Pace
from farthing.finops.alerts.watch import Watch
from farthing.finops.tiers import tier_of
from farthing.model.clock import SYSTEM, Clock
from farthing.model.errors import BadRequest, UnknownModel
from farthing.prices import PriceBook
from farthing.settings import AlertSettings, Settings
from farthing.store import Store, StoreError
from farthing.store.alerts import Alerts
from farthing.upstream.http1 import Http1Client
from farthing.upstream.providers import Providers

LAST_S = 2.0
"""What is left to tell at a stop gets so many seconds; the rest waits in the store."""


def build_alerts(
    settings: Settings, store: Store, providers: Providers, book: PriceBook, stack: AsyncExitStack, clock: Clock = SYSTEM
) -> Watch | None:  # fmt: skip
    """The watch, which runs from now on; None where settings say so."""
    made = make_watch(settings, store, providers, book, stack, clock)
    if made is None:
        return None
    watch, delivery = made
    tasks = [asyncio.create_task(watch.run()), asyncio.create_task(delivery.run())]
    stack.push_async_callback(_end, tasks, watch, delivery)
    return watch


def make_watch(
    settings: Settings, store: Store, providers: Providers, book: PriceBook, stack: AsyncExitStack, clock: Clock,
    holder: str = "",
) -> tuple[Watch, Delivery] | None:  # fmt: skip
    """The watch and who brings its messages, for whoever lets them look; None where settings say so. `holder` is its name among
    gateways."""
    if not settings.alerts.on:
        return None
    alerts = Alerts(store, clock.now_us)
    client = Http1Client()
    stack.push_async_callback(client.close)
    delivery = Delivery(alerts, channels_of(settings.alerts.channels, client), settings.alerts.link)
    budgets = StoredBudgets(store, _Foresee(store))
    reader = Reader(
        alerts,
        users=looks_at_users(settings.alerts),
        budgets=budgets,
        prices=BookPrices(book, _Served(providers)),
        tier=tier_of(settings),
    )
    watch = Watch(
        alerts, reader, rules_for(settings.alerts), Recipients(settings.alerts), delivery,
        holder=holder or secrets.token_hex(8), pace=pace_of(settings.alerts), call_limit=single_call_limit(settings.alerts),
        weekly=Weekly(alerts, Digests(store, alerts, budgets), settings.alerts) if settings.alerts.digest.on else None,
        every_s=settings.alerts.every_s, now_us=clock.now_us,
    )  # fmt: skip
    return watch, delivery


def pace_of(settings: AlertSettings) -> Pace:
    return Pace(int(settings.cool_down_h * HOUR_US), int(settings.remind_h * HOUR_US))


async def _end(tasks: Sequence["asyncio.Task[None]"], watch: Watch, delivery: Delivery) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    with suppress(StoreError, TimeoutError):
        async with asyncio.timeout(LAST_S):
            await watch.tell_dear()
            await delivery.deliver()
            await watch.close()


class _Foresee:
    """The end of a month of some scope, by the forecast that reports have too."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def __call__(self, tenant: str, scope: Mapping[str, str], now_us: int) -> Foreseen | None:
        try:
            found = await self._store.do(
                lambda connection: forecasts.read(connection, now_us, tenant=tenant, where=scope)
            )
        except BadRequest:  # no sums are kept of such a scope
            return None
        month = found.total.forecast
        return Foreseen(month.expected, month.low, month.high, month.chance_above)


class _Served:
    """Where a model of the ledger is priced."""

    def __init__(self, providers: Providers) -> None:
        self._providers = providers

    def __call__(self, model: str) -> list[Priced]:
        try:
            found = self._providers.deployments(model)
        except UnknownModel:
            return []
        return [(each.prices, each.price_as or each.model) for each in found]
