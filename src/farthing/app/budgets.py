"""The budgets' part of the composition root: settings -> the step that holds them. Nothing is decided here."""

from contextlib import AsyncExitStack
from typing import NamedTuple

from farthing.catalog import Expect
from farthing.model.budget import EACH, MOST, OVERHEAD, Budget, amount_from, scope_from
from farthing.model.call import Ending
from farthing.model.clock import SYSTEM, Clock
from farthing.model.money import nano_from_dollars
from farthing.prices import PriceBook
from farthing.settings import BudgetSettings, Problem, Settings, SettingsError
from farthing.steps.budget.purses import Purses
from farthing.steps.budget.step import Budget as BudgetStep
from farthing.store import Journal, Store
from farthing.store.budgets import Budgets
from farthing.upstream.providers import Providers

UNDER_WAY = Ending("interrupted")
OWN_CALLS = {"feature": "farthing *"}
DAYS = 31


class Built(NamedTuple):
    """What the gateway needs of budgets."""

    step: BudgetStep
    purses: Purses
    kept: Budgets


async def build_budgets(
    settings: Settings, store: Store, journal: Journal, book: PriceBook, expect: Expect, providers: Providers,
    stack: AsyncExitStack, clock: Clock = SYSTEM,
) -> Built:  # fmt: skip
    """To be built before the ledger, so that it ends after it: what is not used is given back when all is written."""
    kept = Budgets(store)
    await kept.declare(budgets_of(settings))
    purses = Purses(store, kept, journal.path.stem, clock=clock.monotonic, now_us=clock.now_us, sleep=clock.sleep)
    stack.push_async_callback(purses.close)
    await purses.start()
    step = BudgetStep(
        purses, book, expect, patience_s=settings.balance.patience_s, drains=lambda name: providers[name].drain,
        note=lambda call: journal.open(call.record(0, UNDER_WAY, 0)), clock=clock.monotonic, now_us=clock.now_us,
    )  # fmt: skip
    return Built(step, purses, kept)


def budgets_of(settings: Settings) -> list[Budget]:
    """The budgets that settings declare. Raises SettingsError."""
    found, problems = [], []
    for name, each in settings.budgets.items():
        try:
            budget = _budget(name, each)
            budget.check()
            found.append(budget)
        except (ValueError, ArithmeticError) as error:
            problems.append(Problem(0, f"budgets.{name}", str(error)))
    if problems:
        raise SettingsError("", problems)
    return found if OVERHEAD in settings.budgets else [*found, _overhead(settings)]


def _overhead(settings: Settings) -> Budget:
    """A soft one, of what second answers and judges may cost in a month of days that use all they may."""
    a_day = nano_from_dollars(settings.routing.shadow_dollars_a_day)
    return Budget(
        id=OVERHEAD, amount=min(DAYS * a_day, MOST), scope=OWN_CALLS, tenant=EACH, hard=False, source="settings",
        note="What Farthing asks of its own accord: second answers, judges, audits, evaluations.",
    )  # fmt: skip


def _budget(name: str, settings: BudgetSettings) -> Budget:
    return Budget(
        id=name, amount=amount_from(settings.amount, settings.unit), unit=settings.unit, scope=scope_from(settings.scope),
        tenant=settings.tenant, window=settings.window, zone=settings.zone, fiscal_start=settings.fiscal_start,
        roll_over=settings.roll_over, hard=settings.hard, exceeded=settings.exceeded,
        payment_required=settings.payment_required, max_call=nano_from_dollars(settings.max_call), confirm=settings.confirm, cover=settings.cover,
        when_unavailable=settings.when_unavailable, source="settings",
    )  # fmt: skip
