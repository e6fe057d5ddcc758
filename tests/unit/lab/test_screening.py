import random

import pytest

from farthing.lab.prompt import AS_IT_IS
from farthing.lab.screening import prune
from farthing.lab.trial import Trials
from unit.lab.worlds import World


@pytest.mark.parametrize("seed", range(8))
async def test_what_matters_stays_and_most_else_goes(seed: int) -> None:
    important = set(random.Random(seed).sample(range(20), 4))
    world = World(seed, important)
    found = await prune(Trials(world.scores, 300, 0.03), AS_IT_IS, range(20), {})
    assert not found.variant.removed & important
    assert len(found.variant.removed) >= 12
    assert set(found.decided) == set(range(20))
    assert {id for id, each in found.decided.items() if each.removed} == found.variant.removed


async def test_it_takes_fewer_calls_than_leaving_out_one_after_the_other() -> None:
    calls = []
    for seed in range(6):
        world = World(seed, random.Random(seed).sample(range(20), 4))
        await prune(Trials(world.scores, 300, 0.03), AS_IT_IS, range(20), {})
        calls.append(world.calls)
    assert sum(calls) / len(calls) < 3600


async def test_reasons_say_what_they_rest_on() -> None:
    world = World(2, {0}, loss=0.4)
    found = await prune(Trials(world.scores, 300, 0.03), AS_IT_IS, [0, 1, 2], {1: 5.0})
    assert "are lost" in found.decided[0].why
    assert found.decided[1].why == "no loss shown in 300 pairs, with 1 other"


async def test_parts_that_only_matter_together_do_not_go_together() -> None:
    """Either of two that say the same may go, not both."""

    class Twice(World):
        def _outcome(self, variant, number):  # type: ignore[no-untyped-def]
            if not {0, 1} <= variant.removed:
                variant = AS_IT_IS.less(variant.removed - {0})
            return super()._outcome(variant, number)

    world = Twice(5, {0}, loss=0.3)
    found = await prune(Trials(world.scores, 300, 0.03), AS_IT_IS, [0, 1, 2, 3], {})
    assert len(found.variant.removed & {0, 1}) == 1 and {2, 3} <= found.variant.removed


async def test_few_items_are_said_to_be_too_few() -> None:
    world = World(4, {0}, loss=0.03, flips=0.05)
    found = await prune(Trials(world.scores, 90, 0.03), AS_IT_IS, [0, 1, 2], {})
    stay = [each for each in found.decided.values() if not each.removed]
    assert stay and all("cannot be shown with" in each.why or "are lost" in each.why for each in stay)
