"""The plan of each week: made once, by one of all gateways, of calls that the ledger had before."""

import asyncio
from datetime import UTC, datetime

import msgspec

from farthing.dashboard.aside import CannotDo
from farthing.finops.plans.document import packed, unpacked
from farthing.planner import weekly
from farthing.planner.weekly import Made, Weekly
from farthing.settings import PlanSettings, Settings, StoreSettings, StoreUrl
from farthing.store import Store, writing
from farthing.store.engine import Connection
from farthing.store.plans import Plans
from unit.finops.plans.made import document
from unit.store.samples import a_record

TUESDAY = int(datetime(2026, 11, 24, 12, tzinfo=UTC).timestamp()) * 1_000_000
DAY = 86_400_000_000


async def short(now_us: int) -> Made:
    return packed(document()), ["default"]


async def broken(now_us: int) -> Made:
    raise CannotDo("no prices")


async def with_calls(store: Store, *at_us: int) -> None:
    records = [a_record(f"call-{at}", started_us=at) for at in at_us]

    def add(connection: Connection) -> None:
        with connection.transaction():
            writing.add(connection, records)

    await store.do(add)


async def test_a_week_is_planned_once(store: Store) -> None:
    await with_calls(store, TUESDAY - 9 * DAY)
    gateways = [Weekly(Settings(), store, short, lambda: TUESDAY) for _ in range(3)]
    assert sorted(await asyncio.gather(*(each.look() for each in gateways))) == [0, 0, 1]
    (line,) = await Plans(store).every()
    assert (line.week, line.state, line.who) == ("2026-11-23", "made", "a gateway, each week")
    assert unpacked(await Plans(store).body(1)) == document()


async def test_a_new_ledger_and_a_gateway_that_may_not_plan_nothing(store: Store) -> None:
    new = Weekly(Settings(), store, short, lambda: TUESDAY)
    assert await new.look() == 0
    await with_calls(store, TUESDAY - DAY // 2)
    assert await new.look() == 0
    await with_calls(store, TUESDAY - 9 * DAY)
    off = Weekly(Settings(plan=PlanSettings(weekly=False)), store, short, lambda: TUESDAY)
    assert await off.look() == 0
    await Plans(store).ask(TUESDAY, "ana")
    assert await off.look() == 1 and (await Plans(store).every())[0].who == "ana"


async def test_what_cannot_be_made_is_said(store: Store) -> None:
    await Plans(store).ask(TUESDAY, "ana")
    each = Weekly(Settings(), store, broken, lambda: TUESDAY)
    assert await each.look() == 1
    assert [(line.state, line.why) for line in await Plans(store).every()] == [("failed", "no prices")]


async def test_a_gateway_that_stops_leaves_the_week_to_others(store: Store) -> None:
    await with_calls(store, TUESDAY - 9 * DAY)
    begun = asyncio.Event()

    async def long(now_us: int) -> Made:
        begun.set()
        await asyncio.sleep(60)
        raise AssertionError

    task = asyncio.create_task(Weekly(Settings(), store, long, lambda: TUESDAY).look())
    await begun.wait()
    assert await Weekly(Settings(), store, short, lambda: TUESDAY).look() == 0
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert await Weekly(Settings(), store, short, lambda: TUESDAY).look() == 1


async def test_the_real_work_is_done_aside(store: Store, url: str) -> None:
    """By its own process, from the ledger's sums alone: no prompt is kept there."""
    await with_calls(store, *(TUESDAY - (1 + n % 20) * DAY + n for n in range(100)))
    settings = msgspec.structs.replace(Settings(), store=StoreSettings(url=StoreUrl(url)))
    found, tenants = await asyncio.to_thread(_in_a_thread, settings)
    assert unpacked(found).plan.calls == 100 and tenants == ["default"]


def _in_a_thread(settings: Settings) -> Made:
    return asyncio.run(weekly.make(settings, TUESDAY))


async def test_the_one_before_is_held_against_what_happened(store: Store, url: str) -> None:
    before = document()
    before.plan.since_us, before.plan.until_us = TUESDAY - 15 * DAY, TUESDAY - 9 * DAY
    await Plans(store).keep(packed(before), ["default"], TUESDAY - 8 * DAY, "ana")
    await with_calls(store, *(TUESDAY - (1 + n % 20) * DAY + n for n in range(100)))
    settings = msgspec.structs.replace(Settings(), store=StoreSettings(url=StoreUrl(url)))
    found, _ = await asyncio.to_thread(_in_a_thread, settings)
    happened = unpacked(found).happened
    assert happened is not None and happened.made_us == TUESDAY - 8 * DAY and happened.traffic > 0
