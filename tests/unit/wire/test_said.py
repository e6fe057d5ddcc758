import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.wire.said import Said, Used, said
from farthing.wire.wanted import wanted


def chat(content: Any = "hi", finish: str = "stop", **more: Any) -> bytes:
    message = {"role": "assistant", "content": content, **more}
    return json.dumps({"choices": [{"index": 0, "message": message, "finish_reason": finish}]}).encode()


def events(*values: dict[str, Any] | str) -> bytes:
    told = (value if isinstance(value, str) else json.dumps(value) for value in values)
    return "".join(f"data: {each}\n\n" for each in told).encode()


CALL = {"id": "c", "type": "function", "function": {"name": "find", "arguments": '{"q": 1}'}}


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (chat(), Said("hi", (), "stop")),
        (chat([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]), Said("ab", (), "stop")),
        (chat(None, "tool_calls", tool_calls=[CALL]), Said("", (Used("find", '{"q": 1}'),), "tools")),
        (chat("half", "length"), Said("half", (), "length")),
        (chat(None, refusal="no"), Said("", (), "filter")),
        (b'{"error": {"message": "no"}}', None),
        (b"[]", None),
        (b"", None),
    ],
)
def test_chat(answer: bytes, says: Said | None) -> None:
    assert said("openai.chat", answer) == says


def test_a_stream_of_chat_says_the_same() -> None:
    def delta(finish: str | None = None, **delta: Any) -> dict[str, Any]:
        return {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}

    pieces = [
        delta(content="a"), delta(content="b"),
        delta(tool_calls=[{"index": 0, "function": {"name": "find", "arguments": '{"q"'}}]),
        delta(tool_calls=[{"index": 0, "function": {"arguments": ": 1}"}}]),
        delta(tool_calls=[{"index": 1, "function": {"name": "stop", "arguments": ""}}]),
    ]  # fmt: skip
    whole = events(*pieces, delta("tool_calls"), {"choices": [], "usage": {}}, "[DONE]")
    assert said("openai.chat", whole) == Said("ab", (Used("find", '{"q": 1}'), Used("stop", "{}")), "tools")
    assert said("openai.chat", events(*pieces)) is None, "a stream that was cut"
    assert said("openai.chat", events(*pieces, {"error": {"message": "x"}})) is None


def test_messages_whole_and_streamed() -> None:
    content = [
        {"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "ab"},
        {"type": "tool_use", "id": "t", "name": "find", "input": {"q": 1}},
    ]  # fmt: skip
    whole = json.dumps({"type": "message", "content": content, "stop_reason": "tool_use"}).encode()
    assert said("anthropic.messages", whole) == Said("ab", (Used("find", '{"q":1}'),), "tools")
    streamed = events(
        {"type": "message_start", "message": {}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "ab"}},
        {"type": "content_block_start", "index": 1, "content_block": {"type": "tool_use", "name": "find", "input": {}}},
        {"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": '{"q":1}'}},
        {"type": "message_delta", "delta": {"stop_reason": "tool_use"}},
        {"type": "message_stop"},
    )
    assert said("anthropic.messages", streamed) == Said("ab", (Used("find", '{"q":1}'),), "tools")


def test_responses_whole_and_streamed() -> None:
    output = [
        {"type": "message", "content": [{"type": "output_text", "text": "ab"}]},
        {"type": "function_call", "name": "find", "arguments": "{}"},
    ]
    whole = {"status": "completed", "output": output}
    says = Said("ab", (Used("find", "{}"),), "tools")
    assert said("openai.responses", json.dumps(whole).encode()) == says
    items = [{"type": "response.output_item.done", "item": item} for item in output]
    last = {"type": "response.completed", "response": {**whole, "output": []}}
    assert said("openai.responses", events(*items, last)) == says
    cut = {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}, "output": output[:1]}
    assert said("openai.responses", json.dumps(cut).encode()) == Said("ab", (), "length")


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8)
    | st.sampled_from(["content", "choices", "text", "message", "tool_use", "function"]),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(
        st.sampled_from(["choices", "message", "content", "delta", "type", "output", "index", "tool_calls", "text"]),
        inner, max_size=4,
    ),
    max_leaves=20,
)  # fmt: skip


@given(
    _JSON,
    st.sampled_from(["openai.chat", "anthropic.messages", "openai.responses", "openai.embeddings"]),
    st.booleans(),
)
def test_nothing_makes_it_raise(value: Any, format: str, streamed: bool) -> None:
    told = json.dumps(value)
    said(format, events(told, told) if streamed else told.encode())
    wanted(format, told.encode())


def test_what_a_request_wants() -> None:
    schema = {"type": "object"}
    asks = {
        "openai.chat": {
            "messages": [{"role": "system", "content": "be"}, {"role": "user", "content": [{"type": "text", "text": "do"}]}],
            "response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}},
            "tools": [{"type": "function", "function": {"name": "find", "parameters": schema}}],
        },
        "openai.responses": {
            "instructions": "be", "input": "do", "text": {"format": {"type": "json_schema", "schema": schema}},
            "tools": [{"type": "function", "name": "find", "parameters": schema}, {"type": "web_search"}],
        },
        "anthropic.messages": {
            "system": "be", "messages": [{"role": "user", "content": "do"}],
            "output_config": {"format": {"type": "json_schema", "schema": schema}},
            "tools": [{"name": "find", "input_schema": schema}],
        },
    }  # fmt: skip
    for format, body in asks.items():
        found = wanted(format, json.dumps(body).encode())
        assert found is not None
        assert (found.json, found.schema, found.tools, found.words) == (True, schema, {"find": schema}, "be\ndo")
    assert wanted("openai.chat", b"{") is None and wanted("openai.embeddings", b"{}") is None
