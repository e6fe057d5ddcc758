"""When the company works."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from farthing.demo import calendar
from farthing.demo.calendar import DAY_US
from farthing.demo.company import FEATURES, LAUNCH_DAY

NOWS = st.integers(1_700_000_000_000_000, 1_900_000_000_000_000)


@given(NOWS)
def test_accidents_fall_on_working_days_apart_from_each_other_and_before_today(now_us: int) -> None:
    start = calendar.start_of(now_us)
    found = calendar.accidents(start)
    for day in (*found.stamped, found.retry, *found.recall, found.outage):
        assert datetime.fromtimestamp((start + day * DAY_US) / 1e6, UTC).weekday() < 5
        assert day < calendar.DAYS
    assert found.stamped.stop <= found.retry < found.outage


def test_a_day_is_in_order_and_equal_for_equal_seeds() -> None:
    start = calendar.start_of(1_795_600_000_000_000)
    one, two, other = (calendar.pieces(start, 12, 0.3, seed) for seed in (7, 7, 8))
    assert one == two != other
    assert [piece.at_us for piece in one] == sorted(piece.at_us for piece in one)
    assert all(start + 12 * DAY_US <= piece.at_us < start + 13 * DAY_US for piece in one)


def test_weekends_are_quiet_and_a_launch_ramps_up() -> None:
    start = calendar.start_of(1_795_600_000_000_000)
    days = [calendar.pieces(start, day, 1.0, 7) for day in range(calendar.DAYS)]
    weekdays = [datetime.fromtimestamp((start + day * DAY_US) / 1e6, UTC).weekday() for day in range(calendar.DAYS)]
    sizes = [len(day) for day in days]
    assert max(size for size, weekday in zip(sizes, weekdays, strict=True) if weekday >= 5) < min(
        size for size, weekday in zip(sizes, weekdays, strict=True) if weekday < 5
    )  # fmt: skip
    launched = [sum(piece.feature.name == "product advisor" for piece in day) for day in days]
    assert launched[:LAUNCH_DAY] == [0] * LAUNCH_DAY
    assert 0 < launched[LAUNCH_DAY] < launched[LAUNCH_DAY + 2] < launched[LAUNCH_DAY + 7]


def test_every_feature_has_hours_for_a_whole_day() -> None:
    assert all(len(feature.hours) == 24 for feature in FEATURES)
