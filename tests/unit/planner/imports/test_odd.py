"""Rows in which anything may stand anywhere: they are bad, or calls that a ledger can hold, and never the end of an import."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from farthing.planner.imports import formats
from farthing.planner.imports.booking import fingerprints, record_of
from farthing.planner.imports.job import ODD
from farthing.planner.imports.values import BadRow, PassedOver
from farthing.prices import PriceBook
from farthing.store import writing
from farthing.store.errors import RowRefused
from laws import examples
from unit.planner.imports import test_helicone, test_langfuse, test_litellm, test_otel, test_stored_completions

ROWS: dict[str, dict[str, Any]] = {
    "litellm": test_litellm.a_row(), "langfuse": test_langfuse.a_row(), "helicone": test_helicone.a_row(),
    "stored-completions": test_stored_completions.a_completion(), "otel": test_otel.otlp(test_otel.a_span(**test_otel.SPELLINGS[0])),
}  # fmt: skip

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(["2026-10-01T00:00:00Z", "-1", "{", '{"a":[]}']),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5) | st.sampled_from(["input_tokens", "role", "content", "usage"]), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a tree."""
    found = [path] if path else []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in items:
        found += places(each, (*path, key))
    return found


def with_other(value: Any, path: tuple[Any, ...], other: Any) -> Any:
    if not path:
        return other
    changed = dict(value) if isinstance(value, dict) else list(value)
    changed[path[0]] = with_other(value[path[0]], path[1:], other)
    return changed


BOOK = PriceBook.load()


@examples(200)
@given(data=st.data())
def test_anything_anywhere(data: st.DataObject) -> None:
    tool = data.draw(st.sampled_from(sorted(ROWS)))
    row = ROWS[tool]
    for path in data.draw(st.lists(st.sampled_from(places(row)), min_size=1, max_size=2)):
        try:
            row = with_other(row, path, data.draw(anything))
        except (KeyError, IndexError, TypeError):
            continue  # the place is gone
    try:
        calls = list(formats.TOOLS[tool].read(row, "here"))
    except (BadRow, PassedOver, *ODD):
        return
    for call in calls:
        fingerprints(call)
        record = record_of(call, BOOK)
        assert record.baseline - sum(each.saved for each in record.savings) == record.cost
        try:
            writing.check(record)
        except RowRefused as refused:
            raise AssertionError(refused) from refused
