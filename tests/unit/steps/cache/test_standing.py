"""How a feature stands with its semantic hits: what is missing is just enough, and what is shown is what calls go by."""

import pytest

from farthing.steps.cache.bound import Tally, needed, threshold
from farthing.steps.cache.calibration import NOTHING, USUAL
from farthing.steps.cache.standing import missing


@pytest.mark.parametrize("wrong", [0, 1, 3])
def test_the_missing_verdicts_are_just_enough(wrong: int) -> None:
    tally = Tally.of([(0.9, number < wrong) for number in range(100)])
    more = missing(tally, 0.01, NOTHING)
    tally.count(1.0, more - 1, 0, 0)
    assert not threshold(tally, 0.01, USUAL).serves
    tally.add(1.0, False)
    assert threshold(tally, 0.01, USUAL).serves
    assert missing(Tally.empty(), 0.01, USUAL) == needed(0.01)
