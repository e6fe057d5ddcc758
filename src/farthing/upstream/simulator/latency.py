"""How long a model takes: until its first token, and for each token after. Seconds; steady for equal requests."""

import random

import msgspec

from farthing.upstream.simulator.models import Model


class Pace(msgspec.Struct, frozen=True):
    """Seconds."""

    first: float
    per_token: float

    def whole(self, output: int) -> float:
        """Until the last of `output` tokens."""
        return self.first + self.per_token * output


_FIRST = {"small": 0.25, "mid": 0.45, "flagship": 0.80}
_PER_TOKEN = {"small": 1 / 160, "mid": 1 / 95, "flagship": 1 / 60}
_READING = {"small": 1 / 40_000, "mid": 1 / 25_000, "flagship": 1 / 15_000}
"""Per token of input that no cache holds."""


def pace(model: Model, uncached: int, dice: random.Random, scale: float) -> Pace:
    """The pace of one answer: a typical one for the tier, stretched by the prompt's uncached tokens and by chance (most
    within a third of it, one in fifty thrice as slow)."""
    if scale <= 0:
        return Pace(0.0, 0.0)
    stretch = dice.lognormvariate(0.0, 0.25) * (3.0 if dice.random() < 0.02 else 1.0)
    first = _FIRST[model.tier] * stretch + uncached * _READING[model.tier]
    return Pace(first * scale, _PER_TOKEN[model.tier] * dice.uniform(0.85, 1.2) * scale)
