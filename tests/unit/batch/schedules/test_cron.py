"""When what recurs is due, also where clocks are set forward and back."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.batch.schedules.cron import Times, cron, daily
from laws import examples

BERLIN = "Europe/Berlin"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def us(text: str) -> int:
    when = datetime.fromisoformat(text).replace(tzinfo=UTC)
    return (when - EPOCH) // timedelta(microseconds=1)


def shown(at_us: int, zone: str = "UTC") -> str:
    return (EPOCH + timedelta(microseconds=at_us)).astimezone(ZoneInfo(zone)).isoformat(timespec="minutes")


def row(times: Times, after: str, count: int) -> list[str]:
    found, at_us = [], us(after)
    for _ in range(count):
        at_us = times.next(at_us)
        found.append(shown(at_us, times.zone))
    return found


@pytest.mark.parametrize(
    ("text", "after", "expected"),
    [
        ("0 2 * * 1-5", "2026-01-02T03:00", ["2026-01-05T02:00+00:00", "2026-01-06T02:00+00:00"]),
        ("*/20 8-9 * * *", "2026-01-02T08:30", ["2026-01-02T08:40+00:00", "2026-01-02T09:00+00:00"]),
        ("30 6 1,15 * *", "2026-01-02T08:30", ["2026-01-15T06:30+00:00", "2026-02-01T06:30+00:00"]),
        ("0 0 13 * fri", "2026-01-10T00:00", ["2026-01-13T00:00+00:00", "2026-01-16T00:00+00:00"]),
        ("0 0 29 feb *", "2026-01-01T00:00", ["2028-02-29T00:00+00:00", "2032-02-29T00:00+00:00"]),
        ("5 4 * * sat-sun", "2026-01-01T00:00", ["2026-01-03T04:05+00:00", "2026-01-04T04:05+00:00"]),
        ("5 4 * * 7", "2026-01-01T00:00", ["2026-01-04T04:05+00:00", "2026-01-11T04:05+00:00"]),
        ("@hourly", "2026-01-01T00:00", ["2026-01-01T01:00+00:00", "2026-01-01T02:00+00:00"]),
        ("0 9 * */6 *", "2026-01-31T10:00", ["2026-07-01T09:00+00:00", "2026-07-02T09:00+00:00"]),
    ],
)
def test_moments_follow_one_another(text: str, after: str, expected: list[str]) -> None:
    assert row(cron(text), after, 2) == expected


def test_what_falls_into_the_hour_that_is_left_out_is_due_at_the_jump() -> None:
    assert row(daily("02:30", BERLIN), "2026-03-28T12:00", 2) == ["2026-03-29T03:00+02:00", "2026-03-30T02:30+02:00"]
    assert row(daily("02:10, 02:40", BERLIN), "2026-03-28T12:00", 3) == [
        "2026-03-29T03:00+02:00", "2026-03-30T02:10+02:00", "2026-03-30T02:40+02:00",
    ]  # fmt: skip


def test_what_falls_into_the_hour_that_comes_twice_is_due_once() -> None:
    assert row(daily("02:30", BERLIN), "2026-10-24T12:00", 2) == ["2026-10-25T02:30+02:00", "2026-10-26T02:30+01:00"]


def test_what_is_due_every_hour_goes_by_real_time() -> None:
    assert row(cron("30 * * * *", BERLIN), "2026-10-25T00:00", 3) == [
        "2026-10-25T02:30+02:00", "2026-10-25T02:30+01:00", "2026-10-25T03:30+01:00",
    ]  # fmt: skip
    assert row(cron("30 * * * *", BERLIN), "2026-03-29T00:00", 2) == [
        "2026-03-29T01:30+01:00",
        "2026-03-29T03:30+02:00",
    ]


ZONES = st.sampled_from(("UTC", BERLIN, "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"))
TEXTS = st.sampled_from(
    ("0 2 * * *", "30 2 * * mon-fri", "*/15 * * * *", "0 0 1 * *", "10 1,2,3 * * sun", "0 12 13 * fri")
)


@examples(60)
@given(TEXTS, ZONES, st.integers(us("2025-12-01T00:00"), us("2027-06-01T00:00")))
def test_the_latest_is_the_one_that_would_have_been_next(text: str, zone: str, at_us: int) -> None:
    times = cron(text, zone)
    found = times.next(at_us)
    assert found > at_us and times.next(found - 1) == found
    assert times.latest(at_us, found) == found and times.latest(at_us, found - 1) == 0
    after = times.next(found)
    assert times.latest(at_us, after) == after > found


@pytest.mark.parametrize(
    "text",
    ["", "* * * *", "60 * * * *", "* 24 * * *", "0 0 0 * *", "0 0 * 13 *", "0 0 * * 8", "5-1 * * * *", "*/0 * * * *", "a * * * *",
     "*-5 * * * *", "0 0 30 feb *", "0 0 * * mon-", "1,,2 * * * *", "² * * * *"],
)  # fmt: skip
def test_what_is_no_time_is_told(text: str) -> None:
    with pytest.raises(ValueError, match=r"no |not five|never"):
        cron(text)


def test_times_of_a_day_are_checked() -> None:
    for text in ("", "2", "24:00", "02:60", "2am"):
        with pytest.raises(ValueError, match="no time of day"):
            daily(text)
    with pytest.raises(ValueError, match="no time zone"):
        daily("02:00", "Mars/Base")
