"""Texts that are nearly the same: by the shingles that they share, estimated from the smallest hashes of each.

Two texts are alike where the Jaccard similarity of their shingles (runs of five characters, white space made equal) is at least
`ALIKE`. It is estimated from the `SKETCH` smallest hashes of their union (bottom-k sketches: E. Cohen, Size-estimation framework,
1997). Pairs are looked for among those that share a band: the smallest hash in each of four parts of the range, eight bands
in all (one permutation hashing: Li, Owen and Zhang, 2012), which a pair at 0.9 does in all but about one case in 4,000, and
words that all texts share bring no two together. Memory and time are linear in the texts. Knows nothing of what the texts
are.
"""

from collections import defaultdict
from hashlib import blake2b

SHINGLE = 5
SKETCH = 64
BANDS = 8
ROWS = 4
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
        hashes = _hashes(text)
        number = len(self._sketches)
        self._sketches.append(tuple(hashes[:SKETCH]))
        for key in _bands(hashes):
            self._by_key[key].append(number)
        return number

    def find(self, text: str) -> int | None:
        """The number of an earlier text that is nearly the same; None if there is none."""
        hashes = _hashes(text)
        sketch = tuple(hashes[:SKETCH])
        tried: set[int] = set()
        for key in _bands(hashes):
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
    return tuple(_hashes(text)[:SKETCH])


def similarity(one: tuple[int, ...], other: tuple[int, ...]) -> float:
    """Estimated Jaccard similarity of the texts with these sketches: exact for texts with no more shingles than a sketch has."""
    both = sorted(set(one) | set(other))[:SKETCH]
    shared = set(one) & set(other)
    return sum(each in shared for each in both) / len(both)


def _hashes(text: str) -> list[int]:
    """Of all shingles, in order."""
    plain = " ".join(text.split()).casefold()
    return sorted(map(_hash, {plain[at : at + SHINGLE] for at in range(max(1, len(plain) - SHINGLE + 1))}))


def _bands(hashes: list[int]) -> list[int]:
    """Keys that texts which are alike nearly always share one of."""
    parts = [0] * (BANDS * ROWS)
    for each in reversed(hashes):
        parts[each % len(parts)] = each  # the smallest comes last
    rows = [tuple(parts[at : at + ROWS]) for at in range(0, len(parts), ROWS)]
    return [hash((at, row)) for at, row in enumerate(rows) if any(row)]


def _hash(shingle: str) -> int:
    return int.from_bytes(blake2b(shingle.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")
