"""How long a batch takes until it is back, by what was seen of others: finished ones, and those that still run.

A provider is in one of some states, each with a typical time; it stays there for a while and then may be in any other.
What a shard took, or that it is still not back after so long, speaks for some states and against others; states before
and after count as well (the forward and backward pass of a hidden Markov model). Times within a state are log-normal with
a small share of anything at all, so no accident is impossible. Where nothing was seen yet the times are those published
for 230,000 batches of 70 models: half are back in 7 minutes, nine tenths in an hour.

Floats are fine: these are chances. Knows nothing of prices and deadlines.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import pairwise
from math import erfc, exp, log, pi, sqrt

import msgspec

PRIOR_MEDIAN_S = 420.0
PRIOR_90_S = 3600.0
SPREAD = 0.5
"""Standard deviation of the logarithm within a state."""
ODD = 0.01
"""Share of shards that a state says nothing about."""
LASTS_S = 3 * 3600.0
"""How long a state lasts on average."""
ALIKE_S = 240.0
"""Shards created within so many seconds are hardly more evidence than one."""
LEAST_WEIGHT = 0.15
STRENGTH = 12.0
"""Shards that the published times count as."""
MOST = 120
"""Shards that are looked at, the latest ones."""

_MEDIANS = [15.0 * 2.0**step for step in range(16)]
"""15 seconds to 5.7 days: the last ones are stuck, whatever their name."""
_LOGS = [log(median) for median in _MEDIANS]
_PRIOR_SPREAD = log(PRIOR_90_S / PRIOR_MEDIAN_S) / 1.2815515655446004
_BETWEEN = sqrt(_PRIOR_SPREAD**2 - SPREAD**2)
_LEAST_STATE = 0.0005
_NOTHING = 1e-6
"""A state of no more weight does not count."""
_LEAST_FOR_SIZE = 20
_SURE_OF_SIZE = 3.0


class Seen(msgspec.Struct, frozen=True):
    """One shard of a provider and model."""

    began_us: int
    """When the provider took it."""
    took_s: float
    """Until its results were there; where it is not `back`, what it has waited so far, or had when it was given up."""
    back: bool
    lines: int = 0
    """0: unknown."""


class TurnRound(msgspec.Struct, frozen=True):
    """The chances of one shard. Times are seconds since the provider took it."""

    weights: tuple[float, ...]
    """Of the states."""
    stretch: float = 1.0
    """How much longer it takes than a usual one, by its size."""

    def late(self, after_s: float, waited_s: float = 0.0) -> float:
        """The chance that it is not back `after_s`, if it was not after `waited_s`."""
        if after_s <= waited_s:
            return 1.0
        still = self._late(waited_s)
        return min(1.0, self._late(after_s) / still) if still > 0 else 1.0

    def quantile(self, share: float, waited_s: float = 0.0) -> float:
        """Seconds by which it is back with that chance, to a thousandth."""
        low, high = max(waited_s, 0.01), max(waited_s, 1.0) * 2
        while 1 - self.late(high, waited_s) < share and high < 1e9:
            high *= 2
        while high / low > 1.001:
            middle = sqrt(low * high)
            low, high = (low, middle) if 1 - self.late(middle, waited_s) >= share else (middle, high)
        return high

    def of_size(self, stretch: float) -> "TurnRound":
        """The same, for a shard that takes so many times as long."""
        return TurnRound(self.weights, stretch)

    def _late(self, after_s: float) -> float:
        if after_s <= 0:
            return 1.0
        at = log(after_s / self.stretch)
        inside = 0.0
        for weight, middle in zip(self.weights, _LOGS, strict=True):
            if weight > _NOTHING:
                inside += weight * _beyond((at - middle) / SPREAD)
        return (1 - ODD) * inside + ODD * _beyond((at - log(PRIOR_MEDIAN_S)) / _PRIOR_SPREAD)


class TurnRounds(msgspec.Struct, frozen=True):
    """What is known of a provider and model."""

    fresh: TurnRound
    """Of a shard that is created now."""
    began_us: tuple[int, ...] = ()
    """When the shards were created that were looked at, oldest first."""
    each: tuple[TurnRound, ...] = ()
    """Of a shard created then, by what the others say: its own waiting is left to `late`."""
    slope: float = 0.0
    """How the time grows with the lines: with their power of this. 0: it does not, as far as can be told."""
    usual_lines: float = 1.0
    base: tuple[float, ...] = ()
    """Weights of the states, whatever the time. Empty: as those of `fresh`."""

    def running(self, began_us: int, lines: int = 0) -> TurnRound:
        """Of a shard that was created then."""
        known = self.each[max(0, bisect_right(self.began_us, began_us) - 1)] if self.each else self.fresh
        return known.of_size(self._stretch(lines))

    def new(self, lines: int = 0) -> TurnRound:
        """Of a shard of so many lines that is created now."""
        return self.fresh.of_size(self._stretch(lines))

    def later(self, wait_s: float) -> TurnRound:
        """Of one that is created so much later: the provider may be in another state by then."""
        stays = _stays(round(wait_s * 1e6))
        base = self.base or self.fresh.weights
        return TurnRound(
            tuple(stays * now + (1 - stays) * usual for now, usual in zip(self.fresh.weights, base, strict=True))
        )

    def _stretch(self, lines: int) -> float:
        return (lines / self.usual_lines) ** self.slope if self.slope and lines > 0 else 1.0


def turn_rounds(seen: Iterable[Seen], now_us: int) -> TurnRounds:
    """What shards of one provider and model tell, those that still run among them. Some 3 ms for `MOST` of them."""
    shards = sorted(seen, key=lambda each: each.began_us)[-MOST:]
    if not shards:
        return TurnRounds(TurnRound(tuple(_PRIOR)))
    slope, usual = _by_size(shards)
    likes = [
        _weighed(_likelihood(each, slope, usual), weight) for each, weight in zip(shards, _weights(shards), strict=True)
    ]
    base = _base(likes)
    before, belief = _forward(shards, likes, base, now_us)
    after = _backward(shards, likes, base)
    each = tuple(
        TurnRound(tuple(_scaled([one * other for one, other in zip(*both, strict=True)])))
        for both in zip(before, after, strict=True)
    )
    began_us = tuple(shard.began_us for shard in shards)
    return TurnRounds(TurnRound(tuple(belief)), began_us, each, slope, usual, tuple(base))


def _forward(
    shards: Sequence[Seen], likes: Sequence[list[float]], base: list[float], now_us: int
) -> tuple[list[list[float]], list[float]]:
    """The states' chances before each shard is known, and now that all are."""
    before, belief, at = [], base, shards[0].began_us
    for shard, like in zip(shards, likes, strict=True):
        belief = _later(belief, base, shard.began_us - at)
        before.append(belief)
        belief = _scaled([one * other for one, other in zip(belief, like, strict=True)])
        at = shard.began_us
    return before, _later(belief, base, now_us - at)


def _backward(shards: Sequence[Seen], likes: Sequence[list[float]], base: list[float]) -> list[list[float]]:
    """How well each state, at each shard, foretells those that were created later."""
    told = [1.0] * len(base)
    after = [told]
    for number in range(len(shards) - 1, 0, -1):
        both = [one * other for one, other in zip(told, likes[number], strict=True)]
        stays = _stays(shards[number].began_us - shards[number - 1].began_us)
        anew = (1 - stays) * sum(one * other for one, other in zip(base, both, strict=True))
        told = _scaled([stays * each + anew for each in both])
        after.append(told)
    return after[::-1]


def _base(likes: Sequence[list[float]]) -> list[float]:
    """How often each state is met: the published times and what was seen, each shard by itself."""
    counts = [STRENGTH * weight for weight in _PRIOR]
    for like in likes:
        total = sum(counts)
        alone = _scaled([count / total * each for count, each in zip(counts, like, strict=True)])
        counts = [count + LEAST_WEIGHT * each for count, each in zip(counts, alone, strict=True)]
    return _scaled(counts)


def _likelihood(shard: Seen, slope: float, usual: float) -> list[float]:
    stretch = (shard.lines / usual) ** slope if slope and shard.lines else 1.0
    at = log(max(shard.took_s, 1.0) / stretch)
    odd = (at - log(PRIOR_MEDIAN_S)) / _PRIOR_SPREAD
    if shard.back:
        rest = ODD * _density(odd) / _PRIOR_SPREAD
        return [(1 - ODD) * _density((at - middle) / SPREAD) / SPREAD + rest for middle in _LOGS]
    rest = ODD * _beyond(odd)
    return [(1 - ODD) * _beyond((at - middle) / SPREAD) + rest for middle in _LOGS]


def _weights(shards: Sequence[Seen]) -> list[float]:
    gaps = [ALIKE_S * 1e6] + [later.began_us - earlier.began_us for earlier, later in pairwise(shards)]
    return [min(1.0, max(LEAST_WEIGHT, gap / 1e6 / ALIKE_S)) for gap in gaps]


def _by_size(shards: Sequence[Seen]) -> tuple[float, float]:
    """The power of the lines with which the time grows, and the usual number of lines: least squares of the logarithms,
    where they are sure beyond three standard errors; else no power. It is never below 0 and never above 1."""
    points = [(log(each.lines), log(max(each.took_s, 1.0))) for each in shards if each.back and each.lines > 0]
    if len(points) < _LEAST_FOR_SIZE:
        return 0.0, 1.0
    count = len(points)
    middle, level = (sum(point[axis] for point in points) / count for axis in (0, 1))
    wide = sum((x - middle) ** 2 for x, _ in points)
    if wide < 1e-9:
        return 0.0, 1.0
    slope = sum((x - middle) * (y - level) for x, y in points) / wide
    left = sum((y - level - slope * (x - middle)) ** 2 for x, y in points)
    error = sqrt(left / (count - 2) / wide)
    return (min(slope, 1.0), exp(middle)) if slope > _SURE_OF_SIZE * error else (0.0, 1.0)


def _weighed(like: list[float], weight: float) -> list[float]:
    highest = max(like)
    return [(each / highest) ** weight for each in like]


def _later(belief: list[float], base: list[float], gap_us: int) -> list[float]:
    stays = _stays(gap_us)
    return [stays * one + (1 - stays) * other for one, other in zip(belief, base, strict=True)]


def _stays(gap_us: int) -> float:
    return exp(-max(0, gap_us) / 1e6 / LASTS_S)


def _scaled(values: list[float]) -> list[float]:
    total = sum(values)
    return [value / total for value in values]


def _density(z: float) -> float:
    return exp(-z * z / 2) / sqrt(2 * pi)


def _beyond(z: float) -> float:
    """The share of a normal distribution above z."""
    return 0.5 * erfc(z / sqrt(2))


_PRIOR = _scaled(
    [max(_LEAST_STATE, _density((each - log(PRIOR_MEDIAN_S)) / _BETWEEN) * log(2) / _BETWEEN) for each in _LOGS]
)
"""Weights of the states such that all of them together are the published times."""
