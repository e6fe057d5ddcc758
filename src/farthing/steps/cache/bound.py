"""How near is near enough: the similarity from which a scope's semantic hits are wrong no more often than the bound says.

Each scope (tenant, feature) has verdicts: would-be hits before it serves any, and a share of its hits afterwards, each
with the similarity that it was found at and whether the stored answer was right. The threshold is the lowest similarity
above which the verdicts show, with 95 % confidence, that at most so many in a hundred are wrong (Clopper and Pearson,
Biometrika 26, 1934: the exact upper limit of a binomial share). A scope that cannot show it serves exact hits only.
"""

import math
from collections.abc import Callable, Iterable

import msgspec

CONFIDENCE = 0.95
BUCKETS = 200
"""Similarities are counted in steps of 0.005."""
FLOOR = 0.5
"""No threshold lies below this; unrelated texts reach 0.6 and more with small encoders."""


class Tally(msgspec.Struct):
    """Verdicts of a scope by bucket of similarity: how many, and how many of them wrong."""

    all: list[int]
    wrong: list[int]

    @classmethod
    def empty(cls) -> "Tally":
        return cls([0] * (BUCKETS + 1), [0] * (BUCKETS + 1))

    def add(self, similarity: float, wrong: bool, count: int = 1) -> None:
        place = bucket_of(similarity)
        self.all[place] += count
        self.wrong[place] += count * wrong

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


def threshold(tally: Tally, bound: float, confidence: float = CONFIDENCE) -> Threshold:
    """The lowest similarity from which at most a share `bound` of hits is wrong, as far as `tally` shows.

    Looked for from the top. Below an opened region, one that is surely bad ends the search: good verdicts farther down
    cannot vouch for it.
    """
    best = Threshold(1.01, 0, 0, 1.0)
    count = wrong = local_count = local_wrong = 0
    for place in range(BUCKETS, bucket_of(FLOOR) - 1, -1):
        if not tally.all[place]:
            continue
        count, wrong = count + tally.all[place], wrong + tally.wrong[place]
        local_count, local_wrong = local_count + tally.all[place], local_wrong + tally.wrong[place]
        upper = upper_limit(count, wrong, confidence) if wrong <= bound * count else 1.0
        if upper <= bound:
            best = Threshold(place / BUCKETS, count, wrong, upper)
            local_count = local_wrong = 0
        elif best.serves and lower_limit(local_count, local_wrong, confidence) > bound:
            break
    return best


def needed(bound: float, confidence: float = CONFIDENCE) -> int:
    """Verdicts without a wrong one that show the bound."""
    return math.ceil(math.log(1 - confidence) / math.log(1 - bound))


def bucket_of(similarity: float) -> int:
    return min(BUCKETS, max(0, math.floor(similarity * BUCKETS + 1e-9)))


def upper_limit(count: int, wrong: int, confidence: float = CONFIDENCE) -> float:
    """One-sided upper limit of a share of which `wrong` in `count` were seen."""
    if wrong >= count:
        return 1.0
    return _solve(lambda share: _at_most(wrong, count, share) - (1 - confidence))


def lower_limit(count: int, wrong: int, confidence: float = CONFIDENCE) -> float:
    """One-sided lower limit."""
    if wrong == 0:
        return 0.0
    return _solve(lambda share: (1 - confidence) - (1 - _at_most(wrong - 1, count, share)))


def _at_most(most: int, count: int, share: float) -> float:
    """Probability of at most `most` in `count` where each happens with `share`."""
    if share <= 0:
        return 1.0
    if share >= 1:
        return 1.0 if most >= count else 0.0
    log_odds = math.log(share) - math.log1p(-share)
    term = count * math.log1p(-share)
    logs = [term]
    for number in range(1, most + 1):
        term += math.log(count - number + 1) - math.log(number) + log_odds
        logs.append(term)
    top = max(logs)
    return min(1.0, math.exp(top) * sum(math.exp(each - top) for each in logs))


def _solve(falls: Callable[[float], float]) -> float:
    """Where a falling function of a share crosses zero."""
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        if falls(middle) > 0:
            low = middle
        else:
            high = middle
    return high
