"""The whole loop over a real store, on both engines: found once, by one gateway, whatever stops in between."""

import asyncio
from collections.abc import Sequence

import pytest

from farthing.finops.alerts.catalog import rules_for, single_call_limit
from farthing.finops.alerts.delivery import Delivery
from farthing.finops.alerts.message import Message
from farthing.finops.alerts.reading import Reader
from farthing.finops.alerts.recipients import Recipients
from farthing.finops.alerts.seen import BudgetSeen
from farthing.finops.alerts.sources import BudgetSource
from farthing.finops.alerts.states import Pace
from farthing.finops.alerts.watch import Watch
from farthing.model.record import Record
from farthing.settings import AlertRuleSettings, AlertSettings
from farthing.store import Store
from farthing.store.alerts import Alerts, Entry
from farthing.upstream.posting import NotDelivered
from unit.finops.alerts.spending import DAY_US, DOLLAR, NOON_US
from unit.finops.alerts.traffic_of import HOUR_US, TODAY_US, burning, call, weeks


class Kept:
    """A channel that keeps what it is told; fails while it is told to."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.titles: list[str] = []
        self.texts: list[str] = []
        self.fails = False

    async def send(self, entry: Entry, message: Message) -> None:
        if self.fails:
            raise NotDelivered("it is away")
        self.entries.append(entry)
        self.titles.append(message.title)
        self.texts.append(message.text)


class Gateway:
    """What a gateway has of alerts, with a clock of ours."""

    def __init__(
        self, store: Store, holder: str = "g1", settings: AlertSettings | None = None, budgets: BudgetSource | None = None
    ) -> None:  # fmt: skip
        settings = settings or AlertSettings(rules={"single_call": AlertRuleSettings(on=False)})
        self.now_us = NOON_US
        self.channel = Kept()
        self.alerts = Alerts(store)
        self.delivery = Delivery(self.alerts, {"log": self.channel})
        self.watch = Watch(
            self.alerts, Reader(self.alerts, budgets=budgets), rules_for(settings), Recipients(settings), self.delivery,
            holder=holder, pace=Pace(), call_limit=single_call_limit(settings), now_us=lambda: self.now_us,
        )  # fmt: skip

    async def look(self, now_us: int | None = None) -> list[str]:
        """Look, deliver; what was told."""
        self.now_us = now_us or self.now_us
        before = len(self.channel.titles)
        await self.watch.look()
        await self.delivery.deliver()
        return self.channel.titles[before:]


async def test_an_accident_is_one_message_with_its_cause(store: Store) -> None:
    await store.write([*weeks(), *burning()])
    gateway = Gateway(store)
    assert await gateway.look() == ["day spend, feature agent"]
    text = gateway.channel.texts[0]
    assert "has spent $120.00 today, 5.0 times its seven-day average of $24.00 a day" in text
    assert "100 % of that user eve" in text or "100 % of the rise is model big" in text
    assert "At stake: $" in text and "The same shows in: " in text and "model big" in text and "team core" in text
    assert "chat" not in text
    assert await gateway.look() == []
    open_now = {(each.rule, each.scope_kind) for each in await gateway.alerts.standings() if each.state != "ok"}
    assert ("day_spend", "total") in open_now and ("day_spend", "feature") in open_now


async def test_a_usual_day_says_nothing(store: Store) -> None:
    await store.write(weeks())
    gateway = Gateway(store)
    for hour in (0.1, 6, 12, 23.9):
        assert await gateway.look(TODAY_US + round(hour * HOUR_US)) == []
        await store.write([call(f"n{hour}", gateway.now_us, 4.0)])


async def test_a_new_start_and_another_leader_go_on_where_it_was(store: Store) -> None:
    await store.write([*weeks(), *burning()])
    first, second = Gateway(store, "g1"), Gateway(store, "g2")
    assert len(await first.look()) == 1
    assert await second.look() == []  # it does not lead
    again = Gateway(store, "g1")  # the same process id would be another: here the row is its own
    assert await again.look() == []
    await first.watch.close()
    assert await second.look() == [] and len(await second.alerts.history()) == 1


async def test_a_message_that_could_not_be_delivered_waits_for_any_gateway(store: Store) -> None:
    await store.write([*weeks(), *burning()])
    first = Gateway(store, "g1")
    first.channel.fails = True
    assert await first.look() == []
    (state,) = await first.alerts.channels()
    assert (state.waiting, state.error) == (1, "it is away")
    await store.do(lambda connection: connection.execute("UPDATE alert_outbox SET next_us = 0"))
    second = Gateway(store, "g2")
    await second.delivery.deliver()
    assert second.channel.titles == ["day spend, feature agent"]


async def test_it_is_over_the_day_after_across_the_end_of_a_month(store: Store) -> None:
    shift = (20_422 - 20_417) * DAY_US  # 30 November
    await store.write([_later(each, shift) for each in (*weeks(), *burning())])
    gateway = Gateway(store)
    assert len(await gateway.look(NOON_US + shift)) == 1
    tomorrow = TODAY_US + shift + DAY_US
    told: list[str] = []
    for hour in range(0, 12):
        await store.write([call(f"d{hour}", tomorrow + hour * HOUR_US, 1.0)])
        told += await gateway.look(tomorrow + hour * HOUR_US + HOUR_US // 2)
    assert told == ["Over: day spend, feature agent"]


def _later(record: Record, us: int) -> Record:
    record.started_us += us
    return record


async def test_a_dear_call_is_told_at_once_and_counted_with_the_next(store: Store) -> None:
    gateway = Gateway(store, settings=AlertSettings())
    loop = asyncio.create_task(gateway.watch.run())
    try:
        calls = [call(f"d{n}", NOON_US, 3.0 + n) for n in range(3)]
        for batch in (calls[:1], calls[1:]):
            await store.write(batch)
            await asyncio.to_thread(gateway.watch.observe, [*batch, call("cheap", NOON_US, 0.5)])
            await asyncio.sleep(0.3)
            await gateway.delivery.deliver()
    finally:
        loop.cancel()
        await asyncio.gather(loop, return_exceptions=True)
    assert gateway.channel.titles[0] == "single call, feature agent"
    assert gateway.channel.texts[0].startswith("One call of feature agent cost $3.00, more than $1.00: call d0")
    (standing,) = [each for each in await gateway.alerts.standings() if each.rule == "single_call"]
    assert (standing.count, standing.value) == (3, 12 * DOLLAR)
    assert gateway.channel.titles.count("single call, feature agent") == 1


async def test_a_dear_call_of_a_gateway_that_was_killed_is_found_in_the_ledger(store: Store) -> None:
    now = NOON_US
    settings = AlertSettings()
    gateway = Gateway(store, "g2", settings)
    await gateway.alerts.remember("looked_us", str(now - HOUR_US))
    await store.write([call("lost", now - HOUR_US // 2, 7.0)])  # committed, and nobody told
    assert await gateway.look(now) == ["single call, feature agent"]
    assert await gateway.look(now + 60_000_000) == []
    await store.write([call("lost2", now, 17.0)])  # another gateway's, killed while this one leads
    assert await gateway.look(now + 120_000_000) == ["Worse: single call, feature agent"]
    (standing,) = [each for each in await gateway.alerts.standings() if each.rule == "single_call"]
    assert standing.count == 2


class TwoBudgets:
    """Budgets that somebody else keeps."""

    def __init__(self) -> None:
        self.spent = 79 * DOLLAR
        self.window = "2025-11"

    async def budgets(self, tenant: str, now_us: int) -> Sequence[BudgetSeen]:
        return [BudgetSeen(f"{tenant}-b", "support", self.window, 100 * DOLLAR, self.spent, ends_us=now_us + DAY_US)]


async def test_each_level_of_a_budget_is_told_once_a_window(store: Store) -> None:
    await store.write([call("one", NOON_US, 0.1)])
    budgets = TwoBudgets()
    gateway = Gateway(store, budgets=budgets)
    assert await gateway.look() == ["budget level, budget support"]
    budgets.spent = 81 * DOLLAR
    assert await gateway.look(NOON_US + 60_000_000) == ["Worse: budget level, budget support"]
    assert await gateway.look(NOON_US + 120_000_000) == []
    budgets.spent = 100 * DOLLAR
    assert await gateway.look(NOON_US + 180_000_000) == ["Worse: budget level, budget support"]
    budgets.spent, budgets.window = 0, "2025-12"
    assert await gateway.look(NOON_US + HOUR_US) == ["Over: budget level, budget support"]
    budgets.spent = 60 * DOLLAR
    assert await gateway.look(NOON_US + 8 * HOUR_US) == ["budget level, budget support"]


async def test_what_was_silent_has_a_state_of_its_own(store: Store) -> None:
    calls = [
        call(f"s{day}-{hour}-{n}", TODAY_US - day * DAY_US + hour * HOUR_US + n, 0.01)
        for day in range(1, 16)
        for hour in range(9, 12)
        for n in range(8)
    ]
    await store.write(calls)
    gateway = Gateway(store)
    assert await gateway.look(NOON_US + 1) == ["no data, total"]
    (standing,) = [each for each in await gateway.alerts.standings() if each.state != "ok"]
    assert standing.state == "no-data"
    await store.write([call("back", NOON_US + 60_000_000, 0.01)])
    assert await gateway.look(NOON_US + 20 * 60_000_000) == ["Over: no data, total"]


async def test_an_odd_tenant_does_not_see_anothers(store: Store) -> None:
    await store.write([*weeks(), *burning()])
    await store.write([call("x", NOON_US, 1.0, tenant="acme")])
    gateway = Gateway(store)
    await gateway.look()
    assert await gateway.alerts.standings("acme") == []


@pytest.mark.parametrize("holder", ["a", "b"])
async def test_many_gateways_tell_a_dear_call_once(store: Store, holder: str) -> None:
    gateways = [Gateway(store, f"{holder}{n}", AlertSettings()) for n in range(3)]
    calls = [call("same", NOON_US, 3.0)]
    await store.write(calls)
    for gateway in gateways:
        gateway.watch._heard([])
    await asyncio.gather(*(gateway.look() for gateway in gateways))
    told = [title for gateway in gateways for title in gateway.channel.titles]
    assert told == ["single call, feature agent"]
