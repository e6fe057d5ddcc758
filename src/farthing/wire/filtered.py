"""Whether an answer holds nothing because a content filter kept it back: it came with status 200, and says so only where it
says why it ended. An answer that a filter cut short, or in which the model itself declines, holds something and is one.

No network, no prices.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from farthing.wire import sse
from farthing.wire.lenient import anything, member

_CHAT = re.compile(
    rb'"finish_reason"\s*:\s*"(?:content_filter|SAFETY|PROHIBITED_CONTENT|BLOCKLIST|SPII|RECITATION)', re.IGNORECASE
)
"""Gemini's own words come through its OpenAI face at times, alone or behind a colon."""
_MESSAGES = re.compile(rb'"stop_reason"\s*:\s*"refusal"')
_RESPONSES = re.compile(rb'"reason"\s*:\s*"content_filter"')
_MARKS = {"openai.chat": _CHAT, "anthropic.messages": _MESSAGES, "openai.responses": _RESPONSES}

_CHAT_SAYS = ("content", "refusal", "tool_calls", "function_call", "audio")


def has_mark(wire: str, data: bytes) -> bool:
    """Whether a filter is spoken of at all. Cheap; most answers end here."""
    mark = _MARKS.get(wire)
    return mark is not None and mark.search(data) is not None


def is_filtered(wire: str, answer: bytes) -> bool:
    """Whether a whole answer is one that was kept back. Never raises."""
    return has_mark(wire, answer) and _only_says_why(wire, [anything(answer)])


def begins_filtered(wire: str, data: bytes) -> bool:
    """Whether a stream, as far as it has come, ends without having said anything. Never raises."""
    return has_mark(wire, data) and _only_says_why(wire, map(anything, sse.payloads(data)))


def _only_says_why(wire: str, events: Iterable[Any]) -> bool:
    kept_back = False
    for event in events:
        if any(_is_something(part) for part in _parts(wire, event)):
            return False
        kept_back = kept_back or _is_reason(wire, event)
    return kept_back


def _parts(wire: str, event: Any) -> Iterator[Any]:
    """All in the event that may be something said."""
    if wire == "openai.chat":
        for choice in _objects(member(event, "choices")):
            for told in (choice.get("message"), choice.get("delta")):
                yield from (member(told, name) for name in _CHAT_SAYS)
    elif wire == "anthropic.messages":
        for block in (*_objects(member(event, "content")), member(event, "content_block"), member(event, "delta")):
            yield from (member(block, name) for name in ("text", "partial_json"))
            if member(block, "type") not in ("text", "thinking", "redacted_thinking"):
                yield member(block, "id")
    else:
        items = [*_objects(member(event, "output")), *_objects(member(event, "response", "output"))]
        for item in items:
            yield from (part.get("text") or part.get("refusal") for part in _objects(item.get("content")))
            yield item.get("call_id")
        yield member(event, "delta")


def _is_reason(wire: str, event: Any) -> bool:
    """Whether the event tells the end of every answer in it, and that it was a filter."""
    if wire == "anthropic.messages":
        return "refusal" in (member(event, "stop_reason"), member(event, "delta", "stop_reason"))
    if wire == "openai.responses":
        response = member(event, "response") or event
        return bool(member(response, "incomplete_details", "reason") == "content_filter")
    reasons = [choice.get("finish_reason") for choice in _objects(member(event, "choices"))]
    return bool(reasons) and all(_CHAT.match(b'"finish_reason":"' + str(each).encode()) for each in reasons)


def _is_something(part: Any) -> bool:
    return bool(part.strip() if isinstance(part, str) else part)


def _objects(value: Any) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
