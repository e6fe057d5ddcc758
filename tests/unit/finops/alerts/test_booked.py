"""Budgets come from the store's own balances: windows, members, raises, what was carried over, forecasts."""

from collections.abc import Mapping
from contextlib import closing

from farthing.finops.alerts.booked import Foreseen, StoredBudgets
from farthing.model.budget import Budget, Raise
from farthing.model.windows import window_at
from farthing.store import Store
from farthing.store.budgets import Budgets
from unit.finops.alerts.spending import DOLLAR, NOON_US

HOUR_US = 3_600_000_000


def spent(
    store: Store, budget: Budget, dollars: float, member: str = "", *, hours_ago: int = 0, carried: int = 0
) -> None:
    window = window_at(budget.period, NOON_US - hours_ago * HOUR_US)
    with closing(store.engine.connect()) as connection, connection.transaction():
        connection.insert(
            "budget_balances", ("budget", "member", "window_id", "spent", "carried"),
            [(budget.id, member, window.id, round(dollars * DOLLAR), carried)],
        )  # fmt: skip


async def test_a_month_with_a_raise_and_what_was_carried_over(store: Store) -> None:
    more = Raise(10 * DOLLAR, NOON_US + HOUR_US, "launch")
    budget = Budget("support", 100 * DOLLAR, roll_over=True, raises=(more,), zone="Europe/Berlin")
    await Budgets(store).put(budget)
    await Budgets(store).put(Budget("tokens", 5, unit="tokens"))
    await Budgets(store).put(Budget("unused", 5))
    spent(store, budget, 42, carried=5 * DOLLAR)
    (seen,) = await StoredBudgets(store).budgets("default", NOON_US)
    assert (seen.name, seen.window, seen.limit, seen.spent) == ("support", "2025-11", 115 * DOLLAR, 42 * DOLLAR)
    assert seen.starts_us < NOON_US < seen.ends_us and seen.chance_over is None
    assert await StoredBudgets(store).budgets("acme", NOON_US) == []


async def test_members_and_tenants_have_budgets_of_their_own(store: Store) -> None:
    users = Budget("each-user", 10 * DOLLAR, scope={"user": "*"}, window="day")
    tenants = Budget("each-tenant", 10 * DOLLAR, tenant="*", window="total")
    for budget in (users, tenants):
        await Budgets(store).put(budget)
    spent(store, users, 4, "ana")
    spent(store, users, 9, "bo")
    spent(store, tenants, 3, "acme")
    spent(store, tenants, 2, "default")
    seen = await StoredBudgets(store).budgets("default", NOON_US)
    assert sorted((each.name, each.spent // DOLLAR) for each in seen) == [
        ("each-tenant (default)", 2), ("each-user (ana)", 4), ("each-user (bo)", 9),
    ]  # fmt: skip
    assert [each.ends_us for each in seen if each.name.startswith("each-tenant")] == [0]


async def test_a_rolling_window_is_the_sum_of_its_buckets(store: Store) -> None:
    budget = Budget("rolling", 10 * DOLLAR, window="rolling 24h")
    await Budgets(store).put(budget)
    spent(store, budget, 1)
    spent(store, budget, 2, hours_ago=20)
    spent(store, budget, 4, hours_ago=30)
    (seen,) = await StoredBudgets(store).budgets("default", NOON_US)
    assert seen.spent == 3 * DOLLAR and seen.ends_us == 0


async def test_the_forecast_of_a_plain_monthly_budget_is_asked_once_an_hour(store: Store) -> None:
    asked: list[Mapping[str, str]] = []

    async def foresee(tenant: str, scope: Mapping[str, str], now_us: int) -> Foreseen:
        asked.append(scope)
        return Foreseen(130 * DOLLAR, 110 * DOLLAR, 150 * DOLLAR, lambda amount: 0.9)

    budgets = [
        Budget("support", 100 * DOLLAR, scope={"feature": "support"}),
        Budget("tagged", 100 * DOLLAR, scope={"order": "7"}),
        Budget("daily", 100 * DOLLAR, window="day"),
        Budget("begun", 100 * DOLLAR),
    ]
    for budget in budgets:
        await Budgets(store).put(budget)
        spent(store, budget, 1 if budget.id == "begun" else 50)
    source = StoredBudgets(store, foresee)
    for minute in range(3):
        seen = await source.budgets("default", NOON_US + minute * 60_000_000)
        assert {each.name: each.chance_over for each in seen} == {
            "support": 0.9, "tagged": None, "daily": None, "begun": None,
        }  # fmt: skip
    assert asked == [{"feature": "support"}]
