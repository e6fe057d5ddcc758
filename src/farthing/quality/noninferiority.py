"""Is a model's answer not worse than the flagship's by more than a margin? Bounds that hold at any time, however often one
looks, and an alarm for a model that has become worse.

Each comparison says -1 (worse), 0 (as good) or 1 (better). Against the claim that the mean difference is m a bettor stakes
a share of its wealth on each comparison: 1 + bet * (d - m). If the claim is true the wealth has no drift, so by Ville's
inequality it reaches 20 with a probability of 5 % at most, over all time; claims that it has reached 20 against are out.
What is left is a confidence sequence (Waudby-Smith and Ramdas, Estimating means of bounded random variables by betting,
JRSS B 2024). The bets are fixed in advance and their wealths averaged, so the counts of the three outcomes are all that
matters: not their order, nor which gateway saw which. No distribution is assumed; comparisons that get worse over time
only make the bounds say what the mean was.

Power, 300 simulations each, looked at all the time:

    truth                                     median comparisons to promotion    promoted
    floor 0.99, within 20,000 comparisons
      always as good                                        410                   100 %
      1 in 200 worse, 1 in 200 better                       920                   100 %
      1 in 50 worse, 1 in 50 better                       2,950                   100 %
      at the margin: 5 in 200 worse, 3 better                                     4.3 %  (wrongly)
    floor 0.95, within 5,000 comparisons
      always as good                                         81                   100 %
      1 in 50 worse, 1 in 50 better                         137                   100 %
      at the margin: 7 in 100 worse, 2 better                                     3.7 %  (wrongly)

The alarm (`Drift`) adds up the same bets the other way round and starts anew whenever nothing speaks for a drop (an
e-CUSUM: Shin, Ramdas and Rinaldo, E-detectors, NEJSDS 2024): at the margin itself it is wrong at most once in 1,000
comparisons, in the mean (seen: less than once in 19,000). Delays after a drop, floor 0.99, in the mean: to 5 in 100 worse
338 comparisons, to 10 in 100 144, to 30 in 100 42. Knows nothing of where comparisons come from.
"""

import math
from functools import lru_cache
from typing import Literal

import msgspec

ALPHA = 0.05
"""Probability that a bound is ever wrong, for one model in one scope."""
RUN = 1000.0
"""Comparisons between false alarms, in the mean and at least."""
_ODDS = tuple(2.0**at for at in range(-6, 7))
BETS = tuple(odds / (1 + odds) for odds in _ODDS)
"""Stakes, as shares of the largest that cannot lose all."""

Verdict = Literal["promote", "demote", "open"]


class Counts(msgspec.Struct, frozen=True):
    """Comparisons by outcome. They may be fractions: halves of an outcome are bet on as such, which is on the safe side."""

    better: float = 0.0
    same: float = 0.0
    worse: float = 0.0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(self.better + other.better, self.same + other.same, self.worse + other.worse)

    @property
    def n(self) -> float:
        return self.better + self.same + self.worse

    @property
    def mean(self) -> float:
        """0 where nothing was seen."""
        return (self.better - self.worse) / self.n if self.n else 0.0

    @property
    def turned(self) -> "Counts":
        """The same from the other model's side."""
        return Counts(self.worse, self.same, self.better)


def counted(n: float, total: float, squares: float) -> Counts:
    """From the number, the sum and the sum of squares of differences that are each -1, 0 or 1."""
    better, worse = max(0.0, (squares + total) / 2), max(0.0, (squares - total) / 2)
    return Counts(better, max(0.0, n - better - worse), worse)


@lru_cache(maxsize=4_096)
def lower(seen: Counts, alpha: float = ALPHA) -> float:
    """What the mean difference is at least, -1 to 1: wrong at any time with probability `alpha` at most."""
    low, high = -1.0, 1.0
    if not seen.n:
        return low
    limit = math.log(1 / alpha)
    for _ in range(30):
        middle = (low + high) / 2
        if _log_wealth(seen, middle) >= limit:
            low = middle
        else:
            high = middle
    return low


def upper(seen: Counts, alpha: float = ALPHA) -> float:
    """What the mean difference is at most."""
    return -lower(seen.turned, alpha)


@lru_cache(maxsize=4_096)
def verdict(seen: Counts, margin: float, alpha: float = ALPHA) -> Verdict:
    """Promote what is shown to be worse by less than `margin` (0.01 for a floor of 0.99); demote what is shown to be
    worse by more; open is what neither is shown of."""
    limit = math.log(1 / alpha)
    if not seen.n:
        return "open"
    if _log_wealth(seen, -margin) >= limit:
        return "promote"
    return "demote" if _log_wealth(seen.turned, margin) >= limit else "open"


def _log_wealth(seen: Counts, mean: float) -> float:
    """Log of what betting that the mean is above `mean` has made of 1."""
    reach = 1 + mean  # a loss is at most so large
    if reach <= 0:
        return math.inf if seen.n else 0.0
    logs = [
        seen.better * math.log1p(bet * (1 - mean) / reach)
        + seen.same * math.log1p(-bet * mean / reach)
        + seen.worse * math.log1p(-bet)
        for bet in BETS
    ]
    return _log_mean(logs)


def _log_mean(logs: list[float]) -> float:
    top = max(logs)
    return top + math.log(sum(math.exp(each - top) for each in logs) / len(logs))


class Drift:
    """Watches one model in one scope, comparison by comparison, in the order in which they were made."""

    __slots__ = ("_log_wealths", "margin", "streak", "suspicion")

    def __init__(self, margin: float) -> None:
        self.margin = margin
        self._log_wealths = [0.0] * len(BETS)
        self.streak = 0
        """The latest comparisons in a row in which it was not worse."""
        self.suspicion = 0.0
        """0 or less: none. The alarm is at log(1000)."""

    def note(self, difference: float) -> None:
        """A comparison that is no reason for an alarm."""
        self.streak = 0 if difference < 0 else self.streak + 1

    def add(self, difference: float) -> bool:
        """Whether it is worse than the margin by now. `difference` is -1 to 1."""
        self.note(difference)
        reach = 1 + self.margin
        gain = (-difference - self.margin) / reach
        for at, bet in enumerate(BETS):
            self._log_wealths[at] = max(0.0, self._log_wealths[at]) + math.log1p(bet * gain)
        self.suspicion = _log_mean(self._log_wealths)
        return self.suspicion >= math.log(RUN)
