"""Spend by day: every dollar is on the picture, the alert line is the rule's, and what is foreseen adds up."""

import time
from pathlib import Path

import pytest

from browser import company
from farthing.dashboard.memory import Memory
from farthing.dashboard.overview import reading, spending
from farthing.dashboard.overview.reading import Overview
from farthing.dashboard.periods import Period, period_of
from farthing.finops.alerts.finding import TOTAL
from farthing.finops.alerts.history import History
from farthing.finops.alerts.rules.day_spend import DaySpend
from farthing.finops.alerts.seen import Seen, Spend
from farthing.finops.alerts.sensitivity import Floors
from farthing.finops.alerts.today import Passing, Today
from farthing.finops.forecast import weekday
from farthing.finops.metrics import Options
from farthing.finops.tiers import tier_of
from farthing.model.record import Record
from farthing.settings import Settings
from farthing.store import Store, open_store
from farthing.store.rollups import DAY_US, month_of
from stores import ready

DAYS = 40
NOW = month_of(time.time_ns() // 1000) + 11 * DAY_US + DAY_US // 2
"""Noon of the twelfth, so that there is a month behind and ahead."""
TIER = tier_of(Settings())


async def filled(folder: Path, days: int = DAYS) -> Store:
    store = await open_store(ready(folder, "ledger.db"))
    batch = list(company.records(NOW, days))
    for start in range(0, len(batch), 1_000):
        await store.write(batch[start : start + 1_000])
    return store


async def look(store: Store, name: str, **where: str) -> tuple[Overview, Period]:
    period = period_of(name, NOW)
    found = await store.do(lambda each: reading.read(each, Memory(), period, NOW, "default", where, Options(), TIER))
    return found, period


async def test_every_dollar_is_drawn_the_line_is_the_rule_s_and_the_rest_adds_up(tmp_path: Path) -> None:
    store = await filled(tmp_path)
    found, period = await look(store, "month")
    chart = spending.chart(found, period, NOW, 2.0)
    assert sum(row["to"] - row["from"] for row in chart.rows) == pytest.approx(found.spent / 1e9)
    assert chart.options["names"][0] == "coding agent"
    assert chart.options["names"][-1] == "(none)"
    for line in chart.options["threshold"]:
        day = line["start"] * 1_000
        history = History(
            [found.history.get(day - ago * DAY_US, 0) for ago in range(35, 0, -1)], weekday(day // DAY_US)
        )
        rule = DaySpend(["total"], Floors(0, 0))
        for cents, is_above in ((-1, False), (1, True)):
            spent = round(line["dollars"] * 1e9) + cents * 10**7
            spend = Spend(TOTAL, history, Today(spent, 24.0, Passing(())), None, first_seen=False)
            assert bool(rule(Seen(day, spends=[spend]))) is is_above
    forecast = found.forecast.total.forecast
    ahead = chart.options["ahead"]
    assert len(ahead) == (month_of(NOW + 31 * DAY_US) - (NOW - NOW % DAY_US)) // DAY_US - 1
    rest = (forecast.expected - forecast.spent) / 1e9
    assert 0.9 * rest < sum(each["expected"] for each in ahead) < rest
    assert all(each["low"] <= each["expected"] <= each["high"] for each in ahead)
    accident = [mark for mark in chart.options["above"] if mark["start"] * 1_000 == NOW - NOW % DAY_US - company.ACCIDENT * DAY_US]  # fmt: skip
    assert accident
    assert "alert line" in chart.said
    assert [look for look, _ in spending.legend(chart)][-2:] == ["line", "ahead"]
    await store.close()


async def test_within_a_minute_the_picture_is_the_same_so_that_it_is_drawn_once(tmp_path: Path) -> None:
    store = await filled(tmp_path, 20)
    found, period = await look(store, "month")
    first = spending.chart(found, period, NOW, 2.0)
    assert first.options["ahead"]
    assert spending.chart(found, period, NOW + 59_000_000, 2.0).key == first.key
    await store.close()


async def test_scopes_without_features_and_long_periods_are_drawn_too(tmp_path: Path) -> None:
    store = await filled(tmp_path, 20)
    found, period = await look(store, "30d", team="support")
    chart = spending.chart(found, period, NOW, 2.0)
    assert chart.options["names"] == ["support"]
    assert sum(row["to"] - row["from"] for row in chart.rows) == pytest.approx(found.spent / 1e9)
    for name, step in (("365d", "week"), ("3650d", "month")):
        found, period = await look(store, name)
        chart = spending.chart(found, period, NOW, 2.0)
        assert chart.options["step"] == step
        assert not chart.options["threshold"]
        assert sum(row["to"] - row["from"] for row in chart.rows) == pytest.approx(found.spent / 1e9)
        assert len({row["start"] for row in chart.rows}) <= DAYS // 7 + 2
    await store.close()


async def test_features_beyond_those_with_a_colour_are_one(tmp_path: Path) -> None:
    store = await open_store(ready(tmp_path, "ledger.db"))
    await store.write(
        [
            Record(id=f"{no}", started_us=NOW - 60_000_000, wire="openai.chat", model_asked="m", feature=f"f{no}", cost=10**9 - no, baseline=10**9 - no, cost_state="computed", status=200, outcome="ok")
            for no in range(20)
        ]
    )  # fmt: skip
    found, period = await look(store, "today")
    chart = spending.chart(found, period, NOW, 2.0)
    assert chart.options["names"] == [*(f"f{no}" for no in range(spending.DRAWN)), spending.REST]
    assert spending.legend(chart)[-1] == ("others", spending.REST)
    await store.close()


async def test_a_reading_is_given_again_until_a_call_comes(tmp_path: Path) -> None:
    store, memory, period = await filled(tmp_path, 9), Memory(), period_of("month", NOW)

    async def again(now: int = NOW) -> Overview:
        return await store.do(lambda each: reading.read(each, memory, period, now, "default", {}, Options(), TIER))

    first = await again()
    assert await again() is first
    assert await again(NOW + 61_000_000) is not first
    await store.write([Record(id="one more", wire="openai.chat", model_asked="m", started_us=NOW - 5, feature="chat", cost=5, baseline=5, cost_state="computed", status=200, outcome="ok")])  # fmt: skip
    assert (await again()).spent == first.spent + 5
    await store.close()
