"""Whether a daily figure rises or falls: a slope with a confidence interval that allows for weekdays and for noise that
lasts longer than a day. Plain arithmetic; knows nothing of what the figure is.

A day is compared with the same weekday of other weeks only, so a weekly pattern is no trend. The slope is the median of
all such comparisons (Sen 1968, by season: Hirsch, Slack and Smith 1982), which outliers hardly move. Its interval comes
from the ranks (Mann-Kendall with ties), widened where a day resembles the day before it. Floats are fine: no amount of
the ledger is made here.
"""

from collections import defaultdict
from collections.abc import Sequence
from itertools import combinations, pairwise
from math import inf, sqrt
from statistics import NormalDist, fmean, median

import msgspec

LEAST_DAYS = 21
"""With fewer days no weekday comes three times, and even a straight line would have no bounds."""
MONTH_DAYS = 30
CONFIDENCE = 0.95
MOST_MEMORY = 0.9
"""The most that a day is believed to resemble the one before it."""

Point = tuple[int, float]
"""A day's number, counted from anywhere, and its figure."""


class Trend(msgspec.Struct, frozen=True):
    """A slope per day and its two-sided interval, in the figure's own unit; infinite where the days do not bound it."""

    slope: float
    low: float
    high: float
    level: float
    """The median of the figure, which shares are of."""
    days: int
    """Days that it rests on."""
    memory: float
    """How much a day resembles the one before it, 0 to 0.9; the interval allows for it."""
    confidence: float = CONFIDENCE

    @property
    def direction(self) -> str:
        """`up` or `down` only where the whole interval says so, else `none`."""
        return "down" if self.high < 0 else "up" if self.low > 0 else "none"

    @property
    def a_month(self) -> tuple[float, float, float] | None:
        """Slope, low and high as shares of the level in 30 days; None where the level is nothing."""
        if not self.level:
            return None
        by = MONTH_DAYS / abs(self.level)
        return self.slope * by, self.low * by, self.high * by


def trend(points: Sequence[Point], confidence: float = CONFIDENCE, least: int = LEAST_DAYS) -> Trend | None:
    """The trend of daily figures; None where fewer than `least` days have one."""
    if len(points) < least:
        return None
    seasons: dict[int, list[Point]] = defaultdict(list)
    for point in points:
        seasons[point[0] % 7].append(point)
    slopes = sorted(
        (later[1] - earlier[1]) / (later[0] - earlier[0])
        for season in seasons.values()
        for earlier, later in combinations(season, 2)
    )
    slope = median(slopes)
    memory = _memory(points, seasons, slope)
    variance = sum(_variance([value for _, value in season]) for season in seasons.values())
    low, high = _interval(slopes, variance * (1 + memory) / (1 - memory), confidence)
    return Trend(slope, low, high, median(value for _, value in points), len(points), memory, confidence)


def _variance(values: Sequence[float]) -> float:
    """Variance of Mann-Kendall's S under no trend; equal values (ties) take from it."""
    count = len(values)
    ties: dict[float, int] = defaultdict(int)
    for value in values:
        ties[value] += 1
    tied = sum(n * (n - 1) * (2 * n + 5) for n in ties.values() if n > 1)
    return (count * (count - 1) * (2 * count + 5) - tied) / 18


def _interval(slopes: Sequence[float], variance: float, confidence: float) -> tuple[float, float]:
    """The slopes at the ranks that S may have without a trend."""
    reach = NormalDist().inv_cdf(0.5 + confidence / 2) * sqrt(variance)
    lower = (len(slopes) - reach) / 2
    first, last = int(lower), len(slopes) - int(lower) - 1
    return (slopes[first - 1] if first >= 1 else -inf), (slopes[last + 1] if last + 1 < len(slopes) else inf)


def _memory(points: Sequence[Point], seasons: dict[int, list[Point]], slope: float) -> float:
    """Correlation of a day's residual with the day before's, corrected for the days that the fit used up."""
    middle = {weekday: median(value - slope * day for day, value in season) for weekday, season in seasons.items()}
    rests = [(day, value - slope * day - middle[day % 7]) for day, value in points]
    mean = fmean(rest for _, rest in rests)
    square = fmean((rest - mean) ** 2 for _, rest in rests)
    near = [(one - mean) * (other - mean) for (day, one), (next_, other) in pairwise(rests) if next_ == day + 1]
    if not near or not square:
        return 0.0
    found = fmean(near) / square
    found += (1 + 4 * found) / len(points)
    return min(max(found, 0.0), MOST_MEMORY)
