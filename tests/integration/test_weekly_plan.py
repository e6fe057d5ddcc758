"""Weekly plans from first to last: made in a process of its own, by one of two gateways, shown on the page, and a week later set
beside what the ledger booked. The clock is driven; all else is as in a gateway."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from farthing.dashboard.aside import Aside
from farthing.finops.plans.document import unpacked
from farthing.model.arms import SEMANTIC_CACHE
from farthing.model.record import Attempt, Record, Saving
from farthing.model.usage import Usage
from farthing.planner.weekly import Weekly, made
from farthing.settings import PlanSettings, Settings, StoreSettings, StoreUrl
from farthing.store import Store, open_store, writing
from farthing.store.engine import Connection
from farthing.store.plans import LAPSES_US, Plans

DAY = 86_400_000_000
MONDAY = int(datetime(2026, 11, 16, 6, tzinfo=UTC).timestamp()) * 1_000_000
COST = 2_000_000


def a_call(day: int, number: int, *, hit: bool = False) -> Record:
    at = MONDAY + day * DAY + number * 3_600_000_000
    record = Record(
        id=f"call-{day:+}-{number}", started_us=at, wire="openai.chat", model_asked="gpt-4o", model="gpt-4o", provider="openai",
        tenant="default", feature="support", status=200, outcome="ok", cost_state="computed", baseline=COST,
    )  # fmt: skip
    if hit:
        record.cache, record.savings = "exact", [Saving(SEMANTIC_CACHE, COST, 0)]
    else:
        record.cost, record.in_tokens, record.out_tokens = COST, 400, 100
        record.attempts = [
            Attempt(
                no=1, provider="openai", model="gpt-4o", served_model="gpt-4o", status=200, outcome="ok", started_us=at,
                usage=Usage(uncached_in=400, out=100), cost_state="computed", cost=COST, list_cost=COST,
            )
        ]  # fmt: skip
    return record


async def add(store: Store, records: list[Record]) -> None:
    def work(connection: Connection) -> None:
        with connection.transaction():
            writing.add(connection, records)

    await store.do(work)


@pytest.fixture
def aside() -> Iterator[Aside]:
    found = Aside(60.0, idle_s=30.0)
    yield found
    found.close()


async def test_a_plan_a_week_and_what_happened_after_it(tmp_path: Path, aside: Aside) -> None:
    url = f"sqlite:///{tmp_path}/farthing.db"
    settings = Settings(store=StoreSettings(url=StoreUrl(url)), plan=PlanSettings(calls=500))
    store = await open_store(url)
    clock = [MONDAY]
    try:
        await add(store, [a_call(day, number) for day in range(-10, 0) for number in range(4)])
        gateways = [
            Weekly(settings, store, lambda now_us: aside.run(made, settings, now_us), lambda: clock[0])
            for _ in range(2)
        ]
        assert sorted(await asyncio.gather(*(each.look() for each in gateways))) == [0, 1]
        kept = Plans(store)
        (first,) = await kept.every()
        assert (first.week, first.state, first.tenants) == ("2026-11-16", "made", ["default"])
        plan = unpacked(await kept.body(1))
        assert plan.plan.calls == 40 and plan.plan.a_month > 0 and plan.happened is None

        await add(store, [a_call(day, number, hit=number == 0) for day in range(1, 7) for number in range(4)])
        clock[0] = MONDAY + 7 * DAY
        assert await gateways[0].look() == 2
        assert await gateways[1].look() == 0
        since = unpacked(await kept.body(2)).happened
        assert since is not None and since.made_us == MONDAY and 0.9 < since.traffic < 1.1
        assert [line.week for line in await kept.every()] == ["2026-11-23", "2026-11-16"]
    finally:
        await store.close()


async def test_a_gateway_that_was_killed_in_the_middle_leaves_the_week(tmp_path: Path, aside: Aside) -> None:
    """Its claim lapses; until then nobody makes a second plan of that week."""
    url = f"sqlite:///{tmp_path}/farthing.db"
    settings = Settings(store=StoreSettings(url=StoreUrl(url)))
    store = await open_store(url)
    clock = [MONDAY]
    try:
        await add(store, [a_call(day, number) for day in range(-10, 0) for number in range(4)])
        killed = await Plans(store).claim("2026-11-16", MONDAY, "a gateway, each week")
        other = Weekly(settings, store, lambda now_us: aside.run(made, settings, now_us), lambda: clock[0])
        assert killed == 1 and await other.look() == 0
        clock[0] = MONDAY + LAPSES_US + 1
        assert await other.look() == 1
        assert [(line.no, line.state) for line in await Plans(store).every()] == [(1, "made")]
    finally:
        await store.close()
