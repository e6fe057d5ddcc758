"""Laws of the threshold: what is shown holds, and no more is shown than the evidence allows."""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from farthing.selfhost.students.calibrating import ERROR, FIRST, lower, tail, threshold, weigh

outcomes = st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=400)


@given(st.integers(0, 60), st.integers(1, 60), st.floats(0.001, 0.999))
def test_the_tail_is_that_of_the_binomial(bad: int, n: int, rate: float) -> None:
    exact = sum(math.comb(n, k) * rate**k * (1 - rate) ** (n - k) for k in range(min(bad, n) + 1))
    assert math.isclose(tail(bad, n, rate), min(1.0, exact), rel_tol=1e-9, abs_tol=1e-12)


@given(st.integers(0, 300), st.integers(1, 300))
def test_the_bound_is_below_the_share_and_just_not_refuted(good: int, n: int) -> None:
    good = min(good, n)
    bound = lower(good, n)
    assert 0 <= bound <= good / n
    assert tail(n - good, n, 1 - bound + 1e-6) <= ERROR + 1e-4 or bound < 1e-6


@given(outcomes, st.floats(0.5, 0.99))
def test_what_is_shown_is_backed_by_its_examples(seen: list[tuple[float, bool]], target: float) -> None:
    confidences, agreed = np.array([each[0] for each in seen]), np.array([each[1] for each in seen])
    shown = threshold(confidences, agreed, target)
    if shown.abstains:
        assert shown.threshold == math.inf
        return
    above = confidences >= shown.threshold
    assert (shown.answered, shown.agreed) == (above.sum(), (above & agreed).sum())
    assert shown.answered >= FIRST * len(seen) and shown.bound >= target - 1e-6


@given(outcomes)
def test_a_higher_target_or_a_disagreement_never_answers_more(seen: list[tuple[float, bool]]) -> None:
    confidences, agreed = np.array([each[0] for each in seen]), np.array([each[1] for each in seen])
    easy = threshold(confidences, agreed, 0.8).answered
    assert threshold(confidences, agreed, 0.9).answered <= easy
    worse = agreed.copy()
    worse[np.argmax(confidences)] = False
    assert threshold(confidences, worse, 0.8).answered <= easy


def test_a_target_that_is_not_kept_is_rarely_shown() -> None:
    """Agreement is 94 % at any confidence: whatever is shown of 95 % is wrong."""
    dice = np.random.default_rng(7)
    wrong = sum(
        not threshold(dice.random(1_000), dice.random(1_000) < 0.94, 0.95).abstains for _ in range(400)
    )  # fmt: skip
    assert wrong <= ERROR * 400 + 3 * math.sqrt(ERROR * 400)


def test_few_examples_show_nothing_and_perfect_ones_show_all() -> None:
    sure = np.linspace(0, 1, 100)
    assert threshold(sure, np.ones(100, bool), 0.95).abstains  # 25 in a row are not enough
    assert threshold(np.linspace(0, 1, 400), np.ones(400, bool), 0.95).answered == 400


def test_signs_that_tell_get_the_weight() -> None:
    dice = np.random.default_rng(3)
    signs = dice.normal(size=(2_000, 3)).astype(np.float32)
    agreed = dice.random(2_000) < 1 / (1 + np.exp(-(1 + 2 * signs[:, 1])))
    means, spreads, weights = weigh(signs, agreed)
    assert np.abs(means).max() < 0.1 and np.abs(spreads - 1).max() < 0.1
    assert abs(weights[1] - 2) < 0.3 and abs(weights[3] - 1) < 0.3 and abs(weights[0]) < 0.2
