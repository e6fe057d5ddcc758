"""How near is near enough: the similarity from which a scope's semantic hits are wrong no more often than the bound says.

Each scope (tenant, feature) has verdicts: would-be hits before it serves any, and a share of its hits afterwards, each
with the similarity that it was found at and whether the stored answer was right. The threshold is the lowest similarity
above which the verdicts show, with 95 % confidence, that at most so many in a hundred are wrong. The judge errs too, so a
share of noes is read as a share of wrong hits the way `calibration` says. A scope that cannot show it serves exact hits
only.
"""

import math
from collections.abc import Iterable

import msgspec

from farthing.steps.cache.calibration import NOES, NOTHING, USUAL, Errors
from farthing.steps.cache.shares import clean, is_above, is_below, upper_limit

BUCKETS = 200
"""Similarities are counted in steps of 0.005."""
FLOOR = 0.5
"""No threshold lies below this; unrelated texts reach 0.6 and more with small encoders."""


class Tally(msgspec.Struct):
    """Verdicts of a scope by bucket of similarity: how many, how many of them wrong, and how many given by people."""

    all: list[int]
    wrong: list[int]
    people: list[int]

    @classmethod
    def empty(cls) -> "Tally":
        return cls(*([0] * (BUCKETS + 1) for _ in range(3)))

    def add(self, similarity: float, wrong: bool, *, people: bool = False) -> None:
        self.count(similarity, 1, int(wrong), int(people))

    def count(self, similarity: float, total: int, wrong: int, people: int) -> None:
        place = bucket_of(similarity)
        self.all[place] += total
        self.wrong[place] += wrong
        self.people[place] += people

    @classmethod
    def of(cls, verdicts: Iterable[tuple[float, bool]]) -> "Tally":
        tally = cls.empty()
        for similarity, wrong in verdicts:
            tally.add(similarity, wrong)
        return tally


class Threshold(msgspec.Struct, frozen=True):
    """What the verdicts allow."""

    similarity: float
    """The least that serves; above 1 where nothing may."""
    verdicts: int
    """Verdicts at or above it."""
    wrong: int
    upper: float
    """Upper confidence limit of the share of wrong hits at or above it."""

    @property
    def serves(self) -> bool:
        return self.similarity <= 1.0


def threshold(tally: Tally, bound: float, errors: Errors = NOTHING) -> Threshold:
    """The lowest similarity from which at most a share `bound` of hits is wrong, as far as `tally` shows.

    Looked for from the top. Below an opened region, one that is surely bad ends the search: good verdicts farther down
    cannot vouch for it.
    """
    opened: tuple[int, int, int, int] | None = None
    count = wrong = people = local_count = local_wrong = 0
    for place in range(BUCKETS, bucket_of(FLOOR) - 1, -1):
        if not tally.all[place]:
            continue
        count, wrong, people = count + tally.all[place], wrong + tally.wrong[place], people + tally.people[place]
        local_count, local_wrong = local_count + tally.all[place], local_wrong + tally.wrong[place]
        allowed = errors.noes(bound, 1 - people / count)
        if is_below(allowed, count, wrong, NOES):
            opened = (place, count, wrong, people)
            local_count = local_wrong = 0
        elif opened is not None and is_above(allowed, local_count, local_wrong, NOES):
            break
    if opened is None:
        return Threshold(1.01, 0, 0, 1.0)
    place, count, wrong, people = opened
    return Threshold(place / BUCKETS, count, wrong, most_wrong(count, wrong, errors, people))


def most_wrong(count: int, noes: int, errors: Errors, people: int = 0) -> float:
    """Upper limit (95 %) of the share of wrong hits, of which `noes` in `count` verdicts were seen, `people` of them given
    by people."""
    return errors.wrong(upper_limit(count, noes, NOES), 1 - people / count if count else 1.0)


def needed(bound: float, errors: Errors = USUAL) -> int:
    """Verdicts without a wrong one that show the bound, by a judge that errs so."""
    return clean(errors.noes(bound), NOES)


def bucket_of(similarity: float) -> int:
    return min(BUCKETS, max(0, math.floor(similarity * BUCKETS + 1e-9)))
