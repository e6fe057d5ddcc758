"""The month's end: intervals hold as often as they say on made-up companies, and a short history says that it is one."""

import math
import random
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.finops import forecasts
from farthing.finops.forecast import Pattern, backtest, forecast, pattern_of, weekday
from farthing.model.errors import BadRequest
from farthing.model.record import Record
from farthing.store import Store
from farthing.store.rollups import DAY_US
from laws import examples

FIRST_DAY = 20_500
"""2026-02-16, a Monday."""
WEEK = (1.2, 1.2, 1.15, 1.1, 1.0, 0.5, 0.45)


def company(seed: str, days: int, *, lasting: float = 0.0, wander: float = 0.0, growth: float = 0.0) -> list[int]:
    """Daily cost in nano-dollars: about $50, a weekly pattern, 20 % of noise."""
    dice = random.Random(seed)
    noise, level, found = 0.0, 0.0, []
    for day in range(days):
        noise = lasting * noise + dice.gauss(0, 0.2 * math.sqrt(1 - lasting * lasting))
        level += growth + dice.gauss(0, wander)
        found.append(round(5e10 * WEEK[weekday(FIRST_DAY + day)] * math.exp(noise + level)))
    return found


@pytest.mark.parametrize(
    ("name", "world"),
    [("steady", {}), ("lasting", {"lasting": 0.5}), ("wandering", {"wander": 0.03}), ("growing", {"growth": 0.008})],
)
def test_about_80_percent_of_months_end_inside_the_interval(name: str, world: dict[str, float]) -> None:
    trials = held = above = 0
    errors, plain = [], []
    for run in range(6):
        found, _ = backtest(company(f"{name}{run}", 120, **world), FIRST_DAY * DAY_US)
        trials, held, above = trials + found.trials, held + found.held, above + found.above
        assert found.error is not None and found.run_rate_error is not None and found.months == 3
        errors.append(found.error)
        plain.append(found.run_rate_error)
    assert 0.74 <= held / trials <= 0.97
    assert above / trials <= 0.22
    assert sum(errors) < sum(plain)


def at(year: int, month: int, day: int, hour: int = 0) -> int:
    return int(datetime(year, month, day, hour, tzinfo=UTC).timestamp()) * 1_000_000


def test_a_month_half_gone() -> None:
    days = company("x", 84)
    now = (FIRST_DAY + 84) * DAY_US + 6 * 3_600_000_000  # 2026-05-11, 06:00
    spent = sum(days[-10:]) + 10**9
    found = forecast(days, now, spent)
    assert (found.method, found.history_days, found.days_left) == ("pattern", 84, 20.75)
    assert found.spent == spent < found.low < found.expected < found.high
    assert found.expected == pytest.approx(spent + 20.75 * 5e10 * 0.94, rel=0.25)
    above = [found.chance_above(amount) for amount in (0, found.low, found.expected, found.high, 10**15)]
    assert above == sorted(above, reverse=True)  # type: ignore[type-var]
    assert above[0] == 1 and above[-1] == 0 and 0.8 < (above[1] or 0) < 0.97
    assert forecast(days, now, spent) == found


def test_a_short_history_says_so() -> None:
    now = at(2026, 5, 11)
    none = forecast([], now, 0)
    assert (none.method, none.expected, none.high) == ("none", 0, 0) and "nothing to go by" in none.note
    few = forecast([10**9] * 4, now, 4 * 10**9)
    assert few.method == "run-rate" and few.expected == 25 * 10**9 and "too short (4 days of 7)" in few.note
    assert few.high - few.spent > 1.5 * (few.expected - few.spent)
    over = forecast([10**9] * 30 + [0] * 14, now, 0)
    assert (over.method, over.expected) == ("over", 0)


def test_a_new_feature_borrows_weekdays_and_noise() -> None:
    lent = pattern_of(company("y", 84), FIRST_DAY + 84)
    assert isinstance(lent, Pattern)
    now = (FIRST_DAY + 84) * DAY_US
    found = forecast(company("z", 84)[-10:], now, 0, lent)
    alone = forecast(company("z", 84)[-10:], now, 0)
    assert found.method == alone.method == "borrowed pattern"
    assert "10 days of 28" in found.note and "of all calls" in found.note and "assumed" in alone.note
    assert alone.high - alone.low > found.high - found.low
    assert pattern_of([10**9] * 20, FIRST_DAY) is None


def test_the_last_hours_of_a_month_are_nearly_certain() -> None:
    days = company("x", 84)
    now = at(2026, 5, 31, 23)
    found = forecast(days, now, 10**12)
    assert 0 < found.high - 10**12 < 5e10 / 5


@examples(60)
@given(st.lists(st.integers(0, 10**14), max_size=100), st.integers(0, 40 * DAY_US), st.integers(0, 10**15))
def test_any_history_has_a_forecast(days: list[int], after_us: int, spent: int) -> None:
    found = forecast(days, FIRST_DAY * DAY_US + after_us, spent)
    assert spent <= found.low <= found.expected <= found.high
    assert found.days_left > 0


async def test_by_feature_from_the_store(store: Store) -> None:
    now = at(2026, 3, 20, 12)
    calls = [
        Record(
            id=f"{feature}-{day}", started_us=at(2026, 2, 1) + day * DAY_US, wire="openai.chat", feature=feature,
            cost=cost, baseline=cost, cost_state=state,
        )
        for feature, cost, first, state in (("chat", 3 * 10**9, 0, "computed"), ("new", 10**9, 40, "computed"), ("odd", 0, 45, "unknown"))
        for day in range(first, 48)
    ]  # fmt: skip
    await store.write(calls)  # type: ignore[arg-type]
    found = await store.do(lambda each: forecasts.read(each, now, by="feature"))
    assert [row.value for row in found.rows] == ["chat", "new", "odd"]
    assert [row.forecast.method for row in found.rows] == ["pattern", "borrowed pattern", "none"]
    assert found.total.forecast.spent == sum(call.cost for call in calls if call.started_us >= at(2026, 3, 1))
    assert found.total.without_cost == 3
    chat = found.rows[0].forecast
    assert chat.expected == pytest.approx(31 * 3e9, rel=0.02)
    one = await store.do(lambda each: forecasts.read(each, now, where={"feature": "chat"}))
    assert one.total.forecast.spent == chat.spent and one.rows == ()
    assert forecasts.plain(found)["rows"][0]["value"] == "chat"
    with pytest.raises(BadRequest):
        await store.do(lambda each: forecasts.read(each, now, by="feature", where={"team": "x"}))
    tried = await store.do(lambda each: forecasts.read_backtest(each, at(2026, 3, 20)))
    assert tried.trials == 21 and tried.months == 1
