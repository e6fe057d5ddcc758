"""Tools in one canonical spelling: equal tools are equal bytes, with the same meaning digit by digit."""

import json
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.wire.repair import Repairer, canonical_tools

READ = {
    "name": "read",
    "input_schema": {"type": "object", "properties": {"b": {"type": "string"}, "a": {"maximum": 1.50}}},
}
RUN = {"type": "function", "function": {"name": "run", "parameters": {"type": "object", "required": ["z", "a"]}}}


def body(tools: object, **more: object) -> bytes:
    return json.dumps({"model": "m", "messages": [{"role": "user", "content": "hi"}], "tools": tools, **more}).encode()


@pytest.mark.parametrize("format", ["openai.chat", "openai.responses", "anthropic.messages"])
def test_tools_in_any_order_become_the_same_bytes(format: str) -> None:
    repairer = Repairer()
    one = repairer.repaired(format, body([READ, RUN]))
    other = repairer.repaired(format, body([RUN, dict(reversed(READ.items()))]))
    assert one == other and json.loads(one)["tools"] == [READ, RUN]
    assert repairer.repaired(format, one) is one
    assert one.startswith(b'{"model": "m", "messages": [{"role": "user"')


def test_whoever_marks_anything_is_left_alone() -> None:
    marked = body([RUN, {**READ, "cache_control": {"type": "ephemeral"}}])
    assert Repairer().repaired("anthropic.messages", marked) is marked
    keyed = body([RUN, READ], prompt_cache_key="k")
    assert Repairer().repaired("openai.chat", keyed) is keyed


@pytest.mark.parametrize(
    "raw",
    [
        b"null", b"{}", b"[1]", b'["a"]', b"[", b"", b"[{]", b'[{"a":1,"a":2}]', b'[{"a":{"b":1,"b":1}}]', b'[{"a":NaN}]',
        b'[{"a":"\\ud800"}]', b'[{"\\udc00":1}]', b"\xff", b"[" * 100_000, b'[{"a":' + b"[" * 5_000 + b"]" * 5_000 + b"}]",
    ],
)  # fmt: skip
def test_what_has_no_sure_spelling_stays_as_it_is(raw: bytes) -> None:
    assert canonical_tools(raw) == raw


def test_other_formats_and_bodies_without_tools_stay() -> None:
    for format, given_ in (
        ("openai.embeddings", body([RUN, READ])),
        ("openai.chat", b"{}"),
    ):
        assert Repairer().repaired(format, given_) is given_


def test_numbers_stay_digit_by_digit() -> None:
    raw = b'[ {"z": 1.500, "a": 12345678901234567890.10, "b": 1E5, "c": -0} ]'
    assert canonical_tools(raw) == b'[{"a":12345678901234567890.10,"b":1E5,"c":-0,"z":1.500}]'


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=12,
)
tools = st.lists(
    st.dictionaries(st.sampled_from(["name", "type", "function", "schema", "é"]), values, max_size=4), max_size=5
)


@given(tools, st.randoms())
def test_the_same_value_in_one_spelling_whatever_the_order(given_: list[dict[str, Any]], dice: random.Random) -> None:
    raw = json.dumps(given_, indent=dice.choice([None, 2]), ensure_ascii=dice.random() < 0.5).encode(
        "utf-8", "surrogatepass"
    )
    made = canonical_tools(raw)
    if made == raw:
        return
    key = lambda tool: json.dumps(tool, sort_keys=True)  # noqa: E731
    assert sorted(json.loads(made), key=key) == sorted(given_, key=key)
    shuffled = dice.sample(given_, len(given_))
    assert canonical_tools(json.dumps([dict(reversed(each.items())) for each in shuffled]).encode()) == made
    assert canonical_tools(made) == made
