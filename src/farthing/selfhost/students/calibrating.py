"""From which confidence on may a student answer, so that it agrees with its teacher often enough? A bound, not a hope.

The claim for a threshold is: of the calls above it, at least `target` get the teacher's answer. It is shown if the
disagreements seen are so few that, were the claim wrong, so few would be seen with a probability of `error` at most
(exact binomial tail). Shares to be answered are tried in a fixed order, the surest quarter first and then one example more
at a time, until one is not shown; the last that was shown holds. As the order is fixed before the outcomes are seen
and ends with the first failure, all of it together is wrong with probability `error`, however many shares were tried
(fixed-sequence testing: Angelopoulos, Bates, Candes, Jordan and Lei, Learn then Test, 2021). Taking the largest share
that passes anywhere would not be. If the surest quarter is not shown to be good enough, the student answers nothing.

The outcomes are of examples left out one by one, which are nearly, not wholly, independent: bench/student.py checks by
resampling that the claim holds as often as it should. Knows nothing of models.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

FIRST = 0.25
"""Share of the examples, the surest, that is tried first."""
ERROR = 0.01
"""Probability that a stated agreement does not hold: confidence 99 %. It is of the rate, over all calls to come. The share among
the next ones varies as that among those seen did, so of as many calls again a target is missed with a probability of 5 %:
the limit of 2.33 standard errors of one share is one of 1.64 of the difference of two."""


class Shown(NamedTuple):
    """What holds above a threshold."""

    threshold: float
    """Confidence; infinite where nothing is shown."""
    answered: int
    """Examples above it."""
    agreed: int
    bound: float
    """Agreement is at least so high, with the stated confidence."""

    @property
    def abstains(self) -> bool:
        return not self.answered


NOTHING = Shown(math.inf, 0, 0, 0.0)


def threshold(
    confidences: NDArray[np.floating], agreed: NDArray[np.bool_], target: float, error: float = ERROR
) -> Shown:
    """The threshold that answers most; `NOTHING` if none is shown. Examples of equal confidence stay together."""
    size = len(confidences)
    order = np.argsort(-confidences, kind="stable")
    ranked, right = confidences[order], np.cumsum(agreed[order])
    found, shown = NOTHING, -1
    for answered in range(max(1, math.ceil(FIRST * size)), size + 1):
        if answered < size and ranked[answered] == ranked[answered - 1]:
            continue
        good = int(right[answered - 1])
        if answered - good > shown:  # else one more agreed, and what was shown of fewer holds all the more
            if tail(answered - good, answered, 1 - target) > error:
                break
            shown = answered - good
        found = Shown(float(ranked[answered - 1]), answered, good, 0.0)
    return found if found.abstains else found._replace(bound=lower(found.agreed, found.answered, error))


def tail(bad: int, n: int, rate: float) -> float:
    """Probability of at most `bad` failures in `n` trials that each fail with probability `rate` (0 to 1)."""
    if bad < 0:
        return 0.0
    if bad >= n or rate <= 0:
        return 1.0
    if rate >= 1:
        return 0.0
    up, down, whole = math.log(rate), math.log1p(-rate), math.lgamma(n + 1)
    logs = [
        whole - math.lgamma(k + 1) - math.lgamma(n - k + 1) + k * up + (n - k) * down for k in range(bad + 1)
    ]  # fmt: skip
    top = max(logs)
    return min(1.0, math.exp(top) * math.fsum(math.exp(each - top) for each in logs))


def lower(good: int, n: int, error: float = ERROR) -> float:
    """What the rate of success is at least, wrong with probability `error` at most (Clopper and Pearson, one-sided)."""
    if not n:
        return 0.0
    low, high = 0.0, good / n
    for _ in range(40):
        middle = (low + high) / 2
        if tail(n - good, n, 1 - middle) <= error:
            low = middle
        else:
            high = middle
    return low


def weigh(signs: NDArray[np.float32], agreed: NDArray[np.bool_], ridge: float = 1.0) -> tuple[NDArray[np.float64], ...]:
    """Logistic regression of agreement on signs: means, spreads, weights with the constant last. Newton's method."""
    means, spreads = signs.mean(0), signs.std(0)
    spreads = np.where(spreads > 1e-6, spreads, 1)
    rows = np.column_stack([(signs - means) / spreads, np.ones(len(signs))]).astype(np.float64)
    held = np.diag([ridge] * signs.shape[1] + [1e-3])
    weights = np.zeros(rows.shape[1])
    for _ in range(25):
        chance = 1 / (1 + np.exp(-np.clip(rows @ weights, -30, 30)))
        slope = rows.T @ (agreed - chance) - held @ weights
        curve = (rows * (chance * (1 - chance))[:, None]).T @ rows + held
        step = np.linalg.solve(curve, slope)
        weights += step
        if float(np.abs(step).max()) < 1e-7:
            break
    return means, spreads, weights
