"""Gemini's cached contents: what is sent to make one of a request's system prompt, and how a request names it, in the chat
completions that Gemini takes. There the name stands in `extra_body.google.cached_content`; a request that has it may have
neither a system prompt nor tools of its own.

Knows nothing of what is worth keeping.
"""

import re
from typing import Any, NamedTuple

import msgspec

from farthing.model.errors import BadRequest
from farthing.model.marks import Context
from farthing.wire import splice
from farthing.wire.blocks import elements, value_of

WIRE = "openai.chat"
_MODELS = "models/"
_SYSTEM_ROLES = ("system", "developer")
_NOT_BESIDE = (b'"tools"', b'"functions"', b'"tool_choice"', b'"extra_body"')
"""Members that a request with a cached content may not have, or that say something about it themselves."""
_GAP = re.compile(rb"[ \t\r\n]*+")
_COMMA = b","[0]


class Opening(NamedTuple):
    """The beginning of a request that can be kept."""

    raw: bytes
    """The system's message, as it was sent."""
    texts: tuple[str, ...]


def opening_of(body: bytes) -> Opening | None:
    """The one message of the system that comes first, wholly text; None where a request begins otherwise, or has what may
    not stand beside a cached content. Never raises."""
    try:
        plain = splice.has_plain_names(body)
        listed = value_of(body, b'"messages"', plain)
        if listed is None or any(value_of(body, name, plain) is not None for name in _NOT_BESIDE):
            return None
        places = list(elements(body, listed))
        if len(places) < 2 or _role(body, places[1]) in _SYSTEM_ROLES:
            return None
        raw = body[places[0][0] : places[0][1]]
        message = msgspec.json.decode(raw)
        texts = _texts(message["content"]) if message["role"] in _SYSTEM_ROLES and len(message) == 2 else ()
        return Opening(raw, texts) if texts else None
    except (msgspec.DecodeError, UnicodeError, RecursionError, KeyError, TypeError, AssertionError, BadRequest):
        return None


def creation(model: str, opening: Opening, ttl_s: int) -> bytes:
    """The body that makes a cached content of it."""
    name = model if model.startswith(_MODELS) else _MODELS + model
    instruction = {"parts": [{"text": text} for text in opening.texts]}
    return msgspec.json.encode({"model": name, "systemInstruction": instruction, "ttl": lifetime(ttl_s)})


def lifetime(seconds: int) -> str:
    return f"{seconds}s"


def with_context(body: bytes, context: Context) -> bytes:
    """The body with the context's name instead of its opening; `body` itself where it does not begin with that. Never raises."""
    try:
        return _named(body, context)
    except (msgspec.DecodeError, UnicodeError, RecursionError, ValueError, BadRequest):
        return body


def _named(body: bytes, context: Context) -> bytes:
    plain = splice.has_plain_names(body)
    listed = value_of(body, b'"messages"', plain)
    if listed is None or any(value_of(body, name, plain) is not None for name in _NOT_BESIDE):
        return body
    start = _after(body, listed[0] + 1)
    if not body.startswith(context.opening, start):
        return body
    end = _after(body, start + len(context.opening))
    if body[end] != _COMMA:
        return body
    first = splice.first_member(body)
    said = b'"extra_body":{"google":{"cached_content":%b}},' % msgspec.json.encode(context.name)
    return splice.replace(body, [(start, end + 1, b""), (first, first, said)])


def _after(body: bytes, at: int) -> int:
    gap = _GAP.match(body, at)
    assert gap is not None, "it may be empty"
    return gap.end()


def _role(body: bytes, place: tuple[int, int]) -> Any:
    return msgspec.json.decode(body[place[0] : place[1]])["role"]


def _texts(content: Any) -> tuple[str, ...]:
    if isinstance(content, str):
        return (content,) if content else ()
    parts = content if isinstance(content, list) else []
    if not all(isinstance(part, dict) and part.keys() == {"type", "text"} and part["type"] == "text" for part in parts):
        return ()
    return tuple(str(part["text"]) for part in parts)
