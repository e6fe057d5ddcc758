"""Histograms of lengths: their quantile is never below the truth and little above it."""

from hypothesis import given
from hypothesis import strategies as st

from farthing.catalog.lengths import Lengths


def counted(values: list[int]) -> Lengths:
    lengths = Lengths()
    for value in values:
        lengths.add(value)
    return lengths


@given(st.lists(st.integers(1, 200_000), min_size=9, max_size=300), st.sampled_from([0.5, 0.9]))
def test_the_quantile_bounds_the_true_one(values: list[int], share: float) -> None:
    rank = -(-(len(values) + 1) * int(share * 10) // 10)
    true = sorted(values)[rank - 1]
    found = counted(values).at_most(share)
    assert found is not None
    assert true <= found <= true * 1.19 + 2


def test_few_answers_say_nothing_of_a_high_quantile() -> None:
    assert Lengths().at_most(0.5) is None
    assert counted([100] * 98).at_most(0.99) is None
    assert counted([100] * 99).at_most(0.99) is not None


def test_half_is_forgotten() -> None:
    lengths = counted([10] * 100)
    lengths.forget_half()
    assert lengths.total == 50


def test_very_long_answers_are_counted() -> None:
    assert counted([10**9] * 3).total == 3
