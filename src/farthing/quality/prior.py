"""What is known of a tier before anything was measured here: quality of its models as shares of the flagship's, by task,
fitted on public outcomes. Knows nothing of models at hand, nor where outcomes come from.

The outcomes are those of models of 2023 and 2024; today's small models are nearer to the flagship. So the prior errs on
the safe side. It lets the mid tier serve where about nine tenths of the flagship's quality will do, and the small one nowhere.
"""

import math
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from typing import NamedTuple

import msgspec

from farthing.model.routes import Tier
from farthing.quality.shrinking import Known

KINDS_WORTH = 2.0
"""How many kinds of work the mean of all kinds is worth beside a task's own."""
LEAST_SPREAD = 1e-4
"""Variance between kinds: a few kinds that happen to agree do not make it nothing."""


class Seen(NamedTuple):
    """What models of one tier came to on one kind of work."""

    tier: Tier
    task: str
    kind: str
    share: float
    """Of the flagship's quality."""
    squares: float
    """Mean square of the differences of single answers."""


class TierPrior(msgspec.Struct, frozen=True):
    """Shares of the flagship's quality."""

    mean: float
    variance: float
    """Of the mean over kinds of work."""
    between: float
    """Variance between kinds of work: how far a new one may lie from the mean."""
    spread: float
    """Mean square of the difference of one answer."""
    tasks: dict[str, tuple[float, float]] = {}
    """By task: mean, and variance of the mean."""

    def of(self, task: str) -> Known:
        """What is known of a task; of one without outcomes, what is known of any new one."""
        found = self.tasks.get(task)
        return Known(*found) if found is not None else Known(self.mean, self.variance + self.between)


class Prior(msgspec.Struct, frozen=True):
    """By tier; the flagship is what the others are compared with."""

    tiers: dict[str, TierPrior]
    source: str = ""

    def tier(self, tier: Tier) -> TierPrior:
        """Of another flagship than the reference nothing is known: it counts as one of the mid tier."""
        return self.tiers["small" if tier == "small" else "mid"]


def fit(seen: Iterable[Seen], source: str = "") -> Prior:
    """The prior that outcomes give: each kind weighs the same, pools of models within a kind are averaged.

    A task's mean is drawn to that of all kinds, with the variance between kinds as its measure. ValueError if a tier was
    seen with fewer than two kinds.
    """
    by_tier: dict[str, dict[tuple[str, str], list[Seen]]] = {}
    for each in seen:
        by_tier.setdefault(each.tier, {}).setdefault((each.task, each.kind), []).append(each)
    return Prior({tier: _tier(kinds) for tier, kinds in by_tier.items() if tier != "flagship"}, source)


def _tier(kinds: Mapping[tuple[str, str], list[Seen]]) -> TierPrior:
    if len(kinds) < 2:
        raise ValueError("a prior needs two kinds of work at least")
    shares = {place: _mean(each.share for each in found) for place, found in kinds.items()}
    mean = _mean(shares.values())
    between = max(LEAST_SPREAD, math.fsum((each - mean) ** 2 for each in shares.values()) / (len(shares) - 1))
    tasks = {}
    for task in sorted({task for task, _ in shares}):
        own = [share for (name, _), share in shares.items() if name == task]
        worth = len(own) + KINDS_WORTH
        tasks[task] = ((math.fsum(own) + KINDS_WORTH * mean) / worth, between / worth)
    spread = _mean(each.squares for found in kinds.values() for each in found)
    return TierPrior(mean, between / len(shares), between, spread, tasks)


def _mean(values: Iterable[float]) -> float:
    listed = list(values)
    return math.fsum(listed) / len(listed)


@cache
def shipped() -> Prior:
    """The prior that comes with the package; `tools/fit_prior.py` writes it."""
    return msgspec.json.decode(files("farthing.quality").joinpath("prior.json").read_bytes(), type=Prior)
