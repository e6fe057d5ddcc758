"""What is foretold of one prompt, and the choice by it: the floor is then kept over all calls, not in each task."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from farthing.model.call import Call
from farthing.steps.route.choose import Candidate, Finer


class Foreseen(NamedTuple):
    """Of one call."""

    gaps: Mapping[str, float]
    """By model: score less the flagship's, on the safe side."""
    lengths: Mapping[str, float]
    """By model: its answer's length as a multiple of what is expected of such work."""
    worth: float
    """What a nano-dollar is worth in score."""

    def finer(self) -> Finer:
        return Finer(self.gaps, self.worth)


class Foresight(Protocol):
    """Who can tell."""

    def of(self, call: Call, floor: float) -> Foreseen | None:
        """None where nothing can be said: the table decides."""


class Nothing:
    """Foretells nothing."""

    def of(self, call: Call, floor: float) -> Foreseen | None:
        return None


NOTHING = Nothing()


def priced_anew(
    candidates: Sequence[Candidate], foreseen: Foreseen, cost_of: "CostOf"
) -> list[Candidate]:  # fmt: skip
    """The candidates at the lengths that are foretold. One without a price keeps what it had."""
    found = []
    for each in candidates:
        cost = cost_of(each.model, foreseen.lengths.get(each.model, 1.0))
        found.append(each if cost is None else each._replace(cost=cost))
    return found


class CostOf(Protocol):
    """What the call is expected to cost at a model that writes so many times as much as usual."""

    def __call__(self, model: str, longer: float, /) -> int | None: ...
