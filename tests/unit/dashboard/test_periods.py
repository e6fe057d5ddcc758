"""Periods by name: which days they are, what they are compared with, and what is no period."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.dashboard.periods import NAMED, Period, period_of
from farthing.model.errors import BadRequest
from farthing.store.rollups import DAY_US

NOW = int(datetime(2026, 3, 15, 13, 30, tzinfo=UTC).timestamp() * 1e6)


def days(period: Period) -> tuple[str, str]:
    return period.first.isoformat(), period.last.isoformat()


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [
        ("today", "2026-03-15", "2026-03-15"),
        ("yesterday", "2026-03-14", "2026-03-14"),
        ("7d", "2026-03-09", "2026-03-15"),
        ("30d", "2026-02-14", "2026-03-15"),
        ("month", "2026-03-01", "2026-03-15"),
        ("last-month", "2026-02-01", "2026-02-28"),
        ("year", "2026-01-01", "2026-03-15"),
        ("2024-02", "2024-02-01", "2024-02-29"),
        ("2026-02-27..2026-03-02", "2026-02-27", "2026-03-02"),
        ("2026-03-01", "2026-03-01", "2026-03-01"),
    ],
)
def test_what_days_a_name_means(name: str, first: str, last: str) -> None:
    assert days(period_of(name, NOW)) == (first, last)


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [
        ("today", "2026-03-14", "2026-03-14"),
        ("7d", "2026-03-02", "2026-03-08"),
        ("month", "2026-02-01", "2026-02-15"),
        ("last-month", "2026-01-01", "2026-01-31"),
        ("2026-03", "2026-02-01", "2026-02-28"),
        ("2026-03-30..2026-03-31", "2026-03-28", "2026-03-29"),
        ("2026-03-01..2026-03-31", "2026-02-01", "2026-02-28"),
    ],
)
def test_what_it_is_compared_with(name: str, first: str, last: str) -> None:
    assert days(period_of(name, NOW).before()) == (first, last)


def test_all_that_the_menu_offers_has_a_name_for_people() -> None:
    for name, label in NAMED.items():
        found = period_of(name, NOW)
        assert (found.name, found.label, found.in_sentence) == (name, label, label.lower())
        assert found.days >= 1


@pytest.mark.parametrize(
    "name",
    ["", "0d", "99999d", "-1d", "2026-13", "2026-02-30", "1989-01-01", "2026-03-02..2026-03-01", "2000-01-01..2026-01-01",
     "..", "9999-12", "0001-01", "1989-12", "٣d", "1٣d", "\0", "month "],
)  # fmt: skip
def test_what_is_no_period_is_a_bad_request(name: str) -> None:
    with pytest.raises(BadRequest):
        period_of(name, NOW)


@given(st.text(max_size=30) | st.dates().map(lambda day: f"{day:%Y-%m}") | st.dates().map(str))
def test_any_text_is_a_period_or_a_bad_request(name: str) -> None:
    try:
        found = period_of(name, NOW)
    except BadRequest:
        return
    assert found.since_us % DAY_US == 0 == found.until_us % DAY_US
    assert 1 <= found.days <= 3_660
    assert found.before().until_us <= found.since_us


@given(st.integers(1, 3_000))
def test_a_span_ends_where_the_next_begins(length: int) -> None:
    found = period_of(f"{length}d", NOW)
    before = found.before()
    assert before.until_us <= found.since_us
    if found.first.day != 1 or found.first.month != found.last.month:
        assert (before.days, before.until_us) == (length, found.since_us)


def test_a_period_that_was_worked_out_has_a_name_that_finds_it_again() -> None:
    before = period_of("month", NOW).before()
    again = period_of(before.name, NOW)
    assert (again.since_us, again.until_us) == (before.since_us, before.until_us)


def test_a_month_keeps_its_capital_inside_a_sentence() -> None:
    found = period_of("2026-01", 1_795_600_000_000_000)
    assert found.in_sentence == found.label == "January 2026"
