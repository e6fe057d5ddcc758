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
