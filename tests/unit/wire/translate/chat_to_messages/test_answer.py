"""Claude's answers as chat completions."""

import json
from typing import Any

import pytest

from farthing.model.errors import UpstreamError

from ..samples import CHAT_ON_CLAUDE, ask, claude_message


def _completion(content: list[dict[str, Any]], stop: str = "end_turn", **fields: Any) -> dict[str, Any]:
    body = json.dumps(claude_message(content, stop, **fields)).encode()
    return json.loads(CHAT_ON_CLAUDE.answer(body, ask()))


def test_texts_are_joined_as_they_are() -> None:
    answer = _completion([{"type": "text", "text": "A sen"}, {"type": "text", "text": "tence."}])
    assert answer["choices"] == [
        {
            "index": 0, "logprobs": None, "finish_reason": "stop",
            "message": {"role": "assistant", "content": "A sentence.", "refusal": None},
        }
    ]  # fmt: skip
    assert (answer["id"], answer["object"], answer["model"]) == ("msg_1", "chat.completion", "claude-opus-5")


@pytest.mark.parametrize(
    ("stop", "finish"),
    [
        ("end_turn", "stop"), ("stop_sequence", "stop"), ("max_tokens", "length"), ("tool_use", "tool_calls"),
        ("refusal", "content_filter"), ("pause_turn", "stop"), ("model_context_window_exceeded", "length"),
        ("something_new", "stop"),
    ],
)  # fmt: skip
def test_finish_reasons(stop: str, finish: str) -> None:
    assert _completion([], stop)["choices"][0]["finish_reason"] == finish


def test_only_tools_leave_the_content_null_and_keep_the_input_as_it_was() -> None:
    body = json.dumps(claude_message([{"type": "tool_use", "id": "t", "name": "f", "input": "INPUT"}], "tool_use"))
    raw = '{"n": 12345678901234567890123, "e": 1.50, "s": "\\u00e4"}'
    message = json.loads(CHAT_ON_CLAUDE.answer(body.replace('"INPUT"', raw).encode(), ask()))["choices"][0]["message"]
    assert message["content"] is None
    assert message["tool_calls"] == [{"id": "t", "type": "function", "function": {"name": "f", "arguments": raw}}]


def test_thoughts_refusals_and_tiers() -> None:
    thoughts = [{"type": "thinking", "thinking": "a", "signature": ""}, {"type": "redacted_thinking", "data": "x"}]
    details = {"type": "refusal", "explanation": "Too dangerous.", "category": "bio"}
    usage = {"input_tokens": 1, "output_tokens": 2, "service_tier": "priority"}
    answer = _completion(thoughts, "refusal", stop_details=details, usage=usage)
    message = answer["choices"][0]["message"]
    assert message == {"role": "assistant", "content": None, "refusal": "Too dangerous.", "reasoning_content": "a"}
    assert answer["service_tier"] == "priority"


def test_usage_counts_as_openai_does() -> None:
    usage = {
        "input_tokens": 10, "cache_read_input_tokens": 5, "output_tokens": 9,
        "cache_creation_input_tokens": 3, "cache_creation": {"ephemeral_5m_input_tokens": 1, "ephemeral_1h_input_tokens": 2},
        "output_tokens_details": {"thinking_tokens": 4},
    }  # fmt: skip
    assert _completion([], usage=usage)["usage"] == {
        "prompt_tokens": 18, "completion_tokens": 9, "total_tokens": 27,
        "prompt_tokens_details": {"cached_tokens": 5, "cache_write_tokens": 3},
        "completion_tokens_details": {"reasoning_tokens": 4},
    }  # fmt: skip
    assert "usage" not in _completion([], usage=None)


@pytest.mark.parametrize(
    "body",
    [
        b"", b"null", b"{}", b"<html>", b"\xff", b"[" * 100_000, b'{"type":"error","error":{"message":"x"}}',
        b'{"type":"message","id":1,"content":[]}', b'{"type":"message","id":"m","content":"x"}',
        b'{"type":"note","id":"m","content":[]}', b'{"type":"message","id":"m","content":[{"type":"text","text":"\xff"}]}',
        b'{"type":"message","id":"m","content":[{"type":"tool_use","id":"t","name":"f","input":{"a":"\xff"}}]}',
    ],
)  # fmt: skip
def test_nonsense_is_the_providers_fault(body: bytes) -> None:
    with pytest.raises(UpstreamError):
        CHAT_ON_CLAUDE.answer(body, ask())
