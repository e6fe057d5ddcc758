"""Estimates of a mean from few observations, drawn to what is known of the wider group. Knows nothing of models or tasks.

The model is normal: a group's mean is itself drawn around its parent's mean, with a variance that is worth `strength`
observations. Then the posterior mean is the weighted mean of both, and its variance has the part of the observations and
the part of the parent (Gelman et al., Bayesian Data Analysis, 3rd ed., sections 2.5 and 5.4).
"""

import math
from functools import lru_cache
from typing import NamedTuple

STRENGTH = 24.0
"""How many observations the wider group's mean is worth. Fixed: with few groups a fitted one is mostly noise; 24 has been
found to carry a new model from a few dozen scores (vllm-project/semantic-router, 3459)."""

SURE = 0.05
"""Probability that a bound is wrong, on its one side."""

_TUNED_TO = 400.0
"""Observations at which the bound that is valid at any time is narrowest."""


class Known(NamedTuple):
    """A mean and how sure it is."""

    mean: float
    variance: float
    """Of the estimate of the mean, not of single observations."""
    observations: float = 0.0


def drawn(n: float, total: float, squares: float, parent: Known, spread: float, strength: float = STRENGTH) -> Known:
    """The mean of a group with `n` observations, drawn to its parent's.

    `spread` is the variance of one observation as far as it is known beforehand; it weighs like `strength` observations.
    """
    if n <= 0:
        return Known(parent.mean, parent.variance + spread / strength)
    mean = (total + strength * parent.mean) / (n + strength)
    around = max(0.0, squares - 2 * parent.mean * total + n * parent.mean**2)
    variance = (around + strength * spread) / (n + strength)
    share = strength / (n + strength)
    return Known(mean, variance / (n + strength) + share**2 * parent.variance, n)


def lower(known: Known, sure: float = SURE) -> float:
    """The lower bound of the mean, on one side, for a single look: normal quantile times standard error."""
    return known.mean - _quantile(sure) * math.sqrt(known.variance)


def lower_at_any_time(known: Known, sure: float = SURE) -> float:
    """A lower bound that may be looked at after each observation and still errs, ever, with probability `sure`.

    Asymptotic confidence sequence with a normal mixture, one side: Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas,
    Time-uniform central limit theory (2021), proposition 1. At 400 observations it is 1.6 times as far as a single look.
    """
    n = max(1.0, known.observations)
    # The width in standard errors, with rho chosen for the tuned size: sqrt((2 log(1 / a) + log(1 + 2 log(1 / a))) / t).
    rho2 = (2 * math.log(1 / sure) + math.log(1 + 2 * math.log(1 / sure))) / _TUNED_TO
    grown = n * rho2 + 1
    width = math.sqrt(2 * grown / (n * rho2) * math.log(1 + math.sqrt(grown) / (2 * sure)))
    return known.mean - width * math.sqrt(known.variance)


@lru_cache(maxsize=64)
def _quantile(sure: float) -> float:
    """The normal quantile of 1 - `sure`, by bisection of the error function."""
    low, high = 0.0, 10.0
    for _ in range(60):
        middle = (low + high) / 2
        if math.erfc(middle / math.sqrt(2)) / 2 > sure:
            low = middle
        else:
            high = middle
    return (low + high) / 2
