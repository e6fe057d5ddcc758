"""Providers as they are, the same whatever is done with them: when a batch that is created at some minute is back, when the
cheap tier refuses, how long calls take.

What a batch takes is log-normal; most of the logarithm's variance moves slowly (hours), the rest is each minute's own. While
a provider is stuck nothing moves. Shards of bad minutes never start, and expire after 24 hours without a result.
"""

import math
import random
from typing import NamedTuple

HOUR = 3600.0
MINUTE = 60.0
WINDOW_S = 24 * HOUR
NEVER = float("inf")
SLOW = 0.7
"""Share of the variance that moves slowly."""
SLOW_S = 2 * HOUR
SPELL_S = 1.5 * HOUR
"""How long minutes last of which shards never start, on average."""
PENDING = 0.6
"""Share of its time that a batch waits before its first line is worked."""


class Regime(NamedTuple):
    name: str
    median_s: float
    spread: float
    """Standard deviation of the logarithm."""
    flex: bool = False
    stuck: tuple[float, float] = (0.0, 0.0)
    """From which hour on, and for how many."""
    never: float = 0.0
    """Share of the time in which shards are created that never start."""


REGIMES = (
    Regime("as published", 420, 1.68),
    Regime("as published, flex", 420, 1.68, flex=True),
    Regime("slow", 5400, 0.9),
    Regime("slow, flex", 5400, 0.9, flex=True),
    Regime("stuck for 7 hours", 420, 1.2, stuck=(7.0, 7.0)),
    Regime("stuck for 7 hours, flex", 420, 1.2, flex=True, stuck=(7.0, 7.0)),
    Regime("a fifth expires", 900, 1.2, never=0.2),
    Regime("stuck from the start", 420, 1.2, stuck=(0.0, 30.0)),
)


class World:
    """Of one regime and seed. Seconds from the beginning."""

    def __init__(self, regime: Regime, seed: int, hours: float) -> None:
        self.regime = regime
        dice = random.Random(f"{regime.name} {seed}")
        minutes = math.ceil(hours * 60) + 2
        self.slow: list[float] = []
        """The part of a turn-round that moves slowly, each minute, in standard deviations of its logarithm."""
        self._takes = _turn_rounds(regime, dice, minutes, self.slow)
        self.never = _spells(dice, minutes, regime.never, SPELL_S)
        self.ready = [self._ready(minute) for minute in range(minutes)]
        refusing = _spells(dice, minutes, 0.35, 0.4 * HOUR)
        self.refuses = [1.0 if each else 0.04 for each in refusing]
        self.withdrawn_s = [dice.uniform(10, 600) for _ in range(minutes)]

    def ready_s(self, at_s: float) -> float:
        """When a batch created then has its results; `NEVER`: it expires."""
        return self.ready[int(at_s / MINUTE)] + at_s % MINUTE

    def worked(self, at_s: float, by_s: float) -> float:
        """The share of its lines that are worked, and paid, by then."""
        minute = int(at_s / MINUTE)
        if self.never[minute]:
            return 0.0
        passed = self._moving(at_s, by_s) / self._takes[minute]
        return min(1.0, max(0.0, (passed - PENDING) / (1 - PENDING)))

    def _ready(self, minute: int) -> float:
        if self.never[minute]:
            return NEVER
        at, left = minute * MINUTE, self._takes[minute]
        begins, ends = self._stuck()
        moves = at + left <= begins or at >= ends
        ready = at + left if moves else left - max(0.0, begins - at) + ends
        return ready if ready - at <= WINDOW_S else NEVER

    def _moving(self, from_s: float, until_s: float) -> float:
        begins, ends = self._stuck()
        return until_s - from_s - max(0.0, min(until_s, ends) - max(from_s, begins))

    def _stuck(self) -> tuple[float, float]:
        begins, lasts = self.regime.stuck
        return (begins * HOUR, (begins + lasts) * HOUR) if lasts else (NEVER, NEVER)


def _turn_rounds(regime: Regime, dice: random.Random, minutes: int, parts: list[float]) -> list[float]:
    """What a shard of each minute takes; `parts` gets the slow part of each."""
    stays = math.exp(-MINUTE / SLOW_S)
    slow, found = dice.gauss(0, 1), []
    for _ in range(minutes):
        slow = stays * slow + math.sqrt(1 - stays**2) * dice.gauss(0, 1)
        parts.append(slow)
        z = math.sqrt(SLOW) * slow + math.sqrt(1 - SLOW) * dice.gauss(0, 1)
        found.append(max(20.0, regime.median_s * math.exp(regime.spread * z)))
    return found


def _spells(dice: random.Random, minutes: int, share: float, lasts_s: float) -> list[bool]:
    """Whether it is one of the bad minutes; these come in spells."""
    if share <= 0:
        return [False] * minutes
    bad, found = dice.random() < share, []
    for _ in range(minutes):
        ends = MINUTE / lasts_s if bad else MINUTE / lasts_s * share / (1 - share)
        bad = bad != (dice.random() < ends)
        found.append(bad)
    return found


def call_s(dice: random.Random) -> float:
    """What an ordinary call takes."""
    return min(120.0, dice.lognormvariate(math.log(6), 0.7))


def flex_s(dice: random.Random) -> float:
    """What one on the cheap tier takes."""
    return min(900.0, dice.lognormvariate(math.log(40), 0.8))
