"""Whatever the schema, the value satisfies it; a validator of its own is the judge."""

import random
from typing import Any

import jsonschema_rs
from hypothesis import given
from hypothesis import strategies as st

from farthing.upstream.simulator.schema_values import Hints, value

NAMES = st.sampled_from(["city", "customer_name", "orderId", "due_date", "amount", "is_open", "notes", "answer"])


def _numbers(kind: str) -> st.SearchStrategy[dict[str, Any]]:
    spans = st.tuples(st.integers(-50, 50), st.integers(0, 60))
    return spans.map(lambda span: {"type": kind, "minimum": span[0], "maximum": span[0] + span[1]})


LEAVES: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.just({"type": "string"}),
    st.builds(lambda low, more: {"type": "string", "minLength": low, "maxLength": low + more}, st.integers(0, 40), st.integers(0, 9)),
    st.sampled_from(["date", "date-time", "email", "uuid", "ipv4", "time", "uri"]).map(lambda name: {"type": "string", "format": name}),
    st.sampled_from([r"^[A-Z]{2}-\d{4}$", r"^(yes|no)$", r"^\+?[0-9 ]{5,9}$", r"^[^a-z]+x?$"]).map(
        lambda pattern: {"type": "string", "pattern": pattern}
    ),
    _numbers("integer"), _numbers("number"),
    st.just({"type": "integer", "exclusiveMinimum": 3, "exclusiveMaximum": 5}),
    st.just({"type": "number", "minimum": 0, "maximum": 100, "multipleOf": 2.5}),
    st.just({"type": "boolean"}), st.just({"type": "null"}), st.just({"type": ["string", "null"]}),
    st.just({"const": {"a": 1}}), st.just({"enum": ["a", 2, None]}), st.just({}),
)  # fmt: skip


def _nested(inner: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    def thing(properties: dict[str, Any], all_required: bool) -> dict[str, Any]:
        required = list(properties) if all_required else []
        return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}

    return st.one_of(
        st.builds(thing, st.dictionaries(NAMES, inner, max_size=4), st.booleans()),
        st.builds(lambda items, low: {"type": "array", "items": items, "minItems": low}, inner, st.integers(0, 4)),
        st.lists(inner, min_size=1, max_size=3).map(lambda options: {"anyOf": options}),
        st.builds(
            lambda first, second: {"type": "array", "prefixItems": [first, second], "items": False}, inner, inner
        ),
    )


@given(st.recursive(LEAVES, _nested, max_leaves=12), st.integers(0, 1000))
def test_values_satisfy_their_schema(schema: dict[str, Any], seed: int) -> None:
    hints = Hints(words=["Oslo", "Rome"], numbers=[7.0, 12.5], answer="yes")
    made = value(schema, random.Random(seed), hints)
    jsonschema_rs.validator_for(schema, validate_formats=True).validate(made)
    assert value(schema, random.Random(seed), hints) == made


def test_references_also_those_without_end() -> None:
    schema = {
        "$defs": {
            "node": {
                "type": "object",
                "properties": {
                    "name": {"type": "string"},
                    "children": {"type": "array", "items": {"$ref": "#/$defs/node"}},
                    "next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]},
                },
                "required": ["name", "children", "next"],
            }
        },
        "$ref": "#/$defs/node",
    }
    jsonschema_rs.validator_for(schema).validate(value(schema, random.Random(1)))


def test_parts_that_all_hold() -> None:
    base = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
    more = {"type": "object", "properties": {"b": {"const": "x"}}, "required": ["b"]}
    made = value({"allOf": [base, more]}, random.Random(1))
    jsonschema_rs.validator_for({"allOf": [base, more]}).validate(made)


def test_values_look_like_what_they_are_called() -> None:
    properties = {name: {"type": "string"} for name in ("city", "email", "answer")}
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    made = value(schema, random.Random(1), Hints(words=["Oslo"], answer="yes"))
    assert made["city"] == "Oslo" and "@" in made["email"] and made["answer"] == "yes"


WORDS = st.sampled_from(
    ["type", "enum", "const", "properties", "required", "items", "minItems", "maxItems", "anyOf", "allOf", "$ref", "format",
     "pattern", "minimum", "maximum", "multipleOf", "minLength", "maxLength", "additionalProperties", "prefixItems", "$defs"]
)  # fmt: skip
JUNK = st.recursive(
    st.sampled_from(
        [None, True, False, 0, -3, 2.5, 10**9, "", "object", "array", "string", "integer", "#/$defs/a", "#", "["]
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(WORDS, inner, max_size=4)),
    max_leaves=10,
)


@given(st.dictionaries(WORDS, JUNK, max_size=5))
def test_schemas_that_are_none_do_no_harm(schema: dict[str, Any]) -> None:
    value(schema, random.Random(1), Hints(words=["Oslo"], numbers=[1.0], answer="yes"))
