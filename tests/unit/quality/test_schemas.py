import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.quality.schemas import fits, matches

PERSON = {
    "type": "object", "additionalProperties": False, "required": ["name", "kind"],
    "properties": {"name": {"type": "string"}, "kind": {"$ref": "#/$defs/kind"}},
    "$defs": {"kind": {"enum": ["a", "b"]}},
}  # fmt: skip
TREE = {
    "type": "object", "required": ["value"],
    "properties": {"value": {"type": "integer"}, "inner": {"type": "array", "items": {"$ref": "#"}}},
}  # fmt: skip


def doubling(levels: int) -> dict[str, Any]:
    """A few bytes of schema that ask for 2^levels steps."""
    defs: dict[str, Any] = {f"a{at}": {"anyOf": [{"$ref": f"#/$defs/a{at + 1}"}] * 2} for at in range(levels)}
    return {"$defs": defs | {f"a{levels}": {"type": "string"}}, "$ref": "#/$defs/a0"}


def deep(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


def test_valid_and_not() -> None:
    assert fits(PERSON, {"name": "x", "kind": "a"}) == (True, "")
    assert fits(PERSON, {"name": "x", "kind": "c"}) == (False, "`enum` at /kind")
    assert fits(PERSON, {"name": "x"}) == (False, "`required` at /")
    assert fits(TREE, {"value": 1, "inner": [{"value": 2}, {"value": "3"}]}) == (False, "`type` at /inner/1/value")


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "strang"}, {"properties": 3}, {"$ref": "#"}, {"allOf": [{"$ref": "#"}]}, {"$ref": "#/nowhere"},
        {"$ref": "http://127.0.0.1:9/schema.json"}, {"$ref": "file:///etc/hostname"}, {"$dynamicRef": "#x"},
        {"$schema": "http://127.0.0.1:9/meta"}, {"pattern": "(?=a)"}, {"pattern": "(a{1000}){1000}"}, doubling(40),
        {"enum": list(range(70_000))},
    ],
)  # fmt: skip
def test_what_cannot_be_said_is_not_said(schema: dict[str, Any]) -> None:
    assert fits(schema, "abc") is None


def test_a_hostile_schema_costs_little() -> None:
    twice = {"anyOf": [{"items": {"$ref": "#"}}, {"items": {"$ref": "#"}}]}
    started = time.process_time()
    assert fits(doubling(60), 1) is None
    assert fits(twice, deep(60)) is None
    assert fits({"items": {"$ref": "#"}}, deep(5000)) is None
    assert fits({"type": "string", "pattern": "^(a+)+$"}, "a" * 50_000 + "b") == (False, "`pattern` at /")
    assert matches("(a|aa)+$", "a" * 60_000 + "b") is False
    assert time.process_time() - started < 1


def test_modest_recursion_is_validated() -> None:
    assert fits(doubling(6), "x") == (True, "")
    tree: dict[str, Any] = {"value": 1}
    for _ in range(20):
        tree = {"value": 1, "inner": [tree, {"value": 2}]}
    assert fits(TREE, tree) == (True, "")


def test_patterns() -> None:
    assert matches(r"^(yes|no)\.?$", "yes.") is True
    assert matches(r"^\d+$", "12a") is False
    assert matches("(?=a)a", "a") is None and matches("a(", "a") is None
    assert matches("a", "a" * 100_000) is None


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=12,
)
_WORDS = ["$ref", "anyOf", "allOf", "items", "properties", "not", "if", "then", "$defs", "a", "enum", "type", "pattern"]
_SCHEMAS = st.recursive(
    st.sampled_from(["#", "#/$defs/a", "#/a", "string", "object", 1, True, None, "[a-"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_WORDS), inner, max_size=4),
    max_leaves=15,
)


@given(st.dictionaries(st.sampled_from(_WORDS), _SCHEMAS, max_size=4), _VALUES)
def test_no_schema_makes_it_raise(schema: dict[str, Any], value: Any) -> None:
    fits(schema, value)


def test_names_of_the_answers_own_are_not_told() -> None:
    schema = {"type": "object", "additionalProperties": {"type": "integer"}}
    assert fits(schema, {"Jo Doe of 1 High Street": "x"}) == (False, "`type` at /*")
