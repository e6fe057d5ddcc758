"""Routing's part of the composition root: settings -> the steps `task` and `route`, and who looks at quality. Nothing is
decided here."""

import importlib
import logging
import random
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from functools import partial
from typing import NamedTuple

from farthing.app.around import REAL, Around
from farthing.app.prompts import plans_caching
from farthing.app.shaping import optimises
from farthing.catalog import Catalog, Costs, Expect
from farthing.catalog.cached import CachedShares
from farthing.catalog.caching import Caching, Cachings
from farthing.catalog.token_ratio import TokenRatios
from farthing.gateway.routes import Rules
from farthing.model.arms import (
    BATCHING,
    DISTILLATION,
    MODEL_SELECTION,
    PROMPT_OPTIMISATION,
    PROVIDER_CACHING,
    SEMANTIC_CACHE,
)
from farthing.model.clock import SYSTEM, Clock
from farthing.model.money import Nano, nano_from_dollars
from farthing.prices import PriceBook
from farthing.quality.allowance import Allowance
from farthing.quality.arms import Arms, Hear
from farthing.quality.choices import Exploring
from farthing.quality.compare import Comparer
from farthing.quality.errand import SPENT_BY, Errands
from farthing.quality.evidence import Evidence
from farthing.quality.features import kept_of
from farthing.quality.pairwise import PairJudge
from farthing.quality.probing import Probing
from farthing.quality.recorder import Recorder
from farthing.quality.scores import Scores
from farthing.quality.shadow import Shadow
from farthing.quality.table import maker
from farthing.quality.tables import Spent, Tables
from farthing.quality.watch import Quality, floors_of
from farthing.settings import Settings
from farthing.steps.route.foreseen import NOTHING, Foresight
from farthing.steps.route.policy import Policies
from farthing.steps.route.sessions import Sessions
from farthing.steps.route.step import Route
from farthing.steps.route.wish import Wishes
from farthing.steps.task.step import Task
from farthing.store import Store
from farthing.store.cached_input import cached_input
from farthing.store.evidence import Evidence as KeptEvidence
from farthing.store.evidence import tenants_costs
from farthing.store.ledger import Observer
from farthing.store.routes import Routes
from farthing.upstream.providers import Providers

REMEMBERED_US = 14 * 86_400_000_000
"""What calls read of providers' caches is learned from so long a past when a gateway starts."""
log = logging.getLogger("farthing.routing")


class Models(NamedTuple):
    """What is known of the models at hand."""

    catalog: Catalog
    expect: Expect
    costs: Costs
    ratios: TokenRatios
    cached: CachedShares

    @property
    def observers(self) -> list[Observer]:
        """Those that learn from the ledger."""
        return [self.expect.observe, self.ratios.observe, self.cached.observe]


class Built(NamedTuple):
    """What the gateway needs of routing."""

    task: Task
    route: Route
    quality: Quality
    rules: Rules
    probing: Probing


def models_of(settings: Settings, book: PriceBook, providers: Providers, clock: Clock = SYSTEM) -> Models:
    """Raises SettingsError for a tier that nobody would serve."""
    catalog = Catalog(
        book, settings, providers.deployments, {provider.name: provider.prices for provider in providers},
        clock.now_us,
    )  # fmt: skip
    catalog.check()
    expect = Expect(lambda model: catalog.facts(model).verbosity, catalog.name_there)
    ratios, cachings = TokenRatios(), Cachings(book, clock.now_us)

    def caching(model: str) -> Caching | None:
        places = catalog.places(model)
        return cachings.of(places[0], providers[places[0].provider].formats[0]) if places else None

    cached = CachedShares(caching, marks=plans_caching(settings.prompts))
    costs = Costs(book, catalog, expect, partial(ratios.ratio, by="bytes"), cached.of)
    return Models(catalog, expect, costs, ratios, cached)


async def build_routing(
    settings: Settings, models: Models, store: Store, errands: Errands, stack: AsyncExitStack, around: Around = REAL,
    hear: Sequence[Hear] = (),
) -> Built:  # fmt: skip
    """`errands` sends second answers and the judge's calls. All of `hear` are told the shares of hold-outs too."""
    catalog, rules, clock = models.catalog, settings.routing, around.clock
    dice = around.dice or random.Random()
    kept = KeptEvidence(store)
    evidence = Evidence(kept)
    floors = floors_of(rules)
    probing = Probing(lambda: tables.table)
    recorder = Recorder(evidence, floors, kept_of, clock.now_us, probing)
    allowance = Allowance(nano_from_dollars(rules.shadow_dollars_a_day), clock.seconds)
    tables = Tables(
        evidence, recorder, Routes(store, clock.now_us), maker(catalog), floors,
        flagship=lambda: catalog.reference, changes=rules.changes, allowance=allowance, spent=_spent(store),
        now_us=clock.now_us,
    )  # fmt: skip
    policies = Policies(rules)
    exploring = Exploring(
        catalog, models.costs, policies,
        lambda tenant, scope, model: evidence.counts(tenant, scope, model, catalog.reference),
        dice, probing,
    )  # fmt: skip
    shadow = Shadow(
        errands, Comparer(PairJudge(errands, rules.judge)), exploring, allowance, recorder.compared,
        share=rules.shadow_percent / 100, watch=rules.watch_percent / 100,
        chance=dice.random, clock=clock.monotonic,
    )  # fmt: skip
    quality = Quality(rules, evidence, recorder, shadow, tables, Scores(store), dice.random)
    stack.push_async_callback(quality.close)
    if catalog.reference:
        models.expect.load(await kept.sums())
        since = clock.now_us() - REMEMBERED_US
        models.cached.load(await store.do(lambda connection: cached_input(connection, since)))
        await quality.start(keeps=not around.driven)
    wishes = Wishes(rules, settings.models)
    readers = around.readers
    task = Task(rules, routes=wishes.leaves_choice, classifier=readers.classifier, read=readers.asked)

    def draw(shares: Mapping[str, float], salt: str) -> None:
        task.hold_out(shares, salt)
        for each in hear:
            each(shares, salt)

    arms = Arms(store, _hold_outs(settings, catalog), draw, now_us=clock.now_us)
    await arms.start()
    stack.push_async_callback(arms.close)
    foresight = _foresight(settings, kept, models, stack, clock)
    route = Route(
        wishes, policies, catalog, models.costs, quality, quality, Sessions(clock.monotonic), foresight,
        around.weighing or clock.monotonic,
    )  # fmt: skip
    return Built(task, route, quality, Rules(catalog.tier_of, floors, maker(catalog)(())), probing)


def _foresight(
    settings: Settings, kept: KeptEvidence, models: Models, stack: AsyncExitStack, clock: Clock
) -> Foresight:  # fmt: skip
    """numpy is an extra, and slow to import: only who routes by prompt pays for it."""
    rules = settings.routing
    if rules.table != "by-prompt" or not models.catalog.reference:
        return NOTHING
    try:
        module = importlib.import_module("farthing.quality.foresight")
    except ImportError:
        log.warning("routing.table = by-prompt needs `pip install 'farthing[cache]'`; the table decides")
        return NOTHING
    own = [task.quality_floor for task in rules.tasks.values()] + [
        each.quality_floor for each in rules.features.values()
    ]
    floors = [rules.quality_floor, *(floor for floor in own if floor is not None)]
    made = module.Foresight(kept, models.costs, floors, lambda: models.catalog.reference, now_us=clock.now_us)
    stack.push_async_callback(made.close)
    made.start()
    foresight: Foresight = made
    return foresight


def _hold_outs(settings: Settings, catalog: Catalog) -> Mapping[str, float]:
    """The levers that are at work, each with the share of calls that go without it."""
    share = settings.routing.hold_out_percent / 100
    modes = {settings.cache.mode, *(feature.mode for feature in settings.cache.features.values())}
    at_work = {
        SEMANTIC_CACHE: bool(modes & {"exact", "semantic"}), MODEL_SELECTION: bool(catalog.reference),
        PROVIDER_CACHING: plans_caching(settings.prompts), PROMPT_OPTIMISATION: optimises(settings.prompts),
        DISTILLATION: settings.student.mode != "off",
    }  # fmt: skip
    waiting = settings.batch.hold_out_percent / 100
    return {lever: share for lever, works in at_work.items() if works} | ({BATCHING: waiting} if waiting else {})


def _spent(store: Store) -> Spent:
    async def spent(since_us: int) -> Mapping[str, Nano]:
        return await tenants_costs(store, SPENT_BY, since_us)

    return spent
