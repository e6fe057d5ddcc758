"""Who may change a budget, and that each change is heard of."""

import msgspec
import pytest

from farthing.model.budget import Budget, Raise
from farthing.model.windows import window_at
from farthing.store import Store, leases
from farthing.store.budgets import Budgets, Lease
from farthing.store.engine import Connection


async def test_budgets_are_kept_changed_and_removed(store: Store) -> None:
    budgets = Budgets(store)
    one = Budget("support", 5_000, scope={"feature": "support", "user": "*"}, window="quarter", fiscal_start="07-01")
    await budgets.put(one)
    (kept,) = await budgets.every()
    assert msgspec.structs.replace(kept, created_us=0, changed_us=0) == one and kept.created_us > 0
    await budgets.put(msgspec.structs.replace(one, amount=7_000))
    (changed,) = await budgets.every()
    assert (changed.amount, changed.created_us) == (7_000, kept.created_us)
    assert await budgets.changes() == 2
    assert await budgets.remove("support") and not await budgets.remove("support")
    assert await budgets.every() == []


async def test_the_settings_own_what_they_declare(store: Store) -> None:
    budgets = Budgets(store)
    await budgets.put(Budget("team", 1))
    await budgets.put(Budget("mine", 2))
    await budgets.declare([Budget("team", 10), Budget("all", 20)])
    assert {each.id: (each.amount, each.source) for each in await budgets.every()} == {
        "team": (10, "settings"), "all": (20, "settings"), "mine": (2, "store"),
    }  # fmt: skip
    changes = await budgets.changes()
    await budgets.declare([Budget("team", 10), Budget("all", 20)])
    assert await budgets.changes() == changes, "the next start changes nothing"
    for change in (budgets.put(Budget("all", 3)), budgets.remove("all")):
        with pytest.raises(ValueError, match=r"declared in farthing\.toml"):
            await change
    raised = await budgets.add_raise("all", Raise(5, 10**16, "launch"))
    assert raised is not None and raised.allowed_at(0) == 25
    await budgets.declare([Budget("all", 30)])
    (every, _) = await budgets.every()
    assert (every.amount, every.allowed_at(0)) == (30, 35), "a raise outlives a start"
    assert await budgets.add_raise("nobody", Raise(5, 1, "x")) is None


async def test_what_gateways_hold_of_a_budget_in_its_present_window(store: Store, connection: Connection) -> None:
    budgets, now, ttl = Budgets(store), 1_790_000_000_000_000, 60_000_000
    budget = Budget("each", 1_000, scope={"user": "*"})
    window = window_at(budget.period, now)
    for holder, member, at, least in (
        ("old", "ana", now - 2 * ttl, 7),
        ("new", "ana", now, 20),
        ("new", "bob", now, 30),
    ):
        leases.register(connection, holder, at, ttl)
        want = leases.Want("each", member, window.id, window.from_us, (), 1_000, least, least, least, 0)
        leases.take(connection, holder, [want], at, ttl)
    other = leases.Want("each", "ana", "2020-01", 0, (), 1_000, 5, 5, 5, 0)
    leases.take(connection, "new", [other], now, ttl)
    assert await budgets.leases(budget, now) == [
        Lease("new", now + ttl, False, "bob", 30), Lease("new", now + ttl, False, "ana", 20), Lease("old", now - ttl, True, "ana", 7),
    ]  # fmt: skip
    assert await budgets.leases(Budget("none", 1), now) == []
