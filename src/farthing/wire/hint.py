"""A line at the end of a request's system prompt, the same for each request, so that its beginning stays what the provider's
cache holds. All other bytes stay as they came.

What a client has marked for that cache is not touched: behind a mark on a part of the system prompt there is room, before a
mark in the conversation there is none. Knows nothing of what the line says.
"""

import msgspec

from farthing.model.errors import BadRequest
from farthing.wire import splice
from farthing.wire.blocks import elements, is_marked, value_of
from farthing.wire.client_marks import LIST_NAMES, marked_messages
from farthing.wire.member_spans import span_of

WIRES = frozenset(LIST_NAMES)
_QUOTE, _LIST = b'"['
_SYSTEM_ROLES = (b'"system"', b'"developer"')
_members = msgspec.json.Decoder(dict[str, msgspec.Raw])


def with_hint(wire: str, body: bytes, hint: str) -> bytes | None:
    """The body with `hint` as the last line of its system prompt; None where there is no place for it. Never raises."""
    if wire not in WIRES:
        return None
    try:
        return _with_hint(wire, body, hint)
    except (msgspec.DecodeError, UnicodeError, RecursionError, BadRequest):
        return None


def _with_hint(wire: str, body: bytes, hint: str) -> bytes | None:
    plain = splice.has_plain_names(body)
    marked = marked_messages(wire, body)
    if wire == "openai.chat":
        return _in_messages(body, hint, marked)
    if marked:
        return None
    if wire == "openai.responses":
        if value_of(body, b'"prompt"', plain) is not None:
            return None
        return _in_member(body, b'"instructions"', hint, plain)
    return _in_member(body, b'"system"', hint, plain)


def _in_member(body: bytes, name: bytes, hint: str, plain: bool) -> bytes | None:
    place = splice.value_span(body, name, plain)
    if place is None:
        start = splice.first_member(body)
        return splice.replace(body, [(start, start, name + b":" + msgspec.json.encode(hint) + b",")])
    if body[place[0] : place[1]] == b"null":
        return splice.replace(body, [(*place, msgspec.json.encode(hint))])
    return _appended(body, place, hint)


def _in_messages(body: bytes, hint: str, marked: int) -> bytes | None:
    listed = span_of(body, "messages")
    if listed is None or body[listed[0]] != _LIST:
        return None
    last: tuple[int, int] | None = None
    count = 0
    for start, end in elements(body, listed):
        try:
            members = _members.decode(body[start:end])
        except msgspec.DecodeError:
            return None
        if bytes(members.get("role", b"")) not in _SYSTEM_ROLES:
            break
        last, count = (start, end), count + 1
    if marked > count:
        return None
    if last is None:
        if not body[listed[0] + 1 : listed[1] - 1].strip():
            return None
        line = b'{"role":"system","content":%s},' % msgspec.json.encode(hint)
        return splice.replace(body, [(listed[0] + 1, listed[0] + 1, line)])
    message = body[last[0] : last[1]]
    inner = span_of(message, "content")
    if inner is None:
        return None
    outside = message[: inner[0]] + message[inner[1] :]
    if is_marked(outside):
        return None
    return _appended(body, (last[0] + inner[0], last[0] + inner[1]), hint)


def _appended(body: bytes, place: tuple[int, int], hint: str) -> bytes | None:
    """Behind a text, or as one more part of a list."""
    start, end = place
    if body[start] == _QUOTE:
        line = hint if end - start == 2 else "\n\n" + hint
        return splice.replace(body, [(end - 1, end - 1, msgspec.json.encode(line)[1:-1])])
    if body[start] != _LIST:
        return None
    comma = b"," if body[start + 1 : end - 1].strip() else b""
    part = comma + b'{"type":"text","text":%s}' % msgspec.json.encode(hint)
    return splice.replace(body, [(end - 1, end - 1, part)])
