"""The blocks of a request in the order in which providers cache them: tools, system, messages. One parse.

After each block there is a boundary: a digest and the size of all that comes before it, whatever follows. Bytes count as
they came, since equal calls of one client are spelled alike. Where the blocks lie in the body is worked out only when
somebody asks. Knows nothing of models, prices and what is worth keeping.
"""

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple
from zlib import adler32, crc32

import msgspec

from farthing.model.marks import MESSAGE, SYSTEM, TOOLS, Place
from farthing.wire import splice
from farthing.wire.lenient import NULL
from farthing.wire.stems import SHORTEST, Stem, Stems
from farthing.wire.tokens import IMAGE_TOKENS

LONGEST = 8 * 1024 * 1024
"""Bytes of a body that is read."""
MOST_BLOCKS = 4_096
"""Blocks that are told apart; what follows them has no boundary of its own."""

_MARK = re.compile(
    rb'(?<!\\)"(?:cache_control|cachePoint|cache_point|cached_?[cC]ontent'
    rb'|prompt_cache_(?:breakpoint|options|key|retention))"\s*:'
)
_BEFORE_CACHE = len('"prompt_')
_SYSTEM_ROLES = (b'"system"', b'"developer"')
_LIST = b"["[0]


class Blocks:
    """What `blocks` finds. The lists run alike: one entry a boundary, in the order of the cache."""

    __slots__ = ("digests", "ends", "format", "lie", "marked", "places")

    def __init__(self, format: str, marked: bool) -> None:
        self.format = format
        self.marked = marked
        """The client plans its caching by itself: by marks, options, or a key."""
        self.places: list[Place] = []
        self.digests: list[int] = []
        """64 bits each, of all blocks up to the boundary."""
        self.ends: list[int] = []
        """Bytes of all blocks up to the boundary; a picture counts as the bytes of as many tokens of text."""
        self.lie: list[tuple[int, int]] | None = None
        """What `spans` has found."""

    def __len__(self) -> int:
        return len(self.places)


class _Chat(msgspec.Struct):
    messages: list[msgspec.Raw]
    tools: msgspec.Raw = NULL
    functions: msgspec.Raw = NULL
    response_format: msgspec.Raw = NULL
    reasoning_effort: msgspec.Raw = NULL
    verbosity: msgspec.Raw = NULL


class _Responses(msgspec.Struct):
    input: msgspec.Raw = NULL
    instructions: msgspec.Raw = NULL
    tools: msgspec.Raw = NULL
    text: msgspec.Raw = NULL
    reasoning: msgspec.Raw = NULL
    prompt: msgspec.Raw = NULL
    previous_response_id: msgspec.Raw = NULL
    conversation: msgspec.Raw = NULL


class _Messages(msgspec.Struct):
    messages: list[msgspec.Raw]
    system: msgspec.Raw = NULL
    tools: msgspec.Raw = NULL
    speed: msgspec.Raw = NULL
    tool_choice: msgspec.Raw = NULL
    thinking: msgspec.Raw = NULL


_chat_body = msgspec.json.Decoder(_Chat).decode
_responses_body = msgspec.json.Decoder(_Responses).decode
_messages_body = msgspec.json.Decoder(_Messages).decode
_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_list = msgspec.json.Decoder(list[msgspec.Raw]).decode


def blocks(format: str, body: bytes) -> Blocks | None:
    """The blocks of a request; None for formats without a prompt, and for one that cannot be read. Never raises."""
    if format not in _READERS or len(body) > LONGEST:
        return None
    stem = _stems.find(format, body)
    try:
        if stem is not None and (found := _between(format, body, stem)) is not None:
            return found
        reader = _read_whole(format, body)
        if stem is None and reader.opening is not None and not reader.found.marked:
            _keep_stem(body, reader.found, reader.opening)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
    return reader.found


def _read_whole(format: str, body: bytes) -> "_Reader":
    reader = _Reader(Blocks(format, is_marked(body)))
    _READERS[format](body, reader)
    return reader


def is_marked(body: bytes) -> bool:
    """Whether a request says anything about its provider's cache. A member of a tool's schema that has such a name
    counts too, and so does one whose name is escaped: whoever is in doubt leaves the request alone."""
    if _says_mark(body):
        return True
    return not splice.has_plain_names(body) and _says_mark(_respelled(body))


def _says_mark(body: bytes) -> bool:
    """By the word that all such names have: looking for their quotes takes a millisecond in a long request. From the end, which
    is the faster way."""
    at = body.rfind(b"cache")
    while at >= 0:
        quote = body.rfind(b'"', max(0, at - _BEFORE_CACHE), at)
        if quote >= 0 and _MARK.match(body, quote) is not None:
            return True
        at = body.rfind(b"cache", 0, at)
    return False


def _respelled(body: bytes) -> bytes:
    try:
        return msgspec.json.encode(msgspec.json.decode(body))
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return body


class _Opening(NamedTuple):
    """How far a reader was when all but the conversation was read."""

    messages: int
    """Those of the system, which come first."""
    blocks: int
    crc: int
    adler: int
    size: int
    places: tuple[Place, ...] = ()
    digests: tuple[int, ...] = ()
    ends: tuple[int, ...] = ()


_stems: Stems[_Opening] = Stems()
_BEGINS = frozenset(("openai.chat", "openai.responses"))
"""Formats in which the system's messages come first in the list."""


def _between(format: str, body: bytes, stem: Stem[_Opening]) -> Blocks | None:
    """The blocks of a body of which only the messages in the middle have to be read: what is around them is known. None
    where it takes the whole body to tell."""
    opening = stem.made
    middle = body[len(stem.head) : len(body) - len(stem.tail)]
    messages = listed(middle, behind=opening.messages > 0)
    if messages is None:
        return None
    marked = _says_mark(middle)
    reader = _Reader(Blocks(format, marked))
    reader.go_on(opening)
    reader.messages(messages, begin=format in _BEGINS, first=opening.messages)
    return reader.found


def listed(middle: bytes, *, behind: bool) -> list[msgspec.Raw] | None:
    """The elements in a part of a JSON array that reaches to its end; `behind`: another element comes before. None where no
    letter may be read as it is written, or nothing is there. Raises DecodeError."""
    if middle.rfind(b"\\u00") >= 0:
        return None
    if behind:
        middle = middle.lstrip(b" \t\r\n")
        if middle[:1] != b",":
            return None
        middle = middle[1:]
    return _list(b"[%b]" % middle) or None


def _keep_stem(body: bytes, found: Blocks, opening: _Opening) -> None:
    """Remember what is around the conversation, where that has come before."""
    if opening.size < SHORTEST or not _stems.is_worth_it(found.format, opening.crc << 32 | opening.adler):
        return
    place = value_of(body, _NAMES[found.format][MESSAGE], splice.has_plain_names(body))
    if place is None or body[place[0]] != _LIST:
        return
    start = place[0] + 1
    if opening.messages:
        start = list(elements(body, place))[opening.messages - 1][1]
    made = opening._replace(
        places=tuple(found.places[: opening.blocks]), digests=tuple(found.digests[: opening.blocks]),
        ends=tuple(found.ends[: opening.blocks]),
    )  # fmt: skip
    _stems.keep(found.format, Stem(body[:start], body[place[1] - 1 :], made))


class _Reader:
    """Runs over the blocks and keeps the sum of what it has seen."""

    __slots__ = ("_adler", "_crc", "_size", "found", "opening")

    def __init__(self, found: Blocks) -> None:
        self.found = found
        self.opening: _Opening | None = None
        self._crc = 0
        self._adler = 1
        self._size = 0

    def go_on(self, opening: _Opening) -> None:
        """Be where another one was."""
        self.opening = opening
        self._crc, self._adler, self._size = opening.crc, opening.adler, opening.size
        found = self.found
        found.places, found.digests = list(opening.places), list(opening.digests)
        found.ends = list(opening.ends)

    def see(self, raw: bytes) -> None:
        """Something that the prefix depends on, but that is no block."""
        self._crc, self._adler = crc32(raw, self._crc), adler32(raw, self._adler)

    def around(self, *members: msgspec.Raw) -> None:
        for at, raw in enumerate(members):
            if raw is not NULL:
                self.see(b"\0%d" % at + bytes(raw))

    def block(self, raw: bytes, part: str, index: int, block: int) -> None:
        self._crc = crc = crc32(raw, self._crc)
        self._adler = adler = adler32(raw, self._adler)
        self._size += seen_size(raw)
        found = self.found
        if len(found.places) < MOST_BLOCKS:
            found.places.append(Place(part, index, block))
            found.digests.append(crc << 32 | adler)
            found.ends.append(self._size)

    def tools(self, raw: msgspec.Raw) -> None:
        if raw is not NULL:
            value = bytes(raw)
            if len(value) > 2 and value != b"null":
                self.block(value, TOOLS, -1, 0)

    def system(self, raw: msgspec.Raw) -> None:
        """A system prompt that is no message."""
        value = b"" if raw is NULL else bytes(raw)
        if value[:1] == b"[":
            for at, block in enumerate(_list(value)):
                self.block(bytes(block), SYSTEM, -1, at)
        elif value[:1] == b'"':
            self.block(value, SYSTEM, -1, 0)

    def messages(self, messages: list[msgspec.Raw], *, begin: bool, first: int = 0) -> None:
        """`begin`: messages with the role of the system may come first. `first`: the number of the first one."""
        if not begin:
            self._opened(first)
        for index, raw in enumerate(messages, first):
            value = bytes(raw)
            part = MESSAGE
            members: dict[str, msgspec.Raw] | None = None
            if begin or value.rfind(b"[") >= 0:
                members = _members(value)
                if begin:
                    begin = bytes(members.get("role", b"")) in _SYSTEM_ROLES
                    part = SYSTEM if begin else MESSAGE
                    if not begin:
                        self._opened(index)
                content = members.get("content")
                if content is None or memoryview(content)[0] != _LIST:
                    members = None
            if members is None:
                self.block(value, part, index, 0)
            else:
                self._listed(value, members, part, index)

    def _opened(self, messages: int) -> None:
        if self.opening is None:
            self.opening = _Opening(messages, len(self.found.places), self._crc, self._adler, self._size)

    def _listed(self, value: bytes, members: dict[str, msgspec.Raw], part: str, index: int) -> None:
        """A message with a list of blocks. What else it has, such as calls of tools, belongs to its end."""
        parts = _list(members.pop("content"))
        if not parts:
            self.block(value, part, index, 0)
            return
        self.see(b"\0" + bytes(members.pop("role", b"")))
        last = len(parts) - 1
        for at in range(last):
            self.block(bytes(parts[at]), part, index, at)
        for name, raw in members.items():
            self.see(name.encode("utf-8", "replace") + bytes(raw))
        self.block(bytes(parts[last]), part, index, last)


def seen_size(raw: bytes) -> int:
    """The bytes of text that a model would read as long as what is in a block, which may have pictures or files in it."""
    if len(raw) < 4 * IMAGE_TOKENS or raw.rfind(b"base64") < 0:
        return len(raw)
    pictures = [match.end() - match.start() for match in _PAYLOAD.finditer(raw)]
    return len(raw) - sum(pictures) + len(pictures) * 4 * IMAGE_TOKENS


_PAYLOAD = re.compile(rb"[A-Za-z0-9+/=_-]{1024,}+")


def _chat(body: bytes, reader: _Reader) -> None:
    request = _chat_body(body)
    reader.around(request.response_format, request.reasoning_effort, request.verbosity)
    reader.tools(request.tools if request.tools is not NULL else request.functions)
    reader.messages(request.messages, begin=True)


def _responses(body: bytes, reader: _Reader) -> None:
    request = _responses_body(body)
    reader.around(request.previous_response_id, request.conversation, request.prompt, request.text, request.reasoning)
    reader.tools(request.tools)
    reader.system(request.instructions)
    given = b"" if request.input is NULL else bytes(request.input)
    if given[:1] == b"[":
        reader.messages(_list(given), begin=True)
    elif given[:1] == b'"':
        reader.block(given, MESSAGE, 0, 0)


def _messages(body: bytes, reader: _Reader) -> None:
    request = _messages_body(body)
    reader.around(request.speed)
    reader.tools(request.tools)
    reader.system(request.system)
    reader.around(request.tool_choice, request.thinking)
    reader.messages(request.messages, begin=False)


_READERS: dict[str, Callable[[bytes, _Reader], None]] = {
    "openai.chat": _chat, "openai.responses": _responses, "anthropic.messages": _messages
}  # fmt: skip


def spans(body: bytes, found: Blocks) -> list[tuple[int, int]]:
    """Where each of the blocks lies in `body`, of which `found` was made: (start, end) in bytes."""
    if found.lie is None:
        found.lie = _spans(body, found)
    return found.lie


def _spans(body: bytes, found: Blocks) -> list[tuple[int, int]]:
    plain = splice.has_plain_names(body)
    names = _NAMES[found.format]
    places: list[tuple[int, int]] = []
    message, parts = -1, list[tuple[int, int]]()
    listed = value_of(body, names[MESSAGE], plain)
    messages = list(elements(body, listed)) if listed is not None and body[listed[0]] == _LIST else [listed]
    system = value_of(body, names[SYSTEM], plain) if SYSTEM in names else None
    systems = list(elements(body, system)) if system is not None and body[system[0]] == _LIST else [system]
    tools = value_of(body, b'"tools"', plain)
    for place in found.places:
        if place.part == TOOLS:
            if tools is None:
                tools = value_of(body, b'"functions"', plain)
            span = tools
        elif place.message < 0:
            span = systems[place.block]
        else:
            if place.message != message:
                message, parts = place.message, _parts(body, messages[place.message])
            span = parts[place.block]
        assert span is not None, "the blocks are those of this body"
        places.append(span)
    return places


_NAMES = {
    "openai.chat": {MESSAGE: b'"messages"'},
    "openai.responses": {MESSAGE: b'"input"', SYSTEM: b'"instructions"'},
    "anthropic.messages": {MESSAGE: b'"messages"', SYSTEM: b'"system"'},
}


def _parts(body: bytes, message: tuple[int, int] | None) -> list[tuple[int, int]]:
    """The blocks of a message, or the message itself where its content is one text."""
    assert message is not None, "the blocks are those of this body"
    start, end = message
    if body[start] != b"{"[0]:
        return [message]
    raw = body[start:end]
    content = value_of(raw, b'"content"', splice.has_plain_names(raw))
    if content is None or raw[content[0]] != _LIST:
        return [message]
    inner = [(start + first, start + last) for first, last in elements(raw, content)]
    return inner or [message]


def value_of(body: bytes, name: bytes, plain: bool) -> tuple[int, int] | None:
    """As `splice.value_span`, without `null`."""
    place = splice.value_span(body, name, plain)
    return None if place is None or body[place[0] : place[1]] == b"null" else place


def elements(body: bytes, array: tuple[int, int]) -> Iterator[tuple[int, int]]:
    """Where the elements of a JSON array lie."""
    at = array[0] + 1
    for raw in _list(body[array[0] : array[1]]):
        gap = _GAP.match(body, at)
        assert gap is not None, "it may be empty"
        at = gap.end()
        size = len(bytes(raw))
        yield at, at + size
        at += size


_GAP = re.compile(rb"[ \t\r\n,]*+")
