"""Intervals: of what, how wide, and that they hold about as often as they say."""

import random

from hypothesis import given
from hypothesis import strategies as st

from farthing.planner.uncertainty import Groups, amount, groups
from unit.planner.pasts import DAY_S, chat


def test_days_are_groups_where_there_are_enough() -> None:
    days = groups([chat(n, at_s=n * DAY_S) for n in range(10)])
    assert days.are_days and len(set(days.names)) == 10
    few = groups([chat(n, at_s=n * DAY_S, session="one") for n in range(9)])
    assert not few.are_days and len(set(few.names)) == 1


def test_few_days_are_told_apart_by_conversation_or_else_by_user() -> None:
    calls = [chat(0, session="a"), chat(1, session="a"), chat(2, user="x"), chat(3, user="x"), chat(4, user="y")]
    found = groups(calls).names
    assert found[0] == found[1] and found[2] == found[3] and len(set(found)) == 3


@given(st.lists(st.integers(-(10**9), 10**12), min_size=2, max_size=60), st.floats(0.1, 30))
def test_the_likely_amount_is_the_sum_and_lies_within(saved: list[int], times: float) -> None:
    found = amount(saved, Groups([str(n % 7) for n in range(len(saved))], are_days=True), times)
    assert found.likely == round(sum(saved) * times)
    assert found.low <= found.likely <= found.high
    if min(saved) >= 0:
        assert found.high - found.likely >= found.likely - found.low - 2


def test_a_day_says_less_of_a_month_than_a_month_does() -> None:
    many = Groups([str(n) for n in range(100)])
    month, day = amount([1_000] * 100, many, 1.0), amount([1_000] * 100, many, 30.0)
    assert 15 < (day.high - day.low) / (month.high - month.low) < 30
    assert amount([1_000] * 100, many, 0.5).high < month.high


def test_nothing_saved_is_nothing_for_sure() -> None:
    found = amount([0] * 50, Groups([str(n) for n in range(50)]), 4.0)
    assert (found.likely, found.low, found.high) == (0, 0, 0)
    assert amount([], Groups([]), 1.0).likely == 0


def test_one_group_says_next_to_nothing() -> None:
    found = amount([100, 100], Groups(["a", "a"]), 1.0)
    assert found.low < 0 and found.high > 400


def test_four_intervals_in_five_hold_the_next_month() -> None:
    dice = random.Random(5)

    def month() -> list[int]:
        return [round(dice.lognormvariate(10, 0.8)) for _ in range(30)]

    days = Groups([str(n) for n in range(30)], are_days=True)
    held = 0
    for _ in range(600):
        found = amount(month(), days, 1.0)
        held += found.low <= sum(month()) <= found.high
    assert 0.74 <= held / 600 <= 0.86


def test_and_where_few_conversations_are_most_of_the_bill() -> None:
    dice = random.Random(7)

    def month() -> list[int]:
        return [sum(round(dice.lognormvariate(10, 1.5)) for _ in range(4) if dice.random() < 0.25) for _ in range(28)]

    days = Groups([str(n) for n in range(28)], are_days=True)
    below = above = 0
    for _ in range(600):
        found, comes = amount(month(), days, 1.0), sum(month())
        below, above = below + (comes < found.low), above + (comes > found.high)
    assert 0.7 <= 1 - (below + above) / 600 <= 0.86 and below / 600 > 0.02


def test_and_where_conversations_come_as_they_like() -> None:
    dice = random.Random(6)

    def month() -> list[int]:
        return [1_000] * sum(dice.random() < 0.1 for _ in range(600))

    held = 0
    for _ in range(400):
        seen = month()
        found = amount(seen, Groups([str(n) for n in range(len(seen))]), 1.0)
        held += found.low <= sum(month()) <= found.high
    assert 0.74 <= held / 400 <= 0.88


def test_that_weekends_are_quiet_is_no_surprise() -> None:
    days = Groups([str(day) for day in range(28)], are_days=True)
    sums = [100 if (day + 3) % 7 >= 5 else 1_000 for day in range(28)]
    assert amount(sums, days, 1.0).low == amount(sums, days, 1.0).likely == sum(sums)
    shuffled = [*sums[1:], sums[0]]
    assert amount(shuffled, days, 1.0).low < sum(sums)
