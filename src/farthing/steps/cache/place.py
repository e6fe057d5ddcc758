"""Where an answer may be given: the walls of the cache, as keys. What differs in any of this never meets."""

from functools import lru_cache
from hashlib import blake2b

import msgspec

REMEMBERED = 10_000
"""Walls of which the beginning of a key is kept."""


class Place(msgspec.Struct, frozen=True):
    """The walls around a call."""

    tenant: str
    share: str
    """Who shares answers: `team support`, `user ana`, `key key-7`, ..."""
    feature: str
    wire: str
    model: str
    """The model that was asked for."""
    options: str = ""
    """Headers that change what a provider answers."""

    def key(self, exact: bytes) -> bytes:
        """The key of one request in all its detail."""
        return self._digest("exact", exact)

    def group(self, context: bytes) -> bytes:
        """The key of all questions that may be compared: those with an equal context."""
        return self._digest("group", context)

    def _digest(self, kind: str, print_: bytes) -> bytes:
        found = _begun(kind, self.tenant, self.share, self.feature, self.wire, self.model, self.options).copy()
        found.update(_framed(print_))
        return found.digest()


def digest(*parts: bytes | str) -> bytes:
    """One short key of several parts, none of which can pass for another."""
    return blake2b(b"".join(map(_framed, parts)), digest_size=16).digest()


@lru_cache(REMEMBERED)
def _begun(*parts: str) -> blake2b:
    """The digest of several parts, to which one more comes."""
    return blake2b(b"".join(map(_framed, parts)), digest_size=16)


def _framed(part: bytes | str) -> bytes:
    data = part.encode() if isinstance(part, str) else part
    return len(data).to_bytes(8, "little") + data
