"""What a metric is: a fraction whose both halves are whole numbers and say what they count, a target, a trend, a verdict."""

from collections.abc import Sequence
from math import sqrt
from statistics import NormalDist
from typing import Literal

import msgspec

from farthing.finops.trend import LEAST_DAYS, Trend, trend

Unit = Literal["dollars", "share", "ratio"]
"""What a value is in: nano-dollars a unit of the denominator, a share of 1, or plain."""

Verdict = Literal["met", "missed", "too close to tell", "falling", "rising", "no trend", "too little data", "no target"]

FEWEST = 30
"""With fewer units in the denominator a share says nothing."""

_Z = NormalDist().inv_cdf(0.975)


class Target(msgspec.Struct, frozen=True):
    """The most, or the least, that a value should be."""

    words: str
    most: float | None = None
    least: float | None = None


class Beside(msgspec.Struct, frozen=True):
    """A further fraction that belongs to a metric."""

    name: str
    numerator: int
    denominator: int
    means: str
    unit: Unit = "share"

    @property
    def value(self) -> float | None:
        return self.numerator / self.denominator if self.denominator else None


class Metric(msgspec.Struct, frozen=True):
    """One metric in one span and scope. Amounts in nano-dollars."""

    name: str
    title: str
    unit: Unit
    numerator: int
    numerator_means: str
    denominator: int
    denominator_means: str
    target: Target
    verdict: Verdict
    low: float | None = None
    """Interval of a share (95 %, Wilson); None for amounts, which are exact."""
    high: float | None = None
    trend: Trend | None = None
    trend_means: str = ""
    """What the trend is of, or why there is none."""
    beside: tuple[Beside, ...] = ()
    notes: tuple[str, ...] = ()
    daily: tuple[tuple[int, float], ...] = ()
    """Number of each whole day and its figure: what the trend is of. Empty where there is none by day."""

    @property
    def value(self) -> float | None:
        """None where there is nothing to divide by."""
        return self.numerator / self.denominator if self.denominator else None


def wilson(part: int, whole: int) -> tuple[float, float]:
    """Interval of a share, as if each call were drawn by itself (95 %; Wilson 1927)."""
    share, square = part / whole, _Z * _Z
    middle = (share + square / (2 * whole)) / (1 + square / whole)
    reach = _Z / (1 + square / whole) * sqrt(share * (1 - share) / whole + square / (4 * whole * whole))
    return max(0.0, middle - reach), min(1.0, middle + reach)


def share_verdict(part: int, whole: int, least: float) -> tuple[Verdict, float | None, float | None]:
    """Whether a share reaches `least`, with its interval: neither `met` nor `missed` while the interval holds both."""
    if whole < FEWEST:
        return "too little data", None, None
    low, high = wilson(part, whole)
    return "met" if low >= least else "missed" if high < least else "too close to tell", low, high


def amount_verdict(value: float | None, target: Target, found: Trend | None) -> Verdict:
    """Against the target where one is set, else by the trend, whose interval must exclude zero."""
    if value is None:
        return "too little data"
    if target.most is not None:
        return "met" if value <= target.most else "missed"
    if target.least is not None:
        return "met" if value >= target.least else "missed"
    if found is None:
        return "too little data"
    return {"down": "falling", "up": "rising", "none": "no trend"}[found.direction]  # type: ignore[return-value]


def ratios(days: Sequence[tuple[int, int, int]]) -> tuple[tuple[int, float], ...]:
    """Figures of days (day number, numerator, denominator); one without a denominator has none."""
    return tuple((day, numerator / denominator) for day, numerator, denominator in days if denominator > 0)


def trend_of(days: Sequence[tuple[int, int, int]], means: str) -> tuple[Trend | None, str]:
    """Trend of daily fractions (day number, numerator, denominator), and what it is of. Days without a denominator have no
    figure."""
    points = ratios(days)
    found = trend(points)
    if found is None:
        return None, f"{len(points)} whole days have {means}; a trend needs {LEAST_DAYS}"
    return found, f"{means} of {found.days} whole days"
