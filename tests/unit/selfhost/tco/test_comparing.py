"""Demand from hours, laws of the fleet and of break-even, the tornado."""

import itertools
import math
import time

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.model.errors import BadRequest
from farthing.prices import PriceBook
from farthing.selfhost.calibrate import Estimate
from farthing.selfhost.tco.api_side import ApiPrices, api_cost, prices_of
from farthing.selfhost.tco.demand import HOUR_US, MONDAY_US, WEEK, Demand, Hour, from_hours
from farthing.selfhost.tco.fleet import Goal, Replica, Sizing, fleet_for, under_goal
from farthing.selfhost.tco.own_side import Own, own_cost
from farthing.selfhost.tco.report import Case, break_even, report, staircase
from farthing.selfhost.tco.sensitivity import simulate, tornado

replace = msgspec.structs.replace
MONDAY = MONDAY_US + 2_900 * WEEK * HOUR_US


def test_a_month_and_a_week_from_the_ledgers_hours() -> None:
    """Two weeks: 100 calls each Monday from 9 to 10, 50 each Tuesday from 14 to 15."""
    hours = [
        Hour(MONDAY + (week * WEEK + at) * HOUR_US, calls, calls * 800, calls * 200, calls * 100)
        for week in (0, 1) for at, calls in ((9, 100), (38, 50))
    ]  # fmt: skip
    found = from_hours(hours, MONDAY, MONDAY + 2 * WEEK * HOUR_US)
    assert found.calls == pytest.approx(300 * 730 / 336)
    assert (found.input_tokens, found.output_tokens, found.cached_share) == (800, 100, 0.25)
    assert found.hours[9] == 10_000 and found.hours[38] == 5_000 and sum(found.hours) == 15_000
    assert found.peak_to_mean == pytest.approx(168 * 10 / 15)
    assert found.rate_at(1.0) * 3600 == pytest.approx(10_000)


def test_hours_of_the_week_that_the_span_does_not_hold_have_its_mean() -> None:
    hours = [Hour(MONDAY + at * HOUR_US, 1, 10, 0, 10 if at else 30) for at in range(4)]
    found = from_hours(hours, MONDAY, MONDAY + 4 * HOUR_US)
    assert found.hours[:5] == (30, 10, 10, 10, 15)


def test_no_calls_are_no_demand() -> None:
    with pytest.raises(BadRequest, match="no calls"):
        from_hours([], MONDAY, MONDAY + HOUR_US)
    for wrong in (
        {"calls": 0},
        {"calls": math.nan},
        {"input_tokens": math.inf},
        {"cached_share": 1.5},
        {"hours": (1.0,)},
        {"hours": (0.0,) * WEEK},
    ):
        with pytest.raises(BadRequest):
            Demand(**{"calls": 1.0, "input_tokens": 1.0, "output_tokens": 1.0, **wrong})


demands = st.builds(
    Demand, st.floats(1e3, 1e9), st.floats(1, 1e4), st.floats(1, 1e4), st.floats(0, 1), st.floats(0, 1),
    st.lists(st.floats(0, 10), min_size=WEEK, max_size=WEEK).map(tuple).filter(lambda hours: sum(hours) > 0.1),
)  # fmt: skip
speeds = st.builds(Replica, st.sampled_from([1, 2, 8]), st.floats(10, 1e5), st.just(5.0), st.just(2e5))
sizings = st.builds(Sizing, st.floats(0.5, 1), st.floats(0.3, 1), st.integers(0, 3))


@given(demand=demands, replica=speeds, sizing=sizings)
def test_a_fleet_serves_its_sized_hour_and_not_one_replica_less(
    demand: Demand, replica: Replica, sizing: Sizing
) -> None:
    fleet = fleet_for(demand, replica, sizing)
    serving = fleet.replicas - fleet.spares
    rate = demand.rate_at(sizing.share)
    assert serving * replica.tokens_s * sizing.headroom >= rate * (1 - 1e-6)
    assert serving == 1 or (serving - 1) * replica.tokens_s * sizing.headroom < rate
    scaled = fleet_for(demand, replica, replace(sizing, scale=True))
    assert scaled.gpu_hours <= fleet.gpu_hours * (1 + 1e-9)
    if rate:
        assert fleet.capacity_month >= demand.output_month * (1 - 1e-6)


@given(
    demand=demands, replica=speeds, sizing=sizings, dear=st.floats(0.01, 100), hour=st.floats(0.2, 30), engineers=st.floats(0, 3)
)  # fmt: skip
def test_a_break_even_holds_when_it_is_worked_out_again(
    demand: Demand, replica: Replica, sizing: Sizing, dear: float, hour: float, engineers: float
) -> None:
    if demand.rate_at(sizing.share) == 0:
        return
    case = Case(demand, ApiPrices(dear / 4, dear), Own(gpu_hour=hour, engineers=engineers), replica, sizing)
    found = break_even(case)
    if found.first is None:
        return
    at = replace(case, demand=demand.times(found.first * (1 + 1e-6)))
    there = report(at)
    same_step = own_cost(case.own, found.first_gpus).total
    assert same_step <= there.api.total * (1 + 1e-5)
    before = replace(case, demand=demand.times(found.first * 0.99))
    assert report(before).saved <= 1e-6 * report(before).api.total
    if found.lasting is not None:
        for factor in (1.0001, 1.5, 7.3):
            later = demand.times(found.lasting * factor)
            fleet = fleet_for(later, replica, sizing)
            if fleet.replicas < 1_500:
                assert api_cost(later, case.prices).total >= own_cost(case.own, fleet.gpus).total * (1 - 1e-6)


def test_the_staircase_rises_and_serves_more() -> None:
    case = Case(
        Demand(4e7, 1000, 200),
        ApiPrices(0.25, 2.0),
        Own(gpu_hour=2.0),
        Replica(2, 1000, 800, 1250),
        Sizing(most_gpus=10),
    )
    steps = list(staircase(case, 20))
    assert [each.gpus for each in steps] == [4, 6, 8, 10]
    assert all(low.dollars < high.dollars and low.serves < high.serves for low, high in itertools.pairwise(steps))


def test_more_gpus_than_can_be_had_is_said() -> None:
    case = Case(
        Demand(4e8, 1000, 200),
        ApiPrices(0.25, 2.0),
        Own(gpu_hour=2.0),
        Replica(1, 1000, 800, 1250),
        Sizing(most_gpus=8),
    )
    with pytest.raises(BadRequest, match="at most 8 are allowed"):
        report(case)
    sure = simulate(replace(case, demand=Demand(6.5e7, 1000, 200)), draws=300)
    assert 0 < sure.too_small < 1 and sure.own_high == float("inf")
    with pytest.raises(BadRequest, match="nobody has these"):
        report(replace(case, demand=Demand(1e300, 1000, 200), sizing=Sizing()))


def test_the_tornado_has_the_widest_first_and_every_input() -> None:
    case = Case(
        Demand(4e7, 1000, 200),
        ApiPrices(0.25, 2.0),
        Own(gpu_hour=2.0),
        Replica(1, 1000, 800, 1250),
        hour_range=(1.0, 6.0),
    )
    bars = tornado(case)
    assert {bar.name for bar in bars} == {
        "speed",
        "calls",
        "API price",
        "cached share",
        "batch share",
        "engineers",
        "GPU hour",
    }
    assert [bar.width for bar in bars] == sorted((bar.width for bar in bars), reverse=True)
    hour = next(bar for bar in bars if bar.name == "GPU hour")
    fleet = fleet_for(case.demand, case.replica, case.sizing)
    assert hour.saved_low - hour.saved_high == pytest.approx(5.0 * fleet.gpu_hours)


def test_a_draw_without_any_doubt_is_the_report() -> None:
    case = Case(Demand(4e7, 1000, 200), ApiPrices(0.25, 2.0), Own(gpu_hour=2.0), Replica(1, 1000, 1000, 1000))
    sure = simulate(case, draws=20)
    assert sure.own_low == sure.own_high == report(case).own.total
    assert (sure.cheaper, sure.too_small) == (1.0, 0.0)


def test_a_goal_that_not_even_one_call_meets_is_said() -> None:
    with pytest.raises(BadRequest, match="needs more or faster GPUs"):
        under_goal(lambda batch: Estimate(10, 8, 12, batch or 8, 3.0, 0.2, {}, "slow"), Goal(ttft_s=1.0), 1)


def test_own_sides_that_say_too_little_are_refused() -> None:
    for wrong in ({}, {"kind": "premises"}, {"gpu_hour": 1.0, "discount": 1.0}, {"gpu_hour": 1.0, "lost": 2.0}):
        with pytest.raises(BadRequest):
            Own(**wrong)  # type: ignore[arg-type]


def test_prices_come_from_the_book_and_unknown_is_not_free() -> None:
    book, now = PriceBook.load(), time.time_ns() // 1000
    found = prices_of(book, "openai", "gpt-5-mini", now)
    assert (found.input, found.output, found.cached) == (0.25, 2.0, 0.025)
    assert (found.batch_input, found.batch_output) == (0.125, 1.0)
    with pytest.raises(BadRequest, match="no price is known"):
        prices_of(book, "openai", "gpt-none", now)
