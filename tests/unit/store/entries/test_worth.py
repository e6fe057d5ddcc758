"""The order in which entries go: by what they can be expected to save a byte."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.store.entries.worth import HALF_LIFE_US, first_heat, heated, now_worth, worth
from unit.store.entries.samples import NOW_US

ages = st.integers(0, 50 * HALF_LIFE_US)


def _plainly(cost: int, size: int, age_us: int, hits: list[tuple[int, int]], later_us: int = 0) -> float:
    """The formula as the module states it."""
    fading = sum(count * 2.0 ** (-(ago + later_us) / HALF_LIFE_US) for count, ago in hits)
    return cost * (fading + 0.5 * 2.0 ** (-(age_us + later_us) / HALF_LIFE_US)) / size


@given(
    cost=st.integers(1, 10**12), size=st.integers(1, 10**9), age=ages,
    hits=st.lists(st.tuples(st.integers(1, 1000), ages), max_size=5), later=ages,
)  # fmt: skip
def test_the_stored_worth_is_the_formula_at_any_later_time(
    cost: int, size: int, age: int, hits: list[tuple[int, int]], later: int
) -> None:
    heat = first_heat(NOW_US - age)
    for count, ago in hits:
        heat = heated(heat, count, NOW_US - ago)
    expected = _plainly(cost, size, age, hits, later)
    assert now_worth(worth(heat, cost, size), NOW_US + later) == pytest.approx(expected, rel=1e-6)


def test_an_entry_of_unknown_cost_is_worth_least() -> None:
    heat = first_heat(NOW_US)
    assert worth(heat, 0, 1000) == worth(heat, 1, 1000) < worth(heat, 2, 1000)


def test_a_clock_that_went_back_only_makes_a_hit_count_less() -> None:
    heat = first_heat(NOW_US)
    assert heat < heated(heat, 1, NOW_US - 10 * HALF_LIFE_US) < heated(heat, 1, NOW_US)
