import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.steps.cache.calibration import FAIR, FAIRLY_TRIED, LENT, NOTHING, Count, Errors, Probes, probes_of
from farthing.store.entries import ProbeCount


def counts() -> st.SearchStrategy[Count]:
    return st.integers(0, 200).flatmap(lambda probes: st.builds(Count, st.just(probes), st.integers(0, probes)))


def test_without_probes_nothing_is_shown() -> None:
    assert Probes().errors == NOTHING
    assert NOTHING.wrong(0.0) == 1 and NOTHING.noes(0.5) == 0


def test_the_formula_of_rogan_and_gladen() -> None:
    errors = Errors(0.02, 0.1)
    for truth in (0.0, 0.01, 0.3, 1.0):
        noes = truth * 0.9 + (1 - truth) * 0.02
        assert errors.noes(truth) == pytest.approx(noes)
        assert errors.wrong(noes) == pytest.approx(truth, abs=1e-9)
    assert errors.wrong(0.01) == 0 and Errors(0.5, 0.6).wrong(0.5) == 1


def test_few_repeats_give_no_credit() -> None:
    assert Probes(Count(20, 0)).errors.false_no_least == 0
    assert Probes(Count(20, 1)).errors.false_no_least < 0.001
    assert Probes(Count(2000, 100)).errors.false_no_least == pytest.approx(0.038, abs=0.002)


def test_a_scope_of_few_mismatches_borrows_first_its_far_ones_then_other_features() -> None:
    assert Probes(near=Count(10), far=Count(20), elsewhere=Count(500, 10)).mismatches == Count(LENT, 1)
    assert Probes(near=Count(10), far=Count(200), elsewhere=Count(500, 50)).mismatches == Count(LENT, 0)
    assert Probes(near=Count(100), far=Count(200, 9)).mismatches == Count(100)


def test_a_scope_whose_own_probes_show_an_error_stands_for_itself() -> None:
    assert Probes(near=Count(10, 1), far=Count(200), elsewhere=Count(500)).mismatches == Count(10, 1)
    assert Probes(far=Count(10, 1), elsewhere=Count(500)).mismatches == Count(10, 1)


def test_how_many_mismatches_are_missing() -> None:
    assert Probes().missing == FAIRLY_TRIED == 51
    for probes in (Probes(near=Count(10)), Probes(far=Count(30, 2))):
        before = Count(probes.mismatches.probes + probes.missing - 1, probes.mismatches.errors)
        after = Count(before.probes + 1, before.errors)
        assert Probes(near=after).errors.false_yes_most <= FAIR < Probes(near=before).errors.false_yes_most
    assert Probes(near=Count(60)).missing == 0


@given(counts(), counts(), counts())
def test_one_more_mistake_never_makes_the_judge_look_better(near: Count, far: Count, elsewhere: Count) -> None:
    before = Probes(near=near, far=far, elsewhere=elsewhere).errors.false_yes_most
    for worse in (
        Probes(near=Count(near.probes + 1, near.errors + 1), far=far, elsewhere=elsewhere),
        Probes(near=near, far=far, elsewhere=Count(elsewhere.probes, min(elsewhere.probes, elsewhere.errors + 1))),
    ):
        assert worse.errors.false_yes_most >= before - 1e-9


def test_the_lower_limit_of_wrong_hits_allows_for_false_noes() -> None:
    assert Probes().least_wrong(100, 50) == 0
    assert Probes(Count(300, 0)).least_wrong(100, 50) == pytest.approx(0.40, abs=0.01)
    dice = random.Random(2)
    missed = 0
    for _ in range(200):
        repeats = Count(100, sum(dice.random() < 0.1 for _ in range(100)))
        noes = sum(dice.random() < 0.02 + 0.98 * 0.1 for _ in range(300))
        missed += Probes(repeats).least_wrong(300, noes) > 0.02
    assert missed / 200 <= 0.05


def test_probes_are_sorted_by_what_they_show() -> None:
    found = [
        ProbeCount("faq", "repeat", True, 20, 3), ProbeCount("faq", "mismatch", True, 10, 9),
        ProbeCount("faq", "mismatch", False, 30, 30), ProbeCount("chat", "mismatch", True, 5, 3),
        ProbeCount("chat", "mismatch", False, 5, 5), ProbeCount("chat", "repeat", True, 9, 9),
    ]  # fmt: skip
    assert probes_of("faq", found) == Probes(Count(20, 3), Count(10, 1), Count(30, 0), Count(10, 2))
    assert probes_of("new", found) == Probes(elsewhere=Count(50, 3))
