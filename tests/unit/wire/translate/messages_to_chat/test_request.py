"""Messages requests as a chat provider gets them."""

import hashlib
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.model.errors import BadRequest

from ..samples import CLAUDE_ON_CHAT, ask, to_chat

USER = {"role": "user", "content": "Hi"}
IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}}
IMAGE_PART = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
SHORT = {"type": "ephemeral"}


def _content(*blocks: dict[str, Any]) -> Any:
    return to_chat({"messages": [{"role": "user", "content": list(blocks)}]})["messages"][0]["content"]


def test_the_least_request() -> None:
    assert to_chat({}, "llama-3") == {
        "model": "llama-3",
        "max_tokens": 100,
        "messages": [{"role": "user", "content": "Hi"}],
    }


def test_settings_of_the_same_meaning() -> None:
    sent = to_chat(
        {
            "temperature": 1.0, "top_p": 0.5, "stop_sequences": ["a"], "stream": True, "metadata": {"user_id": "u"},
            "service_tier": "standard_only", "system": "Be brief.",
        }
    )  # fmt: skip
    assert sent.pop("messages")[0] == {"role": "system", "content": "Be brief."}
    assert sent == {
        "model": "gpt-4o", "max_tokens": 100, "temperature": 1.0, "top_p": 0.5, "stop": ["a"], "stream": True,
        "stream_options": {"include_usage": True}, "user": "u", "service_tier": "default",
    }  # fmt: skip


@pytest.mark.parametrize("model", ["o3", "o4-mini", "gpt-5", "gpt-5.1-mini", "openai/gpt-6", "my-gpt5-deployment"])
def test_models_that_want_the_newer_limit(model: str) -> None:
    sent = to_chat({}, model)
    assert "max_tokens" not in sent
    assert sent["max_completion_tokens"] == 100


@pytest.mark.parametrize("model", ["gpt-4o", "gpt-4.1", "gpt-35-turbo", "deepseek-chat", "llama-3", "qwen3", "foo1"])
def test_models_that_want_the_older_limit(model: str) -> None:
    assert to_chat({}, model)["max_tokens"] == 100


def test_long_user_ids_are_hashed() -> None:
    assert to_chat({"metadata": {"user_id": "u" * 64}})["user"] == "u" * 64
    assert to_chat({"metadata": {"user_id": "u" * 65}})["user"] == hashlib.sha256(b"u" * 65).hexdigest()


def test_a_coding_agents_request() -> None:
    """As such agents send them: marks, system turns inside, adaptive thinking, effort, edits of the context."""
    sent = to_chat(
        {
            "system": [{"type": "text", "text": "You code.", "cache_control": SHORT}, {"type": "text", "text": "Well."}],
            "messages": [
                {"role": "user", "content": [{"type": "text", "text": "Fix it", "cache_control": SHORT}]},
                {"role": "system", "content": [{"type": "text", "text": "Hint", "cache_control": {**SHORT, "ttl": "1h"}}]},
                {
                    "role": "assistant",
                    "content": [
                        {"type": "thinking", "thinking": "Hm", "signature": "x"},
                        {"type": "redacted_thinking", "data": "x"},
                        {"type": "text", "text": "I read."},
                        {"type": "tool_use", "id": "t1", "name": "Read", "input": {"path": "ä"}, "caller": {"type": "direct"}},
                        {"type": "tool_use", "id": "t2", "name": "Look", "input": {}, "cache_control": SHORT},
                    ],
                },
                {
                    "role": "user",
                    "content": [
                        {"type": "tool_result", "tool_use_id": "t1", "content": "no such file", "is_error": True},
                        {"type": "tool_result", "tool_use_id": "t2", "content": [IMAGE], "cache_control": SHORT},
                        {"type": "text", "text": "Go on"},
                    ],
                },
            ],
            "tools": [{"name": "Read", "description": "d", "input_schema": {"type": "object"}, "cache_control": SHORT}],
            "thinking": {"type": "adaptive", "display": "omitted"},
            "output_config": {"effort": "medium"},
            "context_management": {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]},
            "metadata": {"user_id": "u"},
            "stream": True,
        },
        "gpt-5.1",
    )  # fmt: skip
    assert sent == {
        "model": "gpt-5.1",
        "max_completion_tokens": 100,
        "messages": [
            {"role": "system", "content": "You code.\n\nWell."},
            {"role": "user", "content": "Fix it"},
            {"role": "system", "content": "Hint"},
            {
                "role": "assistant",
                "content": "I read.",
                "tool_calls": [
                    {"id": "t1", "type": "function", "function": {"name": "Read", "arguments": '{"path": "\\u00e4"}'}},
                    {"id": "t2", "type": "function", "function": {"name": "Look", "arguments": "{}"}},
                ],
            },
            {"role": "tool", "tool_call_id": "t1", "content": "Error: no such file"},
            {"role": "tool", "tool_call_id": "t2", "content": "The result follows in the next message."},
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "From the result of tool call t2:"},
                    IMAGE_PART,
                    {"type": "text", "text": "Go on"},
                ],
            },
        ],
        "tools": [
            {"type": "function", "function": {"name": "Read", "description": "d", "parameters": {"type": "object"}}}
        ],
        "reasoning_effort": "medium",
        "user": "u",
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def test_an_assistant_that_only_called_or_only_thought() -> None:
    use = {"type": "tool_use", "id": "t", "name": "f", "input": {}}
    result = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t"}]}
    sent = to_chat({"messages": [USER, {"role": "assistant", "content": [use]}, result]})
    assert sent["messages"][1]["content"] is None
    assert sent["messages"][2] == {"role": "tool", "tool_call_id": "t", "content": ""}
    thought = {"type": "thinking", "thinking": "x", "signature": ""}
    sent = to_chat({"messages": [USER, {"role": "assistant", "content": [thought]}, USER]})
    assert [message["role"] for message in sent["messages"]] == ["user", "user"]


def test_blocks_of_a_user() -> None:
    assert _content({"type": "text", "text": "x"}, IMAGE) == [{"type": "text", "text": "x"}, IMAGE_PART]
    assert _content({"type": "image", "source": {"type": "url", "url": "https://x"}}) == [
        {"type": "image_url", "image_url": {"url": "https://x"}}
    ]
    pdf = {"type": "base64", "media_type": "application/pdf", "data": "AAAA"}
    assert _content({"type": "document", "source": pdf, "title": "T", "context": "C"}) == [
        {"type": "text", "text": "C"},
        {"type": "file", "file": {"filename": "T", "file_data": "data:application/pdf;base64,AAAA"}},
    ]
    plain = {"type": "text", "media_type": "text/plain", "data": "Long text"}
    assert _content({"type": "document", "source": plain, "title": "T", "citations": {"enabled": False}}) == [
        {"type": "text", "text": "T"},
        {"type": "text", "text": "Long text"},
    ]
    assert _content({"type": "document", "source": {"type": "content", "content": "x"}}) == "x"
    inner = {"type": "content", "content": [{"type": "text", "text": "x"}, IMAGE]}
    assert _content({"type": "document", "source": inner}) == [{"type": "text", "text": "x"}, IMAGE_PART]
    found = {"type": "search_result", "source": "s", "title": "t", "content": [{"type": "text", "text": "x"}]}
    assert _content(found) == "t\ns\nx"


def test_tools() -> None:
    sent = to_chat(
        {
            "tools": [
                {
                    "name": "f", "type": "custom", "input_schema": {"type": "object"}, "strict": True,
                    "input_examples": [{"a": 1}], "eager_input_streaming": True, "defer_loading": False,
                }
            ]
        }
    )  # fmt: skip
    function = sent["tools"][0]["function"]
    assert function["description"] == 'Examples of its input:\n{"a": 1}'
    assert function["strict"] is True


@pytest.mark.parametrize(
    ("choice", "expected", "parallel"),
    [
        ({"type": "auto"}, "auto", None),
        ({"type": "any", "disable_parallel_tool_use": True}, "required", False),
        ({"type": "none"}, "none", None),
        (
            {"type": "tool", "name": "f", "disable_parallel_tool_use": False},
            {"type": "function", "function": {"name": "f"}},
            None,
        ),
    ],
)
def test_tool_choice(choice: dict[str, Any], expected: Any, parallel: bool | None) -> None:
    sent = to_chat({"tool_choice": choice})
    assert sent["tool_choice"] == expected
    assert sent.get("parallel_tool_calls") == parallel


def test_structured_output() -> None:
    schema = {"type": "object", "properties": {}}
    sent = to_chat({"output_config": {"format": {"type": "json_schema", "schema": schema}}})
    assert sent["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "answer", "schema": schema, "strict": True},
    }


@pytest.mark.parametrize(
    ("settings", "effort"),
    [
        ({"thinking": {"type": "enabled", "budget_tokens": 1024}}, "low"),
        ({"thinking": {"type": "enabled", "budget_tokens": 8192}}, "medium"),
        ({"thinking": {"type": "enabled", "budget_tokens": 31999}}, "high"),
        ({"thinking": {"type": "adaptive"}}, None),
        ({"thinking": {"type": "disabled"}}, None),
        ({"output_config": {"effort": "xhigh"}, "thinking": {"type": "enabled", "budget_tokens": 1024}}, "xhigh"),
    ],
)
def test_effort(settings: dict[str, Any], effort: str | None) -> None:
    assert to_chat(settings, "gpt-5").get("reasoning_effort") == effort
    assert "reasoning_effort" not in to_chat(settings, "gpt-4o")


def test_the_answer_shows_reasoning_only_to_who_asked_for_thinking() -> None:
    for thinking, wants in (({"type": "adaptive"}, True), ({"type": "disabled"}, False), (None, False)):
        said = ask()
        to_chat({"thinking": thinking}, said=said)
        assert said.wants_reasoning is wants


@pytest.mark.parametrize(
    "body",
    [
        b"", b"null", b"[]", b"{", b"\xff\xfe", b"[" * 100_000,
        b'{"model":"m","max_tokens":1,"messages":[{"role":"user","content":"\xff"}]}',
        b'{"model":"m","max_tokens":1,"messages":[{"role":"user","content":"\\ud800"}]}',
        b'{"model":"m","max_tokens":1,"messages":[{"role":"user","content":"x"},{"role":"assistant","content":[{"type":'
        b'"tool_use","id":"t","name":"f","input":{"a":"\xff"}}]},{"role":"user","content":"x"}]}',
        b'{"model":"m","max_tokens":1,"messages":[],"tools":' + b"[" * 50_000,
    ],
)  # fmt: skip
def test_hostile_bodies_are_bad_requests(body: bytes) -> None:
    with pytest.raises(BadRequest):
        CLAUDE_ON_CHAT.request(body, ask(), "gpt-4o")


_KEYS = st.sampled_from(
    ["role", "content", "type", "text", "source", "data", "media_type", "id", "name", "input", "tool_use_id", "title"]
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
_VALUES = _JSON | st.sampled_from(
    ["user", "assistant", "text", "image", "document", "tool_use", "tool_result", "base64"]
)


@given(
    st.dictionaries(
        st.sampled_from(
            ["messages", "system", "tools", "tool_choice", "thinking", "output_config", "metadata", "top_k"]
        ),
        _VALUES | st.lists(st.dictionaries(_KEYS, _VALUES, max_size=4), max_size=3),
        max_size=4,
    )
)
def test_any_json_is_translated_or_refused(fields: dict[str, Any]) -> None:
    body = msgspec.json.encode({"model": "m", "max_tokens": 5, "messages": [USER], **fields})
    try:
        sent = CLAUDE_ON_CHAT.request(body, ask(), "gpt-4o")
    except BadRequest as error:
        assert error.message
    else:
        json.loads(sent)
