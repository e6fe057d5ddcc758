"""Reports of transactions: each figure against the rows that it stands for, on both engines."""

import random

import pytest

from farthing.finops import units
from farthing.finops.units import Report, report
from farthing.model.record import Record
from farthing.model.transaction import SUCCESSES, split_name
from farthing.settings import Amount, TransactionSettings, TransactionTypeSettings
from farthing.store import Store
from farthing.store.rollups import DAY_US
from farthing.store.transaction_state import Said
from farthing.store.transactions import Post
from farthing.store.units import Units
from unit.store.samples import MORNING_US, a_record
from unit.store.test_transactions import posts, tool_cost, traffic

DOLLAR = 10**9
SPAN = (MORNING_US - 2 * DAY_US, MORNING_US + 9 * DAY_US)
SETTINGS = TransactionSettings(
    hourly_rate=Amount("60"), plans={"pro": Amount("20")},
    types={"ticket": TransactionTypeSettings(human_dollars=Amount("15"))},
)  # fmt: skip


async def read(store: Store, settings: TransactionSettings = SETTINGS, **more: str) -> Report:
    return report(await Units(store).book(*SPAN, **more), settings, *SPAN)  # type: ignore[arg-type]


def ticket(place: int, cost: int, **more: object) -> Record:
    return a_record(
        f"call-{place}", transaction=f"ticket/{place}", cost=cost, baseline=cost, savings=[], attempts=[], **more
    )


def ended(place: int, outcome: str, **more: object) -> Post:
    return Post("default", "ticket", str(place), said=Said(outcome, MORNING_US, **more))  # type: ignore[arg-type]


async def test_half_a_dollar_against_fifteen(store: Store) -> None:
    await store.write([ticket(place, DOLLAR // 2) for place in range(10)])
    await Units(store).post([ended(place, "resolved") for place in range(10)])
    (unit,) = (await read(store)).units
    handling = unit.handling
    assert handling is not None
    assert unit.per_transaction == unit.per_success == DOLLAR // 2
    assert (handling.saved, handling.roi) == (145 * DOLLAR, 29)
    assert handling.saved_share is not None and round(float(handling.saved_share), 3) == 0.967


async def test_failures_minutes_and_open_ones(store: Store) -> None:
    """4 resolved (one with 2 minutes), 1 failed and done by hand, 1 failed with 10 minutes, 2 open, 1 of unknown cost."""
    await store.write([ticket(place, DOLLAR) for place in range(8)])
    await store.write([ticket(8, 0, cost_state="unpriced"), ticket(9, 3 * DOLLAR, cost_state="unknown")])
    outcomes = [
        *(ended(place, "resolved") for place in range(3)), ended(3, "accepted", human_s=120, revenue=40 * DOLLAR),
        ended(4, "failed"), ended(5, "failed", human_s=600), ended(8, "resolved"), ended(77, "resolved"),
    ]  # fmt: skip
    await Units(store).post(outcomes)
    (unit,) = (await read(store)).units
    assert (unit.transactions, unit.partly, unit.empty, unit.partly_cost) == (8, 2, 1, 3 * DOLLAR)
    assert (unit.succeeded, unit.failed, unit.open) == (5, 2, 3)
    assert unit.per_transaction == DOLLAR
    assert unit.people == 12 * DOLLAR
    assert unit.per_success == (6 + 12) * DOLLAR // 4
    handling = unit.handling
    assert handling is not None
    assert (handling.ai, handling.review, handling.fallback) == (6 * DOLLAR, 2 * DOLLAR, (15 + 10) * DOLLAR)
    assert handling.saved == (6 * 15 - 6 - 2 - 25) * DOLLAR
    assert (unit.with_revenue, unit.revenue) == (1, 40 * DOLLAR)
    without_rate = TransactionSettings(types=SETTINGS.types)
    (unit,) = (await read(store, without_rate)).units
    assert unit.people is None and unit.per_success is None and unit.handling is None
    assert units.plain(await read(store, without_rate))["types"][0]["against_people"] is None


async def test_before_anything_ended_the_break_even_rate_is_known(store: Store) -> None:
    await store.write([ticket(1, 3 * DOLLAR)])
    (unit,) = (await read(store)).units
    assert unit.break_even is not None and float(unit.break_even) == 0.2 and unit.success_interval is None


async def test_margins(store: Store) -> None:
    plan = {"plan": "pro"}
    await store.write(
        [
            ticket(1, 2 * DOLLAR, user="ana", tags=plan), ticket(2, 3 * DOLLAR, user="ana", tags=plan),
            ticket(3, 9 * DOLLAR, user="ben", tags=plan), ticket(4, DOLLAR, user="cleo", tags={}),
            ticket(5, DOLLAR, user="", tags=plan),
        ]
    )  # fmt: skip
    await Units(store).post([ended(4, "resolved", revenue=4 * DOLLAR), ended(1, "resolved", human_s=60)])
    found = await read(store)
    by_plan = {each.plan: each for each in found.plans}
    pro = by_plan["pro"]
    assert (pro.users, pro.transactions, pro.cost, pro.people, pro.revenue) == (2, 4, 15 * DOLLAR, DOLLAR, 40 * DOLLAR)
    assert pro.margin == 24 * DOLLAR and pro.share == 0.6
    assert by_plan[""].margin == 3 * DOLLAR
    users = {each.name: each.margin for each in found.users}
    assert users == {"ben": 11 * DOLLAR, "ana": 14 * DOLLAR, "cleo": 3 * DOLLAR}


@pytest.mark.parametrize("seed", range(3))
async def test_every_figure_is_that_of_the_rows(seed: int, store: Store) -> None:
    dice = random.Random(seed)
    calls, given = traffic(dice, 150), posts(dice, 40)
    await store.write(calls)
    await Units(store).post(given)
    found = await read(store, tenant="acme")
    mine = [call for call in calls if call.tenant == "acme" and call.transaction]
    my_posts = [each for each in given if each.tenant == "acme"]
    assert sum(unit.cost + unit.tool_cost + unit.partly_cost for unit in found.units) == sum(
        call.cost for call in mine
    ) + tool_cost(mine, my_posts)
    assert sum(unit.calls for unit in found.units) == len(mine)
    for unit in found.units:
        of_type = [call for call in mine if split_name(call.transaction)[0] == unit.type]
        drivers = {(each.kind, each.name): each for each in unit.drivers}
        for model in ("big", "small"):
            of_model = [call for call in of_type if call.model == model]
            if of_model:
                assert drivers["model", model].cost == sum(call.cost for call in of_model)
                assert drivers["model", model].uses == len(of_model)
        latest = {}
        for each in my_posts:
            if each.type == unit.type and each.said is not None:
                latest[each.id] = each.said
        costed = {split_name(call.transaction)[1] for call in of_type}
        costed |= {each.id for each in my_posts if each.type == unit.type and each.costs}
        costed |= {split_name(call.transaction)[1] for call in of_type if call.tools}
        good = sum(1 for id_, said in latest.items() if id_ in costed and said.outcome in SUCCESSES)
        assert (unit.succeeded, unit.empty) == (good, len(latest.keys() - costed))
        await _check_quantiles(store, unit.type, unit.quantiles)
    one = await read(store, tenant="acme", kind="ticket")
    assert [unit.type for unit in one.units] == ["ticket"]


async def _check_quantiles(store: Store, kind: str, found: tuple[int, ...]) -> None:
    rows = await store.do(
        lambda each: each.query(
            "SELECT cost + tool_cost FROM transactions WHERE tenant = 'acme' AND type = ? AND without_cost = 0 "
            "AND tools_unpriced = 0 AND calls + tools > 0 ORDER BY 1",
            (kind,),
        )
    )
    sizes = [row[0] for row in rows]
    for share, size in zip(units.SHARES, found, strict=bool(sizes)):
        exact = next(each for place, each in enumerate(sizes, 1) if place >= share * len(sizes))
        assert abs(size - exact) <= exact * 0.033


async def test_for_machines_all_is_exact(store: Store) -> None:
    await store.write(traffic(random.Random(4), 40))
    plain = units.plain(await read(store))
    assert set(plain) == {"since_us", "until_us", "means", "types", "plans", "users"}
    for each in plain["types"]:
        assert isinstance(each["cost"]["nano_dollars"], int)
    assert await Units(store).one("default", "no", "such") is None
