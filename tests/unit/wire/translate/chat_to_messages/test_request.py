"""Chat requests as Claude gets them."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.model.errors import BadRequest

from ..samples import CHAT_ON_CLAUDE, ask, to_claude

USER = {"role": "user", "content": "Hi"}


def _call(id: str, arguments: str = "{}") -> dict[str, Any]:
    return {"id": id, "type": "function", "function": {"name": "f", "arguments": arguments}}


def test_the_least_request() -> None:
    assert to_claude({}, "claude-opus-5") == {
        "model": "claude-opus-5",
        "max_tokens": 8192,
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}],
    }


def test_settings_of_the_same_meaning() -> None:
    sent = to_claude(
        {
            "max_completion_tokens": 50, "temperature": 0.25, "top_p": 0.5, "stop": ["a", "b"], "stream": True,
            "stream_options": {"include_usage": True}, "user": "u1", "service_tier": "default",
        }
    )  # fmt: skip
    del sent["messages"]
    assert sent == {
        "model": "claude-opus-5", "max_tokens": 50, "temperature": 0.25, "top_p": 0.5, "stop_sequences": ["a", "b"],
        "stream": True, "metadata": {"user_id": "u1"}, "service_tier": "standard_only",
    }  # fmt: skip
    assert to_claude({"stop": "x"})["stop_sequences"] == ["x"]
    assert to_claude({"max_tokens": 7})["max_tokens"] == 7
    assert to_claude({"user": "u", "safety_identifier": "s"})["metadata"] == {"user_id": "s"}


def test_defaults_of_both_are_left_out() -> None:
    assert to_claude({"temperature": 1, "top_p": 1, "service_tier": "auto", "stop": [], "tools": []}) == to_claude({})
    assert to_claude({"tool_choice": "none"}) == to_claude({})
    assert to_claude({"response_format": {"type": "text"}}) == to_claude({})


def test_system_and_developer_messages_become_the_system_prompt() -> None:
    sent = to_claude(
        {
            "messages": [
                {"role": "system", "content": "One."}, USER, {"role": "assistant", "content": "Yes?"},
                {"role": "developer", "content": [{"type": "text", "text": "Two."}]}, USER,
            ]
        }
    )  # fmt: skip
    assert sent["system"] == [{"type": "text", "text": "One."}, {"type": "text", "text": "Two."}]
    assert [message["role"] for message in sent["messages"]] == ["user", "assistant", "user"]


def test_a_tool_loop() -> None:
    sent = to_claude(
        {
            "messages": [
                USER,
                {"role": "assistant", "content": None, "tool_calls": [_call("a", '{"x": [1, 2]}'), _call("b", "")]},
                {"role": "tool", "tool_call_id": "b", "content": "B"},
                {"role": "tool", "tool_call_id": "a", "content": [{"type": "text", "text": "A"}]},
                {"role": "user", "content": "And?"},
            ]
        }
    )
    assert sent["messages"][1:] == [
        {
            "role": "assistant",
            "content": [
                {"type": "tool_use", "id": "a", "name": "f", "input": {"x": [1, 2]}},
                {"type": "tool_use", "id": "b", "name": "f", "input": {}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "b", "content": "B"},
                {"type": "tool_result", "tool_use_id": "a", "content": [{"type": "text", "text": "A"}]},
                {"type": "text", "text": "And?"},
            ],
        },
    ]


def test_ids_that_claude_does_not_take_change_in_call_and_result_alike() -> None:
    call = _call("functions.f:0")
    result = {"role": "tool", "tool_call_id": "functions.f:0", "content": ""}
    sent = to_claude({"messages": [USER, {"role": "assistant", "tool_calls": [call]}, result]})
    assert sent["messages"][1]["content"][0]["id"] == "functions_f_0"
    assert sent["messages"][2]["content"] == [{"type": "tool_result", "tool_use_id": "functions_f_0"}]


def test_neighbours_of_one_role_and_empty_texts() -> None:
    said = [USER, {"role": "user", "content": ""}, {"role": "user", "content": "There?"}]
    answered = [{"role": "assistant", "content": "A"}, {"role": "assistant", "content": "", "refusal": "No."}]
    sent = to_claude({"messages": [*said, *answered, USER]})
    assert [[block["text"] for block in message["content"]] for message in sent["messages"]] == [
        ["Hi", "There?"],
        ["A", "No."],
        ["Hi"],
    ]


def test_what_the_sdk_sends_back_of_an_answer_passes() -> None:
    answer = {
        "role": "assistant", "content": "A", "refusal": None, "annotations": [], "audio": None, "function_call": None,
        "tool_calls": None, "parsed": None, "reasoning_content": "Hm", "name": None,
    }  # fmt: skip
    sent = to_claude({"messages": [USER, answer, USER]})
    assert sent["messages"][1] == {"role": "assistant", "content": [{"type": "text", "text": "A"}]}


@pytest.mark.parametrize(
    ("part", "block"),
    [
        (
            {"type": "image_url", "image_url": {"url": "data:image/PNG;base64,AAAA", "detail": "low"}},
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}},
        ),
        (
            {"type": "image_url", "image_url": {"url": "https://x/y.png"}},
            {"type": "image", "source": {"type": "url", "url": "https://x/y.png"}},
        ),
        (
            {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,AAAA"}},
            {
                "type": "document",
                "source": {"type": "base64", "media_type": "application/pdf", "data": "AAAA"},
                "title": "a.pdf",
            },
        ),
        (
            {"type": "file", "file": {"filename": "a.PDF", "file_data": "AAAA"}},
            {
                "type": "document",
                "source": {"type": "base64", "media_type": "application/pdf", "data": "AAAA"},
                "title": "a.PDF",
            },
        ),
        (
            {"type": "file", "file": {"file_data": "data:text/csv;base64,w6Q="}},
            {"type": "document", "source": {"type": "text", "data": "ä", "media_type": "text/plain"}},
        ),
        (
            {"type": "text", "text": "x", "prompt_cache_breakpoint": {"mode": "explicit"}},
            {"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}},
        ),
        (
            {"type": "text", "text": "x", "prompt_cache_breakpoint": {"mode": "explicit", "ttl": "30m"}},
            {"type": "text", "text": "x", "cache_control": {"type": "ephemeral", "ttl": "1h"}},
        ),
    ],
)
def test_parts(part: dict[str, Any], block: dict[str, Any]) -> None:
    sent = to_claude({"messages": [{"role": "user", "content": [part]}]})
    assert sent["messages"][0]["content"] == [block]


def test_tools_and_their_schemas() -> None:
    schema = '{"type": "object", "properties": {"n": {"const": 12345678901234567890123}}}'
    functions = [
        {"name": "full", "description": "d", "parameters": json.loads(schema), "strict": True},
        {"name": "none"},
        {"name": "null", "parameters": None, "strict": None},
        {"name": "empty", "parameters": {}},
        {"name": "untyped", "parameters": {"properties": {}}},
    ]
    sent = to_claude({"tools": [{"type": "function", "function": function} for function in functions]})
    empty = {"type": "object", "properties": {}}
    assert sent["tools"] == [
        {"name": "full", "description": "d", "input_schema": json.loads(schema), "strict": True},
        {"name": "none", "input_schema": empty},
        {"name": "null", "input_schema": empty},
        {"name": "empty", "input_schema": {"type": "object"}},
        {"name": "untyped", "input_schema": empty},
    ]


@pytest.mark.parametrize(
    ("settings", "choice"),
    [
        ({"tool_choice": "auto"}, None),
        ({"tool_choice": "none"}, {"type": "none"}),
        ({"tool_choice": "required"}, {"type": "any"}),
        ({"tool_choice": {"type": "function", "function": {"name": "f"}}}, {"type": "tool", "name": "f"}),
        ({"parallel_tool_calls": True}, None),
        ({"parallel_tool_calls": False}, {"type": "auto", "disable_parallel_tool_use": True}),
        (
            {"parallel_tool_calls": False, "tool_choice": "required"},
            {"type": "any", "disable_parallel_tool_use": True},
        ),
        ({"parallel_tool_calls": False, "tool_choice": "none"}, {"type": "none"}),
    ],
)
def test_tool_choice(settings: dict[str, Any], choice: dict[str, Any] | None) -> None:
    sent = to_claude({"tools": [{"type": "function", "function": {"name": "f"}}], **settings})
    assert sent.get("tool_choice") == choice


def test_structured_output() -> None:
    schema = {"type": "object", "properties": {}, "additionalProperties": False}
    wanted = {"name": "n", "description": "An answer.", "schema": schema, "strict": True}
    sent = to_claude({"response_format": {"type": "json_schema", "json_schema": wanted}})
    assert sent["output_config"] == {
        "format": {"type": "json_schema", "schema": {"description": "An answer.", **schema}}
    }
    wanted["schema"] = {**schema, "description": "Its own."}
    sent = to_claude({"response_format": {"type": "json_schema", "json_schema": wanted}})
    assert sent["output_config"]["format"]["schema"] == wanted["schema"]


@pytest.mark.parametrize(
    ("effort", "thinking", "claude_effort", "limit"),
    [
        ("none", {"type": "disabled"}, None, 8192),
        ("minimal", {"type": "adaptive"}, "low", 9216),
        ("medium", {"type": "adaptive"}, "medium", 16384),
        ("max", {"type": "adaptive"}, "max", 31744),
    ],
)
def test_effort_for_adaptive_models(
    effort: str, thinking: dict[str, Any], claude_effort: str | None, limit: int
) -> None:
    sent = to_claude({"reasoning_effort": effort}, "claude-opus-4-6")
    assert sent["thinking"] == thinking
    assert sent.get("output_config", {}).get("effort") == claude_effort
    assert sent["max_tokens"] == limit


def test_effort_for_models_with_budgets() -> None:
    old = "claude-sonnet-4-5-20250929"
    sent = to_claude({"reasoning_effort": "high"}, old)
    assert sent["thinking"] == {"type": "enabled", "budget_tokens": 16384}
    assert sent["max_tokens"] == 8192 + 16384
    assert "output_config" not in sent
    assert to_claude({"reasoning_effort": "high", "max_tokens": 4000}, old)["thinking"]["budget_tokens"] == 2000
    assert to_claude({"reasoning_effort": "high", "max_tokens": 1500}, old)["thinking"]["budget_tokens"] == 1024
    assert "thinking" not in to_claude({"reasoning_effort": "none"}, old)
    with pytest.raises(BadRequest, match="1024"):
        to_claude({"reasoning_effort": "high", "max_tokens": 1024}, old)
    loop = [
        USER, {"role": "assistant", "tool_calls": [_call("a")]}, {"role": "tool", "tool_call_id": "a", "content": "x"}
    ]  # fmt: skip
    assert "thinking" not in to_claude({"reasoning_effort": "high", "messages": loop}, old)
    assert "thinking" in to_claude({"reasoning_effort": "high", "messages": loop}, "claude-opus-5")


@pytest.mark.parametrize(
    "body",
    [
        b"", b"null", b"[]", b"{", b"\xff\xfe", b'{"model":"m","messages":[NaN]}', b"[" * 100_000,
        b'{"model":"m","messages":[],"seed":' + b"[" * 50_000 + b"]" * 50_000 + b"}",
        b'{"model":"m","messages":[{"role":"user","content":"\xff"}]}',
        b'{"model":"m","messages":[{"role":"user","content":"\\ud800"}]}',
        b'{"model":"m","messages":[{"role":"user","content":"\\ud800x"}]}',
        b'{"model":"m","messages":[{"role":"user","content":"x"}],"tools":[{"type":"function","function":'
        b'{"name":"f","parameters":{"a":' + b"[" * 50_000 + b"]" * 50_000 + b"}}}]}",
    ],
)  # fmt: skip
def test_hostile_bodies_are_bad_requests(body: bytes) -> None:
    with pytest.raises(BadRequest):
        CHAT_ON_CLAUDE.request(body, ask(), "claude-opus-5")


_KEYS = st.sampled_from(
    ["role", "content", "type", "text", "image_url", "url", "tool_calls", "function", "name", "arguments", "file"]
)
_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS | st.text(max_size=3), inner, max_size=3),
    max_leaves=12,
)
_VALUES = _JSON | st.sampled_from(["user", "assistant", "tool", "text", "image_url", "function", "auto"])


@given(
    st.dictionaries(
        st.sampled_from(
            ["messages", "tools", "tool_choice", "stop", "response_format", "reasoning_effort", "user", "n"]
        ),
        _VALUES | st.lists(st.dictionaries(_KEYS, _VALUES, max_size=4), max_size=3),
        max_size=4,
    )
)
def test_any_json_is_translated_or_refused(fields: dict[str, Any]) -> None:
    body = msgspec.json.encode({"model": "m", "messages": [USER], **fields})
    try:
        sent = CHAT_ON_CLAUDE.request(body, ask(), "claude-opus-5")
    except BadRequest as error:
        assert error.message
    else:
        json.loads(sent)
