"""Usual spending: weekdays, level and noise survive accidents, growth and gaps."""

from hypothesis import given
from hypothesis import strategies as st

from farthing.finops.alerts.history import DAYS, History, Shape, shape_of

WEEK = [100, 100, 100, 100, 100, 30, 20]


def weeks(count: int, growth: float = 1.0) -> list[int]:
    return [
        round(spent * 10**9 * growth ** (7 * week + day)) for week in range(count) for day, spent in enumerate(WEEK)
    ]


def test_the_average_is_of_seven_days() -> None:
    history = History([1000, 7, 7, 7, 7, 7, 7, 14], 0)
    assert history.mean_of_7 == 8
    assert History([3, 6], 0).mean_of_7 == 4
    assert History([], 0).mean_of_7 == 0


def test_each_weekday_is_expected_as_it_is() -> None:
    for weekday, spent in enumerate(WEEK):
        days = weeks(6)[: 35 + weekday] if weekday else weeks(5)
        usual = History(days, weekday).usual(Shape())
        assert usual is not None
        assert abs(usual.expected / (spent * 1e9) - 1) < 0.02


def test_an_accident_in_the_past_does_not_hide_the_next() -> None:
    days = weeks(5)
    days[30] *= 20
    usual = History(days, 0).usual(Shape())
    assert usual is not None and abs(usual.expected / 100e9 - 1) < 0.05 and usual.noise < 0.3


def test_growth_is_no_noise() -> None:
    history = History(weeks(5, 1.01), 0)
    assert history.own.noise < 0.1


def test_too_little_history_expects_nothing_and_a_little_leans_on_siblings() -> None:
    shape = Shape((0.0, 0.0, 0.0, 0.0, 0.0, -1.0, -1.0), 0.4)
    assert History([5 * 10**9] * 2, 0).usual(shape) is None
    young = History([5 * 10**9] * 5, 5)
    usual = young.usual(shape)
    assert young.young and usual is not None
    assert usual.expected < 5e9  # a Saturday, as siblings know it
    assert usual.noise > 0.3


def test_a_scope_that_was_away_is_expected_to_cost_little() -> None:
    usual = History([10**9] * 7 + [0] * 20, 0).usual(Shape())
    assert usual is not None and usual.expected <= 10**9 / 50


def test_the_common_shape_is_of_the_grown() -> None:
    assert shape_of([History([1], 0)]) == Shape()
    shape = shape_of([History(weeks(5), 0), History(weeks(5), 0), History([1] * 5, 0)])
    assert shape.weekdays[6] < -1


@given(st.lists(st.integers(0, 10**15), max_size=60), st.integers(0, 6))
def test_any_history_gives_a_figure_or_none(days: list[int], weekday: int) -> None:
    history = History(days, weekday)
    assert len(history.days) <= DAYS
    usual = history.usual(shape_of([history]))
    assert usual is None or (usual.expected > 0 and usual.noise > 0)
    assert 0 <= history.mean_of_7 <= max(days, default=0)
