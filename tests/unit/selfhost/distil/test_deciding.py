"""Distil or not, by hand; and which work is worth it."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.finops.learnable import AUDITED, coverage
from farthing.selfhost.distil.candidates import Candidate, candidates
from farthing.selfhost.distil.deciding import (
    NOTHING,
    Question,
    Range,
    decide,
    exactly,
    gpu_hours,
    tokens,
    training_at_provider,
)
from farthing.store.work import Work
from unit.selfhost.distil.conftest import a_capture


def asked(**changes: object) -> Question:
    given = {
        "calls_a_month": Range(80_000, 100_000, 120_000), "teacher_call": 0.01, "tuned_call": exactly(0.002),
        "share": Range(0.8, 0.9, 1.0), "training": Range(20, 25, 40), "evaluation": 5.0, "people": 475.0,
    }  # fmt: skip
    return Question(**{**given, **changes})


def test_by_hand() -> None:
    found = decide(asked())
    assert found.saved_a_month == Range(pytest.approx(512), pytest.approx(720), pytest.approx(960))
    assert found.once == Range(500, 505, 520) and found.errors_a_month == NOTHING
    assert (found.pay_back.low, found.pay_back.high) == (pytest.approx(500 / 960), pytest.approx(520 / 512))
    assert found.verdict == "distil"


def test_errors_and_hosting_turn_it() -> None:
    errors = decide(asked(more_errors=Range(0.0, 0.01, 0.02), dollars_an_error=1.0))
    assert errors.errors_a_month.high == pytest.approx(0.02 * 120_000) and errors.net_a_month.low < 0
    assert errors.verdict == "measure first" and errors.pay_back.high == math.inf
    dear = decide(asked(hosting_a_month=1_224.0))
    assert dear.verdict == "do not" and "saves nothing" in dear.why
    slow = decide(asked(people=50_000.0))
    assert slow.verdict == "do not" and "months to pay" in slow.why


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 0.02), st.floats(0, 2000))
def test_the_likely_lies_within(low: float, more: float, call: float, hosting: float) -> None:
    found = decide(
        asked(
            share=Range(low * 0.5, low * 0.5 + more * 0.2, low * 0.5 + more * 0.5),
            tuned_call=exactly(call),
            hosting_a_month=hosting,
        )
    )
    for each in (found.saved_a_month, found.net_a_month, found.once, found.pay_back):
        assert each.low <= each.likely + 1e-9 and each.likely <= each.high + 1e-9


def test_what_training_costs() -> None:
    assert tokens(1_200_000) == Range(240_000, 300_000, 400_000)
    assert training_at_provider(1_200_000, 3, 3.0) == Range(pytest.approx(2.16), pytest.approx(2.7), pytest.approx(3.6))
    hours = gpu_hours(tokens(4_000_000), 3, 8e9, 989.0)  # 3 M tokens, 4 operations a parameter: 9.6e16
    assert hours.likely == pytest.approx(9.6e16 / (989e12 * 0.375) / 3600)
    assert gpu_hours(tokens(4_000_000), 3, 8e9, 989.0, "full").likely == pytest.approx(1.5 * hours.likely)


def a_work(**changes: object) -> Work:
    given = {
        "tenant": "default", "template": "aa" * 8, "task": "intent", "feature": "triage", "tier": "flagship", "calls": 100, "counted": 100,
        "in_tokens": 50_000, "out_tokens": 300, "cost": 1_000_000_000,
    }  # fmt: skip
    return Work(**{**given, **changes})


def one(days: list[list[Work]], captured: list = [], **more: object) -> Candidate:  # noqa: B006
    (found,) = candidates(days, captured, **more)
    return found


def test_a_closed_task_that_was_captured() -> None:
    captured = [a_capture(at, answer=("billing", "shipping")[at % 2]) for at in range(1_000)]
    found = one([[a_work()]] * 28, captured)
    assert (found.calls, found.closed, found.missing) == (2_800, True, ())
    assert found.cost_a_month.low == found.cost_a_month.middle == round(1_000_000_000 * 365.25 / 12)
    low, high = found.coverage
    assert (low, high) == coverage(365.25 / 12 * 100, 2) and 0.7 < low < high <= 0.95
    assert (
        found.student.low == round(found.cost_a_month.low * low * (1 - AUDITED)) and found.worth == found.student.middle
    )


def test_what_a_student_gave_back_says_nothing_of_the_rest() -> None:
    captured = [a_capture(at, answer=f"word {at}" if at % 2 else "billing", sample="left" if at % 2 else "") for at in range(200)]  # fmt: skip
    found = one([[a_work()]] * 28, captured)
    assert found.answers is not None and (found.answers.calls, found.answers.distinct) == (100, 1)


def test_what_is_missing_is_said_and_the_lower_end_is_zero() -> None:
    unknown = one([[a_work(template="", without_cost=3)]] * 28)
    assert unknown.closed is None and unknown.student.low == 0 < unknown.student.high
    assert unknown.missing == (
        'captures: [capture] features = ["triage"]', "whether its answers come from a closed set",
        "the cost of 84 of 2,800 calls", 'its templates are not known: [routing] tasks_of = "all"',
    )  # fmt: skip
    few = one([[a_work()]] * 28, [a_capture(at) for at in range(40)])
    assert few.missing[0] == "460 more captured calls before a trial makes sense"
    open_ = one([[a_work(out_tokens=30_000)]] * 28)
    assert open_.closed is False and open_.student.high == 0 and "open" in open_.missing[1]


def test_days_that_differ_widen_the_interval() -> None:
    found = one([[a_work(cost=at * 100_000_000)] for at in range(1, 29)])
    month = found.cost_a_month
    assert month.low < month.middle < month.high and month.middle == round(1_450_000_000 * 365.25 / 12)
    single = one([[a_work()]])
    assert single.cost_a_month.low == 0 and single.cost_a_month.high == pytest.approx(
        2 * single.cost_a_month.middle, abs=1
    )


def test_a_small_tuned_model_is_priced_beside() -> None:
    found = one([[a_work()]] * 28, price=lambda usage: usage.total_in * 100 + usage.out * 400)
    instead = round(28 * (50_000 * 100 + 300 * 400) * 365.25 / 12 / 28)
    assert found.tuned is not None and found.tuned.high == found.cost_a_month.high - instead and found.tuned.low == 0
    assert one([[a_work()]] * 28, price=lambda usage: None).tuned is None


def test_the_most_promising_comes_first_and_our_own_work_is_left_out() -> None:
    works = [
        a_work(feature="small", cost=1_000), a_work(feature="big"), a_work(feature="farthing judge"), a_work(task="farthing overhead"),
        a_work(feature="rare", calls=1), a_work(task="embedding"),
    ]  # fmt: skip
    assert [each.feature for each in candidates([works] * 28, [], least_calls=30)] == ["big", "small"]


@given(st.integers(0, 100_000), st.integers(0, 1_000))
def test_coverage_grows_and_keeps_its_order(examples: int, labels: int) -> None:
    low, high = coverage(examples, labels)
    assert 0 <= low <= high <= 0.95
    more = coverage(examples * 2 + 1, labels)
    assert more[0] >= low and more[1] >= high
