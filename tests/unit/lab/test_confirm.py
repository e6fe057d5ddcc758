import pytest

from farthing.lab.confirm import confirm, judged, mean
from farthing.lab.prompt import AS_IT_IS
from farthing.lab.trial import Outcome
from unit.lab.worlds import World

RIGHT, WRONG = Outcome(1, 10, 2, 5, True), Outcome(0, 20, 4, 5, False)


async def test_fresh_items_prove_it() -> None:
    world = World(2, {0})
    proof = await confirm(world.scores, AS_IT_IS.less([1]), 300, 300, 0.03)
    assert proof.verdict == "holds" and world.calls == 600 and proof.items == 300
    assert proof.low < proof.counts.mean < proof.high
    assert "confirmed on 300 fresh items" in proof.words and proof.words.endswith("less than 3 lost")


async def test_what_matters_is_not_confirmed() -> None:
    proof = await confirm(World(2, {0}, loss=0.3).scores, AS_IT_IS.less([0]), 300, 300, 0.03)
    assert proof.verdict == "harms" and proof.words.startswith("not confirmed: -")


def test_what_few_items_cannot_show_is_said_with_how_many_could() -> None:
    proof = judged([RIGHT] * 60 + [WRONG] * 3, [RIGHT] * 57 + [WRONG] * 3 + [RIGHT] * 3, 0.03)
    assert proof.verdict == "open"
    assert proof.words == "cannot be shown with 63 items: +0.0 points (-7.4 to +7.4); about 657 would be needed"


def test_means() -> None:
    found = mean([RIGHT, WRONG, None])
    assert (found.calls, found.right, found.in_tokens, found.out_tokens, found.cost, found.parsed) == (
        2,
        0.5,
        15,
        3,
        10,
        0.5,
    )
    assert mean([Outcome(1, cost=None)]).cost is None and mean([]).calls == 0
    assert judged([None], [None], 0.03).verdict == "open"


def test_nothing_in_common_shows_nothing() -> None:
    assert judged([RIGHT, None], [None, RIGHT], 0.03).low == pytest.approx(-1.0)
