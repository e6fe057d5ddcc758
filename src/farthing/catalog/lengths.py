"""How long answers are: counts by size, from which a high quantile can be read. Knows nothing of models and tasks.

Bins are quarters of an octave, so that the quantile's upper edge is at most 19 % above the truth.
"""

from array import array
from math import ceil, log2

BINS = 88
"""Up to 2**22 tokens; what is longer falls into the last."""


class Lengths:
    """A histogram of output tokens."""

    __slots__ = ("_counts",)

    def __init__(self) -> None:
        self._counts = array("L", bytes(BINS * array("L").itemsize))

    def add(self, tokens: int) -> None:
        """Count one answer."""
        self._counts[min(int(4 * log2(tokens)), BINS - 1) if tokens > 1 else 0] += 1

    def forget_half(self) -> None:
        """Let what was counted weigh half as much."""
        for place, count in enumerate(self._counts):
            if count:
                self._counts[place] = count // 2

    @property
    def total(self) -> int:
        return sum(self._counts)

    def at_most(self, share: float) -> int | None:
        """Tokens that the next answer stays within, with a chance of `share`, if it is like those before: the
        ceil((n + 1) * share)-th smallest (the conformal quantile). None while there are too few answers to say."""
        counted = self.total
        rank = ceil((counted + 1) * share)
        if rank > counted:
            return None
        above = 0
        for place in range(BINS - 1, -1, -1):
            above += self._counts[place]
            if above > counted - rank:
                return ceil(2 ** ((place + 1) / 4))
        raise AssertionError("the counts add up to their total")
