"""A week's plan is made by one of all gateways; a claim of somebody who vanished lapses."""

import asyncio

from farthing.store import Store
from farthing.store.plans import LAPSES_US, Plans, newest

NOW = 1_790_000_000_000_000


async def test_of_many_gateways_one_makes_the_weeks_plan(store: Store) -> None:
    plans = Plans(store)
    found = await asyncio.gather(*(plans.claim("2026-11-23", NOW, f"gateway {n}") for n in range(6)))
    assert sorted(found) == [0, 0, 0, 0, 0, 1]
    assert await plans.keep('{"it": "is"}', ["default"], NOW + 5, "", no=1) == 1
    assert await plans.claim("2026-11-23", NOW + 2 * LAPSES_US, "late") == 0
    (line,) = await plans.every()
    assert (line.state, line.week, line.tenants, line.made_us) == ("made", "2026-11-23", ["default"], NOW + 5)
    assert await plans.body(1) == '{"it": "is"}' and await plans.body(2) == ""


async def test_a_claim_of_somebody_who_vanished_lapses(store: Store) -> None:
    plans = Plans(store)
    assert await plans.claim("2026-11-23", NOW, "one") == 1
    assert await plans.claim("2026-11-23", NOW + 1, "two") == 0
    assert await plans.claim("2026-11-23", NOW + LAPSES_US, "two") == 1
    await plans.fail(1, "no price")
    assert await plans.claim("2026-11-23", NOW + LAPSES_US + 5, "three") == 0
    assert await plans.claim("2026-11-23", NOW + 2 * LAPSES_US + 5, "three") == 1


async def test_what_is_asked_for_is_taken_once(store: Store) -> None:
    plans = Plans(store)
    assert await plans.take_asked(NOW) == 0
    assert await plans.ask(NOW, "ana") and not await plans.ask(NOW + 1, "ben")
    assert [await plans.take_asked(NOW + 2) for _ in range(2)] == [1, 0]
    assert not await plans.ask(NOW + 3, "ben")
    await plans.keep("{}", ["default"], NOW + 4, "ana", no=1)
    assert await plans.ask(NOW + 5, "ben")


async def test_what_is_asked_for_is_taken_again_when_its_maker_is_gone(store: Store) -> None:
    plans = Plans(store)
    assert await plans.ask(NOW, "ana") and await plans.take_asked(NOW) == 1
    assert [await plans.take_asked(NOW + LAPSES_US + more) for more in (-1, 1, 2)] == [0, 1, 0]


async def test_the_newest_is_by_when_it_was_made(store: Store) -> None:
    plans = Plans(store)
    assert await store.do(newest) is None
    week = await plans.claim("2026-11-23", NOW, "gateway")
    await plans.keep("hand", ["a", "b"], NOW + 1, "ana")
    await plans.keep("week", ["default"], NOW + 2, "gateway", no=week)
    await plans.keep("hand again", ["default"], NOW + 3, "ana")
    last = await store.do(newest)
    assert last is not None and last[1] == "hand again" and last[0].who == "ana"
    weekly = await store.do(lambda connection: newest(connection, weekly=True))
    assert weekly is not None and weekly[1] == "week"
    earlier = await store.do(lambda connection: newest(connection, before_us=NOW + 2))
    assert earlier is not None and earlier[1] == "hand" and earlier[0].tenants == ["a", "b"]
