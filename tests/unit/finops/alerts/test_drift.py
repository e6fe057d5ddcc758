"""A slow rise is one only if week after week says so; single days, falls, steps down and luck are none."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.finops.alerts.drift import (
    WEEKS,
    PerCall,
    cost_per_call,
    dear_share,
    drifting_of,
    ratio,
    rise,
    tokens_per_call,
    weeks_of,
)
from farthing.finops.alerts.finding import Scope
from farthing.finops.alerts.reading import Reader
from farthing.store import Store
from farthing.store.alerts import Alerts
from farthing.store.days import Paid
from farthing.store.rollups import DAY_US
from unit.store.samples import a_record

TODAY = 20_000
LEAST = math.log(1.2)


def days_of(each: list[float], calls: int = 100) -> dict[int, PerCall]:
    """Cost of a call by day, the last one yesterday."""
    first = TODAY - len(each)
    return {first + place: PerCall(calls, int(cost * calls), int(cost * calls)) for place, cost in enumerate(each)}


def risen(each: list[float], calls: int = 100) -> float | None:
    found = rise(weeks_of(days_of(each, calls), TODAY), cost_per_call, LEAST, 3.5)
    return None if found is None else ratio(found)


def slowly(times: float, days: int = 7 * WEEKS) -> list[float]:
    return [10_000 * times ** (day / (days - 1)) for day in range(days)]


def test_a_slow_rise_is_found_and_measured() -> None:
    found = risen(slowly(1.5))
    assert found is not None and found == pytest.approx(1.5 ** (49 / 55), rel=0.02)
    assert risen(slowly(1.5, 35)) is not None, "five weeks are enough"


@pytest.mark.parametrize(
    "each", [slowly(1.5, 30), slowly(1.1), slowly(0.5), [10_000.0] * 56, [10_000.0] * 55 + [80_000.0], [], [1.0]],
    ids=["four weeks", "a tenth", "a fall", "nothing", "one day", "no days", "one day alone"],
)  # fmt: skip
def test_what_is_no_rise(each: list[float]) -> None:
    assert risen(each) is None


def test_few_calls_say_nothing() -> None:
    assert risen(slowly(2.0), calls=19) is None
    assert risen(slowly(2.0), calls=20) is not None


def test_weekends_and_accidents_do_not_hide_it() -> None:
    each = [cost * (0.5 if day % 7 >= 5 else 1) * (4 if day in (3, 30) else 1) for day, cost in enumerate(slowly(1.6))]
    assert risen(each) is not None


@given(st.lists(st.floats(1, 10**6), min_size=56, max_size=56), st.integers(0, 55), st.floats(1, 10**9))
def test_one_day_cannot_sway_it(each: list[float], day: int, odd: float) -> None:
    """Of days that fell from week to week none makes a rise."""
    falling = sorted(each, reverse=True)
    assert risen([*falling[:day], odd, *falling[day + 1 :]]) is None


def test_measures() -> None:
    day = PerCall(100, 10**6, 5 * 10**4, tiered=50, dear=20)
    assert (cost_per_call(day), tokens_per_call(day), dear_share(day)) == (math.log(10**4), math.log(500), 0.4)
    assert (cost_per_call(PerCall(100)), tokens_per_call(PerCall(100)), dear_share(PerCall(100))) == (None, None, None)


def test_models_of_a_day_are_one_sum() -> None:
    at = (TODAY - 1) * DAY_US
    rows = [
        Paid("b", at, "chat", "big", 3, 30, 300),
        Paid("b", at, "chat", "tiny", 7, 7, 70),
        Paid("b", at, "chat", "", 1, 1, 1),
    ]
    found = drifting_of(rows, lambda model: {"big": "flagship", "tiny": "small"}.get(model, ""), TODAY)
    (only,) = found["b"]
    assert only.scope == Scope("feature", "chat") and only.weeks[-1] == [PerCall(11, 38, 371, 10, 3, 37, 30)]
    assert only.weeks[:-1] == [[]] * (WEEKS - 1)


async def test_the_reader_sees_calls_that_were_paid_for(store: Store) -> None:
    noon = TODAY * DAY_US + DAY_US // 2
    call = {"savings": [], "baseline": 700, "feature": "chat", "model": "big"}
    await store.write(
        [
            a_record("1", started_us=noon - DAY_US, **call), a_record("2", started_us=noon - DAY_US, **call),
            a_record("hit", started_us=noon - DAY_US, cache="exact", attempts=[], in_tokens=0, out_tokens=0, **(call | {"baseline": 0}), cost=0),
            a_record("unknown", started_us=noon - DAY_US, cost_state="unknown", cost=0, **(call | {"baseline": 0})),
            a_record("today", started_us=noon, **call),
        ]
    )  # fmt: skip
    reader = Reader(Alerts(store), tier=lambda model: "flagship")
    for _ in range(2):
        (only,) = (await reader.read(noon))["default"].drifting
        assert only.weeks[-1] == [PerCall(2, 1400, 300, 2, 2, 1400, 1400)]
    (only,) = (await reader.read(noon + DAY_US))["default"].drifting
    assert [day.calls for day in only.weeks[-1]] == [2, 1]
