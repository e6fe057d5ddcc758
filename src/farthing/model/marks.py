"""What a request is to say to its provider's prompt cache, whatever the provider's words for it. Plain values.

`steps/shape` decides it, `wire.marks` writes it into the body that is really sent.
"""

from typing import NamedTuple

import msgspec

TOOLS, SYSTEM, MESSAGE = "tools", "system", "message"


class Place(NamedTuple):
    """Where a block of a request stands."""

    part: str
    """TOOLS; SYSTEM, which for OpenAI's formats are the messages of such a role that come first; MESSAGE."""
    message: int
    """The message in the request's list; -1 for tools, and for a system prompt that is no message."""
    block: int
    """The block inside its content; 0 where the content is one text."""


class Mark(msgspec.Struct, frozen=True):
    """The prompt up to here is to be kept."""

    place: Place
    ttl: str
    """5m, 1h, 30m, 12h."""
    end: bool = False
    """It is the last block of the part, so that it has its place in another format too."""


class Marks(msgspec.Struct, frozen=True):
    """All that one request says."""

    points: tuple[Mark, ...] = ()
    """In the order of the cache; the longer TTLs come first."""
    explicit: bool = False
    """Nothing but `points` is to be written, where a provider would write by itself; with no points: nothing at all."""
    key: str = ""
    """What providers that spread calls over hosts are to keep together."""
