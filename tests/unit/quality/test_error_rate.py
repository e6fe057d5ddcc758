"""How often a model gets in that should not, by the whole rule: evidence, table, moves, and what is kept of old bounds."""

import random

from farthing.model.routes import ANY, Table, Tier
from farthing.quality.noninferiority import ALPHA
from farthing.quality.prior import shipped
from farthing.quality.proposals import moves, refreshed, with_moves
from farthing.quality.table import make
from farthing.store.evidence import Sums

FLOOR = 0.95
TIERS: dict[Tier, tuple[str, ...]] = {"small": ("small",), "flagship": ("big",)}
SCOPE = "task:qa"
RUNS = 200
LOOKS = [round(20 * 1.18**at) for at in range(24)]
"""Comparisons after which the table is made anew: 20 to 900."""


class World:
    """Many tenants at once, each a run of its own. `worse` and `better` are shares of comparisons."""

    def __init__(self, worse: float, better: float, seed: int = 1) -> None:
        self.worse, self.better = worse, better
        self.dice = random.Random(seed)
        self.seen = {f"t{run}": [0, 0, 0] for run in range(RUNS)}
        self.prior = make((), TIERS, "big", shipped())
        self.held = Table()
        self.ever: set[str] = set()
        self.now: set[str] = set()

    def compare(self, until: int) -> None:
        for seen in self.seen.values():
            while seen[0] < until:
                luck = self.dice.random()
                seen[0] += 1
                seen[1] += luck < self.worse
                seen[2] += self.worse <= luck < self.worse + self.better

    def look(self) -> None:
        """As a refresh does it."""
        table = self.held.over(self.prior)
        new = make(self._sums(), TIERS, "big", shipped())
        found = moves(table, new, lambda scope: (FLOOR,))
        self.held = with_moves(refreshed(self.held, new, found), found)
        self.now = {
            tenant for (tenant, scope), cells in self.held.cells.items() if scope == SCOPE and cells["small"].lower >= FLOOR
        }  # fmt: skip
        self.ever |= self.now

    def _sums(self) -> list[Sums]:
        return [
            Sums(0, tenant, scope, "small", "shadow", "big", pairs, better - worse, better + worse)
            for tenant, (pairs, worse, better) in self.seen.items()
            for scope in (SCOPE, ANY)
        ]


def share_in(worse: float, better: float) -> tuple[float, float]:
    """The share of runs in which the model was in at any time, and in which it is in at the end."""
    world = World(worse, better)
    for look in LOOKS:
        world.compare(look)
        world.look()
    return len(world.ever) / RUNS, len(world.now) / RUNS


def test_a_model_at_its_floor_gets_in_at_most_as_often_as_is_said() -> None:
    """It is exactly as bad as the floor allows: whoever lets it in at any time has erred."""
    ever, now = share_in(worse=0.052, better=0.002)
    assert now <= ever <= ALPHA


def test_a_model_that_is_good_enough_gets_in_and_stays() -> None:
    """A rule that lets nobody in is never wrong."""
    ever, now = share_in(worse=0.005, better=0.005)
    assert ever >= now >= 0.99
