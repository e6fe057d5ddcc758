"""Eval sets' part of the composition root: settings -> who puts the cases to the models, by the providers and into the
ledger that a gateway with these settings has. Nothing is decided here."""

from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

from farthing.app.budgets import build_budgets
from farthing.app.providers import open_providers
from farthing.catalog import Expect
from farthing.gateway.edge import new_call_id
from farthing.model.arms import MODEL_SELECTION
from farthing.model.call import Answer, Call
from farthing.pipeline import chain
from farthing.prices import PriceBook
from farthing.quality.compare import Comparer
from farthing.quality.errand import Errands, Overhead
from farthing.quality.evalset import EvalSet, Noted
from farthing.quality.pairwise import PairJudge
from farthing.settings import Settings
from farthing.steps.admit import Admit
from farthing.steps.balance.health import Health
from farthing.steps.balance.step import Balance
from farthing.steps.meter import Meter
from farthing.store import Journal, Ledger, Store
from farthing.store.buckets import Buckets
from farthing.upstream.relay import Relay


async def build_eval(
    settings: Settings, book: PriceBook, store: Store, note: Noted, sent: Callable[[], None], stack: AsyncExitStack
) -> EvalSet:  # fmt: skip
    """`note` gets each difference, `sent` hears of each call that has ended. Raises StoreError."""
    errands = await build_errands(settings, book, store, MODEL_SELECTION, sent, stack)
    return EvalSet(errands, Comparer(PairJudge(errands, settings.routing.judge)), note)


async def build_errands(
    settings: Settings, book: PriceBook, store: Store, lever: str, sent: Callable[[], None], stack: AsyncExitStack
) -> Errands:  # fmt: skip
    """Who sends calls of our own, booked as what `lever` spends; `sent` hears of each that has ended. Raises StoreError."""
    journal = Journal(Path(settings.store.journal or store.engine.journal_folder))
    stack.callback(journal.end)
    providers = await open_providers(settings, stack)
    buckets = Buckets()
    stack.callback(buckets.close)
    limits = await build_budgets(settings, store, journal, book, Expect(), providers, stack)
    ledger = Ledger(store, journal, queue=settings.store.queue)
    stack.push_async_callback(ledger.close)
    proceed = chain(
        [
            Meter(ledger), Overhead(lever),
            Balance(providers, book, Health(providers, settings.balance, buckets), settings.balance),
            limits.step,
            Admit(book, journal, allow_unpriced=settings.prices.allow_unpriced),
        ],
        Relay(providers),
    )  # fmt: skip

    async def told(call: Call) -> Answer:
        try:
            return await proceed(call)
        finally:
            sent()

    return Errands(told, new_call_id)
