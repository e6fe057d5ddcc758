"""A trend is claimed only where the days show one: how often it is wrong is counted on made-up series."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.finops.trend import trend

WEEK = (1.2, 1.2, 1.15, 1.1, 1.0, 0.5, 0.45)


def series(dice: random.Random, days: int, memory: float = 0.0, slope: float = 0.0) -> list[tuple[int, float]]:
    """Days with a weekly pattern, 15 % of noise that may last, and growth of `slope` a day."""
    noise, found = dice.gauss(0, 0.15), []
    for day in range(days):
        noise = memory * noise + dice.gauss(0, 0.15 * math.sqrt(1 - memory * memory))
        found.append((day, 100 * WEEK[day % 7] * math.exp(noise + slope * day)))
    return found


def directions(days: int, memory: float, slope: float, runs: int = 300) -> dict[str, float]:
    dice = random.Random(f"{days} {memory} {slope}")
    found = {"up": 0, "down": 0, "none": 0}
    for _ in range(runs):
        tried = trend(series(dice, days, memory, slope))
        assert tried is not None
        found[tried.direction] += 1
    return {name: count / runs for name, count in found.items()}


@pytest.mark.parametrize("memory", [0.0, 0.3, 0.6])
@pytest.mark.parametrize("days", [21, 28, 56])
def test_without_a_trend_one_is_rarely_claimed(days: int, memory: float) -> None:
    """5 % is the promise; 9 % allows for 300 runs."""
    assert directions(days, memory, 0.0)["none"] >= 0.91


def test_a_trend_of_14_percent_a_month_is_found_in_eight_weeks() -> None:
    found = directions(56, 0.0, -0.005)
    assert found["down"] > 0.85 and found["up"] == 0


def test_the_slope_is_about_right_and_outliers_do_not_move_it() -> None:
    days = series(random.Random(3), 56, slope=0.01)
    days[20] = (20, 5_000.0)
    found = trend(days)
    assert found is not None and found.direction == "up"
    assert found.low < found.slope < found.high and found.days == 56
    slope, low, high = found.a_month or (0, 0, 0)
    assert low < slope < high and 0.15 < slope < 0.45


def test_too_few_days_have_no_trend_and_three_weeks_may() -> None:
    assert trend(series(random.Random(1), 20)) is None
    assert trend([]) is None
    found = trend([(day, float(day)) for day in range(21)])
    assert found is not None and found.slope == 1 and found.direction == "up"


def test_days_that_are_all_alike_have_no_trend() -> None:
    found = trend([(day, 0.0) for day in range(30)])
    assert found is not None and found.direction == "none" and found.a_month is None


@given(st.lists(st.tuples(st.integers(0, 120), st.floats(0, 1e12)), unique_by=lambda point: point[0], max_size=60))
def test_any_days_can_be_looked_at(points: list[tuple[int, float]]) -> None:
    found = trend(sorted(points))
    assert (found is None) == (len(points) < 21) or found is None or found.low <= found.high
