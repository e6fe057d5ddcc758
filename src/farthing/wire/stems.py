"""What bodies have in common byte for byte, such as a long system prompt and a list of tools, so that it need not be read
each time: their beginning and their end, around messages that differ.

Kept in memory only, within bounds. What was made of it is for whoever reads bodies; knows nothing of that.
"""

from collections import OrderedDict
from typing import Generic, NamedTuple, TypeVar

KEY = 24
"""Bytes by which bodies are told apart at first; no beginning is shorter."""
SHORTEST, LONGEST = 1_024, 128 * 1024
"""Bytes of beginning and end together that are worth keeping, and that may be kept."""
MOST_KEYS, MOST_ALIKE = 16, 12
"""That are kept: so many with different first bytes, of each so many."""
MOST_SEEN = 1_024

Made = TypeVar("Made")


class Stem(NamedTuple, Generic[Made]):
    """The beginning and the end, and what was made of both."""

    head: bytes
    tail: bytes
    made: Made


class Stems(Generic[Made]):
    """See the module. `name` tells apart what means something else though it is spelled alike."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, bytes], list[Stem[Made]]] = OrderedDict()
        self._seen: OrderedDict[tuple[str, int], int] = OrderedDict()

    def find(self, name: str, body: bytes) -> Stem[Made] | None:
        """What is known of this body."""
        for kept in self._kept.get((name, body[:KEY]), ()):
            if body.startswith(kept.head) and body.endswith(kept.tail):
                return kept if len(kept.head) + len(kept.tail) <= len(body) else None
        return None

    def is_worth_it(self, name: str, digest: int) -> bool:
        """Whether what has this digest shall be kept now: at the second time, the fourth, the eighth and so on that it was
        not found, since what is around it may differ each time."""
        key = (name, digest)
        times = self._seen[key] = self._seen.pop(key, 0) + 1
        if len(self._seen) > MOST_SEEN:
            self._seen.popitem(last=False)
        return times > 1 and not times & (times - 1)

    def keep(self, name: str, stem: Stem[Made]) -> None:
        """Remember it, if it is of a size that is worth it."""
        if len(stem.head) < KEY or not SHORTEST <= len(stem.head) + len(stem.tail) <= LONGEST:
            return
        key = (name, stem.head[:KEY])
        alike = self._kept.setdefault(key, [])
        alike[:] = [stem, *alike][:MOST_ALIKE]
        self._kept.move_to_end(key)
        if len(self._kept) > MOST_KEYS:
            self._kept.popitem(last=False)
