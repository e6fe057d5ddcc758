"""What the sums of a store tell without any prompt: the estimates and bounds that the overview shows, for the last four weeks
that the store has calls of; and what the calls themselves show that no lever does. Knows no terminal."""

from collections.abc import Sequence
from contextlib import AsyncExitStack

from farthing.app.providers import open_providers
from farthing.app.routing import models_of
from farthing.finops import next_savings
from farthing.finops.next_savings import DAYS_A_MONTH, Known, Saving
from farthing.finops.tiers import tier_of
from farthing.model.money import Nano
from farthing.model.past import PastCall
from farthing.model.record import Attempt
from farthing.model.usage import Usage
from farthing.planner.advice import advise, seen_of
from farthing.planner.replay.world import served
from farthing.prices.configured import configured_book
from farthing.quality.table import maker
from farthing.quality.watch import floors_of
from farthing.settings import Settings
from farthing.store import Store
from farthing.store.rollups import DAY_US


async def told_by_sums(store: Store, calls: Sequence[PastCall], own: Settings | None) -> list[Saving]:
    """The biggest first. Of the tenant that most of the calls are of. Raises StoreError."""
    if not calls:
        return []
    settings = served(calls, own)
    now = calls[-1].at_us + DAY_US
    tenants = [past.tenant for past in calls]
    tenant = max(set(tenants), key=tenants.count)
    sums = await store.do(lambda connection: next_savings.read(connection, now, tenant))
    async with AsyncExitStack() as stack:
        providers = await open_providers(settings, stack)
        book = configured_book(settings.prices)
        models = models_of(settings, book, providers)
        catalog, costs = models.catalog, models.costs
        at_hand = [place for model in settings.models for place in catalog.places(model)[:1]]
        shown = advise(
            seen_of(
                calls, book, tier_of(settings), DAYS_A_MONTH * DAY_US / max(calls[-1].at_us - calls[0].at_us, DAY_US),
                [(place.prices, place.price_as or place.model) for place in at_hand],
            )
        )  # fmt: skip
        if sums is None:
            return shown

        def price(model: str, usage: Usage) -> Nano | None:
            return costs.price_at(model, Attempt(1, started_us=now), usage)

        def in_batch(model: str, usage: Usage) -> Nano | None:
            return costs.price_at(model, Attempt(1, started_us=now, tier="batch"), usage)

        def vectors(tokens: int) -> tuple[str, Nano] | None:
            model = next(iter(catalog.embeddings), "")
            cost = costs.as_embedding(tokens, now, model) if model else None
            return (model, cost) if cost is not None else None

        known = Known(
            tenant, settings.routing, settings.cache, settings.finops.cache_hit_percent / 100, catalog.tiers(), tier_of(settings),
            maker(catalog)(()), floors_of(settings.routing), price, vectors, settings.batch, in_batch,
            settings.capture, settings.student,
        )  # fmt: skip
        return sorted([*next_savings.estimates(sums, known), *shown], key=lambda each: -each.weight)
