"""Exact limits of a share of which `wrong` in `count` were seen (Clopper and Pearson, Biometrika 26, 1934).

They rest on no assumption about the share's size. Knows nothing of what is counted.
"""

import math
from collections.abc import Callable


def upper_limit(count: int, wrong: int, confidence: float = 0.95) -> float:
    """One-sided upper limit; 1 where nothing was seen."""
    if wrong >= count:
        return 1.0
    return _solve(lambda share: at_most(wrong, count, share) - (1 - confidence))


def lower_limit(count: int, wrong: int, confidence: float = 0.95) -> float:
    """One-sided lower limit; 0 where nothing was seen."""
    if wrong == 0:
        return 0.0
    return _solve(lambda share: (1 - confidence) - (1 - at_most(wrong - 1, count, share)))


def is_below(share: float, count: int, wrong: int, confidence: float) -> bool:
    """Whether `upper_limit` is at most `share`, without looking for the limit itself."""
    return wrong < share * count and at_most(wrong, count, share) <= 1 - confidence


def is_above(share: float, count: int, wrong: int, confidence: float) -> bool:
    """Whether `lower_limit` is above `share`."""
    return wrong > share * count and 1 - at_most(wrong - 1, count, share) < 1 - confidence


def clean(share: float, confidence: float = 0.95) -> int:
    """How many without a wrong one show that at most `share` are."""
    return math.ceil(math.log(1 - confidence) / math.log(1 - share))


def at_most(most: int, count: int, share: float) -> float:
    """Probability of at most `most` in `count` where each happens with `share`.

    Summed on the side of `most` that the mean is not on, where each further term is smaller, until no term counts.
    """
    if share <= 0 or most >= count:
        return 1.0
    if share >= 1 or most < 0:
        return 0.0
    if most < count * share:
        return min(1.0, _below(most, count, share))
    return max(0.0, 1 - _below(count - most - 1, count, 1 - share))


def _below(most: int, count: int, share: float) -> float:
    """The sum of the terms from `most` down, which is below the mean."""
    falls = (1 - share) / share
    total = term = 1.0
    for number in range(most, 0, -1):
        term *= number / (count - number + 1) * falls
        total += term
        if term < total * 1e-17:
            break
    ways = math.lgamma(count + 1) - math.lgamma(most + 1) - math.lgamma(count - most + 1)
    return math.exp(ways + most * math.log(share) + (count - most) * math.log1p(-share)) * total


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
