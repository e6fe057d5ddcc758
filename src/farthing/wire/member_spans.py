"""Where a member of a JSON object lies, found with the parser's help: what it has read of the member is looked for in the bytes,
behind its name. Where that is there twice, `splice` reads token by token. Knows no wire format.
"""

import msgspec

from farthing.wire import splice

_members = msgspec.json.Decoder(dict[str, msgspec.Raw])


def span_of(body: bytes, name: str) -> tuple[int, int] | None:
    """Start and end of the value of a member; None where there is none, or null. Raises DecodeError, BadRequest."""
    raw = _members.decode(body).get(name)
    return None if raw is None else span_of_read(body, name, raw)


def span_of_read(body: bytes, name: str, raw: msgspec.Raw) -> tuple[int, int] | None:
    """The same of a member that a parser has read already."""
    value = bytes(raw)
    if value == b"null":
        return None
    key, plain = msgspec.json.encode(name), splice.has_plain_names(body)
    found = places_of(body, key, value, 0, len(body)) if plain else []
    return found[0] if len(found) == 1 else splice.value_span(body, key, plain, known=True)


def places_of(body: bytes, key: bytes, value: bytes, start: int, end: int) -> list[tuple[int, int]]:
    """Where this value stands behind this name, with its quotes, between `start` and `end`, at whatever depth."""
    found = []
    at = body.find(key, start, end)
    while at >= 0:
        at += len(key)
        colon = splice.AFTER_KEY.match(body, at, end)
        if colon is not None and body.startswith(value, colon.end()):
            found.append((colon.end(), at := colon.end() + len(value)))
        at = body.find(key, at, end)
    return found
