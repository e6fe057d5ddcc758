"""What a month will have cost at its end, with an interval: weekday pattern, robust level, damped trend, resampled noise.

A day's cost is taken as level x weekday x noise. Weekday factors are medians of the days against the week around them,
drawn towards 1 while weeks are few. The level is the median of the last two weeks without their weekdays (the mean, where
many days cost nothing); it moves on with the trend if that is tested to be one, ever less the further ahead (a half-life of two weeks).
The interval resamples the noise of single days in blocks, the doubt about the level, and how much levels of whole weeks
have wandered. Where history is short, the noise of all calls stands in, or a plain run-rate with a wide interval, and the
forecast says so. Estimates are floats; what is spent already is exact.
"""

import random
from bisect import bisect_left
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from itertools import chain, pairwise
from math import exp, log, sqrt
from operator import mul
from statistics import fmean, median
from typing import Literal, NamedTuple

import msgspec

from farthing.finops.trend import trend
from farthing.model.money import Nano
from farthing.store.rollups import DAY_US, month_of

DAYS = 84
"""Days of history that are looked at."""
LEAST_OWN = 28
"""Days of history below which weekdays and noise are borrowed."""
LEAST_DAYS = 7
"""Below this there is no level to speak of: a plain run-rate."""
LEVEL_DAYS = 14
BLOCK = 3
"""Days of noise that are drawn together, because a dear day is seldom alone."""
HALF_LIFE_DAYS = 14.0
PATHS = 400
SHARE = 0.80
"""The part of outcomes that the interval is to hold."""
PRIOR_WEEKS = 2.0
USUAL_NOISE = 0.35
"""Noise of one day, as a share, where neither own history nor another's says more."""
FIRST_DAYS_TIMES = 3.0
"""A run-rate of few days may be wrong by this factor in either direction."""

Method = Literal["pattern", "borrowed pattern", "run-rate", "over", "none"]


class Forecast(msgspec.Struct, frozen=True):
    """The end of one month. Amounts in nano-dollars; all but `spent` are estimates."""

    month_us: int
    days_left: float
    """Of the month, the rest of today included."""
    spent: Nano
    """Known cost so far."""
    expected: Nano
    """At the end of the month."""
    low: Nano
    high: Nano
    """80 % of outcomes are between; one in ten is below, one in ten above."""
    method: Method
    history_days: int
    """Whole days of history that it rests on."""
    note: str
    """How far to trust it, in words."""
    run_rate: Nano = 0
    """What so many dollars a day so far would come to, for comparison; 0 on the first day."""
    spread: tuple[float, ...] = ()
    """Quantiles 0, 1/40 .. 1 of the month's end, for chances."""

    def chance_above(self, amount: Nano) -> float | None:
        """How likely the month ends above an amount; None where the forecast has no spread."""
        if not self.spread:
            return None
        return 1 - bisect_left(self.spread, amount) / len(self.spread)


class Pattern(NamedTuple):
    """What one scope lends to another."""

    weekdays: tuple[float, ...]
    """Monday is 0; their mean is 1."""
    noise: tuple[float, ...]
    """Of single days, in the order in which they came: shares of the level."""
    drift: float
    """How much the level of a week differs from that of the week before (log, standard deviation)."""


FLAT = Pattern((1.0,) * 7, (1 - USUAL_NOISE, 1.0, 1 + USUAL_NOISE), 0.15)


def forecast(history: Sequence[Nano], now_us: int, spent: Nano, lent: Pattern | None = None) -> Forecast:
    """`history` is the cost of whole days, oldest first and without gaps, up to yesterday; `spent` the cost of the running
    month until now, today included. `lent` is the pattern of a larger scope, for a short history."""
    days = list(history[-DAYS:])
    today = now_us // DAY_US
    month_us = month_of(now_us)
    end = month_of(month_us + 32 * DAY_US) // DAY_US
    left = end - now_us / DAY_US
    gone = now_us / DAY_US - month_us / DAY_US
    rate = round(spent / gone * (end - month_us // DAY_US)) if gone >= 1 else 0
    if len(days) < LEAST_DAYS or not any(days[-LEVEL_DAYS:]):
        return _plain(days, month_us, left, spent, rate)
    own = len(days) >= LEAST_OWN
    pattern = _pattern(days, today) if own else lent or FLAT
    return _with_pattern(days, today, end, left, month_us, spent, rate, pattern, own, lent is not None)


def pattern_of(days: Sequence[Nano], today: int) -> Pattern | None:
    """What a history says of weekdays and noise; None where it is too short. `today` is the number of the day after it."""
    if len(days) < LEAST_OWN:
        return None
    return _pattern(days, today)


def _pattern(days: Sequence[Nano], today: int) -> Pattern:
    first = today - len(days)
    weekdays = _weekdays(days, first)
    flat = [day / weekdays[weekday(first + at)] for at, day in enumerate(days)]
    weeks = [fmean(flat[at : at + 7]) for at in range(len(flat) % 7, len(flat) - 6, 7)]
    steps = [log(later / earlier) for earlier, later in pairwise(weeks) if earlier > 0 < later]
    noise = [value / near for at, value in enumerate(flat) if (near := _middle(flat[max(0, at - 3) : at + 4])) > 0]
    spread = 1.4826 * median(abs(step) for step in steps) if steps else FLAT.drift
    within = _deviation(noise) * sqrt(2 / 7) if noise else 0.0  # what noise alone does to the means of two weeks
    return Pattern(weekdays, tuple(noise) or FLAT.noise, sqrt(max(spread**2 - within**2, 0.0)))


def _middle(values: Sequence[float]) -> float:
    """The median, which outliers do not move; the mean where more than one value in ten is nothing."""
    return fmean(values) if sum(not value for value in values) * 10 > len(values) else median(values)


def _deviation(noise: Sequence[float]) -> float:
    mean = fmean(noise)
    return sqrt(fmean([(each - mean) ** 2 for each in noise]))


def weekday(day: int) -> int:
    """Of a day's number since 1970, a Thursday; Monday is 0."""
    return (day + 3) % 7


def _weekdays(days: Sequence[Nano], first: int) -> tuple[float, ...]:
    """Factors whose mean is 1."""
    shares: list[list[float]] = [[] for _ in range(7)]
    for at in range(3, len(days) - 3):
        week = sum(days[at - 3 : at + 4])
        if week:
            shares[weekday(first + at)].append(days[at] * 7 / week)
    factors = [
        (_middle(each) * len(each) + PRIOR_WEEKS) / (len(each) + PRIOR_WEEKS) if each else 1.0 for each in shares
    ]
    mean = fmean(factors)
    return tuple(max(factor / mean, 0.001) for factor in factors)


def _with_pattern(
    days: list[Nano], today: int, end: int, left: float, month_us: int, spent: Nano, rate: Nano, pattern: Pattern, own: bool,
    lent: bool,
) -> Forecast:  # fmt: skip
    first = today - len(days)
    flat = [day / pattern.weekdays[weekday(first + at)] for at, day in enumerate(days)]
    recent = flat[-LEVEL_DAYS:]
    level = _middle(recent)
    growth = _growth(days, first, level)
    ahead = range(today, end)
    parts = [1.0] * len(ahead)
    parts[0] = left - (len(ahead) - 1)
    means = [
        level * pattern.weekdays[weekday(day)] * exp(growth * _damped(at)) * part
        for at, (day, part) in enumerate(zip(ahead, parts, strict=True), 1)
    ]
    skew = fmean(pattern.noise)
    ends = sorted(_paths(means, pattern, len(recent)))
    expected = sum(means) * skew
    spread = tuple(spent + ends[min(len(ends) - 1, at * len(ends) // 40)] for at in range(41))
    low, high = (spent + round(ends[round(len(ends) * share)]) for share in ((1 - SHARE) / 2, (1 + SHARE) / 2))
    if own:
        method: Method = "pattern"
        note = f"weekdays, level and noise of {len(days)} days" + (", with their trend" if growth else "")
    else:
        method = "borrowed pattern"
        whose = "of all calls" if lent else "assumed"
        note = (
            f"history is short ({len(days)} days of {LEAST_OWN}): the level is its own, weekdays and noise are {whose}"
        )
    expected_end = spent + round(expected)
    return Forecast(
        month_us,
        left,
        spent,
        expected_end,
        min(low, expected_end),
        max(high, expected_end),
        method,
        len(days),
        note,
        rate,
        spread,
    )


def _growth(days: Sequence[Nano], first: int, level: float) -> float:
    """Of the level, a day (log); 0 where no trend is shown."""
    found = trend([(first + at, float(day)) for at, day in enumerate(days)])
    if found is None or found.direction == "none" or level <= 0:
        return 0.0
    slope = found.low if found.direction == "up" else found.high  # the end of the interval that claims least
    cautious = (found.slope + slope) / 2
    return max(-0.05, min(0.05, cautious / level))


def _damped(ahead: int) -> float:
    """Days of growth that count `ahead` days from now; the last two weeks' median is a week old."""
    keep: float = 0.5 ** (1 / HALF_LIFE_DAYS)
    return LEVEL_DAYS / 2 + keep * (1 - keep**ahead) / (1 - keep)


def _paths(means: Sequence[float], pattern: Pattern, level_days: int) -> list[float]:
    """Costs of the days ahead, drawn many times; the same for the same history."""
    dice = random.Random(len(means) * 1_000_003 + round(means[-1]))
    noise = pattern.noise
    doubt = 1.2533 * _deviation(noise) * sqrt(2.0 / level_days)  # of a median; days that resemble each other count half
    count = len(means)
    blocks = [noise[start : start + BLOCK] for start in range(max(1, len(noise) - BLOCK + 1))]
    weeks = [(start, means[start : start + 7]) for start in range(0, count, 7)]
    found: list[float] = []
    for _ in range(PATHS):
        drawn = list(chain.from_iterable(dice.choices(blocks, k=-(-count // len(blocks[0])))))
        level = exp(dice.gauss(0, doubt))
        end = 0.0
        for start, expected in weeks:
            level *= exp(dice.gauss(0, pattern.drift)) if pattern.drift else 1.0
            end += level * sum(map(mul, expected, drawn[start : start + 7]))
        found.append(end)
    return found


def _plain(days: Sequence[Nano], month_us: int, left: float, spent: Nano, rate: Nano) -> Forecast:
    """A run-rate, for want of more."""
    if not any(days):
        note = "nothing was spent on any whole day before today: there is nothing to go by"
        return Forecast(month_us, left, spent, spent, spent, spent, "none", len(days), note, rate)
    if not any(days[-LEVEL_DAYS:]):
        note = f"nothing was spent in the last {min(len(days), LEVEL_DAYS)} days: taken as over"
        return Forecast(month_us, left, spent, spent, spent, spent, "over", len(days), note, rate)
    times = FIRST_DAYS_TIMES ** (1 / sqrt(len(days)))
    rest = fmean(days) * left
    note = f"history is too short ({len(days)} days of {LEAST_DAYS}): the mean of these days goes on; the interval is a guess"
    return Forecast(
        month_us, left, spent, spent + round(rest), spent + round(rest / times), spent + round(rest * times), "run-rate", len(days), note, rate
    )  # fmt: skip


class Trial(NamedTuple):
    """One forecast that was made as if later days were not known, and what came."""

    day_us: int
    days_left: float
    actual: Nano
    forecast: Forecast

    @property
    def held(self) -> bool:
        return self.forecast.low <= self.actual <= self.forecast.high


class Backtest(msgspec.Struct, frozen=True):
    """How forecasts would have done. Errors are shares of what the month cost."""

    trials: int
    held: int
    """Trials whose month ended inside the interval; 80 % of them should."""
    above: int
    """Trials whose month ended above it; a tenth should."""
    error: float | None
    """The middle error."""
    run_rate_error: float | None
    """That of a plain run-rate on the same days."""
    months: int


def backtest(history: Sequence[Nano], first_day_us: int) -> tuple[Backtest, list[Trial]]:
    """Forecast every whole month that the history holds from each of its days, with at least LEAST_DAYS before it.

    `history` is the cost of whole days from `first_day_us` on, without gaps. Trials of one month are not independent: many
    days of few months say less than their number.
    """
    first = first_day_us // DAY_US
    trials: list[Trial] = []
    for at in range(LEAST_DAYS, len(history)):
        day_us = (first + at) * DAY_US
        month = month_of(day_us) // DAY_US
        end = month_of((month + 32) * DAY_US) // DAY_US
        if month < first or end > first + len(history):
            continue
        spent, actual = sum(history[month - first : at]), sum(history[month - first : end - first])
        if actual:
            trials.append(Trial(day_us, end - first - at, actual, forecast(history[:at], day_us, spent)))
    errors = [abs(each.forecast.expected - each.actual) / each.actual for each in trials]
    plain = [abs(each.forecast.run_rate - each.actual) / each.actual for each in trials if each.forecast.run_rate]
    return Backtest(
        len(trials), sum(each.held for each in trials), sum(each.actual > each.forecast.high for each in trials),
        median(errors) if errors else None, median(plain) if plain else None, len({month_of(each.day_us) for each in trials}),
    ), trials  # fmt: skip


@cache
def month_name(month_us: int) -> str:
    """2026-01."""
    return datetime.fromtimestamp(month_us // 1_000_000, UTC).strftime("%Y-%m")
