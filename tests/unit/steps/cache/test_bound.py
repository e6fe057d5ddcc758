import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.steps.cache.bound import Tally, most_wrong, needed, threshold
from farthing.steps.cache.calibration import NOTHING, USUAL, Count, Errors, Probes
from farthing.steps.cache.shares import upper_limit

PERFECT = Errors(0.0, 0.0)


def test_a_few_hundred_clean_verdicts_of_a_fair_judge_show_one_percent() -> None:
    assert (needed(0.01), needed(0.05)) == (349, 69)
    for clean_probes, verdicts in ((150, 325), (60, 343), (51, 348), (20, 409)):
        assert needed(0.01, Probes(near=Count(clean_probes)).errors) == verdicts
    assert needed(0.01, Probes(near=Count(2)).errors) > 3000, "two probes show next to nothing"


def test_what_is_needed_is_just_enough() -> None:
    for errors in (USUAL, PERFECT, Errors(0.002, 0.05)):
        enough = needed(0.01, errors)
        assert most_wrong(enough, 0, errors) <= 0.01 < most_wrong(enough - 1, 0, errors)
        assert threshold(Tally.of([(0.9, False)] * enough), 0.01, errors).serves
        assert not threshold(Tally.of([(0.9, False)] * (enough - 1)), 0.01, errors).serves


def test_a_scope_without_verdicts_or_without_probes_serves_nothing() -> None:
    assert not threshold(Tally.empty(), 0.01, PERFECT).serves
    assert not threshold(Tally.of([(0.99, False)] * 5000), 0.01, NOTHING).serves
    assert not threshold(Tally.of([(0.99, False)] * 5000), 0.01).serves


def test_enough_clean_verdicts_open_it_as_far_down_as_they_go() -> None:
    found = threshold(Tally.of([(0.95, False)] * 200 + [(0.9, False)] * 200), 0.01, USUAL)
    assert (found.similarity, found.verdicts, found.wrong) == (0.9, 400, 0) and found.upper <= 0.01


def test_a_bad_region_below_a_good_one_stays_closed() -> None:
    found = threshold(Tally.of([(0.95, False)] * 400 + [(0.8, True)] * 40 + [(0.6, False)] * 5000), 0.01, USUAL)
    assert found.similarity == 0.95


def test_a_wrong_answer_at_the_top_closes_all_until_more_is_known() -> None:
    wrong_at_top = [(1.0, True)] * 3
    assert not threshold(Tally.of(wrong_at_top + [(0.95, False)] * 400), 0.01, USUAL).serves
    assert threshold(Tally.of(wrong_at_top + [(0.95, False)] * 1000), 0.01, USUAL).serves


def test_a_judge_known_to_refuse_good_answers_gets_credit_for_it() -> None:
    """One no in fifty among hits is what this judge says of fresh answers too."""
    tally = Tally.of([(0.95, number % 50 == 0) for number in range(5000)])
    near = Count(500)
    assert not threshold(tally, 0.01, Probes(near=near).errors).serves
    assert not threshold(tally, 0.01, Probes(Count(50, 1), near).errors).serves
    assert threshold(tally, 0.01, Probes(Count(5000, 100), near).errors).serves


def test_complaints_of_people_get_no_such_credit() -> None:
    errors = Probes(Count(5000, 100), Count(500)).errors
    tally = Tally.empty()
    for number in range(5000):
        tally.add(0.95, number % 50 == 0, people=True)
    assert not threshold(tally, 0.01, errors).serves
    limits = [most_wrong(5000, 100, errors, people) for people in (0, 1000, 5000)]
    assert limits == sorted(limits) and limits[0] < 0.01 < limits[1]


@given(st.integers(1, 1000), st.floats(0, 1), st.floats(0.001, 0.2), st.floats(0, 0.1), st.floats(0, 1))
def test_a_scope_opens_exactly_where_its_limit_is_within_the_bound(
    count: int, share: float, bound: float, false_no: float, false_yes: float
) -> None:
    wrong, errors = round(count * share), Errors(false_no, false_yes)
    tally = Tally.of([(0.9, False)] * (count - wrong) + [(0.9, True)] * wrong)
    limit = most_wrong(count, wrong, errors)
    if abs(limit - bound) > 1e-9:
        assert threshold(tally, bound, errors).serves == (limit < bound)


@given(
    st.integers(1, 1000), st.floats(0, 1), st.integers(0, 300), st.integers(0, 300), st.floats(0, 1), st.floats(0, 1)
)
def test_the_limit_is_monotone_and_never_looser_without_probes(
    count: int, share: float, repeats: int, mismatches: int, noes: float, yeses: float
) -> None:
    wrong = round(count * share)
    refused, passed = Count(repeats, round(repeats * noes)), Count(mismatches, round(mismatches * yeses))
    limit = most_wrong(count, wrong, Probes(refused, passed).errors)
    assert limit <= most_wrong(count, min(count, wrong + 1), Probes(refused, passed).errors) + 1e-9
    assert limit >= most_wrong(count + 1, wrong, Probes(refused, passed).errors) - 1e-9
    worse = Count(mismatches + 1, passed.errors + 1)
    assert limit <= most_wrong(count, wrong, Probes(refused, worse).errors) + 1e-9
    assert limit >= most_wrong(count, wrong, Probes(refused, Count(mismatches + 1, passed.errors)).errors) - 1e-9
    plain = upper_limit(count, wrong)  # the limit that believes the judge
    assert most_wrong(count, wrong, Probes(near=passed).errors) >= plain - 1e-9
    assert most_wrong(count, wrong, Probes(refused).errors) == 1
    assert most_wrong(count, wrong, NOTHING) == 1


JUDGES = [(0.0, 0.0), (0.02, 0.0), (0.0, 0.3), (0.05, 0.1), (0.2, 0.4)]
"""Shares of false noes and false yeses."""


def _seen(dice: random.Random, count: int, share: float) -> int:
    return sum(dice.random() < share for _ in range(count))


@pytest.mark.parametrize(("false_no", "false_yes"), JUDGES)
@pytest.mark.parametrize("truth", [0.002, 0.015, 0.1])
def test_the_limit_is_below_the_truth_no_more_often_than_its_confidence_says(
    truth: float, false_no: float, false_yes: float
) -> None:
    dice = random.Random(f"{truth} {false_no} {false_yes}")
    noes = truth * (1 - false_yes) + (1 - truth) * false_no
    missed, runs = 0, 120
    for _ in range(runs):
        probes = Probes(Count(150, _seen(dice, 150, false_no)), Count(80, _seen(dice, 80, false_yes)))
        missed += most_wrong(400, _seen(dice, 400, noes), probes.errors) < truth
    assert missed / runs <= 0.05


def test_the_bound_holds_in_the_long_run_where_a_judge_who_is_believed_would_break_it() -> None:
    """Hits are wrong twice as often as the bound says, and the judge misses half of them."""
    dice = random.Random(1)
    opened = believed = 0
    for _ in range(300):
        tally = Tally.of([(0.95, dice.random() < 0.02 * 0.5) for _ in range(1000)])
        opened += threshold(tally, 0.015, Probes(near=Count(80, _seen(dice, 80, 0.5))).errors).serves
        believed += threshold(tally, 0.015, PERFECT).serves
    assert opened / 300 <= 0.05 < believed / 300
