"""Writes marks for a provider's prompt cache into the body that is really sent, in that provider's own words. All other
bytes stay as they are; a text that must become a block to carry a mark keeps its own bytes too.

    anthropic.messages   `cache_control` on a block
    openai.*             `prompt_cache_breakpoint` on a part, `prompt_cache_options`, `prompt_cache_key`

What the format has no place for is left out; a body that says anything about its cache by itself stays as it is. Knows
nothing of prices and of why a mark stands where it does.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from farthing.model.errors import BadRequest
from farthing.model.marks import MESSAGE, SYSTEM, TOOLS, Mark, Marks, Place
from farthing.wire import splice
from farthing.wire.blocks import Blocks, blocks, elements, spans, value_of
from farthing.wire.lenient import anything

MESSAGES, CHAT, RESPONSES = "anthropic.messages", "openai.chat", "openai.responses"
Read = Callable[[str, bytes], Blocks | None]
"""As `blocks`."""
MOST = 4
"""Marks that a request may have, at every provider."""

_TEXT_OF = {MESSAGES: b"text", CHAT: b"text", RESPONSES: b"input_text"}
"""The type of a block that holds a text of the caller."""
_CALLERS = frozenset(("user", "system", "developer", "tool"))
"""Roles whose texts may become a list of such blocks."""
_UNMARKABLE = frozenset(("thinking", "redacted_thinking"))
_MARKABLE = {
    MESSAGES: None,
    CHAT: frozenset(("text", "image_url", "input_audio", "file", "refusal")),
    RESPONSES: frozenset(("input_text", "input_image", "input_file", "input_audio")),
}


def with_marks(
    format: str, body: bytes, marks: Marks, sent_for: str = "", original: bytes = b"", read: Read = blocks
) -> bytes:
    """The body with the marks that its format has a place for; `body` itself where none was written. `sent_for`: the
    format that the marks were planned in, whose body was `original`, where that was translated. Never raises."""
    try:
        return _written(format, body, read(format, body), marks, sent_for or format, original)
    except (msgspec.DecodeError, UnicodeError, RecursionError, ValueError, TypeError, BadRequest):
        return body


def _written(
    format: str, body: bytes, found: Blocks | None, marks: Marks, sent_for: str, original: bytes
) -> bytes:  # fmt: skip
    if found is None or found.marked or not len(found):
        return body
    points = list(marks.points)[-MOST:]
    if sent_for != format:
        points = _carried(points, sent_for, original, found)
    edits: list[splice.Edit] = []
    ends_marked = not points
    if points:
        places = dict(zip(found.places, spans(body, found), strict=True))
        for point in points:
            place = places.get(point.place)
            edit = None if place is None else _edit(format, body, point, place, len(found) - 1)
            ends_marked = edit is not None
            if edit is not None:
                edits.append(edit)
    members = b""
    if format != MESSAGES:
        if marks.explicit and ends_marked:
            members += b'"prompt_cache_options":{"mode":"explicit"},'
        if marks.key:
            members += b'"prompt_cache_key":' + msgspec.json.encode(marks.key) + b","
        if marks.explicit and not ends_marked:
            edits = []  # half a plan would keep the provider from writing what nobody else writes
    if members:
        first = splice.first_member(body)
        edits.append((first, first, members))
    return splice.replace(body, edits) if edits else body


def _edit(format: str, body: bytes, point: Mark, span: tuple[int, int], last: int) -> splice.Edit | None:
    """What a mark changes; None where it cannot stand there."""
    start, end = span
    said = _said(format, point.ttl)
    if point.place.part == TOOLS:
        tools = list(elements(body, span))
        return _into(body, tools[-1], said) if format == MESSAGES and tools else None
    first = body[start : start + 1]
    if first == b'"':
        if format == RESPONSES and point.place.part == SYSTEM:
            return None  # instructions are a text and nothing else
        return _as_block(format, body, span, said, whole=format == RESPONSES)
    if first != b"{":
        return None
    members = msgspec.json.decode(body[start:end])
    if "content" in members and "role" in members:
        return _message_edit(format, body, span, members, said)
    kind = members.get("type")
    markable = _MARKABLE[format]
    if kind in _UNMARKABLE or (markable is not None and kind not in markable) or members.get("text") == "":
        return None
    return _into(body, span, said)


def _message_edit(
    format: str, body: bytes, span: tuple[int, int], message: dict[str, Any], said: bytes
) -> splice.Edit | None:
    """A message whose content is one text: it becomes a list with one block."""
    content = message["content"]
    if not isinstance(content, str) or not content:
        return None
    if format != MESSAGES and message["role"] not in _CALLERS:
        return None
    start, end = span
    raw = body[start:end]
    inner = value_of(raw, b'"content"', splice.has_plain_names(raw))
    return None if inner is None else _as_block(format, body, (start + inner[0], start + inner[1]), said)


def _as_block(
    format: str, body: bytes, text: tuple[int, int], said: bytes, *, whole: bool = False
) -> splice.Edit | None:
    """`whole`: the text is all of a request's input, and becomes a message too."""
    start, end = text
    if end - start <= 2:
        return None
    block = b'[{"type":"%b","text":%b,%b}]' % (_TEXT_OF[format], body[start:end], said)
    return start, end, b'[{"role":"user","content":%b}]' % block if whole else block


def _into(body: bytes, block: tuple[int, int], said: bytes) -> splice.Edit | None:
    end = block[1] - 1
    return (end, end, b"," + said) if body[end : end + 1] == b"}" and end - block[0] > 1 else None


def _said(format: str, ttl: str) -> bytes:
    if format == MESSAGES:
        return b'"cache_control":{"type":"ephemeral"%b}' % (b"" if ttl == "5m" else b',"ttl":"%b"' % ttl.encode())
    return b'"prompt_cache_breakpoint":{"mode":"explicit"%b}' % (b"" if ttl == "30m" else b',"ttl":"%b"' % ttl.encode())


def _carried(points: list[Mark], sent_for: str, original: bytes, found: Blocks) -> list[Mark]:
    """The marks in a translated body: at the end of the tools, of the system prompt and of the messages; inside the
    messages only from chat completions to Messages, where each piece becomes one block."""
    last_of: dict[str, Place] = {place.part: place for place in found.places}
    flat = [place for place in found.places if place.part == MESSAGE]
    counts = _pieces(original) if sent_for == CHAT and found.format == MESSAGES else []
    carried: dict[Place, Mark] = {}
    for point in points:
        place: Place | None = None
        if point.end:
            place = last_of.get(point.place.part)
        elif point.place.part == MESSAGE and point.place.message < len(counts):
            before = sum(counts[: point.place.message])
            of_message = counts[point.place.message]
            at = before + min(point.place.block + 1, of_message) - 1
            place = flat[at] if of_message and 0 <= at < len(flat) else None
        if place is not None:
            carried[place] = Mark(place, point.ttl, point.end)
    return [carried[place] for place in found.places if place in carried]


def _pieces(body: bytes) -> list[int]:
    """How many blocks of Messages each message of a chat completion becomes; those of the system none."""
    request = anything(body)
    messages = request.get("messages") if isinstance(request, dict) else None
    return [_pieces_of(message) for message in messages] if isinstance(messages, list) else []


def _pieces_of(message: Any) -> int:
    if not isinstance(message, dict) or message.get("role") in ("system", "developer"):
        return 0
    if message.get("role") == "tool":
        return 1
    content = message.get("content")
    count = 0
    if isinstance(content, str):
        count = 1 if content else 0
    elif isinstance(content, list):
        count = sum(1 for part in content if not isinstance(part, dict) or part.get("text") != "")
    calls = message.get("tool_calls")
    return count + bool(message.get("refusal")) + (len(calls) if isinstance(calls, list) else 0)
