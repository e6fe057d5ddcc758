"""Texts that are nearly the same: by the shingles that they share, estimated from the smallest hashes of each.

Two texts are alike where the Jaccard similarity of their shingles (runs of five characters, white space made equal) is at least
`ALIKE`. It is estimated from the `SKETCH` smallest hashes of their union (bottom-k sketches: E. Cohen, Size-estimation framework,
1997); pairs are looked for among those that share one of their `KEYS` smallest, which misses a pair at 0.9 about once in
2,000. Memory and time are linear in the texts. Knows nothing of what the texts are.
"""

from collections import defaultdict
from hashlib import blake2b

SHINGLE = 5
SKETCH = 64
KEYS = 4
ALIKE = 0.9
MOST_TRIED = 50
"""Earlier texts that one is held against."""


class Alike:
    """Remembers texts, and finds one that was nearly the same."""

    def __init__(self, alike: float = ALIKE) -> None:
        self._alike = alike
        self._sketches: list[tuple[int, ...]] = []
        self._by_key: dict[int, list[int]] = defaultdict(list)

    def add(self, text: str) -> int:
        """Remember it; the number by which `find` names it."""
        sketch = sketch_of(text)
        number = len(self._sketches)
        self._sketches.append(sketch)
        for key in sketch[:KEYS]:
            self._by_key[key].append(number)
        return number

    def find(self, text: str) -> int | None:
        """The number of an earlier text that is nearly the same; None if there is none."""
        sketch = sketch_of(text)
        tried: set[int] = set()
        for key in sketch[:KEYS]:
            for number in reversed(self._by_key.get(key, ())):
                if number in tried:
                    continue
                if len(tried) >= MOST_TRIED:
                    return None
                tried.add(number)
                if similarity(sketch, self._sketches[number]) >= self._alike:
                    return number
        return None


def sketch_of(text: str) -> tuple[int, ...]:
    """The smallest hashes of its shingles, in order."""
    plain = " ".join(text.split()).casefold()
    shingles = {plain[at : at + SHINGLE] for at in range(max(1, len(plain) - SHINGLE + 1))}
    return tuple(sorted(map(_hash, shingles))[:SKETCH])


def similarity(one: tuple[int, ...], other: tuple[int, ...]) -> float:
    """Estimated Jaccard similarity of the texts with these sketches: exact for texts with no more shingles than a sketch has."""
    both = sorted(set(one) | set(other))[:SKETCH]
    shared = set(one) & set(other)
    return sum(each in shared for each in both) / len(both)


def _hash(shingle: str) -> int:
    return int.from_bytes(blake2b(shingle.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")
