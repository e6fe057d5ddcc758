"""The weekly digest: what it says is what the ledger says, and each is told once, whoever leads and whatever stops."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from farthing.finops.alerts.deciding import Decision, Found
from farthing.finops.alerts.delivery import Delivery
from farthing.finops.alerts.digest.reading import WEEK_US, Digests
from farthing.finops.alerts.digest.text import lines_of, plain, title_of
from farthing.finops.alerts.digest.weekly import Weekly, last_due
from farthing.finops.alerts.finding import Finding, Scope
from farthing.finops.alerts.recipients import Recipients
from farthing.finops.alerts.seen import BudgetSeen
from farthing.finops.alerts.states import Pace
from farthing.model.record import Record, Saving
from farthing.settings import AlertChannelSettings, AlertDigestSettings, AlertSettings
from farthing.store import Store
from farthing.store.alerts import Alerts
from farthing.store.corrections import Corrections, Entry
from farthing.store.rollups import DAY_US
from farthing.store.store import now_us
from unit.finops.alerts.spending import DOLLAR
from unit.finops.alerts.test_watch import Kept


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000_000


UNTIL = at("2026-06-15")
"""A Monday."""
NOW = UNTIL + 9 * DAY_US // 24 + 1


def call(id: str, days_ago: float, dollars: int, feature: str = "agent", **more: object) -> Record:
    cost = dollars * DOLLAR
    record = Record(
        id, UNTIL - round(days_ago * DAY_US), "openai.chat", model="big", feature=feature, user="eve", team="core", cost=cost,
        baseline=cost + DOLLAR, cost_state="computed", savings=[Saving("semantic cache", DOLLAR, 0)],
    )  # fmt: skip
    for name, value in more.items():
        setattr(record, name, value)
    return record


WEEKS = [
    call("a1", 3, 60), call("a2", 4, 40), call("a3", 10, 20), call("c1", 2, 5, "chat"), call("c2", 9, 25, "chat", model="old"),
    call("odd", 1, 0, "chat", cost_state="unknown", baseline=0, savings=[]), call("other", 3, 7, tenant="b"),
    call("late", -0.1, 900), call("early", 15, 900),
]  # fmt: skip


class Budgets:
    async def budgets(self, tenant: str, now_us: int) -> Sequence[BudgetSeen]:
        near = BudgetSeen("x/", "x", "2026-06", 100 * DOLLAR, 90 * DOLLAR, ends_us=now_us + 3 * DAY_US)
        likely = BudgetSeen("y/", "y", "2026-06", 100 * DOLLAR, 50 * DOLLAR, chance_over=0.7)
        return [likely, near, BudgetSeen("z/", "z", "2026-06", 100 * DOLLAR, 79 * DOLLAR)]


class Gateway:
    """What a gateway has of digests, with a channel that keeps them."""

    def __init__(self, store: Store, holder: str = "g1", settings: AlertSettings | None = None) -> None:
        self.holder = holder
        self.alerts = Alerts(store)
        self.weekly = Weekly(self.alerts, Digests(store, self.alerts, Budgets()), settings or AlertSettings())
        self.channel = Kept()
        self.delivery = Delivery(self.alerts, {"log": self.channel})

    async def look(self, now: int) -> list[str]:
        before = len(self.channel.titles)
        if await self.alerts.lead(self.holder, 60):
            await self.weekly.tell(now, self.holder)
        await self.delivery.deliver()
        return self.channel.titles[before:]


async def test_it_says_what_the_ledger_says(store: Store) -> None:
    await store.write(WEEKS)
    await Corrections(store).post([Entry(UNTIL - DAY_US, -3 * DOLLAR)], who="ana", reason="a credit")
    digest = await Digests(store, Alerts(store), Budgets()).read("default", UNTIL, NOW)
    assert (digest.cost, digest.cost_before, digest.calls, digest.calls_before) == (105 * DOLLAR, 45 * DOLLAR, 4, 2)
    assert (digest.without_cost, digest.corrections, digest.alerts_told) == (1, -3 * DOLLAR, 0)
    assert [(each.feature, each.change) for each in digest.movers] == [("agent", 80 * DOLLAR), ("chat", -20 * DOLLAR)]
    assert [(each.now, each.before) for each in digest.savings] == [(3 * DOLLAR, 2 * DOLLAR)]
    assert [each.name for each in digest.budgets] == ["x", "y"]
    assert title_of(digest) == "Week 2026-06-08 to 2026-06-14: $105.00"
    text = "\n".join(lines_of(digest, NOW))
    for words in (
        "133 % more than in the week before ($45.00, 2 calls)", "Corrections posted for these days: -$3.00",
        "Feature agent: +$80.00, $20.00 to $100.00; 2.0 times the calls, each 2.5 times as dear. 100 % of the rise is model big",
        "Feature chat: -$20.00", "of the fall is model old", "No alert was told.", "Saved $3.00, in the week before $2.00: semantic cache",
        "Budget x: 90 % of $100.00 is spent, 3 days to go.", "Budget y: 50 % of $100.00 is spent, 70 % likely",
    ):  # fmt: skip
        assert words in text, text
    assert plain(digest, NOW)["cost"] == 105 * DOLLAR


async def test_alerts_of_the_week_are_in_it(store: Store) -> None:
    finding = Finding("day_spend", Scope("feature", "agent"), "2026-06-12", "alert", "It burns.", at_stake=9 * DOLLAR)
    alerts, now = Alerts(store), now_us()
    await alerts.decide(Decision([Found("default", finding)], ["day_spend"], now, Pace(), Recipients(AlertSettings())))
    digest = await Digests(store, alerts).read("default", now - now % DAY_US + DAY_US, now)
    assert (digest.alerts_told, digest.alerts_open) == (1, 1)
    assert "day spend, feature agent, $9.00 at stake: It burns." in "\n".join(lines_of(digest, now))
    assert (await Digests(store, alerts).read("default", now - now % DAY_US, now)).alerts_told == 0


async def test_nothing_is_said_of_nothing(store: Store) -> None:
    assert (await Digests(store, Alerts(store)).read("default", UNTIL, NOW)).empty
    gateway = Gateway(store)
    assert await gateway.look(NOW - WEEK_US) == [] and await gateway.look(NOW) == []


async def test_each_week_is_told_once_by_one_of_many(store: Store) -> None:
    await store.write(WEEKS)
    one, other = Gateway(store, "g1"), Gateway(store, "g2")
    assert await one.look(NOW - WEEK_US) == [], "at first it only remembers the week"
    assert await one.look(NOW - DAY_US) == [], "not yet"
    both = await asyncio.gather(one.look(NOW), other.look(NOW), one.look(NOW))
    told = sorted(one.channel.titles + other.channel.titles)
    assert len([title for titles in both for title in titles]) >= 2
    assert told == ["Week 2026-06-08 to 2026-06-14: $105.00", "Week 2026-06-08 to 2026-06-14: $7.00 (tenant b)"]
    assert "Budget x" in (one.channel.texts + other.channel.texts)[0]
    again = Gateway(store, "g1")
    assert await again.look(NOW + DAY_US) == [], "a new process knows"
    await store.do(lambda connection: connection.execute("UPDATE leaders SET until_us = 0"))
    assert await other.look(NOW + 2 * DAY_US) == []
    assert "Week 2026-06-15 to 2026-06-21: $900.00" in await other.look(NOW + WEEK_US)


async def test_who_lost_the_lead_tells_nothing(store: Store) -> None:
    await store.write(WEEKS)
    gateway = Gateway(store)
    await gateway.look(NOW - WEEK_US)
    await store.do(lambda connection: connection.execute("UPDATE leaders SET holder = 'g2'"))
    assert await gateway.weekly.tell(NOW, "g1") == 0
    assert await gateway.alerts.history() == []
    assert not await gateway.alerts.tell_once("digest", "another week", "x", []), "somebody told it meanwhile"


async def test_after_a_stop_it_is_told_late(store: Store) -> None:
    await store.write(WEEKS)
    await Gateway(store).look(NOW - WEEK_US)
    assert len(await Gateway(store).look(NOW + 5 * DAY_US)) == 2


@pytest.mark.parametrize(
    ("channels", "only", "told"),
    [
        ({}, [], ("log",)),
        ({"a": {}, "b": {"least": "alert"}, "c": {"rules": ["day_spend"]}, "d": {"tenant": "b"}}, [], ("a",)),
        ({"a": {}, "b": {"least": "alert"}}, ["b"], ("b",)),
    ],
)  # fmt: skip
async def test_who_is_told(
    store: Store, channels: dict[str, dict[str, object]], only: list[str], told: tuple[str, ...]
) -> None:
    await store.write([each for each in WEEKS if each.tenant == "default"])
    made = {name: AlertChannelSettings("log", **more) for name, more in channels.items()}  # type: ignore[arg-type]
    gateway = Gateway(store, settings=AlertSettings(channels=made, digest=AlertDigestSettings(channels=only)))
    await gateway.look(NOW - WEEK_US)
    await gateway.look(NOW)
    waiting = await store.do(lambda connection: connection.query("SELECT DISTINCT channel FROM alert_outbox"))
    delivered = [each.channel for each in await gateway.alerts.channels() if each.delivered]
    assert sorted([row[0] for row in waiting] + delivered) == list(told)


def test_when_it_is_due() -> None:
    utc = AlertDigestSettings()
    assert last_due(utc, at("2026-06-15T09:00")) == at("2026-06-15T09:00")
    assert last_due(utc, at("2026-06-15T09:00") - 1) == at("2026-06-08T09:00")
    assert last_due(utc, at("2026-06-21T23:59")) == at("2026-06-15T09:00")
    berlin = AlertDigestSettings(weekday="friday", hour=2, zone="Europe/Berlin")
    assert last_due(berlin, at("2026-06-19T00:00")) == at("2026-06-19T00:00")
    assert last_due(berlin, at("2026-01-02T00:59")) == at("2025-12-26T01:00")
    sunday = AlertDigestSettings(weekday="sunday", hour=2, zone="Europe/Berlin")
    gone = [last_due(sunday, moment) for moment in range(at("2026-03-28T00:00"), at("2026-04-06T00:00"), 900_000_000)]
    assert gone == sorted(gone) and len(set(gone)) == 3, "an hour that the clock leaves out is due all the same, once"
