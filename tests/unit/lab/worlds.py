"""Prompts whose truth is known: which parts matter, and by how much."""

import random
from collections.abc import Collection, Sequence

from farthing.lab.prompt import Variant
from farthing.lab.trial import Outcome, Scores


class World:
    """Each part of `important` costs `loss` of the answers where it is missing; answers of a variant change by luck on
    `flips` of the items."""

    def __init__(
        self, seed: int, important: Collection[int], loss: float = 0.06, flips: float = 0.01, right: float = 0.85
    ) -> None:  # fmt: skip
        self.important = frozenset(important)
        self.loss, self.flips, self.right, self.seed = loss, flips, right, seed
        self.calls = 0
        self.arm_gain = 0.0

    async def scores(self, variant: Variant, numbers: Sequence[int]) -> list[Outcome | None]:
        self.calls += len(numbers)
        return [self._outcome(variant, number) for number in numbers]

    def _outcome(self, variant: Variant, number: int) -> Outcome:
        dice = random.Random(self.seed * 1_000_003 + number)
        right = dice.random() < self.right
        for part in sorted(self.important):
            lost = dice.random() < self.loss / self.right
            right = right and not (lost and part in variant.removed)
        name = f"{self.seed} {number} {sorted(variant.removed)} {variant.order} {variant.arm}"
        if random.Random(name).random() < self.flips:
            right = not right
        out = 5 if variant.arm else 20
        return Outcome(int(right), 100 - len(variant.removed), out, 100 - len(variant.removed) + 5 * out)


def scores_of(seed: int, important: Collection[int], **more: float) -> tuple[World, Scores]:
    world = World(seed, important, **more)
    return world, world.scores
