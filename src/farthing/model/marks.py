"""What a request is to say to its provider's prompt cache, whatever the provider's words for it. Plain values.

`steps/shape` decides it, `wire.marks` writes it into the body that is really sent.
"""

from typing import NamedTuple

import msgspec

from farthing.model.usage import Usage

MARKED, EXPLICIT, ALIKE = "cache_marked", "cache_explicit", "cache_alike"
"""Flags of an attempt whose request said what Farthing wanted kept: to a provider that keeps nothing by itself; to one that
would have kept all of it; to one that would have read as much without a word."""

CONTEXT = "cache_context"
"""Begins the flag of an attempt whose prompt begins with a context that Farthing has put into the provider's keeping; how many
in a hundred of its tokens the provider would have held by itself follows, behind a space."""

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


class Context(msgspec.Struct, frozen=True):
    """A beginning of prompts that lies at a provider under a name (Gemini's cached contents)."""

    provider: str
    """Its name in the settings."""
    model: str
    name: str
    opening: bytes
    """The bytes of a request that stand for it: they go, and the name comes."""
    by_itself: int = 0
    """Of a hundred of its tokens, how many the provider would have held without it."""

    @property
    def flag(self) -> str:
        return f"{CONTEXT} {self.by_itself}"


class Marks(msgspec.Struct, frozen=True):
    """All that one request says."""

    points: tuple[Mark, ...] = ()
    """In the order of the cache; the longer TTLs come first."""
    explicit: bool = False
    """Nothing but `points` is to be written, where a provider would write by itself; with no points: nothing at all."""
    goes_on: bool = False
    """The prompt goes on where an earlier one ended: providers that keep every end would have that too."""
    key: str = ""
    """What providers that spread calls over hosts are to keep together."""
    context: Context | None = None


def usage_without(flags: list[str], usage: Usage) -> Usage:
    """What an attempt with these flags would have used had Farthing said nothing; `usage` itself where it did not."""
    if MARKED in flags:
        return _all_input(usage, "uncached_in")
    context = next((flag for flag in flags if flag.startswith(CONTEXT)), "")
    if context:
        kept = usage.cache_read * int(context.rpartition(" ")[2]) // 100
        return msgspec.structs.replace(
            usage, uncached_in=usage.uncached_in + usage.cache_read - kept, cache_read=kept
        )  # fmt: skip
    return _all_input(usage, "w30m") if EXPLICIT in flags else usage


def _all_input(usage: Usage, bucket: str) -> Usage:
    text = usage.uncached_in + usage.cache_read + usage.written
    none = {"uncached_in": 0, "cache_read": 0, "w5m": 0, "w1h": 0, "w30m": 0, "w12h": 0}
    return msgspec.structs.replace(usage, **{**none, bucket: text})
