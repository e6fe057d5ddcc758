"""Where in a request the texts lie that may be shaped: results of tools, what users and applications say, instructions.

Never what an assistant said (its calls of tools and its signed thoughts are there), and nothing that a client's own mark
for its provider's cache stands behind: that must keep its bytes. A request whose names are escaped has no such places.
"""

import re
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import msgspec

from farthing.wire import splice
from farthing.wire.lenient import NULL
from farthing.wire.member_spans import places_of

LONGEST = 8 * 1024 * 1024
"""Bytes of a body that is read."""

Kind = Literal["tool", "user", "system"]
Wants = Callable[[memoryview, Kind], bool]


class Slot(NamedTuple):
    """One text of a request."""

    start: int
    """Where its JSON string begins, with the quote, in bytes."""
    end: int
    kind: Kind
    id: str = ""
    """The call of a tool that it is the result of."""
    beside: bool = False
    """Other parts of the message stand beside it: a program has put it there, not whoever wrote."""


class Places(NamedTuple):
    """What `places` finds, in the order of the body."""

    slots: list[Slot]
    tools: bytes = b""
    """The list of tools as it is written; empty where there is none."""
    free: bool = True
    """Nothing is marked, so that the list of tools may be shaped too."""
    escapes: bool = True
    """Somewhere a character is written as its number."""


class _Chat(msgspec.Struct):
    messages: list[msgspec.Raw]
    system: msgspec.Raw = NULL
    tools: msgspec.Raw = NULL
    cache_control: msgspec.Raw = NULL


class _Responses(msgspec.Struct):
    input: msgspec.Raw
    instructions: msgspec.Raw = NULL
    tools: msgspec.Raw = NULL


class _Message(msgspec.Struct):
    role: str = ""
    type: str = "message"
    content: msgspec.Raw = NULL
    output: msgspec.Raw = NULL
    tool_call_id: Any = ""
    call_id: Any = ""


class _Part(msgspec.Struct):
    type: Any = ""
    text: msgspec.Raw = NULL
    content: msgspec.Raw = NULL
    tool_use_id: Any = ""


_chat = msgspec.json.Decoder(_Chat).decode
_responses = msgspec.json.Decoder(_Responses).decode
_message = msgspec.json.Decoder(_Message).decode
_part = msgspec.json.Decoder(_Part).decode
_list = msgspec.json.Decoder(list[msgspec.Raw]).decode

_MARKS = (b'"cache_control"', b'"prompt_cache_breakpoint"', b'"cachePoint"', b'"cache_point"')
_GAP = re.compile(rb"[ \t\r\n,]*+")
_QUOTE, _OPEN_LIST, _OPEN = b'"[{'
_SYSTEM_ROLES = ("system", "developer")
_TOOL_ROLES = ("tool", "function")
_TEXTS = ("text", "input_text")

FORMATS = ("openai.chat", "openai.responses", "anthropic.messages")


def place_of_tools(body: bytes, tools: bytes) -> tuple[int, int] | None:
    """Where `Places.tools` lies."""
    return _value(body, b'"tools"', tools, 0, len(body))


def places(format: str, body: bytes, wants: Wants) -> Places | None:
    """Where the texts lie. `wants` looks at a JSON string, as it is written, before anybody looks for its place. None for other formats, and for a body that cannot be read or is marked as a whole. Never raises."""
    if format not in FORMATS or len(body) > LONGEST:
        return None
    escapes = body.rfind(b"\\u") >= 0
    if escapes and not splice.has_plain_names(body):
        return None
    try:
        found = _Finder(body, wants).find(format)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
    return found._replace(escapes=escapes) if found is not None else None


class _Finder:
    def __init__(self, body: bytes, wants: Wants) -> None:
        self._body = body
        self._wants = wants
        self._slots: list[Slot] = []

    def find(self, format: str) -> Places | None:
        body, system_name = self._body, b'"system"'
        marked = max(body.rfind(mark) for mark in _MARKS) if body.rfind(b"cache") >= 0 else -1
        if format == "openai.responses":
            request = _responses(body)
            system, tools, system_name = request.instructions, request.tools, b'"instructions"'
            if memoryview(request.input)[0] == _QUOTE:
                return self._one_text(request.input, marked)
            messages, array = _list(request.input), b'"input"'
        else:
            chat = _chat(body)
            if chat.cache_control is not NULL:
                return None
            system, tools, messages, array = chat.system, chat.tools, chat.messages, b'"messages"'
        listed = self._array(array, messages)
        if listed is None or (marked > listed[-1][1] and self._is_late(tools, system, marked)):
            return None
        for (start, end), raw in zip(listed, messages, strict=True):
            if start > marked or marked > listed[-1][1]:
                self._message(start, end, _message(raw))
        if marked < 0 and system is not NULL:
            self._content(system, system_name, 0, len(body), "system", "")
        self._slots.sort()
        return Places(self._slots, b"" if tools is NULL else bytes(tools), free=marked < 0)

    def _one_text(self, raw: msgspec.Raw, marked: int) -> Places | None:
        if marked >= 0:
            return None
        self._content(raw, b'"input"', 0, len(self._body), "user", "")
        return Places(self._slots)

    def _array(self, name: bytes, items: list[msgspec.Raw]) -> list[tuple[int, int]] | None:
        """Where the items of a list lie that a parser has read. None where no place looks like it, or two do."""
        body, found = self._body, None
        at = body.find(name)
        while at >= 0 and items:
            after = splice.AFTER_KEY.match(body, at + len(name))
            spans = self._items(after.end(), items) if after is not None else None
            if spans is not None:
                if found is not None:
                    return None
                found = spans
            at = body.find(name, spans[-1][1] if spans is not None else at + len(name))
        return found

    def _items(self, at: int, items: list[msgspec.Raw]) -> list[tuple[int, int]] | None:
        body = self._body
        if body[at : at + 1] != b"[":
            return None
        at += 1
        spans = []
        for item in items:
            gap = _GAP.match(body, at)
            assert gap is not None, "it may be empty"
            at = gap.end()
            raw = bytes(item)
            end = at + len(raw)
            if not body.startswith(raw, at):
                return None
            spans.append((at, end))
            at = end
        return spans

    def _is_late(self, tools: msgspec.Raw, system: msgspec.Raw, marked: int) -> bool:
        """Whether the last mark, behind the messages, belongs neither to tools nor to the system's part."""
        for raw, name in ((tools, b'"tools"'), (system, b'"system"')):
            if raw is not NULL:
                place = _value(self._body, name, bytes(raw), 0, len(self._body))
                if place is not None and place[0] <= marked < place[1]:
                    return self._has_marks_before(place)
        return True

    def _has_marks_before(self, place: tuple[int, int]) -> bool:
        """Marks in the messages hide behind one in tools that come later in the body: then nothing is certain."""
        return any(self._body.find(mark, 0, place[0]) >= 0 for mark in _MARKS)

    def _message(self, start: int, end: int, message: _Message) -> None:
        """The texts of one message."""
        if message.type.endswith("_output"):
            self._content(message.output, b'"output"', start, end, "tool", message.call_id)
        elif message.role in _TOOL_ROLES:
            self._content(message.content, b'"content"', start, end, "tool", message.tool_call_id)
        elif message.role == "user":
            self._content(message.content, b'"content"', start, end, "user", "")
        elif message.role in _SYSTEM_ROLES:
            self._content(message.content, b'"content"', start, end, "system", "")

    def _content(
        self, raw: msgspec.Raw, name: bytes, start: int, end: int, kind: Kind, id: object, *, beside: bool = False
    ) -> None:  # fmt: skip
        """The texts of a content: one string, or a list of blocks, of which some hold a content of their own."""
        view = memoryview(raw)
        if view[0] == _QUOTE:
            if not self._wants(view, kind):
                return
        elif view[0] != _OPEN_LIST:
            return
        place = _value(self._body, name, bytes(raw), start, end)
        if place is None:
            return
        label = id if isinstance(id, str) else ""
        if view[0] == _QUOTE:
            self._slots.append(Slot(*place, kind, label, beside))
            return
        blocks = _list(raw)
        spans = self._items(place[0], blocks)
        assert spans is not None, "the blocks are those of this list"
        for (first, last), block in zip(spans, blocks, strict=True):
            if self._body[first] == _OPEN:
                self._block(_part(block), first, last, kind, label, beside=len(blocks) > 1)

    def _block(self, part: _Part, start: int, end: int, kind: Kind, id: str, *, beside: bool) -> None:
        if part.type in _TEXTS:
            self._content(part.text, b'"text"', start, end, kind, id, beside=beside)
        elif part.type == "tool_result" and kind == "user":
            self._content(part.content, b'"content"', start, end, "tool", part.tool_use_id)


def _value(body: bytes, name: bytes, value: bytes, start: int, end: int) -> tuple[int, int] | None:
    """Where the value of a member lies that a parser has read between `start` and `end`. None if two places look like
    it, which is as good as none."""
    found = places_of(body, name, value, start, end)
    return found[0] if len(found) == 1 else None
