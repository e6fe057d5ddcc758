"""Where an answer may be given: the walls of the cache, as keys. What differs in any of this never meets."""

from hashlib import blake2b

import msgspec


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
        return digest("exact", *self._walls(), exact)

    def group(self, context: bytes) -> bytes:
        """The key of all questions that may be compared: those with an equal context."""
        return digest("group", *self._walls(), context)

    def _walls(self) -> tuple[str, ...]:
        return self.tenant, self.share, self.feature, self.wire, self.model, self.options


def digest(*parts: bytes | str) -> bytes:
    """One short key of several parts, none of which can pass for another."""
    pieces: list[bytes] = []
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        pieces += (len(data).to_bytes(8, "little"), data)
    return blake2b(b"".join(pieces), digest_size=16).digest()
