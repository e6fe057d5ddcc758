"""The turns of a conversation, so that whole ones can be left out: each begins with what a person says and has all that follows,
calls of tools and their results included. All other bytes of the request stay as they came.

What is not understood with certainty has no turns here: a conversation that the provider keeps, instructions between turns
that would be lost, calls of tools whose results stand in another turn. Knows nothing of what is worth leaving out.
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import msgspec

from farthing.model.errors import BadRequest
from farthing.wire import splice
from farthing.wire.blocks import elements, seen_size, value_of
from farthing.wire.client_marks import LIST_NAMES
from farthing.wire.lenient import anything, member
from farthing.wire.member_spans import span_of

LISTS = {format: name.decode().strip('"') for format, name in LIST_NAMES.items()}
WIRES = frozenset(LISTS)
_SYSTEM_ROLES = frozenset(("system", "developer"))
_KEPT_THERE = (b'"previous_response_id"', b'"conversation"', b'"prompt"')
"""Members of a Responses request by which its provider knows more than it says."""
_QUOTE, _LIST = b'"['
_RESULT = b'"tool_result"'
_OF_TOOLS = (b'"tool_', b'call_id"', b'"function"')
"""What stands in each message with a call of a tool or its result: names and types, which JSON libraries do not escape."""
_CALLS = ("tool_use", "server_tool_use", "mcp_tool_use", "function", "custom")


class Turn(NamedTuple):
    first: int
    """The message that it begins with; a system prompt that is a message counts."""
    start: int
    """Where that begins in the body."""
    size: int
    """Bytes that a model reads."""
    opening: int
    """Those of the message that it begins with."""


class Turns(NamedTuple):
    head: int
    """Bytes before the first turn that a model reads: system prompt and tools."""
    turns: list[Turn]
    messages: list[tuple[int, int]]
    """Where each message lies."""


class _Head(msgspec.Struct):
    role: str = ""
    type: Any = None
    content: msgspec.Raw = msgspec.Raw(b"null")


_head = msgspec.json.Decoder(_Head)


def turns(format: str, body: bytes) -> Turns | None:
    """The turns of a request; None where it has none, or they cannot be told for certain. Never raises."""
    if format not in WIRES:
        return None
    try:
        return _turns(format, body)
    except (msgspec.DecodeError, UnicodeError, RecursionError, BadRequest):
        return None


def _turns(format: str, body: bytes) -> Turns | None:
    plain = splice.has_plain_names(body)
    if not plain:
        return None
    listed = span_of(body, LISTS[format])
    if listed is None or body[listed[0]] != _LIST:
        return None
    if format == "openai.responses" and any(value_of(body, name, plain) is not None for name in _KEPT_THERE):
        return None
    places = list(elements(body, listed))
    found: list[Turn] = []
    size = head = 0
    for at, (start, end) in enumerate(places):
        raw = body[start:end]
        message = _head.decode(raw)
        if _is_persons(message):
            _close(found, size)
            found.append(Turn(at, start, 0, seen_size(raw)))
            size = 0
        elif message.role in _SYSTEM_ROLES and found:
            return None
        size += seen_size(raw)
        if not found:
            head, size = head + size, 0
            if message.role not in _SYSTEM_ROLES:
                return None  # it begins in the middle
    _close(found, size)
    if not found:
        return None
    around = (span_of(body, name) for name in ("tools", "system", "instructions"))
    return Turns(head + sum(place[1] - place[0] for place in around if place is not None), found, places)


def _close(found: list[Turn], size: int) -> None:
    if found:
        found[-1] = found[-1]._replace(size=size)


def _is_persons(message: _Head) -> bool:
    if message.role != "user" or message.type not in (None, "message"):
        return False
    raw = memoryview(message.content)
    if not raw.nbytes:
        return False
    return raw[0] == _QUOTE or (raw[0] == _LIST and _RESULT not in bytes(raw))


def can_drop(body: bytes, found: Turns, first: int, until: int) -> bool:
    """Whether the turns `first` to `until` (not that one) can go: no call of a tool is parted from its result, and a text can
    be put before what comes next."""
    start, end = found.turns[first].first, found.turns[until].first
    uses_tools = any(word in body for word in _OF_TOOLS)
    calls, results = _ids(body, found.messages[start:end] if uses_tools else ())
    later_calls, later_results = _ids(body, found.messages[end:] if uses_tools else ())
    if calls != results or calls & later_results or calls & later_calls:
        return False
    return b'"item_reference"' not in body and _opening(body, found.messages[end]) is not None


def _ids(body: bytes, messages: Iterable[tuple[int, int]]) -> tuple[set[str], set[str]]:
    """Of the calls of tools in them, and of their results."""
    calls: set[str] = set()
    results: set[str] = set()
    for start, end in messages:
        if all(body.find(word, start, end) < 0 for word in _OF_TOOLS):
            continue
        message = anything(body[start:end])
        kind, own = member(message, "type"), member(message, "call_id")
        if isinstance(own, str):
            (results if isinstance(kind, str) and kind.endswith("_output") else calls).add(own)
        answered = member(message, "tool_call_id")
        if isinstance(answered, str):
            results.add(answered)
        content = member(message, "content")
        parts = [*_listed(member(message, "tool_calls")), *_listed(content)]
        for part in parts:
            _part_ids(part, calls, results)
    return calls, results


def _part_ids(part: Any, calls: set[str], results: set[str]) -> None:
    answered, own, kind = member(part, "tool_use_id"), member(part, "id"), member(part, "type")
    if isinstance(answered, str):
        results.add(answered)
    elif isinstance(own, str) and (kind in _CALLS or member(part, "function") is not None):
        calls.add(own)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def without(format: str, body: bytes, found: Turns, first: int, until: int, note: str) -> bytes:
    """The body without the turns `first` to `until` (not that one), and `note` before what the person says in that one. Ask
    `can_drop` before."""
    opening = _opening(body, found.messages[found.turns[until].first])
    assert opening is not None, "asked before"
    if body[opening[0]] == _QUOTE:
        put = (opening[0] + 1, opening[0] + 1, msgspec.json.encode(note + "\n\n")[1:-1])
    else:
        kind = b"input_text" if format == "openai.responses" else b"text"
        part = b'{"type":"%s","text":%s},' % (kind, msgspec.json.encode(note))
        put = (opening[0] + 1, opening[0] + 1, part)
    return splice.replace(body, [(found.turns[first].start, found.turns[until].start, b""), put])


def _opening(body: bytes, message: tuple[int, int]) -> tuple[int, int] | None:
    """Where the content of a message lies; None where no text can be put before it."""
    raw = body[message[0] : message[1]]
    place = span_of(raw, "content")
    if place is None or raw[place[0]] not in (_QUOTE, _LIST) or not raw[place[0] + 1 : place[1] - 1].strip():
        return None
    return message[0] + place[0], message[0] + place[1]


MOST_OF_RESULT = 1_500
"""Characters of one tool's result, or of a call's arguments, that are told."""
_TELLERS = {"user": "User", "assistant": "Assistant", "tool": "Tool result", "function": "Tool result"}


def told(body: bytes, messages: Sequence[tuple[int, int]]) -> str:
    """What was said in these messages, as text, for somebody who is to sum it up. Pictures and thoughts are left out."""
    lines = []
    for start, end in messages:
        message = anything(body[start:end])
        kind = member(message, "type")
        if kind in ("function_call", "custom_tool_call"):
            lines.append(_call(message))
            continue
        if isinstance(kind, str) and kind.endswith("_output"):
            lines.append(f"Tool result: {_texts(member(message, 'output'))[:MOST_OF_RESULT]}")
            continue
        role = member(message, "role")
        teller = _TELLERS.get(role, "") if isinstance(role, str) else ""
        content = member(message, "content")
        text = _texts(content)
        if text and teller:
            lines.append(f"{teller}: {text[:MOST_OF_RESULT] if teller == 'Tool result' else text}")
        lines += [_call(member(each, "function")) for each in _listed(member(message, "tool_calls"))]
        lines += _told_parts(_listed(content))
    return "\n".join(lines)


def _told_parts(parts: list[Any]) -> list[str]:
    lines = []
    for part in parts:
        if member(part, "type") == "tool_use":
            lines.append(_call(part))
        elif member(part, "type") == "tool_result":
            lines.append(f"Tool result: {_texts(member(part, 'content'))[:MOST_OF_RESULT]}")
    return lines


def _call(call: Any) -> str:
    arguments = member(call, "arguments")
    if not isinstance(arguments, str):
        arguments = msgspec.json.encode(member(call, "input") or {}).decode()
    return f"Assistant calls {member(call, 'name')}: {arguments[:MOST_OF_RESULT]}"


def _texts(content: Any) -> str:
    if isinstance(content, str):
        return content
    found = [member(part, "text") for part in _listed(content)]
    return "\n".join(each for each in found if isinstance(each, str))
