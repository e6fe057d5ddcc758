"""Prompts and answers as request and answer bodies of a wire, from whatever a log kept: bodies as they were, lists of
messages, plain texts. Knows no tool."""

from collections.abc import Mapping
from typing import Any

from farthing.planner.imports.values import embedded
from farthing.wire.lenient import encoded

CHAT, RESPONSES, EMBEDDINGS, MESSAGES = "openai.chat", "openai.responses", "openai.embeddings", "anthropic.messages"
_LIMITS = (
    "max_completion_tokens",
    "max_output_tokens",
    "max_tokens",
    "maxTokens",
    "maxOutputTokens",
    "max_tokens_to_sample",
)
_NO_TEXT: tuple[object, ...] = (None, "", {}, [], "{}", "[]", "null")


def request(value: Any, model: str, wire: str, parameters: Mapping[str, Any] | None = None) -> tuple[bytes, str]:
    """The body of a request and its wire; b"" where there is no text. A body that is one already stays as it is."""
    found = embedded(value)
    if found in _NO_TEXT:
        return b"", wire
    if isinstance(found, dict):
        if "messages" in found or "input" in found or "contents" in found or ("prompt" in found and "model" in found):
            return encoded(found), _wire_of(found, wire)
        if "role" in found:
            found = [found]
        elif "prompt" in found:
            found = found["prompt"]
    if wire == EMBEDDINGS:
        return encoded({"model": model, "input": found}), wire
    if isinstance(found, list) and found and all(isinstance(each, dict) and "role" in each for each in found):
        messages = found
    else:
        text = found if isinstance(found, str) else encoded(found).decode()
        messages = [{"role": "user", "content": text}]
    wire = wire if wire in (CHAT, MESSAGES) else CHAT
    kept = {name: each for name, each in (parameters or {}).items() if name in _KEPT and each not in _NO_TEXT}
    return encoded({"model": model, **kept, "messages": messages}), wire


_KEPT = frozenset(
    ("max_tokens", "max_completion_tokens", "temperature", "top_p", "tools", "tool_choice", "response_format", "seed", "stop",
     "system", "reasoning_effort")
)  # fmt: skip
"""Parameters of a model that go back into the body."""


def _wire_of(body: Mapping[str, Any], wire: str) -> str:
    """The wire that a body is in, where the log does not say it."""
    if "messages" in body:
        return wire if wire in (CHAT, MESSAGES) else CHAT
    return wire if wire in (RESPONSES, EMBEDDINGS) else (RESPONSES if "input" in body else wire)


def answer(value: Any, wire: str) -> bytes:
    """The body of an answer; b"" where there is no text."""
    found = embedded(value)
    if found in _NO_TEXT:
        return b""
    if isinstance(found, list) and found and all(isinstance(each, dict) and "role" in each for each in found):
        found = found[-1]
    if isinstance(found, dict):
        if any(name in found for name in ("choices", "output", "candidates", "data")) or found.get("type") == "message":
            return encoded(found)
        message = found if "role" in found or "content" in found else {"content": encoded(found).decode()}
    else:
        message = {"content": found if isinstance(found, str) else encoded(found).decode()}
    if wire == MESSAGES:
        content = message.get("content")
        blocks = content if isinstance(content, list) else [{"type": "text", "text": content}]
        return encoded({"type": "message", "role": "assistant", "content": blocks})
    return encoded({"choices": [{"index": 0, "message": {"role": "assistant", **message}}]})


def limit_of(*places: Any) -> int | None:
    """The limit on output tokens that a request or its parameters name."""
    for place in places:
        if isinstance(place, Mapping):
            for key in _LIMITS:
                found = place.get(key)
                if isinstance(found, str) and found.isdigit():
                    found = int(found)
                if isinstance(found, int) and not isinstance(found, bool) and 0 < found < 10**9:
                    return found
    return None
