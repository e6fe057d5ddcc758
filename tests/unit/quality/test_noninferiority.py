import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.quality.noninferiority import RUN, Counts, Drift, counted, lower, upper, verdict

COUNTS = st.builds(Counts, *(st.floats(0, 5000) for _ in range(3)))


def draw(dice: random.Random, better: float, worse: float) -> int:
    luck = dice.random()
    return -1 if luck < worse else 1 if luck < worse + better else 0


def promoted_after(dice: random.Random, better: float, worse: float, margin: float, most: int) -> int | None:
    """The comparison at which it is promoted, looked at after each (where nothing new speaks for it, every fifth)."""
    counts = {-1: 0, 0: 0, 1: 0}
    for number in range(1, most + 1):
        counts[draw(dice, better, worse)] += 1
        if number % 5 == 0 and verdict(Counts(counts[1], counts[0], counts[-1]), margin) == "promote":
            return number
    return None


@given(COUNTS)
def test_bounds_hold_the_mean_between_them(seen: Counts) -> None:
    assert -1 <= lower(seen) <= seen.mean + 1e-6 <= upper(seen) + 2e-6 <= 1 + 3e-6


@given(COUNTS, st.floats(0.001, 0.3))
def test_a_verdict_is_what_the_bounds_say(seen: Counts, margin: float) -> None:
    said = verdict(seen, margin)
    if said == "promote":
        assert lower(seen) >= -margin - 1e-6
    if said == "demote":
        assert upper(seen) <= -margin + 1e-6


@given(COUNTS, COUNTS)
def test_sums_can_be_added_in_any_order(one: Counts, other: Counts) -> None:
    assert (one + other).n == pytest.approx((other + one).n)
    both = one + other
    again = counted(both.n, both.better - both.worse, both.better + both.worse)
    assert (again.better, again.same, again.worse) == pytest.approx((both.better, both.same, both.worse), abs=1e-6)


def test_nothing_seen_says_nothing() -> None:
    assert (lower(Counts()), upper(Counts()), verdict(Counts(), 0.01)) == (-1, 1, "open")


def test_more_of_the_same_narrows() -> None:
    assert lower(Counts(0, 100, 0)) < lower(Counts(0, 1000, 0)) < 0
    assert verdict(Counts(0, 100, 0), 0.01) == "open"
    assert verdict(Counts(0, 500, 0), 0.01) == "promote"
    assert verdict(Counts(0, 400, 60), 0.01) == "demote"


def test_at_the_margin_five_in_a_hundred_are_promoted_at_most_however_often_one_looks() -> None:
    dice = random.Random(7)
    for better, worse, margin in ((0.02, 0.07, 0.05), (0.0, 0.1, 0.1)):
        false = sum(promoted_after(dice, better, worse, margin, 1000) is not None for _ in range(100))
        assert false <= 7, "an honest 5 % gives more than 9 of 100 once in thirty times; this is far below"


def test_who_is_as_good_is_promoted() -> None:
    dice = random.Random(11)
    needed = [promoted_after(dice, 0.02, 0.02, 0.05, 3000) for _ in range(30)]
    assert all(needed)


def test_a_drop_is_noticed_soon_and_nothing_else_is() -> None:
    dice = random.Random(5)
    delays = []
    for _ in range(60):
        drift = Drift(0.01)
        assert not any(drift.add(draw(dice, 0.02, 0.02)) for _ in range(1000)), "it was as good"
        delay = 1
        while not drift.add(draw(dice, 0.02, 0.3)):
            delay += 1
        delays.append(delay)
    assert sum(delays) / len(delays) < 70


def test_false_alarms_are_rare_at_the_margin_itself() -> None:
    dice = random.Random(3)
    quiet = 0
    for _ in range(20):
        drift, count = Drift(0.05), 0
        while count < 3000 and not drift.add(draw(dice, 0.03, 0.08)):
            count += 1
        quiet += count
    assert quiet / 20 >= RUN
