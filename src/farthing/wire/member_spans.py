"""Where a member of a JSON object lies, found with the parser's help: what it has read of the member is looked for in the bytes.
Where that is there twice, `splice` reads token by token. Knows no wire format.
"""

import msgspec

from farthing.wire import splice

_members = msgspec.json.Decoder(dict[str, msgspec.Raw])
SHORTEST = 8
"""Bytes; shorter values stand in many places."""


def span_of(body: bytes, name: str) -> tuple[int, int] | None:
    """Start and end of the value of a member; None where there is none, or null. Raises DecodeError, BadRequest."""
    raw = _members.decode(body).get(name)
    if raw is None:
        return None
    value = bytes(raw)
    if value == b"null":
        return None
    if len(value) >= SHORTEST:
        at = body.find(value)
        if body.find(value, at + 1) < 0:
            return at, at + len(value)
    return splice.value_span(body, msgspec.json.encode(name), splice.has_plain_names(body), known=True)
