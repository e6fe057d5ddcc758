"""A whole answer that nobody's provider gave: a few words, in each format, as a plain call would get them. It used no tokens.

`replay` tells it as a stream too. Knows nothing of where the words come from.
"""

from typing import Any

import msgspec


def spoken(format: str, text: str, model: str, call_id: str, now: int) -> bytes:
    """The answer. `now`: Unix seconds. Raises KeyError for a format in which nobody speaks."""
    return msgspec.json.encode(_SPEAKERS[format](text, model, call_id, now))


def _chat(text: str, model: str, call_id: str, now: int) -> dict[str, Any]:
    message = {"role": "assistant", "content": text, "refusal": None}
    return {
        "id": f"chatcmpl-{call_id}", "object": "chat.completion", "created": now, "model": model,
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0},
    }  # fmt: skip


def _responses(text: str, model: str, call_id: str, now: int) -> dict[str, Any]:
    part = {"type": "output_text", "text": text, "annotations": []}
    item = {"id": f"msg_{call_id}", "type": "message", "status": "completed", "role": "assistant", "content": [part]}
    return {
        "id": f"resp_{call_id}", "object": "response", "created_at": now, "status": "completed", "model": model,
        "output": [item], "error": None, "incomplete_details": None, "instructions": None, "metadata": {},
        "parallel_tool_calls": True, "temperature": None, "tool_choice": "auto", "tools": [], "top_p": None,
        "usage": {
            "input_tokens": 0, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": 0,
            "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 0,
        },
    }  # fmt: skip


def _messages(text: str, model: str, call_id: str, now: int) -> dict[str, Any]:
    return {
        "id": f"msg_{call_id}", "type": "message", "role": "assistant", "model": model,
        "content": [{"type": "text", "text": text}], "stop_reason": "end_turn", "stop_sequence": None,
        "usage": {"input_tokens": 0, "output_tokens": 0},
    }  # fmt: skip


_SPEAKERS = {"openai.chat": _chat, "openai.responses": _responses, "anthropic.messages": _messages}
SPEAKS = frozenset(_SPEAKERS)
"""Formats in which an answer can be spoken."""
