"""The gateway as a whole: its parts, made and joined. Nothing is decided here."""

import importlib
import importlib.util
import logging
import random
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import NamedTuple

from starlette.routing import Route

from farthing.app.alerts import build_alerts
from farthing.app.around import REAL, Around
from farthing.app.batch import Known, open_queue, start_worker
from farthing.app.batch_pages import batch_pages
from farthing.app.budgets import build_budgets
from farthing.app.cache import Built as CacheBuilt
from farthing.app.cache import build_cache
from farthing.app.deferral import build_deferral
from farthing.app.doctor import build_doctor
from farthing.app.flex import flexes_by_name
from farthing.app.learning import Learning, build_learning
from farthing.app.prompts import build_prompts
from farthing.app.providers import open_providers
from farthing.app.routing import Models, build_routing, models_of
from farthing.app.schedules import start_schedules
from farthing.app.shaping import open_shaping
from farthing.app.walks import build_walks, has_batches
from farthing.batch.walks import Ways
from farthing.batch.worker import Worker
from farthing.finops.transactions import Gatherer
from farthing.gateway import (
    admin,
    alerts,
    budgets,
    calls,
    corrections,
    exports,
    feedback,
    health,
    models,
    openapi,
    reconcile,
    reports,
    rerate,
    status,
    transactions,
)
from farthing.gateway import prompts as prompt_pages
from farthing.gateway import routes as table_pages
from farthing.gateway.asgi import Endpoints
from farthing.gateway.edge import BODIES, Edge, Intake
from farthing.gateway.guard import Guard
from farthing.gateway.metrics import Metrics
from farthing.gateway.pages import pages
from farthing.gateway.standings import Standings
from farthing.model.arms import DISTILLATION, MODEL_SELECTION, SEMANTIC_CACHE, Draw
from farthing.model.clock import Clock
from farthing.model.routes import Table
from farthing.pipeline import Proceed, Step, chain
from farthing.prices import PriceBook
from farthing.prices.configured import configured_book
from farthing.quality.errand import Errands, Overhead
from farthing.quality.watch import Quality
from farthing.settings import Settings
from farthing.steps.admit import Admit
from farthing.steps.balance.health import Health
from farthing.steps.balance.step import Balance
from farthing.steps.budget.purses import Purses
from farthing.steps.identify import Identify
from farthing.steps.limits import Limits
from farthing.steps.meter import Meter
from farthing.store import Journal, KeyRing, Ledger, Routes, Store, open_store, recover
from farthing.store.buckets import Buckets, SharedBuckets
from farthing.store.entries import Entries
from farthing.store.ledger import FLUSH_S, Observer
from farthing.upstream.relay import Relay
from farthing.wire import FORMATS

SMALLEST_INTAKE = 64 * 2**20
"""Bytes of unfinished bodies that a process holds at least, however small the largest body is."""
DASHBOARD_NEEDS = ("jinja2", "altair", "vl_convert", "itsdangerous")
SELDOM_S = 3600.0
"""Between two writes of a ledger that somebody flushes."""
log = logging.getLogger("farthing.gateway")


class Parts(NamedTuple):
    """A gateway, for whoever drives it."""

    endpoints: Endpoints
    ledger: Ledger
    quality: Quality
    worker: Worker
    """Who works the queue; a driven one has its turns when it is told."""
    learning: Learning
    cache: CacheBuilt | None
    book: PriceBook
    purses: Purses


async def build(settings: Settings, stack: AsyncExitStack, file: str = "") -> Endpoints:
    """The gateway's endpoints. What must be closed is left in `stack`."""
    return (await assemble(settings, stack, Around(settings_file=file))).endpoints


async def assemble(settings: Settings, stack: AsyncExitStack, around: Around = REAL) -> Parts:
    """The same with what a story or a replay asks for. What must be closed is left in `stack`."""
    clock = around.clock
    book = configured_book(settings.prices)
    providers = await open_providers(settings, stack, around.client)
    store = await open_store(settings.store.url.reveal())
    stack.push_async_callback(store.close)
    keys = KeyRing(store, now=clock.seconds)
    await keys.load()
    stack.push_async_callback(keys.close)

    journal = await _journal(settings, store, stack)
    buckets = _buckets(settings, journal.folder, clock, stack)
    known = models_of(settings, book, providers, clock)
    metrics = Metrics(lambda: ledger, Standings(store).text)
    watch = build_alerts(settings, store, providers, book, stack, clock)
    watching = [watch.observe] if watch is not None else []
    limits = await build_budgets(settings, store, journal, book, known.expect, providers, stack, clock)
    ledger = Ledger(
        store, journal, queue=settings.store.queue, flush_s=SELDOM_S if around.driven else FLUSH_S, kept=around.kept,
        observers=[metrics.observe, *known.observers, *watching, *_telemetry(settings, stack), *around.observers],
    )  # fmt: skip
    stack.push_async_callback(ledger.close)

    serve_without_ledger = settings.store.when_unavailable == "serve"
    dice = around.dice.random if around.dice is not None else random.random
    health_of_deployments = Health(providers, settings.balance, buckets, clock.monotonic, clock.seconds, dice)
    innermost: list[Step] = [
        Balance(
            providers, book, health_of_deployments, settings.balance, clock.monotonic, clock.now_us, clock.sleep, around.dice
        ),
        limits.step,
        Admit(book, journal if around.kept else None, allow_unpriced=settings.prices.allow_unpriced, serve_without_ledger=serve_without_ledger),
    ]  # fmt: skip
    prompts = await build_prompts(settings, store, providers, book, stack, around, ledger.put)
    doctor = build_doctor(settings.prompts, store, providers, book, stack, around)
    relay = Relay(providers, clock.monotonic, prompts.dress, prompts.undress, around.readers.translations)
    meter = Meter(ledger, serve_without_ledger=serve_without_ledger, clock=clock.monotonic)

    def errands(lever: str) -> Errands:
        return Errands(chain([meter, Overhead(lever), *innermost], relay), around.new_id, clock)

    shaping = await open_shaping(settings, known.catalog, known.expect, store, providers, book, errands, stack, around)
    queue = open_queue(settings, store, journal, ledger, around)
    deferral = build_deferral(settings, queue, flexes_by_name(providers, book), stack, around)
    taught = Draw(DISTILLATION)
    hear = [shaping.hear, prompts.hear, deferral.handing.hold_out, taught.hold_out]
    routing = await build_routing(settings, known, store, errands(MODEL_SELECTION), stack, around, hear)
    cache = await build_cache(settings, errands(SEMANTIC_CACHE), routing.route.still_serves, stack, around)
    identify = Identify(keys, Gatherer(settings.transactions) or None)
    learning = await build_learning(settings, store, errands(DISTILLATION), stack, around, cache, taught)
    inner: list[Step] = [
        *([cache.step] if cache is not None else []), deferral.step(book, has_batches(providers)),
        *learning.steps, routing.route, *doctor.mend, *shaping.steps, *prompts.steps,
    ]  # fmt: skip
    proceed = chain([meter, identify, Limits(buckets), routing.task, *inner, *doctor.look, *innermost], relay)
    ways = Ways(identify, routing.task, inner, doctor.look, innermost)
    walks = build_walks(settings, store, keys, providers, book, limits.step, relay, ways, around)
    start_worker(queue, Known(settings, journal, providers, health_of_deployments, known, book), walks, stack, around)
    start_schedules(settings, queue, stack, around)
    guard, heard = Guard(keys, settings.server.admin), [cache.feedback] if cache is not None else []
    edges = _edges(settings, proceed, around)
    routes = [
        *health.routes(ledger, serve_without_ledger=serve_without_ledger),
        *metrics.routes(guard),
        *models.routes(providers, book, guard, known.catalog.choices()),
        *calls.routes(store, ledger, guard),
        *status.routes(health_of_deployments, settings.server.workers, guard),
        *_books(settings, store, guard, book),
        *batch_pages(settings, guard, queue.desk, queue.wake, known, book, stack),
        *deferral.routes(guard),
        *table_pages.routes(Routes(store), routing.rules, guard),
        *feedback.routes(store, ledger, guard, [*heard, *shaping.listeners, routing.quality]),
        *openapi.routes(),
    ]
    if not around.driven:
        routes += await _dashboard(
            settings, store, ledger, health_of_deployments, known, lambda: routing.quality.table, guard, keys, buckets,
            clock.now_us, stack, around.settings_file, cache.entries if cache is not None else None, routing.probing.state,
            queue.nudge,
        )  # fmt: skip
    return Parts(Endpoints(edges, pages(routes, list(edges))), ledger, routing.quality, queue.worker, learning, cache, book, limits.purses)  # fmt: skip


async def _journal(settings: Settings, store: Store, stack: AsyncExitStack) -> Journal:
    """What an earlier stop left is in the store before a new one begins."""
    folder = Path(settings.store.journal or store.engine.journal_folder)
    found = await recover(folder, store)
    if found:
        log.warning("recovered from an earlier stop: %s", found)
    journal = Journal(folder)
    stack.callback(journal.end)
    return journal


def _buckets(settings: Settings, folder: Path, clock: Clock, stack: AsyncExitStack) -> Buckets | SharedBuckets:
    """Closed after the ledger: what a stop cuts off settles in both."""
    shared = settings.server.workers > 1
    buckets = SharedBuckets(folder / "limits", clock.monotonic) if shared else Buckets(clock.monotonic)
    stack.callback(buckets.close)
    return buckets


def _edges(settings: Settings, proceed: Proceed, around: Around) -> dict[str, Edge]:
    """One for each wire, with room for bodies that they share."""
    max_body = settings.server.max_body_mb * 2**20
    intake = Intake(max(SMALLEST_INTAKE, BODIES * max_body))
    return {
        format.path: Edge(
            format, proceed, max_body=max_body, body_timeout_s=settings.server.body_timeout_s, intake=intake,
            clock=around.clock, new_id=around.new_id, read=around.readers.ask,
        )
        for format in FORMATS.values()
    }  # fmt: skip


def _books(settings: Settings, store: Store, guard: Guard, book: PriceBook) -> list[Route]:
    """Pages of what the store keeps: keys, budgets, reports, files for others, what is put right later, alerts."""
    return [
        *admin.routes(store, guard),
        *budgets.routes(store, guard),
        *reports.routes(store, guard, settings),
        *prompt_pages.routes(store, guard),
        *transactions.routes(store, guard, settings.transactions),
        *exports.routes(store, guard, settings),
        *corrections.routes(store, guard),
        *reconcile.routes(store, guard, settings, book),
        *rerate.routes(store, guard, settings, book),
        *alerts.routes(store, guard),
    ]


async def _dashboard(
    settings: Settings, store: Store, ledger: Ledger, health: Health, known: Models, table: Callable[[], Table],
    guard: Guard, keys: KeyRing, buckets: Buckets | SharedBuckets, now_us: Callable[[], int], stack: AsyncExitStack,
    file: str, entries: Entries | None, probing: Callable[[str, str, str], str], nudge: Callable[[str], None],
) -> list[Route]:  # fmt: skip
    """The pages for people are an extra: without its libraries there are none."""
    if not all(map(importlib.util.find_spec, DASHBOARD_NEEDS)):
        return []
    made: list[Route] = await importlib.import_module("farthing.app.dashboard").build_dashboard(
        settings, store, ledger, health, known, table, guard, keys, buckets, now_us, stack, file, entries, probing, nudge
    )  # fmt: skip
    return made


def _telemetry(settings: Settings, stack: AsyncExitStack) -> list[Observer]:
    """OpenTelemetry is an extra, and slow to import: only who names a collector pays for it."""
    if not settings.otel.endpoint:
        return []
    telemetry = importlib.import_module("farthing.gateway.telemetry").Telemetry(settings.otel)
    stack.callback(telemetry.close)
    return [telemetry.observe]
