"""Evidence of how good a model's answers are, as sums that can be added up in any order, by any number of gateways.

`quality/` gathers and reads it, `store/` keeps it. No prompt and no answer is ever in it.
"""

from collections.abc import Iterable
from typing import Literal

import msgspec

Source = Literal["check", "feedback", "shadow", "eval"]
"""A programmatic check of an answer; what people say; a second answer to the same request; a set with known answers."""

SOURCES: tuple[Source, ...] = ("check", "feedback", "shadow", "eval")


class About(msgspec.Struct, frozen=True):
    """What evidence is about."""

    tenant: str
    scope: str
    """As in `model.routes`: `template:HASH`, `task:NAME`."""
    model: str
    source: Source
    served: str = ""
    """The version that ran, as the provider names it: another version is another model as far as evidence goes."""
    against: str = ""
    """The model that it was compared with on the same request; empty where its answers were scored alone."""


class Sums(msgspec.Struct, frozen=True):
    """Comparisons: how many, and by how much the answers were better and worse, each difference from -1 to 1. Where answers
    were scored alone: how many, the sum of the scores (0 to 1), and what they lack to 1."""

    n: float = 0.0
    better: float = 0.0
    worse: float = 0.0

    def __add__(self, other: "Sums") -> "Sums":
        return Sums(self.n + other.n, self.better + other.better, self.worse + other.worse)

    @property
    def same(self) -> float:
        """The weight of no difference."""
        return max(0.0, self.n - self.better - self.worse)

    @property
    def difference(self) -> float:
        """The mean difference; 0 where nothing was seen."""
        return (self.better - self.worse) / self.n if self.n else 0.0


class Seen(msgspec.Struct, frozen=True):
    """Evidence that one gateway gathered between two writes."""

    about: About
    sums: Sums
    at_us: int


def difference(d: float) -> Sums:
    """One comparison. `d` is what the answer scored more than the other one, -1 to 1."""
    d = max(-1.0, min(1.0, d))
    return Sums(1.0, max(d, 0.0), max(-d, 0.0))


def score(s: float) -> Sums:
    """One answer that was scored alone, 0 to 1."""
    s = max(0.0, min(1.0, s))
    return Sums(1.0, s, 1.0 - s)


def total(sums: Iterable[Sums]) -> Sums:
    return sum(sums, Sums())
