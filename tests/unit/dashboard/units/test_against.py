"""Bars of AI beside people: they lie end to end, and what is saved fills the rest."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from farthing.dashboard.formats import money
from farthing.dashboard.units.against import WIDE, bars
from farthing.finops.handling import Handling

AMOUNTS = st.integers(0, 10**15)


def handling(ai: int, review: int, fallback: int, human: int) -> Handling:
    return Handling(Fraction(10), Fraction(2), ai, review, fallback, human)


def test_half_a_dollar_against_fifteen() -> None:
    found = bars(Handling(Fraction(1), Fraction(0), 5 * 10**8, 0, 0, 15 * 10**9), money)
    assert [(bar.label, bar.amount) for bar in found] == [("By hand", "$15.00"), ("AI", "$0.5000"), ("Saved", "$14.50")]


@given(AMOUNTS, AMOUNTS, AMOUNTS, AMOUNTS)
def test_they_lie_end_to_end(ai: int, review: int, fallback: int, human: int) -> None:
    found = bars(handling(ai, review, fallback, human), money)
    assert all(0 <= bar.x <= bar.x + bar.width <= WIDE + 3 for bar in found)
    last = found[-1]
    assert last.kind == ("saving" if ai + review + fallback <= 10 * human else "loss")
    if last.width > 3:
        assert abs(last.x + last.width - WIDE) <= 1
