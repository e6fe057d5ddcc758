"""A line at the end of a request's system prompt, the same for each request, so that its beginning stays what the provider's
cache holds. All other bytes stay as they came.

What a client has marked for that cache is not touched: behind a mark on a part of the system prompt there is room, before a
mark in the conversation there is none. Knows nothing of what the line says.
"""

from typing import NamedTuple
from zlib import crc32

import msgspec

from farthing.model.errors import BadRequest
from farthing.wire import splice
from farthing.wire.blocks import elements, is_marked, listed, value_of
from farthing.wire.client_marks import LIST_NAMES, marked_messages
from farthing.wire.member_spans import span_of, span_of_read
from farthing.wire.stems import Stem, Stems

WIRES = frozenset(LIST_NAMES)
_QUOTE, _LIST = b'"['
_SYSTEM_ROLES = (b'"system"', b'"developer"')
_members = msgspec.json.Decoder(dict[str, msgspec.Raw])


class _Place(NamedTuple):
    """Where a line goes into bodies that begin and end alike."""

    at: int
    """From the beginning; below 0: from the end."""
    line: bytes
    messages: int
    """The system's, which come before those that differ."""


_stems: Stems[_Place] = Stems()
_LOOKED_AT = 4_096
"""Bytes before its place by which a system prompt is known again."""


def with_hint(wire: str, body: bytes, hint: str) -> bytes | None:
    """The body with `hint` as the last line of its system prompt; None where there is no place for it. Never raises."""
    if wire not in WIRES:
        return None
    name = f"{wire} {hint}"
    try:
        stem = _stems.find(name, body)
        if stem is not None and _is_like(wire, body, stem):
            at, line, _ = stem.made
            return body[:at] + line + body[at:]
        edit = _edit(wire, body, hint)
        if edit is None:
            return None
        start, end, line = edit
        if stem is None and start == end:
            _keep(name, wire, body, start, line)
        return splice.replace(body, [edit])
    except (msgspec.DecodeError, UnicodeError, RecursionError, ValueError, BadRequest):
        return None


def _is_like(wire: str, body: bytes, stem: Stem[_Place]) -> bool:
    """Whether what differs are messages of a conversation, without a mark."""
    middle = body[len(stem.head) : len(body) - len(stem.tail)]
    if middle.rfind(b"cache") >= 0:
        return False
    messages = listed(middle, behind=stem.made.messages > 0)
    if messages is None:
        return False
    return wire != "openai.chat" or bytes(_members.decode(messages[0]).get("role", b"")) not in _SYSTEM_ROLES


def _keep(name: str, wire: str, body: bytes, at: int, line: bytes) -> None:
    """Remember where the line goes, for bodies that differ in their conversation alone."""
    if not _stems.is_worth_it(name, crc32(body[max(0, at - _LOOKED_AT) : at])) or is_marked(body):
        return
    place = span_of(body, LIST_NAMES[wire].decode().strip('"'))
    if place is None or body[place[0]] != _LIST:
        return
    start, messages = place[0] + 1, 0
    if place[0] < at < place[1]:
        for begin, end in elements(body, place):
            if begin >= at:
                break
            start, messages = end, messages + 1
    made = _Place(at if at <= start else at - len(body), line, messages)
    _stems.keep(name, Stem(body[:start], body[place[1] - 1 :], made))


def _edit(wire: str, body: bytes, hint: str) -> splice.Edit | None:
    marked = marked_messages(wire, body)
    if wire == "openai.chat":
        return _in_messages(body, hint, marked)
    if marked:
        return None
    plain = splice.has_plain_names(body)
    if wire == "openai.responses":
        if value_of(body, b'"prompt"', plain) is not None:
            return None
        return _in_member(body, b'"instructions"', hint, plain)
    return _in_member(body, b'"system"', hint, plain)


def _in_member(body: bytes, name: bytes, hint: str, plain: bool) -> splice.Edit | None:
    place = splice.value_span(body, name, plain)
    if place is None:
        start = splice.first_member(body)
        return start, start, name + b":" + msgspec.json.encode(hint) + b","
    if body[place[0] : place[1]] == b"null":
        return *place, msgspec.json.encode(hint)
    return _appended(body, place, hint)


def _in_messages(body: bytes, hint: str, marked: int) -> splice.Edit | None:
    place = span_of(body, "messages")
    if place is None or body[place[0]] != _LIST:
        return None
    last: tuple[int, int, msgspec.Raw | None] | None = None
    count = 0
    for start, end in elements(body, place):
        try:
            members = _members.decode(body[start:end])
        except msgspec.DecodeError:
            return None
        if bytes(members.get("role", b"")) not in _SYSTEM_ROLES:
            break
        last, count = (start, end, members.get("content")), count + 1
    if marked > count:
        return None
    if last is None:
        if not body[place[0] + 1 : place[1] - 1].strip():
            return None
        line = b'{"role":"system","content":%s},' % msgspec.json.encode(hint)
        return place[0] + 1, place[0] + 1, line
    begins, ends, content = last
    message = body[begins:ends]
    inner = span_of_read(message, "content", content) if content is not None else None
    if inner is None:
        return None
    outside = message[: inner[0]] + message[inner[1] :]
    if is_marked(outside):
        return None
    return _appended(body, (begins + inner[0], begins + inner[1]), hint)


def _appended(body: bytes, place: tuple[int, int], hint: str) -> splice.Edit | None:
    """Behind a text, or as one more part of a list."""
    start, end = place
    if body[start] == _QUOTE:
        line = hint if end - start == 2 else "\n\n" + hint
        return end - 1, end - 1, msgspec.json.encode(line)[1:-1]
    if body[start] != _LIST:
        return None
    comma = b"," if body[start + 1 : end - 1].strip() else b""
    part = comma + b'{"type":"text","text":%s}' % msgspec.json.encode(hint)
    return end - 1, end - 1, part
