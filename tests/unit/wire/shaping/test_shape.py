"""Requests are shaped where they may be, and nowhere else."""

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.wire.shaping.shape import GUARDED, LOSSLESS, Shaper

ORDERS = [{"id": f"A{at}", "name": "Müller", "total": at * 1.5, "note": None} for at in range(8)]
INDENTED = json.dumps(ORDERS, indent=2)
LETTERS = json.dumps(ORDERS, separators=(",", ":"), ensure_ascii=False)
SIGNED = {"type": "thinking", "thinking": INDENTED, "signature": "EqQBCgIYAhIM"}
MARK = {"cache_control": {"type": "ephemeral"}}
lossless = Shaper(frozenset(LOSSLESS)).shape
everything = Shaper(frozenset(LOSSLESS + GUARDED)).shape


def chat(*messages: dict[str, Any], **more: Any) -> bytes:
    return json.dumps({"model": "m", "messages": messages, **more}).encode()


def tool(text: str, id: str = "call_1") -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": id, "content": text}


def result(content: Any, **more: Any) -> dict[str, Any]:
    return {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": content, **more}]}


def test_results_of_tools_and_documents_of_users_are_shaped_in_each_format() -> None:
    text = [{"type": "text", "text": INDENTED}]
    for format, body, path in (
        ("openai.chat", chat({"role": "user", "content": "Hi"}, tool(INDENTED)), ("messages", 1, "content")),
        ("openai.chat", chat({"role": "user", "content": text}), ("messages", 0, "content", 0, "text")),
        ("anthropic.messages", chat(result(INDENTED)), ("messages", 0, "content", 0, "content")),
        ("anthropic.messages", chat(result(text)), ("messages", 0, "content", 0, "content", 0, "text")),
        ("anthropic.messages", chat({"role": "user", "content": INDENTED}), ("messages", 0, "content")),
        ("openai.responses", json.dumps({"input": [{"type": "function_call_output", "call_id": "c", "output": INDENTED}]})
         .encode(), ("input", 0, "output")),
        ("openai.responses", json.dumps({"input": INDENTED}).encode(), ("input",)),
    ):  # fmt: skip
        made = lossless(format, body)
        assert made is not None, (format, path)
        before, after = json.loads(body), json.loads(made.body)
        assert _take(after, path) == LETTERS
        assert before == after, "nothing else changes"
        assert {each.transform for each in made.removed} == {"compact", "escapes"}
        assert all(each.tokens > 0 and 0 <= each.at < 1 for each in made.removed)
        assert lossless(format, made.body) is None


def _take(value: Any, path: tuple[str | int, ...]) -> Any:
    """The text at the path; it is taken out, so that the rest can be compared by the caller's own copy."""
    for step in path[:-1]:
        value = value[step]
    found, value[path[-1]] = value[path[-1]], INDENTED
    return found


@pytest.mark.parametrize(
    "body",
    [
        chat({"role": "assistant", "content": INDENTED}),
        chat({"role": "assistant", "content": [SIGNED, {"type": "text", "text": INDENTED}]}),
        chat({"role": "assistant", "tool_calls": [{"function": {"name": "write", "arguments": INDENTED}}]}),
        chat({"role": "user", "content": f"Look:\n```json\n{INDENTED}\n```\n   "}),
        chat({"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]}),
        chat({"role": "user", "content": [{"type": "image", "source": {"type": "base64", "data": "e30="}}]}),
        chat(tool(INDENTED), tools=[{"type": "function", "function": {"name": "str_replace", "parameters": {}}}]),
        chat(tool(INDENTED), cache_control={"type": "ephemeral"}),
        chat({"role": "user", "content": [{"type": "text", "text": INDENTED, **MARK}]}),
        chat(result(INDENTED, **MARK)),
        chat(tool(INDENTED), {"role": "user", "content": [{"type": "text", "text": "Hi", **MARK}]}),
        chat(tool(INDENTED)).replace(b'"content"', b'"con\\u0074ent"'),
        b'{"messages":[{"role":"tool","content":"{ }"}',
        b'{"messages":{"role":"tool","content":"{\\"a\\": [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]}"}}',
        b'[1, ": \\"{"]',
    ],
)
def test_what_must_keep_its_bytes_keeps_them(body: bytes) -> None:
    for format in ("openai.chat", "anthropic.messages", "openai.responses", "openai.embeddings"):
        assert everything(format, body) is None


def test_only_what_comes_after_a_clients_mark_is_shaped() -> None:
    marked = {"role": "user", "content": [{"type": "text", "text": INDENTED, **MARK}]}
    body = chat(
        result(INDENTED), marked, result(INDENTED), system=[{"type": "text", "text": "Be brief.   \nYes.   \n   "}],
        tools=[{"name": "f", "input_schema": {"title": "F", "$schema": "https://json-schema.org/draft/2020-12/schema"}}],
    )  # fmt: skip
    made = lossless("anthropic.messages", body)
    assert made is not None
    before, after = json.loads(body), json.loads(made.body)
    assert after["messages"][2]["content"][0]["content"] == LETTERS
    after["messages"][2] = before["messages"][2]
    assert after == before


def test_a_mark_in_the_instructions_leaves_messages_free_wherever_it_stands() -> None:
    system = [{"type": "text", "text": "Be brief.", **MARK}]
    after = json.dumps({"messages": [result(INDENTED)], "system": system}).encode()
    before = json.dumps({"system": system, "messages": [result(INDENTED)]}).encode()
    assert lossless("anthropic.messages", after) is not None
    assert lossless("anthropic.messages", before) is not None
    twice = json.dumps({"messages": [result(INDENTED, **MARK)], "system": system}).encode()
    assert lossless("anthropic.messages", twice) is None


def test_tools_and_instructions_lose_their_noise() -> None:
    schema = {"title": "Find", "type": "object", "properties": {"q": {"title": "Q", "type": "string", "default": None}}}
    body = chat(
        {"role": "system", "content": "Rules:   \n- one\t\n- two   \n- three   \n \n  "}, {"role": "user", "content": "Hi"},
        tools=[{"type": "function", "function": {"name": "find", "parameters": schema}}],
    )  # fmt: skip
    made = lossless("openai.chat", body)
    assert made is not None
    after = json.loads(made.body)
    assert after["messages"][0]["content"] == "Rules:\n- one\n- two\n- three"
    assert "title" not in str(after["tools"])
    assert [each.transform for each in made.removed] == ["schemas", "trailing"]


def test_guarded_transforms_run_where_they_are_wanted() -> None:
    body = chat(tool(INDENTED), tool(INDENTED, "call_2"), {"role": "user", "content": INDENTED})
    made = Shaper(frozenset(("table",))).shape("openai.chat", body)
    assert made is not None
    messages = json.loads(made.body)["messages"]
    assert messages[0]["content"].startswith("id,name,total,note\nA0,Müller,0.0,\n")
    assert messages[2]["content"] == INDENTED, "people's own documents stay"
    parts = [{"type": "text", "text": f'{{"found": {INDENTED}}}'}, {"type": "text", "text": "Which is dearest?"}]
    made = Shaper(frozenset(("table",))).shape("openai.chat", chat({"role": "user", "content": parts}))
    assert made is not None, "a program has put it beside what is asked"
    told = json.loads(made.body)["messages"][0]["content"]
    assert told[0]["text"].startswith('{"found":[["id","name","total","note"],["A0",') and told[1] == parts[1]
    long = "Terms and conditions apply to this order. " * 40
    made = Shaper(frozenset(("repeats",))).shape("openai.chat", chat(tool(long), tool(long, "call_2")))
    assert made is not None
    first, second = json.loads(made.body)["messages"]
    assert first["content"] == long and "call_1" in second["content"] and len(second["content"]) < 200


def test_a_conversation_is_shaped_alike_in_each_turn() -> None:
    turns = [tool(INDENTED, f"call_{at}") for at in range(4)]
    bodies = [everything("openai.chat", chat(*turns[: 1 + at])) for at in range(4)]
    shaped = [json.loads(made.body)["messages"] for made in bodies if made is not None]
    assert len(shaped) == 4
    for earlier, later in pairwise(shaped):
        assert later[: len(earlier)] == earlier


TEXT = st.text(max_size=40) | st.sampled_from([INDENTED, "x   \ny   \nz", '{"a": [1, 2]}', '"cache_control"', "[1, 2"])
PARTS = st.lists(
    st.fixed_dictionaries({"type": st.sampled_from(["text", "input_text", "thinking"]), "text": TEXT}), max_size=3
)
MESSAGES = st.lists(
    st.fixed_dictionaries(
        {"role": st.sampled_from(["user", "tool", "assistant", "system"]), "content": TEXT | PARTS | st.none()},
        optional={"tool_call_id": TEXT, "messages": TEXT},
    ),
    max_size=5,
)


@given(MESSAGES, st.booleans(), st.sampled_from([None, 1]), st.sampled_from(["openai.chat", "anthropic.messages"]))
def test_nothing_but_texts_changes_and_json_keeps_its_value(
    messages: list[dict[str, Any]], ascii: bool, indent: int | None, format: str
) -> None:
    body = json.dumps({"messages": messages, "n": 1.0}, ensure_ascii=ascii, indent=indent).encode()
    made = lossless(format, body)
    if made is None:
        return
    after = json.loads(made.body)
    assert lossless(format, body) == made
    assert after["n"] == 1.0 and len(after["messages"]) == len(messages)
    for old, new in zip(messages, after["messages"], strict=True):
        if old["role"] == "assistant":
            assert new == old
        assert _plain(new) == _plain(old)


def _plain(value: Any) -> Any:
    """A value in which texts that are JSON are read, and white space at the end of lines does not count."""
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    if isinstance(value, str):
        try:
            return json.loads(value)
        except ValueError:
            return value.split()
    return value
