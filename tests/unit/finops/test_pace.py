"""The pace of a budget: even, too fast, too early to say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.finops.pace import pace

DAY = 86_400_000_000
START = 20_000 * DAY


@pytest.mark.parametrize(
    ("spent", "days", "ratio", "gone_day"),
    [(50, 15, 1.0, None), (100, 15, 2.0, None), (75, 15, 1.5, 20.0), (0, 15, 0.0, None), (40, 3, 4.0, 7.5), (3, 0.5, None, None)],
)  # fmt: skip
def test_against_thirty_days(spent: int, days: float, ratio: float | None, gone_day: float | None) -> None:
    found = pace(spent, 100, START, START + 30 * DAY, START + int(days * DAY))
    assert found is not None and found.elapsed == pytest.approx(days / 30)
    assert found.ratio == (None if ratio is None else pytest.approx(ratio))
    assert (found.gone_us is None) == (gone_day is None)
    if gone_day is not None and found.gone_us is not None:
        assert (found.gone_us - START) / DAY == pytest.approx(gone_day)


def test_a_window_without_an_end_has_no_pace_and_no_limit_has_none() -> None:
    assert pace(5, 100, 0, 1 << 62, START) is None
    found = pace(5, 0, START, START + DAY, START + DAY // 2)
    assert found is not None and found.ratio is None and found.gone_us is None


@given(st.integers(0, 10**18), st.integers(1, 10**18), st.integers(0, 30 * DAY))
def test_it_is_gone_before_the_end_just_where_the_pace_is_above_even(spent: int, limit: int, passed: int) -> None:
    found = pace(spent, limit, START, START + 30 * DAY, START + passed)
    assert found is not None and 0 <= found.elapsed <= 1
    if found.gone_us is not None:
        assert found.ratio is not None and found.ratio >= 1 and spent < limit
