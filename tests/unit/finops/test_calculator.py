"""What is asked of the calculator: each field reaches the sum, and what is missing is named as the asker calls it."""

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.finops.calculator import Asked, calculated, fraction_of
from farthing.model.errors import BadRequest
from farthing.settings import TransactionSettings, TransactionTypeSettings
from farthing.settings.values import Amount
from unit.finops.priced import BOOK

DOLLAR = 10**9
NOW_US = 1_790_000_000_000_000
SETTINGS = TransactionSettings(
    hourly_rate=Amount(60), tools={"crm": Amount("0.002")}, types={"support": TransactionTypeSettings(human_minutes=Amount(15))}
)  # fmt: skip


def asked(**said: Any) -> Any:
    return calculated(BOOK, SETTINGS, Asked(**said), NOW_US, str.upper)


def test_half_a_dollar_against_fifteen() -> None:
    found = asked(plain=Fraction(1, 2), human_cost=Fraction(15))
    assert (found.cost, found.human, found.handling.saved) == (DOLLAR // 2, 15 * DOLLAR, 14 * DOLLAR + DOLLAR // 2)


def test_people_and_tools_of_the_settings() -> None:
    found = asked(
        kind="support",
        plain=Fraction(1, 2),
        tools={"crm": Fraction(2)},
        review_minutes=Fraction(1),
        success_rate=Fraction(4, 5),
    )
    assert (found.cost, found.review, found.human) == (504_000_000, DOLLAR, 15 * DOLLAR)
    assert found.handling.fallback == 3 * DOLLAR


def test_calls_embeddings_and_other_tools() -> None:
    found = asked(
        model="gpt-5", in_tokens=1_000, cached=400, out_tokens=10, calls=Fraction(2), retries=Fraction(1, 2),
        tool_calls=Fraction(3), tool_cost=Fraction(1, 100), embeddings=Fraction(4), embedding_cost=Fraction(1, 1000),
    )  # fmt: skip
    assert [item.what for item in found.items] == ["model", "tools", "embeddings"]
    assert [item.cost for item in found.items[1:]] == [30_000_000, 4_000_000]
    assert found.items[0].count == 3


@pytest.mark.parametrize(
    ("said", "words", "param"),
    [
        ({}, "Say what it is made of: MODEL with IN_TOKENS", None), ({"model": "gpt-5"}, "MODEL needs IN_TOKENS", "in_tokens"),
        ({"in_tokens": 1}, "need MODEL", "model"), ({"model": "gpt-5", "in_tokens": 1, "cached": 2}, "CACHED is a part", "cached"),
        ({"model": "none", "in_tokens": 1}, "No price is known", "model"), ({"tool_calls": Fraction(1)}, "TOOL_COST", "tool_cost"),
        ({"embeddings": Fraction(1)}, "EMBEDDING_COST", "embedding_model"), ({"plain": Fraction(1), "kind": "x"}, "KIND: there is no", "kind"),
        ({"plain": Fraction(1), "human_cost": Fraction(1), "human_minutes": Fraction(1)}, "Say either", "human_cost"),
        ({"plain": Fraction(1), "success_rate": Fraction(2)}, "between 0 and 1", "success_rate"),
    ],
)  # fmt: skip
def test_what_is_missing_is_named(said: dict[str, Any], words: str, param: str | None) -> None:
    with pytest.raises(BadRequest) as raised:
        asked(**said)
    assert words in raised.value.message and raised.value.param == param


def test_people_need_a_rate() -> None:
    for said in ({"human_minutes": Fraction(5)}, {"review_minutes": Fraction(5)}):
        with pytest.raises(BadRequest, match="HOURLY_RATE"):
            calculated(BOOK, TransactionSettings(), Asked(plain=Fraction(1), **said), NOW_US, str.upper)  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["-1", "1e400", "nan", "much", "", "1e-30", "9" * 41, "10000000001"])
def test_no_number(text: str) -> None:
    with pytest.raises(ValueError, match="is no number"):
        fraction_of(text)


@given(st.integers(0, 10**9), st.integers(0, 10**6))
def test_numbers_are_exact(whole: int, rest: int) -> None:
    text = f"{min(whole, 10**9 - 1)}.{rest:06}"
    assert fraction_of(text) == Fraction(text) == fraction_of(f"${text}") == 100 * fraction_of(f"{text}%")
