"""Windows cover all time without gap or overlap, in each zone, whatever its clocks do."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from farthing.model.windows import FOREVER_US, Period, period, resets_us, window_at, window_before

ZONES = ("UTC", "Europe/Berlin", "America/New_York", "America/Sao_Paulo", "Asia/Kathmandu", "Africa/Cairo", "America/Havana",
         "Australia/Lord_Howe", "Pacific/Apia", "Asia/Beirut")  # fmt: skip
TEXTS = ("hour", "day", "week", "month", "quarter")
moments = st.integers(0, 2 * 10**15)
periods = st.builds(
    period, st.sampled_from(TEXTS), st.sampled_from(ZONES), st.sampled_from(["01-01", "04-06", "02-28", "10-01"])
)


def us(*when: int, zone: str = "UTC", fold: int = 0) -> int:
    return round(datetime(*when, tzinfo=ZoneInfo(zone), fold=fold).timestamp()) * 1_000_000  # type: ignore[misc,arg-type]


@given(periods, moments)
@example(period("day", "Pacific/Apia"), us(2011, 12, 31, 1))
@example(period("day", "America/Sao_Paulo"), us(2018, 2, 17, 23, 30, zone="America/Sao_Paulo", fold=1))
@example(period("day", "Africa/Cairo"), us(2026, 4, 23, 22))
def test_windows_tile_all_time(each: Period, at_us: int) -> None:
    window = window_at(each, at_us)
    assert window.from_us <= at_us < window.until_us
    assert window_at(each, window.from_us) == window == window_at(each, window.until_us - 1)
    after = window_at(each, window.until_us)
    assert after.from_us == window.until_us and after.id != window.id
    assert window_before(each, after) == window


@given(moments, st.sampled_from(["rolling 1m", "rolling 90m", "rolling 24h", "rolling 30d", "rolling 365d"]))
def test_a_rolling_span_counts_all_that_its_length_can_touch(at_us: int, text: str) -> None:
    each = period(text)
    window = window_at(each, at_us)
    counted = (window.id, *window.also)
    for back in (0, 1, each.length_us // 2, each.length_us):
        if at_us >= back:
            assert window_at(each, at_us - back).id in counted
    bucket = window.until_us - window.from_us
    assert window_at(each, at_us + each.length_us + bucket).id not in counted
    assert window.id not in window_at(each, resets_us(each, window) + bucket).also


def test_names() -> None:
    at = us(2026, 11, 23, 14, 30)
    names = {text: window_at(period(text), at).id for text in (*TEXTS, "total")}
    assert names == {
        "hour": "2026-11-23T14Z", "day": "2026-11-23", "week": "2026-W48", "month": "2026-11", "quarter": "FY26Q4",
        "total": "total",
    }  # fmt: skip
    assert window_at(period("quarter", fiscal_start="07-01"), at).id == "FY27Q2"
    assert window_at(period("quarter", fiscal_start="04-06"), us(2026, 4, 5)).id == "FY26Q4"
    assert window_at(period("quarter", fiscal_start="04-06"), us(2026, 4, 6)).id == "FY27Q1"
    assert window_at(period("total"), at).until_us == FOREVER_US
    assert window_at(period("week"), us(2027, 1, 2)).id == "2026-W53"


def test_days_have_23_and_25_hours_where_clocks_change() -> None:
    berlin = period("day", "Europe/Berlin")
    hours = [
        (window.until_us - window.from_us) / 3_600_000_000
        for window in (window_at(berlin, us(*day, 12)) for day in ((2026, 3, 29), (2026, 10, 25), (2026, 7, 1)))
    ]
    assert hours == [23, 25, 24]
    assert window_at(berlin, us(2026, 6, 30, 22)).id == "2026-07-01"


@pytest.mark.parametrize(
    ("text", "zone", "start", "said"),
    [
        ("fortnight", "UTC", "01-01", "rolling 24h"), ("rolling 0d", "UTC", "01-01", "no window"),
        ("day", "Europe/Atlantis", "01-01", "no time zone"), ("day", "../etc/passwd", "01-01", "no time zone"),
        ("quarter", "UTC", "02-29", "MM-DD"),
    ],
)  # fmt: skip
def test_what_is_no_period_is_said_in_words(text: str, zone: str, start: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        period(text, zone, start)


def test_utc_is_what_it_says() -> None:
    assert window_at(period("day"), us(1970, 1, 1)).from_us == 0
    assert datetime.fromtimestamp(window_at(period("month"), us(2026, 2, 3)).until_us / 1e6, UTC).month == 3
