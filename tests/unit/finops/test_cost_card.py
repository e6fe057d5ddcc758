"""How the cost of a call came about: the law, what stands beside the lines, and words for each state."""

from decimal import Decimal
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from farthing.finops.cost_card import (
    adds_up,
    beside_lines,
    how_known,
    is_known,
    line_dollars,
    per_million,
    plain,
    waterfall,
    weighed,
)
from farthing.model.record import Attempt, Decision, PricedLine, Record, Saving
from farthing.model.usage import Usage

AMOUNTS = st.integers(-(10**15), 10**15)
SAVINGS = st.lists(st.builds(Saving, st.sampled_from(("cache", "routing")), AMOUNTS, AMOUNTS, AMOUNTS), max_size=5)


@given(st.integers(0, 10**15), SAVINGS)
def test_each_step_leaves_what_the_next_begins_with(baseline: int, savings: list[Saving]) -> None:
    cost = baseline - sum(each.saved for each in savings)
    record = Record("c", 1, "openai.chat", baseline=baseline, cost=cost, savings=savings)
    bars = waterfall(record)
    assert adds_up(record)
    assert bars[0].left == baseline
    assert bars[-2].left == bars[-1].left == cost
    for before, after in pairwise(bars[:-1]):
        assert before.left - after.amount == after.left


def test_a_card_that_does_not_add_up_is_known_as_such() -> None:
    assert not adds_up(Record("c", 1, "openai.chat", baseline=10, cost=9))


def test_rounding_stands_beside_the_lines() -> None:
    attempt = Attempt(1, cost=3, lines=[PricedLine("out", 1, 2_600)])
    assert beside_lines(attempt) == 400
    assert line_dollars(attempt.lines[0]) == "0.0000000026"


def test_how_a_cost_is_known() -> None:
    assert how_known("computed", []) == "no provider bills it"
    assert "reported" in how_known("computed", [Attempt(1, usage=Usage(out=1))])
    assert [is_known(state) for state in ("reported", "computed", "estimated", "unpriced", "unknown")] == [
        True, True, True, False, False,
    ]  # fmt: skip


def test_what_was_weighed_stands_apart_from_the_sentence() -> None:
    assert weighed(Decision("route", "m", "it is cheapest\nsmall-1: 0.9 of the floor\nodd")) == (
        "it is cheapest",
        [("small-1", "0.9 of the floor"), ("odd", "")],
    )


def test_amounts_have_no_zeros_that_say_nothing() -> None:
    assert plain(Decimal("2.500")) == "2.5"
    assert plain(Decimal(100)) == "100"
    assert per_million(2_500_000) == "2.5"
    assert per_million(None) == ""
