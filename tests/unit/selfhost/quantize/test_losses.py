"""What was lost, with intervals, and the gate."""

import math

import pytest

from farthing.model.errors import BadRequest
from farthing.selfhost.quantize.losses import Loss, _t, perplexity, task
from farthing.selfhost.quantize.report import verdict


def test_perplexity_is_compared_block_by_block() -> None:
    before = {at: (100.0 * (2 + at % 3), 100) for at in range(30)}
    after = {at: (nll + 100 * math.log(1.02), 100) for at, (nll, _) in before.items()}
    found = perplexity(before, after)
    assert found.before == pytest.approx(math.exp(3)) and found.loss == pytest.approx(0.02)
    assert (found.low, found.high) == pytest.approx((0.02, 0.02))  # blocks differ by far more than what was lost
    assert found.n == 3000 and found.verdict(0.03) == "kept" and found.verdict(0.01) == "lost"


def test_a_loss_that_differs_between_blocks_is_uncertain() -> None:
    before = dict.fromkeys(range(5), (300.0, 100))
    after = {at: (300.0 + each, 100) for at, each in enumerate((1, 3, 1, 3, 2))}
    found = perplexity(before, after)
    half = 2.776 * 0.01 / math.sqrt(5)
    assert (found.low, found.high) == pytest.approx((math.expm1(0.02 - half), math.expm1(0.02 + half)))
    assert found.verdict(0.02) == "open"


@pytest.mark.parametrize(("freedom", "point"), [(1, 12.706), (5, 2.571), (10, 2.228), (39, 2.023), (1000, 1.962)])
def test_students_points(freedom: int, point: float) -> None:
    assert _t(freedom) == pytest.approx(point, rel=0.005)


def test_a_task_is_compared_item_by_item() -> None:
    before = [True] * 80 + [False] * 20 + [None]
    after = [True] * 76 + [False] * 4 + [True] * 2 + [False] * 18 + [True]
    found = task(before, after)
    assert (found.before, found.after, found.n) == (0.8, pytest.approx(0.78), 100)
    assert found.loss == pytest.approx(0.02 / 0.8) and found.low < 0 < found.loss < found.high
    assert found.verdict(0.03) == "open"


def test_many_equal_answers_show_that_nothing_was_lost() -> None:
    assert task([True] * 50, [True] * 50).verdict(0.03) == "open"
    assert task([True] * 300, [True] * 300).verdict(0.03) == "kept"
    assert task([True] * 300, [False] * 300).verdict(0.03) == "lost"


def test_what_cannot_be_compared_is_said() -> None:
    with pytest.raises(BadRequest, match="gives no right answer"):
        task([False], [True])
    with pytest.raises(BadRequest, match="the same blocks"):
        perplexity({0: (1.0, 1)}, {0: (1.0, 1)})
    with pytest.raises(BadRequest, match="its perplexity is no number"):
        perplexity({0: (1.0, 1), 1: (math.nan, 1)}, {0: (1.0, 1), 1: (1.0, 1)})


def test_a_model_that_foretells_nothing_any_more_has_lost() -> None:
    found = perplexity(dict.fromkeys(range(9), (200.0, 100)), dict.fromkeys(range(9), (math.nan, 100)))
    assert found.verdict(0.03) == "lost" and found.after == pytest.approx(math.exp(30))


def test_the_gate_asks_the_task_first_and_for_proof_unless_told() -> None:
    kept, open_ = Loss("perplexity", 1, 1, 0.0, 0.0, 0.0, 9), Loss("task", 1, 1, 0.01, -0.1, 0.1, 9)
    assert verdict(kept, None, 0.03, "shown") == ("kept", True)
    assert verdict(kept, open_, 0.03, "shown") == ("open", False)
    assert verdict(kept, open_, 0.03, "seen") == ("open", True)
