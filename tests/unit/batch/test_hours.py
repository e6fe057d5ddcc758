"""Cheap hours open and close by the clock on the wall, also in the nights when it jumps."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.batch.hours import hours

ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "America/Sao_Paulo",
)
TEXTS = (
    "",
    "22:00-06:00",
    "mon-fri 22:00-06:00, sat-sun",
    "fri-mon",
    "02:30-02:45",
    "00:00-24:00",
    "mon 12:00-13:00",
    "08:00-12:00, 11:00-14:00",
)
moments = st.integers(10**15, 2 * 10**15)


def us(*when: int, zone: str = "UTC", fold: int = 0) -> int:
    return round(datetime(*when, tzinfo=ZoneInfo(zone), fold=fold).timestamp()) * 1_000_000  # type: ignore[misc,arg-type]


@given(st.sampled_from(TEXTS), st.sampled_from(ZONES), moments)
def test_open_is_inside_of_a_span_and_closed_until_the_next(text: str, zone: str, at_us: int) -> None:
    each = hours(text, zone)
    span = each.next(at_us)
    assert span is not None and span.until_us > at_us
    inside = each.at(at_us)
    if inside is None:
        assert at_us < span.from_us and each.at(span.from_us) is not None and each.at(span.from_us - 1) is None
    else:
        assert inside == span and inside.from_us <= at_us
    day = 86_400_000_000
    assert 0 <= each.open_us(at_us, at_us + day) <= day
    assert each.open_us(at_us, at_us + day) == each.open_us(at_us, at_us + day // 3) + each.open_us(
        at_us + day // 3, at_us + day
    )


@given(st.sampled_from(ZONES), moments)
def test_the_clock_on_the_wall_decides(zone: str, at_us: int) -> None:
    """But for hours that a clock shows twice, which are open from the first to the second time."""
    wall = datetime.fromtimestamp(at_us // 1_000_000, UTC).astimezone(ZoneInfo(zone))
    if wall.utcoffset() == wall.replace(fold=1 - wall.fold).utcoffset():
        is_night = wall.hour >= 22 or wall.hour < 6
        assert (hours("22:00-06:00", zone).at(at_us) is not None) == is_night


def test_a_night_is_an_hour_shorter_or_longer_when_clocks_change() -> None:
    night = hours("22:00-06:00", "Europe/Berlin")
    for day, length in ((us(2026, 3, 28, 12), 7), (us(2026, 10, 24, 12), 9), (us(2026, 6, 1, 12), 8)):
        span = night.next(day)
        assert span is not None and (span.until_us - span.from_us) / 3_600_000_000 == length


def test_an_hour_that_does_not_exist_begins_and_ends_at_the_jump() -> None:
    jump = us(2026, 3, 29, 1)
    span = hours("02:30-05:00", "Europe/Berlin").next(us(2026, 3, 28, 12))
    assert span is not None and (span.from_us, span.until_us) == (jump, us(2026, 3, 29, 3))
    left_out = hours("02:10-02:50", "Europe/Berlin").next(us(2026, 3, 28, 12))
    assert left_out is not None and left_out.from_us == us(2026, 3, 30, 0, 10)


def test_an_hour_that_comes_twice_is_open_both_times() -> None:
    span = hours("02:00-03:00", "Europe/Berlin").next(us(2026, 10, 24, 12))
    assert span is not None and (span.from_us, span.until_us) == (us(2026, 10, 25), us(2026, 10, 25, 2))


def test_days_of_the_week() -> None:
    weekend = hours("mon-fri 22:00-06:00, sat-sun", "UTC")
    friday_night = weekend.at(us(2026, 11, 27, 23))
    assert friday_night is not None
    assert friday_night.from_us == us(2026, 11, 27, 22) and friday_night.until_us == us(2026, 11, 30)
    assert weekend.at(us(2026, 11, 30, 3)) is None, "Sunday has no night of its own here"


def test_no_hours_are_all_hours() -> None:
    span = hours("").at(us(2026, 11, 27, 23))
    assert span is not None and span.until_us - span.from_us >= 14 * 86_400_000_000


@pytest.mark.parametrize(
    "text", ["22-06", "25:00-06:00", "22:00-24:30", "22:61-23:00", "foo 22:00-06:00", "22:00-06:00,", "mon-", ","]
)
def test_what_is_no_calendar_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="write"):
        hours(text)


def test_an_unknown_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        hours("", "Mars/Base")
