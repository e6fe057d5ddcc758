"""What is written as TOML is read back the same."""

import tomllib
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.cli.toml_text import key, table, value

VALUES = st.recursive(
    st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text() | st.dates(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)


@given(st.dictionaries(st.text(), VALUES, max_size=4))
def test_any_table_comes_back(pairs: dict[str, object]) -> None:
    assert tomllib.loads(table(key("a b"), pairs)) == {"a b": pairs}


def test_numbers_and_days() -> None:
    assert value(Decimal("2.50")) == "2.50"
    assert value(date(2026, 1, 31)) == "2026-01-31"
    assert value({}) == "{}"
    with pytest.raises(TypeError):
        value(object())
