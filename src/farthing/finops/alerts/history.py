"""What one scope spent on the days before today, and what follows for today. Plain arithmetic, no store.

Usual spending is modelled as log(spend) = level + weekday + noise: the weekday factor is a median for each weekday, the
level the median of the last 14 residuals, the noise 1.4826 times their median absolute deviation. Medians, because the
accidents of the past must not hide the next one. Floats are fine: these are thresholds, not the ledger.
"""

from collections.abc import Sequence
from functools import cached_property
from math import exp, log, sqrt
from statistics import median
from typing import NamedTuple

from farthing.model.money import Nano

DAYS = 35
"""Days that the model looks back: each weekday five times."""
LEVEL_DAYS = 14
YOUNG_DAYS = 14
"""With fewer days than this a scope has no weekdays of its own, and its noise is mostly that of its siblings."""
LEAST_DAYS = 3
"""With fewer there is no usual spending at all, only absolute caps."""
LEAST_NOISE = 0.03
PRIOR_DAYS = 14
"""How many days of its own the siblings' noise counts as."""
USUAL_NOISE = 0.25
"""The noise of a scope without history or siblings."""


class Shape(NamedTuple):
    """What siblings have in common: a weekday factor (log) for Monday..Sunday, and their middle noise."""

    weekdays: tuple[float, ...] = (0.0,) * 7
    noise: float = USUAL_NOISE


class Usual(NamedTuple):
    """What a day is expected to cost (nano-dollars), and the noise of its logarithm."""

    expected: float
    noise: float


class History:
    """Days of one scope, oldest first and without gaps, from the first day on which it spent to yesterday.

    `weekday` is that of today, Monday is 0.
    """

    def __init__(self, days: Sequence[Nano], weekday: int) -> None:
        self.days = tuple(days[-DAYS:])
        self.weekday = weekday
        self.young = len(self.days) < YOUNG_DAYS
        self.too_young = len(self.days) < LEAST_DAYS

    @cached_property
    def mean_of_7(self) -> Nano:
        """The trailing seven-day average; of fewer days where there are fewer, 0 where there are none."""
        last = self.days[-7:]
        return sum(last) // len(last) if last else 0

    @cached_property
    def own(self) -> Shape:
        """Weekday factors and noise from this scope's own days."""
        factors = self._weekdays
        return Shape(factors, self._noise_of(self._residuals(factors)))

    def usual(self, siblings: Shape) -> Usual | None:
        """What to expect of today; None with fewer than three days of history."""
        if len(self.days) < LEAST_DAYS:
            return None
        factors = siblings.weekdays if self.young else self.own.weekdays
        residuals = self._residuals(factors)
        level = median(residuals[-LEVEL_DAYS:])
        n = len(residuals)
        own = self._noise_of(residuals) if self.young else self.own.noise
        noise = sqrt((n * own**2 + PRIOR_DAYS * siblings.noise**2) / (n + PRIOR_DAYS))
        doubt = 1 + (1.57 / n if self.young else 0)  # the level's own error: a median of n
        return Usual(exp(level + factors[self.weekday]), noise * sqrt(doubt))

    @cached_property
    def _logs(self) -> tuple[float, ...]:
        """Days without spending count as a hundredth of a usual one: a logarithm needs something."""
        spent = [day for day in self.days if day > 0]
        least = max(1.0, median(spent) / 100) if spent else 1.0
        return tuple(log(max(day, least)) for day in self.days)

    def _weekday_of(self, place: int) -> int:
        return (self.weekday - len(self.days) + place) % 7

    @cached_property
    def _weekdays(self) -> tuple[float, ...]:
        """Against the middle of its own week, so that growth is no weekday's fault."""
        logs = self._logs
        if len(logs) < 7:
            return (0.0,) * 7
        found: list[list[float]] = [[] for _ in range(7)]
        for place, value in enumerate(logs):
            start = min(max(0, place - 3), len(logs) - 7)
            found[self._weekday_of(place)].append(value - sum(logs[start : start + 7]) / 7)
        return tuple(median(each) if each else 0.0 for each in found)

    def _residuals(self, factors: Sequence[float]) -> list[float]:
        return [value - factors[self._weekday_of(place)] for place, value in enumerate(self._logs)]

    def _noise_of(self, residuals: Sequence[float]) -> float:
        """Around a level that may drift: each residual against the median of those around it."""
        around = [
            value - median(residuals[max(0, place - LEVEL_DAYS // 2) : place + LEVEL_DAYS // 2 + 1])
            for place, value in enumerate(residuals)
        ]
        return 1.4826 * median(map(abs, around)) + LEAST_NOISE if around else USUAL_NOISE


def shape_of(histories: Sequence[History]) -> Shape:
    """The siblings' common shape: medians over those that have one."""
    grown = [history.own for history in histories if not history.young]
    if not grown:
        return Shape()
    weekdays = tuple(median(each.weekdays[day] for each in grown) for day in range(7))
    return Shape(weekdays, median(each.noise for each in grown))
