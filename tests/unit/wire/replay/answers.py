"""Whole answers as providers give them, and what is compared of them."""

import json
from typing import Any

from farthing.model.call import Ask
from farthing.wire.replay import replay, whole_from_stream
from unit.wire.streams import dump

CHAT = "openai.chat"
RESPONSES = "openai.responses"
MESSAGES = "anthropic.messages"
FORMATS = (CHAT, RESPONSES, MESSAGES)
NOW = 1_790_000_000
TEXT = "A farthing was a quarter of a penny 🪙.\n" * 12


def completion(message: dict[str, Any] | None = None, choice: dict[str, Any] | None = None, **more: Any) -> bytes:
    said = {"role": "assistant", "content": TEXT, "refusal": None, "annotations": [], **(message or {})}
    return dump({
        "id": "chatcmpl-theirs", "object": "chat.completion", "created": 1_700_000_000, "model": "gpt-4o-2024-08-06",
        "choices": [{"index": 0, "message": said, "logprobs": None, "finish_reason": "stop", **(choice or {})}],
        "usage": {
            "prompt_tokens": 10, "completion_tokens": 90, "total_tokens": 100,
            "prompt_tokens_details": {"cached_tokens": 4}, "completion_tokens_details": {"reasoning_tokens": 0},
        },
        "service_tier": "default", "system_fingerprint": "fp_1", **more,
    })  # fmt: skip


def message(content: list[dict[str, Any]] | None = None, **more: Any) -> bytes:
    return dump({
        "id": "msg_theirs", "type": "message", "role": "assistant", "model": "claude-opus-5",
        "content": [{"type": "text", "text": TEXT}] if content is None else content,
        "stop_reason": "end_turn", "stop_sequence": None,
        "usage": {
            "input_tokens": 10, "cache_creation_input_tokens": 2, "cache_read_input_tokens": 3, "output_tokens": 90,
            "cache_creation": {"ephemeral_5m_input_tokens": 2, "ephemeral_1h_input_tokens": 0},
            "service_tier": "standard", "output_tokens_details": {"thinking_tokens": 4},
        },
        **more,
    })  # fmt: skip


def output_text(text: str = TEXT, **more: Any) -> dict[str, Any]:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": [], **more}


def spoken(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"id": "msg_1", "type": "message", "status": "completed", "role": "assistant", "content": list(parts)}


def response(output: list[dict[str, Any]] | None = None, **more: Any) -> bytes:
    return dump({
        "id": "resp_theirs", "object": "response", "created_at": 1_700_000_000, "completed_at": 1_700_000_003,
        "status": "completed", "background": False, "error": None, "incomplete_details": None, "instructions": "Be brief.",
        "metadata": {"person": "ann"}, "model": "gpt-5-2025-08-07",
        "output": [spoken(output_text())] if output is None else output, "parallel_tool_calls": True,
        "previous_response_id": None, "prompt_cache_key": "ann-1", "reasoning": {"effort": "low", "summary": None},
        "service_tier": "default", "store": False, "temperature": 1.0, "text": {"format": {"type": "text"}},
        "tool_choice": "auto", "tools": [], "top_p": 1.0, "truncation": "disabled", "user": "ann",
        "safety_identifier": "ann",
        "usage": {
            "input_tokens": 10, "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0}, "output_tokens": 90,
            "output_tokens_details": {"reasoning_tokens": 64}, "total_tokens": 100,
        },
        **more,
    })  # fmt: skip


WHOLE = {CHAT: completion(), RESPONSES: response(), MESSAGES: message()}
"""A plain answer in each format."""


def told(format: str, whole: bytes, *, zero: bool = False, call_id: str = "call-1", **asked: Any) -> bytes:
    ask = Ask(model="m", **asked)
    return replay(format, whole, ask, usage="zero" if zero else "original", call_id=call_id, now=NOW)


def plainly(format: str, whole: bytes, **more: Any) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(told(format, whole, **more))
    return value


def collected(format: str, stream: bytes, piece: int = 0) -> dict[str, Any] | None:
    """What a stream amounts to, read a few bytes at a time."""
    collector = whole_from_stream(format)
    for at in range(0, len(stream), piece or len(stream) or 1):
        collector.feed(stream[at : at + (piece or len(stream))])
    whole = collector.result()
    return None if whole is None else json.loads(whole)


def gist(value: Any) -> Any:
    """Without members that say nothing: null, and empty lists. Hosts differ in whether they write them."""
    if isinstance(value, dict):
        return {name: gist(each) for name, each in value.items() if each is not None and each != []}
    return [gist(each) for each in value] if isinstance(value, list) else value


def events(stream: bytes) -> list[Any]:
    """What the events carry; "[DONE]" as it stands."""
    carried = [block.rpartition(b"data: ")[2] for block in stream.split(b"\n\n") if block]
    return [json.loads(each) if each != b"[DONE]" else "[DONE]" for each in carried]
