from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.model.money import (
    dollars,
    exact_dollars,
    nano_from_pico,
    show_dollars,
)


@pytest.mark.parametrize(
    ("pico", "nano"),
    [(0, 0), (499, 0), (500, 0), (501, 1), (1500, 2), (2500, 2), (-500, 0), (-501, -1), (-1500, -2), (10**30, 10**27)],
)
def test_rounds_half_to_even(pico: int, nano: int) -> None:
    assert nano_from_pico(pico) == nano


@given(st.integers(-(10**24), 10**24))
def test_rounding_is_the_decimal_module_s(pico: int) -> None:
    assert nano_from_pico(pico) == int((Decimal(pico) / 1000).to_integral_value("ROUND_HALF_EVEN"))


@given(st.integers(-(10**18), 10**18))
def test_exact_dollars_lose_nothing(nano: int) -> None:
    text = exact_dollars(nano)
    assert len(text.partition(".")[2]) == 9
    assert dollars(nano) == Decimal(text)


@pytest.mark.parametrize(
    ("nano", "shown"),
    [
        (None, "?"), (0, "$0.00"), (15, "$0.000000015"), (123_456, "$0.00012"), (77_144_950, "$0.0771"),
        (1_000_000_000, "$1.00"), (1_735_250_000_000, "$1,735.25"), (-50_000_000, "-$0.0500"),
    ],
)  # fmt: skip
def test_amounts_for_people(nano: int | None, shown: str) -> None:
    assert show_dollars(nano) == shown
