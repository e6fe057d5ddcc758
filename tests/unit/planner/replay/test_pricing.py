"""Columns cost what the price book says of each call, to the last nano-dollar."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from farthing.model.usage import Usage
from farthing.planner.replay.columns import Kind
from farthing.planner.replay.pricing import Pricer
from farthing.prices import PriceBook
from farthing.prices.card import TOKEN_UNITS, token_counts
from laws import examples

BOOK = PriceBook.load()
KINDS = [
    Kind("openai", "gpt-4o"), Kind("openai", "gpt-4o", "batch"), Kind("anthropic", "claude-sonnet-4-5"),
    Kind("anthropic", "claude-haiku-4-5"), Kind("nobody", "house-model"),
]  # fmt: skip
PLAIN = ("uncached_in", "cache_read", "out")
USAGES = st.lists(
    st.tuples(st.integers(0, len(KINDS) - 1), *(st.integers(0, 300_000) for _ in PLAIN), st.integers(0, 40)),
    min_size=1, max_size=30,
)  # fmt: skip


@examples(60)
@given(USAGES)
def test_a_column_costs_what_its_calls_cost(usages: list[tuple[int, ...]]) -> None:
    begin = 1_790_000_000_000_000
    made = [Usage(**dict(zip(PLAIN, counts, strict=True))) for _, *counts, _ in usages]
    at_us = [begin - day * 86_400_000_000 * 20 for *_, day in usages]
    costs = Pricer(BOOK).cost(
        KINDS, np.array([each[0] for each in usages]), np.array([token_counts(each) for each in made], dtype=np.int64),
        np.array(at_us),
    )  # fmt: skip
    for (kind, *_), usage, moment, cost in zip(usages, made, at_us, costs, strict=True):
        named = KINDS[kind]
        priced = BOOK.price(named.provider, named.model, usage, tier=named.tier, at_us=moment)
        assert cost == (-1 if priced.state == "unpriced" else priced.nano)


def test_only_marked_caches_bill_writes() -> None:
    pricer = Pricer(BOOK)
    assert [pricer.writes(kind, 1_790_000_000_000_000) for kind in KINDS] == [False, False, True, True, False]
    assert TOKEN_UNITS[0] == "uncached_in"
