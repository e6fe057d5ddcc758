"""Users and plans of a report are those of their cells, counted one by one, on both engines."""

import random
from collections.abc import Callable

import pytest

from farthing.model.transaction import ToolUse, joined_name
from farthing.store import Store, units
from farthing.store.engine import Connection
from farthing.store.rollups import DAY_US, month_of
from farthing.store.schema_transactions import DAY_KEY, DAY_SUMS, USER_KEY, USER_SUMS
from farthing.store.transactions import Cost, Post
from farthing.store.units import Units, UserSums
from unit.store.samples import MORNING_US, a_record

Cell = tuple[int, str, str, str, str]
_TRANSACTIONS, _COST, _TOOL_COST = (USER_SUMS.index(name) for name in ("transactions", "cost", "tool_cost"))
FIRST_US = month_of(MORNING_US)


def filled(connection: Connection, seed: int) -> dict[Cell, list[int]]:
    """Cells of three months, some empty, some of nobody, some with the same name at two tenants."""
    dice = random.Random(seed)
    cells: dict[Cell, list[int]] = {}
    for _ in range(dice.choice([0, 1, 300])):
        month = month_of(FIRST_US + dice.randrange(3) * 32 * DAY_US)
        user, plan = dice.choice(["", *(f"u{n}" for n in range(20))]), dice.choice(["", "free", "pro"])
        key = (month, dice.choice(["default", "acme"]), dice.choice(["ticket", "order"]), user, plan)
        sums = [dice.randrange(5) for _ in USER_SUMS]
        cells[key] = sums if sums[_TRANSACTIONS] else [0] * len(USER_SUMS)
    days = {(key[0] + dice.randrange(28) * DAY_US, key[1], key[2], "", "known"): 1 for key in cells}
    with connection.transaction():
        connection.add_up("transaction_users", USER_KEY, USER_SUMS, [(*key, *cells[key]) for key in sorted(cells)])
        rows = [(*key, *[1] * len(DAY_SUMS)) for key in sorted(days)]
        connection.add_up("transaction_days", DAY_KEY, DAY_SUMS, rows)
    return {key: sums for key, sums in cells.items() if sums[_TRANSACTIONS]}


def summed(cells: dict[Cell, list[int]], name: Callable[[Cell], tuple[str, ...]]) -> dict[tuple[str, ...], UserSums]:
    groups: dict[tuple[str, ...], list[Cell]] = {}
    for key in cells:
        groups.setdefault(name(key), []).append(key)
    found = {}
    for group, keys in groups.items():
        named = {(key[1], key[3]) for key in keys if key[3]}
        in_months = {(key[0], key[1], key[3]) for key in keys if key[3]}
        sums = [sum(column) for column in zip(*(cells[key] for key in keys), strict=True)]
        found[group] = UserSums(group[0], group[1], len(named), len(in_months), *sums)
    return found


@pytest.mark.parametrize("seed", range(6))
async def test_users_and_plans_are_those_of_the_cells(seed: int, store: Store, connection: Connection) -> None:
    every = filled(connection, seed)
    for tenant, kind, days in (
        ("", None, 80),
        ("acme", None, 80),
        ("", "ticket", 80),
        ("acme", "order", 10),
        ("", None, 33),
    ):
        until = FIRST_US + days * DAY_US
        cells = {
            key: sums
            for key, sums in every.items()
            if key[0] < until and tenant in ("", key[1]) and kind in (None, key[2])
        }
        for most in (0, 3, 1000):
            book = units.book(connection, FIRST_US + 5 * DAY_US, until, tenant=tenant, kind=kind, users=most)
            assert {("", each.plan): each for each in book.plans} == summed(cells, lambda key: ("", key[4]))
            who = summed({key: sums for key, sums in cells.items() if key[3]}, lambda key: (key[3], key[4], key[1]))
            dearest = sorted(who.values(), key=lambda each: (-(each.cost + each.tool_cost), each.user, each.plan))
            costs = [each.cost + each.tool_cost for each in dearest[:most]]
            assert [each.cost + each.tool_cost for each in book.users] == costs
            assert all(each in dearest for each in book.users)


async def test_the_newest_of_a_type_and_what_tools_cost_one(store: Store) -> None:
    named = [("ticket", "a"), ("ticket", "b"), ("order", "a"), ("", "bare"), ("ticket", "a"), ("ticket", "c/d")]
    calls = [
        a_record(f"call-{no}", started_us=MORNING_US + no, transaction=joined_name(*name), tools=[ToolUse("crm", 1, 5)])
        for no, name in enumerate(named)
    ]
    other = a_record("call-x", started_us=MORNING_US + 9, transaction="ticket/x", tenant="acme")
    await store.write([*calls, other, a_record("call-y", started_us=MORNING_US + 10, transaction="")])
    book, until = Units(store), MORNING_US + DAY_US
    found = await book.newest(MORNING_US, until, tenant="default", kind="ticket")
    assert [id_ for id_, _ in found] == ["c/d", "a", "b"]
    assert [state.sums[0] for _, state in found] == [1, 2, 1]
    assert [id_ for id_, _ in await book.newest(MORNING_US, until, tenant="default", kind="ticket", limit=1)] == ["c/d"]
    assert [id_ for id_, _ in await book.newest(MORNING_US, until, tenant="default", kind="")] == ["bare"]
    assert [id_ for id_, _ in await book.newest(MORNING_US, until, tenant="acme", kind="ticket")] == ["x"]
    assert await book.newest(until, until + 1, tenant="default", kind="ticket") == []
    await book.post([Post("default", "ticket", "a", [Cost("bill-7", ToolUse("courier", 1, None), MORNING_US + 2)])])
    assert await book.costs("default", "ticket", "a") == [
        (ToolUse("crm", 1, 5), MORNING_US, False), (ToolUse("courier", 1, None), MORNING_US + 2, True),
        (ToolUse("crm", 1, 5), MORNING_US + 4, False),
    ]  # fmt: skip
    assert await book.costs("acme", "ticket", "a") == []
