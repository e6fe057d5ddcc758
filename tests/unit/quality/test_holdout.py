"""What is shown of a lever: effects, verdicts, how long it still takes, and when an arm ends by itself."""

from typing import Any

import msgspec
import numpy as np
import pytest

from farthing.quality.holdout import LEAST_SHARE, Effect, Proof, advise, prove
from farthing.store import ArmSums
from unit.quality.experiments import LEVER, experiment


def proof(**setting: Any) -> Proof:
    dice = np.random.default_rng(setting.pop("seed", 1))
    margin = setting.pop("margin", 0.01)
    (found,) = prove(experiment(dice, **setting), margin=margin)
    return found


def test_a_lever_that_saves_and_harms_nothing_is_proven() -> None:
    found = proof(sessions=8000, scored=1.0, share=0.3, margin=0.05, errors=(0.01, 0.01), spread=0.5)
    assert (found.lever, found.verdict, found.days_needed) == (LEVER, "proven", 0)
    assert found.cost is not None and found.quality is not None and found.errors is not None
    assert found.cost.low < -0.4 < found.cost.high
    assert found.cost.always_low < found.cost.low < found.cost.value < found.cost.high < found.cost.always_high < 0
    assert found.quality.low < 0 < found.quality.high
    assert found.variance_left < 0.7
    assert found.days == 5


def test_dollars_a_month_are_the_difference_times_the_traffic() -> None:
    found = proof(sessions=4000, spread=0.3)
    assert found.saved_a_month is not None and found.cost is not None
    month = 365.25 / 12 / found.days
    expected = -found.cost.value / (1 + found.cost.value) * found.treated.cost * month
    assert found.saved_a_month.value == pytest.approx(expected, rel=1e-6)
    assert found.saved_a_month.low < found.saved_a_month.value < found.saved_a_month.high
    assert isinstance(found.saved_a_month.value, int)


@pytest.mark.parametrize(
    ("setting", "verdict", "why"),
    [
        ({"effect": 0.6}, "harms", "cost more"),
        ({"quality_effect": -0.3, "scored": 1.0}, "harms", "answers are worse"),
        ({"errors": (0.3, 0.01)}, "harms", "more calls fail"),
        ({"effect": 0.0}, "not yet", "may still be none"),
        ({"scored": 0.0, "errors": (0.0, 0.0), "share": 0.5}, "not yet", "no answers of both arms have scores"),
        ({"errors": (0.02, 0.02)}, "not yet", "share of errors is not known"),
        ({"share": 0.0}, "not yet", "no sessions to compare"),
        ({"sessions": 60}, "not yet", "too few sessions"),
    ],
)
def test_verdicts(setting: dict[str, Any], verdict: str, why: str) -> None:
    found = proof(**({"sessions": 4000, "days": 2, "spread": 0.5} | setting))
    assert found.verdict == verdict
    assert why in found.why


def test_quality_that_is_not_known_closely_is_waited_for() -> None:
    found = proof(sessions=4000, scored=0.05, errors=(0.0, 0.0), share=0.5, spread=0.5)
    assert (found.verdict, found.why) == ("not yet", "cheaper, but quality is not known closely enough")
    assert found.days_needed is not None and found.days_needed > 5


def test_without_sessions_in_one_arm_nothing_is_claimed() -> None:
    found = proof(share=0.0)
    assert (found.cost, found.saved_a_month, found.quality, found.errors, found.days_needed) == (None,) * 5
    assert found.treated.calls > 0 and found.held_out.calls == 0
    assert prove([]) == []


def test_the_longer_it_runs_the_sooner_it_is_there() -> None:
    needed = [proof(sessions=900 * days, days=days, scored=1.0, spread=0.5, seed=3).days_needed for days in (2, 8)]
    assert needed[0] is not None and needed[1] is not None
    assert needed[0] == pytest.approx(needed[1] + 6, rel=0.6)


def test_levers_are_told_apart_and_tenants_are_their_own_sessions() -> None:
    sums = experiment(np.random.default_rng(1), sessions=1500)
    other = [msgspec.structs.replace(each, lever="semantic cache") for each in sums]
    assert [each.lever for each in prove([*other, *sums])] == ["model selection", "semantic cache"]
    two = [*sums, *(msgspec.structs.replace(each, tenant="acme") for each in sums)]
    (one,), (both,) = prove(sums), prove(two)
    assert both.treated.groups == 2 * one.treated.groups
    assert one.cost is not None and both.cost is not None
    assert both.cost.half == pytest.approx(one.cost.half / 2**0.5, rel=0.2)


def test_calls_without_a_known_cost_are_not_free_calls() -> None:
    sums = experiment(np.random.default_rng(1), sessions=1500)
    unknown = [msgspec.structs.replace(each, calls=each.calls + 50) for each in sums]
    (one,), (other,) = prove(sums), prove(unknown)
    assert one.cost == other.cost


def test_what_a_lever_says_of_itself_is_in_no_effect() -> None:
    sums = experiment(np.random.default_rng(1), sessions=1500)
    boasting = [each if each.held_out else msgspec.structs.replace(each, baseline=each.baseline * 9) for each in sums]
    assert prove(sums) == prove(boasting)


def an_effect(value: float, half: float) -> Effect:
    return Effect(value, value - half, value + half, value - 1.5 * half, value + 1.5 * half)


def a_proof(verdict: Any, **changes: Any) -> Proof:
    found = proof(sessions=400)
    return msgspec.structs.replace(
        found, verdict=verdict, why="so it is", cost=an_effect(-0.4, 0.02), quality=an_effect(0, 0.002),
        errors=an_effect(0, 0.003), days=28, **changes,
    )  # fmt: skip


def test_an_arm_of_a_harmful_lever_takes_everything() -> None:
    advice = advise(a_proof("harms"), 0.02)
    assert advice.share == 1.0 and advice.why == "ended: so it is"


def test_an_arm_stays_until_something_is_shown() -> None:
    assert advise(a_proof("not yet"), 0.02).share == 0.02


def test_a_proven_lever_keeps_an_arm_that_goes_on_to_show_it() -> None:
    assert advise(a_proof("proven"), 0.1).share == pytest.approx(0.1 * (0.02 / 0.05) ** 2)
    assert advise(a_proof("proven"), 0.003).share == LEAST_SHARE
    wide = msgspec.structs.replace(a_proof("proven"), cost=an_effect(-0.4, 0.2))
    assert advise(wide, 0.02).share == 0.02


def test_sums_of_the_store_are_enough() -> None:
    """Two groups an arm, by hand: cost a call 60 against 100."""
    sums = [
        ArmSums(LEVER, 0, "default", held, str(group), calls=2, priced=2, cost=(100 if held else 60) * 2 + spread, request_bytes=8)
        for held in (True, False)
        for group, spread in ((1, -4), (2, 4))
    ]  # fmt: skip
    (found,) = prove(sums)
    assert found.cost is not None and found.cost.value == pytest.approx(-0.4)
    assert found.verdict == "not yet" and "too few" in found.why
