import pytest

from farthing.lab.fewshot import best_order, fewest, mcnemar
from farthing.lab.prompt import AS_IT_IS, Variant, read_prompt
from farthing.lab.trial import Outcome, Trials
from farthing.quality.noninferiority import Counts
from unit.lab.worlds import World

PROMPT = read_prompt(
    "[[messages]]\nrole='user'\ntext='{{a}}'\n" + "".join(f"[[examples]]\ninput='{'i' * (5 - at)}'\noutput='o'\n" for at in range(4)),
    "p",
)  # fmt: skip
SHOTS = [part.id for part in PROMPT.parts if part.message < 0]


class AnyTwo(World):
    """Any two of the examples do; the order in which the shortest is first is better."""

    better_order: tuple[int, ...] = ()

    def _outcome(self, variant: Variant, number: int) -> Outcome:
        left = [part for part in SHOTS if part not in variant.removed]
        outcome = super()._outcome(Variant(frozenset((0,)) if len(left) < 2 else frozenset()), number)
        if variant.order and variant.order == self.better_order:
            return Outcome(1)
        return outcome


async def test_the_fewest_examples_that_do() -> None:
    world = AnyTwo(1, {0}, loss=0.3, flips=0.0)
    found = await fewest(Trials(world.scores, 200, 0.03), AS_IT_IS, SHOTS, {})
    assert len(found.variant.removed) == 2
    assert {each.removed for each in found.decided.values()} == {True, False}


async def test_a_better_order_is_taken_and_no_other() -> None:
    world = AnyTwo(1, {0}, loss=0.3, flips=0.0)
    trials = Trials(world.scores, 200, 0.03)
    same = await best_order(trials, AS_IT_IS, PROMPT)
    assert same.order == () and same.tried == 1 and same.why == "no other order was shown to be better"
    world.better_order = (3, 2, 1, 0)
    found = await best_order(Trials(world.scores, 200, 0.03), AS_IT_IS, PROMPT)
    assert found.order == (3, 2, 1, 0) and found.counts.better > 10


@pytest.mark.parametrize(
    ("counts", "chance"), [(Counts(5, 90, 0), 1 / 32), (Counts(0, 9, 0), 1), (Counts(1, 0, 1), 0.75)]
)
def test_mcnemar(counts: Counts, chance: float) -> None:
    assert mcnemar(counts) == pytest.approx(chance)
