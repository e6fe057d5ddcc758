"""What share of calls a student can answer by how many examples it has, before anybody tried. Knows nothing of calls and stores."""

import math
from itertools import pairwise

AUDITED = 0.03
"""Share of a student's calls that its teacher answers too, for ever."""
SHORT_TOKENS = 16
"""An answer of so few tokens in the mean may be a label."""
MANY_LABELS = 77
"""Labels of the set on which coverage was measured; with fewer there are more examples for each."""
MOST_HELP = 8.0

COVERAGE_LOW = ((200, 0.0), (500, 0.05), (1_000, 0.40), (2_800, 0.75), (5_000, 0.80))
COVERAGE_HIGH = ((100, 0.0), (200, 0.25), (500, 0.45), (1_000, 0.70), (2_800, 0.90), (5_000, 0.95))
"""Examples -> share answered at 95 % agreement with a bound: Banking77 and CLINC150 with a teacher wrong 0 to 10 % of the time,
all-MiniLM-L6-v2 (measured for Farthing, November 2026). Between them by the logarithm of the examples."""


def coverage(examples: float, labels: int = MANY_LABELS) -> tuple[float, float]:
    """Share of the calls that a student of so many examples answers: what the least and the most able of the measured did.
    Fewer labels than there can only help the upper end."""
    help_ = min(MOST_HELP, max(1.0, MANY_LABELS / max(1, labels)))
    return _along(COVERAGE_LOW, examples), _along(COVERAGE_HIGH, examples * help_)


def _along(points: tuple[tuple[int, float], ...], examples: float) -> float:
    if examples <= points[0][0]:
        return points[0][1]
    for (x0, y0), (x1, y1) in pairwise(points):
        if examples <= x1:
            return y0 + (y1 - y0) * math.log(examples / x0) / math.log(x1 / x0)
    return points[-1][1]
