import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from farthing.steps.cache.bound import Tally, lower_limit, needed, threshold, upper_limit


@pytest.mark.parametrize(
    ("count", "wrong", "upper"),
    # 1 - 0.05 ** (1 / n) for none wrong; the others from tables of the beta distribution.
    [(300, 0, 0.009936), (299, 0, 0.009969), (100, 0, 0.029513), (10, 1, 0.394163), (200, 1, 0.023498), (5, 5, 1.0)],
)
def test_the_exact_upper_limit(count: int, wrong: int, upper: float) -> None:
    assert upper_limit(count, wrong) == pytest.approx(upper, abs=2e-5)


def test_the_exact_lower_limit() -> None:
    assert lower_limit(10, 1) == pytest.approx(0.005116, abs=2e-5)
    assert lower_limit(10, 0) == 0


def test_how_many_clean_verdicts_show_a_bound() -> None:
    assert (needed(0.01), needed(0.05)) == (299, 59)
    assert upper_limit(needed(0.01), 0) <= 0.01 < upper_limit(needed(0.01) - 1, 0)


def test_a_scope_without_verdicts_serves_nothing() -> None:
    assert not threshold(Tally.empty(), 0.01).serves
    assert not threshold(Tally.of([(0.99, False)] * 298), 0.01).serves


def test_enough_clean_verdicts_open_it_as_far_down_as_they_go() -> None:
    found = threshold(Tally.of([(0.95, False)] * 200 + [(0.9, False)] * 200), 0.01)
    assert (found.similarity, found.verdicts, found.wrong) == (0.9, 400, 0) and found.upper <= 0.01


def test_a_bad_region_below_a_good_one_stays_closed() -> None:
    found = threshold(Tally.of([(0.95, False)] * 400 + [(0.8, True)] * 40 + [(0.6, False)] * 5000), 0.01)
    assert found.similarity == 0.95


def test_a_wrong_answer_at_the_top_closes_all_until_more_is_known() -> None:
    wrong_at_top = [(1.0, True)] * 3
    assert not threshold(Tally.of(wrong_at_top + [(0.95, False)] * 300), 0.01).serves
    assert threshold(Tally.of(wrong_at_top + [(0.95, False)] * 1000), 0.01).serves


@settings(deadline=None)
@given(st.integers(1, 1000), st.floats(0, 1), st.floats(0.001, 0.2))
def test_limits_enclose_what_was_seen(count: int, share: float, bound: float) -> None:
    wrong = round(count * share)
    assert lower_limit(count, wrong) <= wrong / count <= upper_limit(count, wrong)
    tally = Tally.of([(0.9, False)] * (count - wrong) + [(0.9, True)] * wrong)
    found = threshold(tally, bound)
    assert found.serves == (upper_limit(count, wrong) <= bound)


def test_the_bound_holds_in_the_long_run() -> None:
    """Scopes whose hits are wrong more often than the bound are opened no more often than the confidence allows."""
    dice = random.Random(1)
    opened = 0
    for _ in range(400):
        verdicts = [(0.95, dice.random() < 0.02) for _ in range(400)]
        opened += threshold(Tally.of(verdicts), 0.01).serves
    assert opened / 400 <= 0.05
