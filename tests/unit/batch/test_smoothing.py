"""A day's cap lasts for the day, and is never exceeded."""

from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from farthing.batch.hours import hours
from farthing.batch.smoothing import may_spend, ready_us
from farthing.model.windows import period, window_at

DAY = 1_795_046_400_000_000 // 86_400_000_000 * 86_400_000_000
HOUR = 3_600_000_000
NIGHT = hours("22:00-06:00")
ZONES = ("UTC", "Europe/Berlin", "Asia/Kathmandu")
calendars = st.sampled_from([None, "22:00-06:00", "03:00-04:00, 20:00-21:00", "sat-sun"])


@given(
    st.integers(0, 10**13), st.lists(st.integers(0, 86_400_000_000 - 1), max_size=50), st.sampled_from(ZONES), calendars
)
def test_whoever_spends_all_that_is_allowed_stays_under_the_cap(
    cap: int, moments: list[int], zone: str, text: str | None
) -> None:
    calendar = hours(text, zone) if text is not None else None
    begins = window_at(period("day", zone), DAY).from_us
    spent, last = 0, 0
    for at in sorted(moments):
        allowed = may_spend(cap, spent, now_us=begins + at, zone=zone, hours=calendar)
        assert allowed >= 0
        spent += allowed
        assert last <= spent <= cap
        last = spent


@given(
    st.integers(1, 10**12),
    st.integers(0, 10**12),
    st.integers(1, 10**12),
    st.integers(0, 3 * 86_400_000_000),
    calendars,
)
def test_what_is_ready_then_may_be_spent_then(cap: int, spent: int, need: int, at: int, text: str | None) -> None:
    calendar = hours(text) if text is not None else None
    when = ready_us(cap, spent, need, now_us=DAY + at, hours=calendar)
    day = window_at(period("day"), DAY + at)
    if need > cap:
        assert when == 0
    elif when < day.until_us:
        assert when >= DAY + at and may_spend(cap, spent, now_us=when, hours=calendar) >= need
        if when > DAY + at + 2_000_000:
            assert may_spend(cap, spent, now_us=when - 2_000_000, hours=calendar) < need
    else:
        assert may_spend(cap, spent, now_us=day.until_us - 1, hours=calendar) < need


def test_half_a_day_half_a_cap_and_a_little_ahead() -> None:
    assert may_spend(1_000, 0, now_us=DAY + 12 * HOUR) == 550
    assert may_spend(1_000, 400, now_us=DAY + 12 * HOUR) == 150
    assert may_spend(1_000, 0, now_us=DAY + 24 * HOUR - 1) == 1_000
    assert may_spend(1_000, 2_000, now_us=DAY + 12 * HOUR) == 0


def test_with_cheap_hours_the_cap_is_for_them() -> None:
    assert may_spend(1_000, 0, now_us=DAY + 3 * HOUR, hours=NIGHT, ahead=0) == 375
    assert may_spend(1_000, 0, now_us=DAY + 12 * HOUR, hours=NIGHT) == 0
    assert may_spend(1_000, 750, now_us=DAY + 23 * HOUR, hours=NIGHT, ahead=0) == 125
    assert (
        ready_us(1_000, 750, 125, now_us=DAY + 12 * HOUR, hours=NIGHT, ahead=0) // 1_000_000
        == (DAY + 23 * HOUR) // 1_000_000
    )


def test_a_day_is_the_zones_own() -> None:
    berlin = ZoneInfo("Europe/Berlin").key
    assert may_spend(1_000, 0, now_us=DAY + 23 * HOUR, zone=berlin, ahead=0) == 0
    assert ready_us(1_000, 1_000, 100, now_us=DAY + 12 * HOUR, zone=berlin) == DAY + 23 * HOUR
