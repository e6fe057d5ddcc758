"""Turns of conversations, in all formats: what goes goes whole, what stays stays byte by byte."""

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.wire.client_marks import ALL, LIST_NAMES, marked_messages
from farthing.wire.turns import can_drop, told, turns, without

NOTE = "[left out]"
WORDS = st.text(min_size=1, max_size=12).filter(lambda text: bool(text.strip()))


@st.composite
def exchange(draw: st.DrawFn) -> list[tuple[str, str, int]]:
    """What is said in a turn: the person, tools so many times, the assistant."""
    said = [("person", draw(WORDS), 0)]
    said += [("tools", draw(WORDS), draw(st.integers(1, 3))) for _ in range(draw(st.integers(0, 2)))]
    return [*said, ("assistant", draw(WORDS), 0)]


Conversation = list[list[tuple[str, str, int]]]
CONVERSATIONS = st.lists(exchange(), min_size=3, max_size=7)


def chat(conversation: Conversation) -> dict[str, Any]:
    messages: list[dict[str, Any]] = [{"role": "system", "content": "Be brief."}]
    for number, turn in enumerate(conversation):
        for at, (who, text, count) in enumerate(turn):
            ids = [f"c{number}-{at}-{each}" for each in range(count)]
            if who == "tools":
                calls = [{"id": id, "type": "function", "function": {"name": "f", "arguments": "{}"}} for id in ids]
                messages.append({"role": "assistant", "content": None, "tool_calls": calls})
                messages += [{"role": "tool", "tool_call_id": id, "content": text} for id in ids]
            else:
                messages.append({"role": "user" if who == "person" else "assistant", "content": text})
    return {"model": "m", "messages": messages[:-1]}


def claude(conversation: Conversation) -> dict[str, Any]:
    messages: list[dict[str, Any]] = []
    for number, turn in enumerate(conversation):
        for at, (who, text, count) in enumerate(turn):
            ids = [f"t{number}-{at}-{each}" for each in range(count)]
            if who == "tools":
                messages.append({"role": "assistant", "content": [
                    {"type": "tool_use", "id": id, "name": "f", "input": {}} for id in ids]})  # fmt: skip
                messages.append({"role": "user", "content": [
                    {"type": "tool_result", "tool_use_id": id, "content": text} for id in ids]})  # fmt: skip
            elif who == "person":
                messages.append({"role": "user", "content": [{"type": "text", "text": text}]})
            else:
                messages.append({"role": "assistant", "content": text})
    return {"model": "m", "system": "Be brief.", "messages": messages[:-1], "max_tokens": 9}


def responses(conversation: Conversation) -> dict[str, Any]:
    items: list[dict[str, Any]] = []
    for number, turn in enumerate(conversation):
        for at, (who, text, count) in enumerate(turn):
            ids = [f"r{number}-{at}-{each}" for each in range(count)]
            if who == "tools":
                items += [{"type": "function_call", "call_id": id, "name": "f", "arguments": "{}"} for id in ids]
                items += [{"type": "function_call_output", "call_id": id, "output": text} for id in ids]
            else:
                items.append({"role": "user" if who == "person" else "assistant", "content": text})
    return {"model": "m", "instructions": "Be brief.", "input": items[:-1]}


MAKERS = {"openai.chat": chat, "anthropic.messages": claude, "openai.responses": responses}
NAMES = {format: name.decode().strip('"') for format, name in LIST_NAMES.items()}


@pytest.mark.parametrize("format", MAKERS)
@given(conversation=CONVERSATIONS, data=st.data())
def test_what_is_left_is_a_valid_conversation(format: str, conversation: Conversation, data: st.DataObject) -> None:
    before = MAKERS[format](conversation)
    body = json.dumps(before, ensure_ascii=data.draw(st.booleans()), indent=data.draw(st.sampled_from([None, 1])))
    raw = body.encode()
    found = turns(format, raw)
    assert found is not None and len(found.turns) == len(conversation)
    until = data.draw(st.integers(2, len(conversation) - 1))
    assert can_drop(raw, found, 1, until)
    made = without(format, raw, found, 1, until, NOTE)
    after = json.loads(made)
    name = NAMES[format]
    assert {**after, name: 0} == {**before, name: 0}, "nothing else changes"
    kept, all_of_them = after[name], before[name]
    gone = found.turns[until].first - found.turns[1].first
    assert len(kept) == len(all_of_them) - gone
    first = found.turns[1].first
    assert kept[:first] == all_of_them[:first] and kept[first + 1 :] == all_of_them[first + gone + 1 :]
    assert NOTE in json.dumps(kept[first]) and kept[first]["role"] == "user"
    assert made[: found.turns[1].start] == raw[: found.turns[1].start], "a prefix stays what it was"
    check_pairs(kept)
    if format == "anthropic.messages":
        roles = [message["role"] for message in kept]
        assert all(one != other for one, other in pairwise(roles)) and roles[0] == "user"


def check_pairs(messages: list[dict[str, Any]]) -> None:
    """Each result of a tool comes after its call, and each call has one."""
    open_calls: set[str] = set()
    for message in messages:
        content = message.get("content")
        parts = content if isinstance(content, list) else []
        open_calls |= {call["id"] for call in message.get("tool_calls", [])}
        open_calls |= {part["id"] for part in parts if part["type"] == "tool_use"}
        if message.get("type") == "function_call":
            open_calls.add(message["call_id"])
        results = {part["tool_use_id"] for part in parts if part["type"] == "tool_result"}
        results |= {message["tool_call_id"]} if "tool_call_id" in message else set()
        results |= {message["call_id"]} if message.get("type") == "function_call_output" else set()
        assert results <= open_calls
        open_calls -= results
    assert not open_calls


def encoded(value: object) -> bytes:
    return json.dumps(value).encode()


def test_what_is_not_understood_has_no_turns() -> None:
    person = {"role": "user", "content": "Hi"}
    for format, body in (
        ("openai.embeddings", {"input": "x"}),
        ("openai.responses", {"input": "x"}),
        ("openai.responses", {"input": [person], "previous_response_id": "r"}),
        ("openai.chat", {"messages": "x"}),
        ("openai.chat", {"messages": []}),
        ("openai.chat", {"messages": [person, {"role": "system", "content": "New rules."}, person]}),
        ("openai.chat", {"messages": [{"role": "assistant", "content": "Hello."}, person]}),
        ("openai.chat", {"messages": [1]}),
    ):
        assert turns(format, encoded(body)) is None, body
    assert turns("openai.chat", b"[" * 3_000) is None


def test_a_call_is_never_parted_from_its_result() -> None:
    call = {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "c", "function": {"name": "f", "arguments": ""}}],
    }
    messages = [
        {"role": "user", "content": "1"}, {"role": "assistant", "content": "1"}, {"role": "user", "content": "2"}, call,
        {"role": "user", "content": "3"}, {"role": "tool", "tool_call_id": "c", "content": "late"},
    ]  # fmt: skip
    body = encoded({"messages": messages})
    found = turns("openai.chat", body)
    assert found is not None and len(found.turns) == 3
    assert not can_drop(body, found, 1, 2)


def test_pictures_count_for_what_a_model_reads() -> None:
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 90_000}}
    body = encoded({"messages": [{"role": "user", "content": [picture]}]})
    found = turns("openai.chat", body)
    assert found is not None and found.turns[0].size < 10_000


def test_a_conversation_as_text() -> None:
    conversation = [[("person", "Where is A-1?", 0), ("tools", "in Graz", 1), ("assistant", "In Graz.", 0)]] * 2
    for format, make in MAKERS.items():
        body = encoded(make(conversation))
        found = turns(format, body)
        assert found is not None
        text = told(body, found.messages[found.turns[0].first : found.turns[1].first])
        assert text.split("\n") == [
            "User: Where is A-1?", "Assistant calls f: {}", "Tool result: in Graz", "Assistant: In Graz."
        ], format  # fmt: skip


def test_how_far_marks_of_the_client_reach() -> None:
    marked = {"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}}
    plain = {"role": "user", "content": "Hi"}
    for body, reach in (
        ({"messages": [plain]}, 0),
        ({"system": [marked], "messages": [plain]}, 0),
        ({"tools": [{"name": "f", "cache_control": {"type": "ephemeral"}}], "messages": [plain]}, 0),
        ({"messages": [plain, {"role": "user", "content": [marked]}, plain]}, 2),
        ({"cache_control": {"type": "ephemeral"}, "messages": [plain]}, ALL),
        ({"prompt_cache_key": "k", "messages": [plain]}, 0),
        ({"messages": [{"role": "user", "content": 'What is "cache_control": for?'}]}, 0),
    ):
        assert marked_messages("anthropic.messages", encoded(body)) == reach, body
    escaped = encoded({"messages": [plain]}).replace(b'"role"', b'"\\u0063ache_control": {}, "role"')
    assert marked_messages("anthropic.messages", escaped) == ALL
