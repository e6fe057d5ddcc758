"""A store that cannot be asked: strict budgets refuse, lenient ones serve, and what is on lease is spent until it is old."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from farthing.model.budget import Budget
from farthing.model.errors import BudgetUnavailable
from farthing.prices import PriceBook
from farthing.store import open_store
from farthing.store.budgets import Budgets
from unit.steps.budget.conftest import Gateway, Upstream

DOLLAR = 1_000_000_000


@pytest.fixture
def broken(tmp_path: Path) -> Iterator[Path]:
    """Where the store is, to be broken by writing something else there."""
    yield tmp_path / "farthing.db"


def break_it(path: Path) -> None:
    for each in path.parent.glob("farthing.db*"):
        each.unlink()
    path.write_bytes(b"this is no database" * 1000)


async def made(path: Path, book: PriceBook, *budgets: Budget) -> Gateway:
    store = await open_store(f"sqlite:///{path}")
    for budget in budgets:
        await Budgets(store).put(budget)
    gateway = Gateway(store, "g", book, Upstream())
    await gateway.purses.start()
    return gateway


async def test_strict_budgets_refuse(broken: Path, book: PriceBook) -> None:
    gateway = await made(broken, book, Budget("all", DOLLAR))
    break_it(broken)
    with pytest.raises(BudgetUnavailable) as refused:
        await gateway.send()
    assert (refused.value.status, refused.value.code, refused.value.retry_after) == (503, "budget_unavailable", 5)
    assert gateway.purses.trouble


async def test_lenient_ones_serve_and_charge_later(broken: Path, book: PriceBook) -> None:
    gateway = await made(broken, book, Budget("all", DOLLAR, when_unavailable="serve"))
    break_it(broken)
    call = await gateway.send()
    assert [(each.holder, each.amount > 0) for each in call.trail.charges] == [("", True)]


async def test_what_is_on_lease_is_spent_meanwhile(broken: Path, book: PriceBook) -> None:
    gateway = await made(broken, book, Budget("all", DOLLAR))
    await gateway.send()
    break_it(broken)
    await gateway.send()
    gateway.purses._usable_until = 0.0  # as after 40 seconds
    with pytest.raises(BudgetUnavailable):
        await gateway.send()
