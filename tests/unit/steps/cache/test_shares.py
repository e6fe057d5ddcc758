import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.steps.cache.shares import at_most, clean, is_above, is_below, lower_limit, upper_limit


@pytest.mark.parametrize(
    ("count", "wrong", "upper"),
    [(0, 0, 1.0), (1, 0, 0.95), (299, 0, 0.009969), (100, 0, 0.029513), (10, 1, 0.394163), (200, 1, 0.023498), (5, 5, 1.0)],
)  # fmt: skip
def test_the_exact_upper_limit(count: int, wrong: int, upper: float) -> None:
    assert upper_limit(count, wrong) == pytest.approx(upper, abs=2e-5)


def test_the_exact_lower_limit() -> None:
    assert lower_limit(10, 1) == pytest.approx(0.005116, abs=2e-5)
    assert lower_limit(10, 0) == 0
    assert lower_limit(0, 0) == 0


@pytest.mark.parametrize("share", [1e-6, 0.01, 0.3, 0.5, 0.9, 1 - 1e-6])
@pytest.mark.parametrize("count", [1, 7, 60])
def test_the_distribution_is_the_binomial_one(count: int, share: float) -> None:
    found = 0.0
    for most in range(count + 1):
        found += math.comb(count, most) * share**most * (1 - share) ** (count - most)
        assert at_most(most, count, share) == pytest.approx(found, rel=1e-9)
    assert (at_most(-1, count, share), at_most(0, count, 0), at_most(count - 1, count, 1)) == (0, 1, 0)


def test_how_many_clean_ones_show_a_share() -> None:
    assert (clean(0.01), clean(0.05)) == (299, 59)
    assert upper_limit(clean(0.01), 0) <= 0.01 < upper_limit(clean(0.01) - 1, 0)


@given(st.integers(1, 1000), st.floats(0, 1), st.floats(0.001, 0.999), st.floats(0.8, 0.999))
def test_limits_enclose_what_was_seen(count: int, part: float, share: float, confidence: float) -> None:
    wrong = round(count * part)
    low, high = lower_limit(count, wrong, confidence), upper_limit(count, wrong, confidence)
    assert low <= wrong / count <= high
    if abs(high - share) > 1e-9:
        assert is_below(share, count, wrong, confidence) == (high < share)
    if abs(low - share) > 1e-9:
        assert is_above(share, count, wrong, confidence) == (low > share)
