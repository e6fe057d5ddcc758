"""Marks for a provider's cache, written into bodies."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.model.call import Ask
from farthing.model.marks import MESSAGE, SYSTEM, TOOLS, Mark, Marks, Place
from farthing.wire.blocks import blocks, is_marked
from farthing.wire.marks import with_marks
from farthing.wire.translate import TRANSLATIONS
from unit.wire.test_blocks import requests, spelled

CHAT, RESPONSES, MESSAGES = "openai.chat", "openai.responses", "anthropic.messages"
NAMES = ("cache_control", "prompt_cache_breakpoint", "prompt_cache_options", "prompt_cache_key")


def written(
    format: str, request: dict[str, Any], *marks: Mark, explicit: bool = False, key: str = ""
) -> dict[str, Any]:
    body = with_marks(format, msgspec.json.encode(request), Marks(marks, explicit, key=key))
    read: dict[str, Any] = json.loads(body)
    return read


def unmarked(value: Any) -> Any:
    """A request without marks, each text in a block of its own."""
    if isinstance(value, list):
        return [unmarked(each) for each in value]
    if isinstance(value, dict):
        inner = {name: unmarked(each) for name, each in value.items() if name not in NAMES}
        for name in ("content", "system"):
            if isinstance(inner.get(name), str):
                inner[name] = [{"type": "text", "text": inner[name]}]
        for part in inner["content"] if isinstance(inner.get("content"), list) else []:
            if part.get("type") == "input_text":
                part["type"] = "text"
        return inner
    return value


@given(requests(), st.data())
def test_marks_add_nothing_but_themselves(made: tuple[str, dict[str, Any]], data: st.DataObject) -> None:
    format, request = made
    body = spelled(request, data.draw(st.sampled_from((None, 2))))
    read = blocks(format, body)
    assert read is not None
    places = data.draw(st.lists(st.sampled_from(read.places), max_size=4, unique=True)) if len(read) else []
    marks = tuple(Mark(place, data.draw(st.sampled_from(("5m", "1h", "30m", "12h")))) for place in sorted(places))
    new = with_marks(format, body, Marks(marks, explicit=data.draw(st.booleans()), key="k"))
    assert unmarked(json.loads(new)) == unmarked(json.loads(body))
    if new != body:
        assert is_marked(new)
        assert with_marks(format, new, Marks(marks, key="another")) == new


def test_a_text_becomes_a_block_to_carry_a_mark() -> None:
    request = {"system": "Be kind.", "messages": [{"role": "user", "content": "Hi"}]}
    made = written(MESSAGES, request, Mark(Place(SYSTEM, -1, 0), "1h"), Mark(Place(MESSAGE, 0, 0), "5m"))
    assert made["system"] == [
        {"type": "text", "text": "Be kind.", "cache_control": {"type": "ephemeral", "ttl": "1h"}}
    ]  # fmt: skip
    assert made["messages"][0]["content"] == [{"type": "text", "text": "Hi", "cache_control": {"type": "ephemeral"}}]


def test_the_last_tool_carries_the_mark_of_all() -> None:
    tools = [{"name": "one", "input_schema": {}}, {"name": "two", "input_schema": {}}]
    made = written(MESSAGES, {"tools": tools, "messages": []}, Mark(Place(TOOLS, -1, 0), "5m"))
    assert made["tools"] == [tools[0], {**tools[1], "cache_control": {"type": "ephemeral"}}]


def test_other_bytes_stay() -> None:
    body = b'{ "messages" : [ {"role":"user", "content": [ {"type":"text","text":"\\u00e9"} , {"type":"text","text":"b"}]}]}'
    made = with_marks(MESSAGES, body, Marks((Mark(Place(MESSAGE, 0, 0), "5m"),)))
    assert made == body.replace(b'\\u00e9"}', b'\\u00e9","cache_control":{"type":"ephemeral"}}')


def test_openai_is_told_by_breakpoints_and_options() -> None:
    request = {"messages": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hi"}]}
    made = written(CHAT, request, Mark(Place(SYSTEM, 0, 0), "30m"), explicit=True, key="family")
    assert made["messages"][0]["content"] == [
        {"type": "text", "text": "Be kind.", "prompt_cache_breakpoint": {"mode": "explicit"}}
    ]
    assert made["prompt_cache_options"] == {"mode": "explicit"}
    assert made["prompt_cache_key"] == "family"


def test_responses_have_their_own_parts() -> None:
    made = written(RESPONSES, {"input": "Hi"}, Mark(Place(MESSAGE, 0, 0), "12h"), explicit=True)
    mark = {"mode": "explicit", "ttl": "12h"}
    part = {"type": "input_text", "text": "Hi", "prompt_cache_breakpoint": mark}
    assert made["input"] == [{"role": "user", "content": [part]}]


def test_nothing_at_all_is_to_be_written() -> None:
    made = written(CHAT, {"messages": [{"role": "user", "content": "Hi"}]}, explicit=True)
    assert made["prompt_cache_options"] == {"mode": "explicit"}


def test_half_a_plan_is_none() -> None:
    """A model's own words cannot carry a breakpoint; without it, explicit mode would keep the provider from writing."""
    request = {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]}
    marks = (Mark(Place(MESSAGE, 0, 0), "30m"), Mark(Place(MESSAGE, 1, 0), "30m"))
    assert written(CHAT, request, *marks, explicit=True) == request


ODD: list[dict[str, Any]] = [
    {"type": "thinking", "thinking": "x", "signature": "y"}, {"type": "redacted_thinking", "data": "x"},
    {"type": "text", "text": ""},
]  # fmt: skip


@pytest.mark.parametrize("part", ODD)
def test_blocks_that_refuse_a_mark_get_none(part: dict[str, Any]) -> None:
    request = {"messages": [{"role": "assistant", "content": [part]}]}
    assert written(MESSAGES, request, Mark(Place(MESSAGE, 0, 0), "5m")) == request


@pytest.mark.parametrize("body", [b"", b"[]", b'{"messages":[1]}', b'{"messages":[{"role":"user","content":[1]}]}'])
def test_what_cannot_be_read_stays(body: bytes) -> None:
    assert with_marks(MESSAGES, body, Marks((Mark(Place(MESSAGE, 0, 0), "5m"),))) == body


def test_marks_are_carried_into_another_format() -> None:
    call = {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    request = {
        "model": "m",
        "max_tokens": 100,
        "messages": [
            {"role": "system", "content": "Be kind."},
            {"role": "user", "content": [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]},
            {"role": "assistant", "content": "See:", "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "a", "content": "three"},
            {"role": "user", "content": "four"},
        ],
    }
    body = msgspec.json.encode(request)
    sent = TRANSLATIONS[CHAT, MESSAGES].request(body, Ask(model="m", max_output=100), "claude-sonnet-5")
    marks = (
        Mark(Place(SYSTEM, 0, 0), "1h", end=True), Mark(Place(MESSAGE, 1, 1), "5m"), Mark(Place(MESSAGE, 3, 0), "5m"),
        Mark(Place(MESSAGE, 4, 0), "5m", end=True),
    )  # fmt: skip
    made = json.loads(with_marks(MESSAGES, sent, Marks(marks), CHAT, body))
    assert [block["text"] for block in made["system"] if "cache_control" in block] == ["Be kind."]
    marked = [block for message in made["messages"] for block in message["content"] if "cache_control" in block]
    assert [block.get("text") or block.get("content") for block in marked] == ["two", "three", "four"]
