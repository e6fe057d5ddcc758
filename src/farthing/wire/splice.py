"""Change members of a JSON object and leave every other byte as it came. Knows no wire format.

Where a name is met once in the bytes, that is the member, because a parser has found it there; where it is met a few
times (a tool's schema has a `model` too), each place is tried: it is the top level's own if what stands before it, or
after it, is an object by itself; where it is met often, the places are counted. Members that the caller names twice are refused: the provider might read the other
one.
"""

import re

import msgspec

from farthing.model.errors import BadRequest

_STRING = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
AFTER_KEY = re.compile(rb"[ \t\r\n]*+:[ \t\r\n]*+")
_TOKEN = re.compile(_STRING + rb"|[{}\[\],:]", re.DOTALL)
_ESCAPED_LETTER = re.compile(rb"\\u00(?:[46][1-9a-fA-F]|[57][0-9aA]|5[fF])")
_VALUE_END = re.compile(rb"[ \t\r\n,}]")
_QUOTE, _COLON, _COMMA, _BACKSLASH = b'":,\\'
_FEW = 4
"""Places of a name that are tried one by one."""
MOST_TOKENS = 300_000
"""Of a body that must be read token by token, because its names are escaped or counting cannot tell; a tenth of a
second."""

Edit = tuple[int, int, bytes]
"""Start, end, and the bytes that stand there instead."""

_skip = msgspec.json.Decoder(msgspec.Raw)
_object = msgspec.json.Decoder(dict[str, msgspec.Raw])


def refuse_doubles(body: bytes, names: tuple[bytes, ...]) -> None:
    """Raise BadRequest if a top-level member of these names is there twice. `body` is a JSON object that was parsed;
    names are quoted, as they stand in it."""
    if not has_plain_names(body):
        keys = [key for key, _, _ in _walk(body)]
        for name in names:
            if keys.count(msgspec.json.decode(name)) > 1:
                raise _double(name)
        return
    for name in names:
        last = body.rfind(name)
        if last >= 0 and body.rfind(name, 0, last) >= 0 and len(_top_level(body, name)) > 1:
            raise _double(name)


def has_plain_names(body: bytes) -> bool:
    """Whether no letter in the body is written as an escape, as `mod\\u0065l` would be; nearly always so. One byte is found
    twenty times as fast as four."""
    return b"\\" not in body or body.rfind(b"\\u00") < 0 or _ESCAPED_LETTER.search(body) is None


def value_span(body: bytes, name: bytes, plain: bool, *, known: bool = False) -> tuple[int, int] | None:
    """Where the value of a top-level member lies; None if there is no such member. If there are two it is the last,
    which JSON libraries keep. `plain`: what `has_plain_names` says of the body. `known`: a parser has found the member, so that its only place needs no proof."""
    if not plain:
        wanted = msgspec.json.decode(name)
        places = [value for key, value, _ in _walk(body) if key == wanted]
        return _value(body, places[-1]) if places else None
    at = body.rfind(name)
    if at < 0:
        return None
    if not known or body.rfind(name, 0, at) >= 0:
        keys = _top_level(body, name)
        if not keys:
            return None
        at = keys[-1]
    colon = AFTER_KEY.match(body, at + len(name))
    return None if colon is None else _value(body, colon.end())


def renamed(body: bytes, asked: str, model: str) -> bytes:
    """The body with another name in `model`; `body` itself if it is the same one."""
    if model == asked:
        return body
    place = value_span(body, b'"model"', has_plain_names(body), known=True)
    return body if place is None else replace(body, [(*place, msgspec.json.encode(model))])


def replace(body: bytes, edits: list[Edit]) -> bytes:
    """The body with each (start, end, new bytes) put in; they do not overlap."""
    pieces = []
    at = 0
    for start, end, new in sorted(edits):
        pieces.append(body[at:start])
        pieces.append(new)
        at = end
    pieces.append(body[at:])
    return b"".join(pieces)


def first_member(body: bytes) -> int:
    """Where a new member can be put, a comma after it: behind the opening brace of an object that is not empty."""
    return body.index(b"{") + 1


def with_member(value: bytes, name: str, content: bytes) -> bytes:
    """A JSON object (or null) with one member set; the others keep their bytes, if not the space between them."""
    members = {} if value == b"null" else _object.decode(value)
    members[name] = msgspec.Raw(content)
    return msgspec.json.encode(members)


def _double(name: bytes) -> BadRequest:
    word = name.decode().strip('"')
    return BadRequest(f"`{word}` is there twice in the body; send it once", param=word)


def _value(body: bytes, start: int) -> tuple[int, int]:
    if body[start] == _QUOTE:
        quote = body.find(b'"', start + 1)
        if body[quote - 1] != _BACKSLASH:
            return start, quote + 1
        match = _TOKEN.match(body, start)
        assert match is not None, "a parser has found a string here"
        return start, match.end()
    depth = 0
    if body[start] in b"{[":
        for token in _TOKEN.finditer(body, start):
            mark = body[token.start()]
            if mark in b"{[":
                depth += 1
            elif mark in b"}]":
                depth -= 1
                if depth == 0:
                    return start, token.end()
    end = _VALUE_END.search(body, start)
    assert end is not None, "an object ends with a brace"
    return start, end.start()


def _top_level(body: bytes, name: bytes) -> list[int]:
    """Where the name stands as a key of the outermost object."""
    places: list[int] = []
    at = body.find(name)
    while at >= 0 and len(places) <= _FEW:
        places.append(at)
        at = body.find(name, at + len(name))
    try:
        if at < 0:
            return [place for place in places if _stands_free(body, place, len(name))]
        only = _only_one(body, name)
        if only is not None:
            return [only]
    except RecursionError:
        pass  # a body so deep that the parser reached its end only just before
    wanted = msgspec.json.decode(name)
    return [key for found, _, key in _walk(body) if found == wanted]


def _only_one(body: bytes, name: bytes) -> int | None:
    """The place of a name that stands once at the top and often below, told by counting: what a parser has made of the
    members holds all the other places. None if counting cannot tell."""
    members = _object.decode(body)
    word = msgspec.json.decode(name)
    before = below = 0
    for key, raw in members.items():
        if key == word:
            before = below
        below += bytes(raw).count(name)
    if word not in members or body.count(name) != below + 1:
        return None
    at = body.find(name)
    for _ in range(before):
        at = body.find(name, at + len(name))
    return at if _stands_free(body, at, len(name)) else None


def _stands_free(body: bytes, at: int, length: int) -> bool:
    """Whether a key begins at `at`, one level deep: then what stands before it needs just one more member to be an
    object, and what stands after it needs just the brace."""
    if body[at - 1] == _BACKSLASH or not AFTER_KEY.match(body, at + length):
        return False
    half = body[:at] + b'"":0}' if at * 2 < len(body) else b"{" + body[at:]
    try:
        _skip.decode(half)
    except msgspec.DecodeError:
        return False
    return True


def _walk(body: bytes) -> list[tuple[str, int, int]]:
    """Every top-level member, read token by token: its name, where its value begins, where its key begins."""
    found = []
    depth = 0
    key: str | None = None
    key_at = 0
    for count, token in enumerate(_TOKEN.finditer(body)):
        if count == MOST_TOKENS:
            raise BadRequest(
                "The body names its members in a way that takes too long to read; send each once, unescaped"
            )
        mark = body[token.start()]
        if mark in b"{[":
            depth += 1
        elif mark in b"}]":
            depth -= 1
        elif depth == 1:
            if mark == _QUOTE and key is None:
                key = msgspec.json.decode(token.group())
                key_at = token.start()
            elif mark == _COLON and key is not None:
                after = AFTER_KEY.match(body, token.start())
                assert after is not None, "the colon itself"
                found.append((key, after.end(), key_at))
            elif mark == _COMMA:
                key = None
    return found
