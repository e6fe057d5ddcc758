import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.quality.again import again

MESSAGES = [{"role": "user", "content": "hi"}]


def body(**more: Any) -> bytes:
    return json.dumps({"model": "auto", "messages": MESSAGES, **more}).encode()


def test_it_is_the_same_request_without_who_asked() -> None:
    asked = body(
        stream=True, stream_options={"include_usage": True}, user="ada", metadata={"a": "b"}, temperature=0.2,
        tools=[{"type": "function", "function": {"name": "f"}}], safety_identifier="x", prompt_cache_key="k",
    )  # fmt: skip
    told = json.loads(again("openai.chat", asked, "big") or b"")
    assert told == {
        "model": "big", "messages": MESSAGES, "temperature": 0.2,
        "tools": [{"type": "function", "function": {"name": "f"}}],
    }  # fmt: skip


def test_marks_of_a_provider_s_cache_go() -> None:
    content = [{"type": "text", "text": "hi", "cache_control": {"type": "ephemeral"}}]
    asked = {
        "model": "auto", "max_tokens": 5, "metadata": {"user_id": "ada"}, "stream": True,
        "system": [{"type": "text", "text": "be", "cache_control": {"type": "ephemeral"}}],
        "messages": [{"role": "user", "content": content}],
    }  # fmt: skip
    told = again("anthropic.messages", json.dumps(asked).encode(), "big") or b""
    assert b"cache_control" not in told and b"ada" not in told and b"stream" not in told


def test_a_provider_keeps_no_copy() -> None:
    told = json.loads(again("openai.responses", b'{"model": "auto", "input": "hi", "store": true}', "big") or b"")
    assert told == {"model": "big", "input": "hi", "store": False}


@pytest.mark.parametrize(
    ("format", "more"),
    [
        ("openai.chat", {"n": 2}), ("openai.chat", {"web_search_options": {"a": 1}}), ("openai.chat", {"tools": 3}),
        ("openai.responses", {"tools": [{"type": "web_search"}]}), ("openai.responses", {"previous_response_id": "r"}),
        ("openai.responses", {"conversation": "c"}), ("openai.responses", {"background": True}),
        ("anthropic.messages", {"tools": [{"type": "bash_20250124", "name": "bash"}]}),
        ("anthropic.messages", {"mcp_servers": [{"url": "u"}]}), ("openai.embeddings", {}),
        ("openai.chat", {"x": "y" * 300_000}),
    ],
)  # fmt: skip
def test_what_would_act_or_add_or_cost_much_is_not_asked_again(format: str, more: dict[str, Any]) -> None:
    assert again(format, body(**more), "big") is None


@given(st.binary(max_size=60))
def test_no_bytes_make_it_raise(data: bytes) -> None:
    assert again("openai.chat", data, "big") is None or data.lstrip().startswith(b"{")
