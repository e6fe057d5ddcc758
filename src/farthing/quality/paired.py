"""How sure a mean difference between two answers to the same questions is: the score test of paired proportions and its
interval (Tango, Statistics in Medicine 17, 1998), which need no difference to be seen, unlike the normal interval.

For looking once, after all comparisons are there; `noninferiority` holds at any time. Knows nothing of models.
"""

import math

from farthing.quality.noninferiority import Counts


def bounds(seen: Counts, z: float = 1.96) -> tuple[float, float]:
    """What the loss is at least and at most: an interval of 95 %, by the same test."""
    return -_most(seen.turned, z), _most(seen, z)


def _most(seen: Counts, z: float) -> float:
    low, high = -seen.mean, 1.0
    for _ in range(50):
        middle = (low + high) / 2
        if score(seen, middle) < -z:
            high = middle
        else:
            low = middle
    return high


def score(seen: Counts, loss: float) -> float:
    """Standard errors by which what was seen is above a true loss of `loss`."""
    n = seen.n
    above = seen.worse - seen.better - n * loss
    b = -seen.worse - seen.better + (2 * n - seen.worse + seen.better) * loss
    c = -seen.better * loss * (1 - loss)
    better = (math.sqrt(max(b * b - 8 * n * c, 0.0)) - b) / (4 * n)
    spread = n * (2 * better + loss * (1 - loss))
    return above / math.sqrt(spread) if spread > 0 else math.copysign(math.inf, above) if above else 0.0
