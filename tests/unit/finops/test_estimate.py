"""The calculator: every line exact, the sum is the sum of the lines, and what people cost beside it."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.finops.estimate import embedding_item, estimate, model_item, plain_item, trimmed
from farthing.finops.handling import Handling, each_of, people
from farthing.model.errors import BadRequest
from farthing.model.usage import Usage
from unit.finops.priced import BOOK

DOLLAR = 10**9
NOW_US = 1_790_000_000_000_000


def test_half_a_dollar_against_fifteen() -> None:
    found = estimate([plain_item("other", "known", Fraction(1), DOLLAR // 2)], human=15 * DOLLAR)
    handling = found.handling
    assert handling is not None
    assert (found.cost, handling.saved) == (DOLLAR // 2, 14 * DOLLAR + DOLLAR // 2)
    assert handling.saved_share is not None and f"{float(handling.saved_share):.1%}" == "96.7%"
    assert handling.roi == 29 and handling.break_even == Fraction(1, 30)


def test_the_sum_line_by_line() -> None:
    book, provider, model = BOOK, "openai", "gpt-5"
    usage = Usage(uncached_in=2_000, cache_read=1_000, out=300)
    one = model_item(book, provider, model, usage, Fraction(5, 2), Fraction(1, 20), NOW_US)
    priced = book.price(provider, model, usage, at_us=NOW_US)
    assert one.cost == round(Fraction(priced.nano) * Fraction(5, 2) * Fraction(21, 20)) and one.each == priced.nano
    query = embedding_item(book, provider, model, 400, Fraction(3), NOW_US)
    assert query.cost == 3 * book.price(provider, model, Usage(uncached_in=400), at_us=NOW_US).nano
    tool = plain_item("tools", "crm", Fraction(3), 2_000_000)
    found = estimate([one, query, tool])
    assert found.cost == one.cost + query.cost + 6_000_000 and found.handling is None
    assert tool.how == "3 uses x $0.002"


def test_what_has_no_price_is_no_zero() -> None:
    book, provider = BOOK, "openai"
    with pytest.raises(BadRequest, match="No price is known"):
        model_item(book, provider, "nobody-knows-it", Usage(out=1), Fraction(1), Fraction(0), NOW_US)
    with pytest.raises(BadRequest, match="success rate"):
        estimate([], success_rate=Fraction(3, 2))


def test_failures_are_done_by_hand() -> None:
    found = estimate(
        [plain_item("other", "known", Fraction(1), DOLLAR)],
        success_rate=Fraction(4, 5),
        review=DOLLAR,
        human=10 * DOLLAR,
    )
    handling = found.handling
    assert handling is not None
    assert (handling.spent, handling.saved, handling.roi) == (4 * DOLLAR, 6 * DOLLAR, 3)
    assert handling.break_even == Fraction(1, 5) and found.per_success == round(Fraction(2 * DOLLAR) / Fraction(4, 5))


amounts = st.integers(0, 10**12)
shares = st.fractions(0, 1)


@given(amounts, amounts, st.integers(1, 10**12), shares)
def test_at_the_break_even_rate_nothing_is_saved(ai: int, review: int, human: int, rate: Fraction) -> None:
    """Whatever the rate was, the same case at its break-even rate saves nothing, to the rounding of one amount."""

    def at(success: Fraction) -> Handling:
        failed = 1 - success
        return Handling(Fraction(1), failed, ai, review, round(failed * human), human)

    even = at(rate).break_even
    if even is not None and rate < Fraction(99, 100) and round((1 - rate) * human) == (1 - rate) * human:
        assert even == Fraction(ai + review, human)
        if even <= 1:
            assert abs(at(even).saved) <= 1


def test_shares_of_nothing_are_none() -> None:
    nothing = Handling(Fraction(0), Fraction(0), 0, 0, 0, 0)
    assert (nothing.roi, nothing.saved_share, nothing.break_even, nothing.saved) == (None, None, None, 0)
    assert each_of(5, 0) is None and each_of(5, 2) == 2 and each_of(7, 2) == 4
    free = Handling(Fraction(2), Fraction(1), 1, 0, 0, 5)
    assert free.break_even == 0, "failures that cost nobody anything"
    assert people(90, 60 * DOLLAR) == 3 * DOLLAR // 2
    assert trimmed(1_234_500_000_000) == "1,234.50" and trimmed(1) == "0.000000001"
