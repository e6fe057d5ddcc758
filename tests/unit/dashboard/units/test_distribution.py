"""Sizes of transactions are gathered into steps that lose none."""

from hypothesis import given
from hypothesis import strategies as st

from farthing.dashboard.charts.studio import svg_of
from farthing.dashboard.units.distribution import chart


@given(st.dictionaries(st.integers(0, 10**13), st.integers(1, 1_000), min_size=1, max_size=40))
def test_every_paid_one_is_drawn_where_its_cost_lies(sizes: dict[int, int]) -> None:
    found = chart("t", sorted(sizes.items()))
    assert sum(row["n"] for row in found.rows) == sum(n for size, n in sizes.items() if size)
    paid = [size / 1e9 for size in sizes if size]
    for row in found.rows:
        assert any(row["low"] * 0.999999 <= size <= row["high"] * 1.000001 for size in paid)
    assert ("cost nothing" in found.said) == (0 in sizes)


def test_nothing_known() -> None:
    found = chart("", [])
    assert not found.rows and "no type" in found.said


def test_it_is_drawn_with_its_words() -> None:
    found = chart("t", [(10**6, 90), (10**8, 9), (2 * 10**9, 1)])
    svg = svg_of(found.kind, found.rows, found.options)
    assert "p50 $0.0010" in svg and "p99" in svg and "90 transactions, 90 %" in svg
