"""Controls on trial: what is shown by sums of both arms."""

import random

import pytest

from farthing.quality.trial import Shown, judge
from farthing.store.controls import ControlSums, State

DAY_US = 86_400_000_000
GROUPS = 60


def arms(
    seed: int = 1, sessions: int = 400, bad: float = 0.05, worse: float = 0.0, shorter: float = 0.7, *,
    checked: bool = True, cut: float = 0.0, dearer: float = 1.0,
) -> list[ControlSums]:  # fmt: skip
    """Sessions of two calls each, half of them with the control; `worse` is what it adds to the share of bad answers."""
    dice, cells = random.Random(seed), dict[tuple[bool, int], ControlSums]()
    for _ in range(sessions):
        treated, group = dice.random() < 0.5, dice.randrange(GROUPS)
        cell = cells.setdefault(
            (treated, group), ControlSums("t", "feature:f", "effort low", 0, 20_000 * DAY_US, treated, group)
        )
        for _ in range(2):
            cell.calls += 1
            cell.answers += 1
            cell.cut += treated and dice.random() < cut
            cell.counted += 1
            out = int(dice.uniform(50, 150) * (shorter if treated else 1))
            cell.out_tokens += out
            cell.priced += 1
            cell.cost += int((20 + out) * 10 * (dearer if treated else 1))
            if checked:
                cell.checked += 1
                cell.check_bad += dice.random() < bad + (worse if treated else 0)
    return list(cells.values())


def shown(cells: list[ControlSums], state: State = "trial", margin: float = 0.08) -> Shown:
    return judge(cells, state, margin)


def test_a_harmless_control_that_saves_is_switched_on() -> None:
    found = shown(arms())
    assert found.state == "on" and "fewer output tokens a call" in found.why
    assert found.tokens is not None and found.tokens.always_high < 0
    assert found.treated + found.untreated == 800


@pytest.mark.parametrize(
    ("cells", "why"),
    [
        (arms(worse=0.35), "more answers fail their check"),
        (arms(cut=0.4), "more answers are cut"),
        (arms(shorter=1.0, dearer=1.3), "calls cost more"),
    ],
)  # fmt: skip
def test_harm_switches_it_off(cells: list[ControlSums], why: str) -> None:
    for state in ("trial", "on"):
        found = shown(cells, state)
        assert found.state == "off" and why in found.why


@pytest.mark.parametrize(
    ("cells", "why"),
    [
        (arms(sessions=20), "groups of sessions in the smaller arm"),
        ([], "0 calls"),
        (arms(checked=False), "too few answers of both arms were checked or judged"),
        (arms(sessions=90), "is not known closely enough"),
        (arms(shorter=1.0), "output tokens may not have fallen"),
    ],
)  # fmt: skip
def test_what_is_not_shown_stays_open(cells: list[ControlSums], why: str) -> None:
    found = shown(cells)
    assert found.state == "trial"
    assert found.why.startswith("cannot be shown yet with ") and why in found.why


def test_calls_that_are_still_needed_are_guessed() -> None:
    found = shown(arms(sessions=90))
    assert found.needed is not None and 100 < found.needed < 5_000 and "more would do" in found.why


def test_what_is_on_stays_on_and_what_is_off_stays_off() -> None:
    assert shown(arms(sessions=150), "on").state == "on"
    assert shown(arms(), "off").state == "off"


def test_at_the_margin_it_is_seldom_switched_on_and_never_beyond_it() -> None:
    at = [shown(arms(seed, bad=0.1, worse=0.08)).state for seed in range(12)]
    beyond = [shown(arms(seed, bad=0.1, worse=0.3)).state for seed in range(6)]
    assert at.count("on") <= 1 and "on" not in beyond and "off" in beyond
