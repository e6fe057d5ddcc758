"""What is learned of prefixes that come again."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.steps.shape import prefixes as module
from farthing.steps.shape.prefixes import KindKey, Prefixes, Scope, Seen, Tally

LIFETIMES = (300, 3_600)


def one(scope: Scope, digests: list[int], now: float) -> dict[int, Seen]:
    return {each.at: each for each in scope.see(digests, [1] + [2] * (len(digests) - 1), now)}


def every(scope: Scope, gap: float, times: int, start: float = 0.0) -> tuple[Seen, float]:
    """A shared prompt with another question each time."""
    seen: Seen | None = None
    now = start
    for number in range(times):
        seen = one(scope, [7, 1_000 + number], now)[0]
        now += gap
    assert seen is not None
    return seen, now


@pytest.mark.parametrize(("gap", "short", "long"), [(20, True, True), (400, False, True), (5_000, False, False)])
def test_chances_follow_the_gaps(gap: float, short: bool, long: bool) -> None:
    seen, _ = every(Scope(LIFETIMES), gap, 12)
    assert seen.uses == 11
    assert [chance > 0.7 for chance in seen.chances] == [short, long]


def test_the_second_call_is_evidence_enough() -> None:
    scope = Scope(LIFETIMES)
    assert one(scope, [7, 1], 0.0)[0].chances[0] < 0.2
    assert one(scope, [7, 2], 30.0)[0].chances[0] > 0.3


def test_questions_that_never_come_again_are_known_as_such() -> None:
    scope = Scope(LIFETIMES)
    now = 0.0
    for number in range(60):
        seen = one(scope, [7, 1_000 + number], now)
        now += 30.0
    assert seen[0].chances[0] > 0.9
    assert seen[1].chances[0] < 0.05
    assert seen[1].uses == 0


def test_conversations_teach_that_they_go_on() -> None:
    scope = Scope(LIFETIMES)
    now = 0.0
    for conversation in range(1, 20):
        for turn in range(6):
            digests = [7, *(conversation * 100 + place for place in range(2 * turn + 1))]
            one(scope, digests, now + 40.0 * turn)
        now += 1_000.0
    opening = one(scope, [7, 90_000], now)
    assert opening[1].chances[0] > 0.7  # the first turn of a new one


def test_uses_under_way_are_no_proof_of_a_long_life() -> None:
    """What has not come within minutes is not taken to come within the hour."""
    scope = Scope(LIFETIMES)
    for number in range(80):
        seen = one(scope, [7, 1_000 + number], number * 20.0)
    assert seen[1].chances[1] < 0.1


def test_a_life_that_was_longer_is_learned_afterwards() -> None:
    scope = Scope(LIFETIMES)
    seen, now = every(scope, 400.0, 30)
    assert seen.chances[0] < 0.2 < 0.8 < seen.chances[1]
    seen, _ = every(scope, 30.0, 250, now)
    assert seen.chances[0] > 0.6


def test_what_a_provider_holds_is_remembered_until_it_is_over() -> None:
    scope = Scope(LIFETIMES)
    one(scope, [7, 1], 0.0)
    scope.live(7, 1, 100.0)
    assert one(scope, [7, 2], 50.0)[0].live == 1
    assert one(scope, [7, 3], 150.0)[0].live == -1
    scope.live(12_345, 0, 100.0)  # nobody knows that one


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_PREFIXES", 200)
    monkeypatch.setattr(module, "LEAST_PREFIXES", 50)
    monkeypatch.setattr(module, "MOST_SCOPES", 4)
    memory = Prefixes()
    for number in range(3_000):
        scope = memory.scope(f"tenant {number % 7}", "m", LIFETIMES)
        one(scope, [number % 3, *range(number * 10, number * 10 + 5)], float(number))
    assert len(memory.scopes) == 4
    for scope in memory.scopes.values():
        assert len(scope.prefixes) <= 50
        assert sum(map(len, scope._waiting)) <= 4 * 51


def test_tenants_and_models_know_nothing_of_each_other() -> None:
    memory = Prefixes()
    every(memory.scope("one", "m", LIFETIMES), 20.0, 12)
    for tenant, model in (("two", "m"), ("one", "n")):
        assert one(memory.scope(tenant, model, LIFETIMES), [7, 1], 300.0)[0].uses == 0
    assert memory.scope("one", "m", LIFETIMES).prefixes[7].uses == 12


def test_what_others_have_seen_counts_where_nothing_is_known() -> None:
    mine, theirs = Scope(LIFETIMES), Scope(LIFETIMES)
    every(theirs, 20.0, 12)
    known = theirs.prefixes[7]
    assert known.own is not None
    mine.take_over(f"{7:016x}", 12, known.own.new_came, known.own.new_stayed)
    mine.take_over("k:0:1:0:0:1", 0, (9, 0, 0, 0, 0), (1, 0, 0, 0, -2))
    for name in ("", "x", "k:", "k:1", "z:1", "k:a:b:c:d:e"):
        mine.take_over(name, 1, (0,) * 5, (0,) * 5)
    assert one(mine, [7, 1], 0.0)[0].uses == 12
    assert mine.kinds[KindKey(0, 1, 0, 0, 1)].came[0] == 9
    mine.take_over("k:0:1:0:0:1", 0, (0,) * 5, (40,) * 8)
    assert mine.kinds[KindKey(0, 1, 0, 0, 1)].came[0] == 9


@given(st.lists(st.tuples(st.integers(0, 4), st.booleans()), max_size=200))
def test_news_is_told_once_and_can_be_given_back(outcomes: list[tuple[int, bool]]) -> None:
    tally = Tally()
    for stretch, came in outcomes:
        tally.add(stretch, came)
    came_, stayed = tally.news()
    assert sum(came_) + sum(stayed) == len(outcomes)
    assert tally.news() == ((0,) * 5, (0,) * 5)
    tally.give_back(came_, stayed)
    assert tally.news() == (came_, stayed)


@given(st.lists(st.tuples(st.lists(st.integers(1, 6), min_size=1, max_size=6), st.integers(0, 4_000)), max_size=60))
def test_any_traffic_gives_chances(calls: list[tuple[list[int], int]]) -> None:
    scope = Scope(LIFETIMES)
    now = 0.0
    for digests, gap in calls:
        now += gap
        seen = scope.see(digests, [2] * len(digests), now)
        assert seen[-1].at == len(digests) - 1
        for each in seen:
            short, long = each.chances
            assert 0 <= short <= long <= 1


def test_those_that_come_soon_are_not_taken_for_all() -> None:
    """A coin of 0.25: in the beginning only the early ones have an outcome."""
    dice = random.Random(1)
    scope = Scope(LIFETIMES)
    calls = [(second * 1.0, second) for second in range(260)]
    calls += [(at + dice.uniform(20, 280), which) for at, which in calls if dice.random() < 0.25]
    told = []
    for at, which in sorted(calls):
        seen = one(scope, [7, 10_000 + which, 20_000 + which], at).get(2)
        if at > 100 and seen is not None and not seen.uses:
            told.append(seen.chances[0])
    assert 0.15 < sum(told) / len(told) < 0.35


def test_a_beginning_that_two_long_prompts_share_is_known_at_the_second() -> None:
    """Where their ways part lies between the boundaries that are remembered of the first one."""
    scope = Scope(LIFETIMES)
    parts = [1] * 25
    scope.see(range(100, 125), parts, 0.0)
    seen = scope.see([*range(100, 112), *range(900, 913)], parts, 10.0)
    assert 11 in [each.at for each in seen if each.uses == 1]
    third = scope.see([*range(100, 112), *range(700, 713)], parts, 20.0)
    assert next(each.uses for each in third if each.at == 11) == 2


@given(st.lists(st.integers(0, 30), min_size=1, max_size=20))
def test_how_far_prompts_are_alike_is_found_however_long_they_are(shared: list[int]) -> None:
    scope = Scope(LIFETIMES)
    first = list(range(31))
    scope.see(first, [1] * 31, 0.0)
    for number, length in enumerate(shared, 1):
        digests = [*first[:length], *range(1_000 * number, 1_000 * number + 40 - length)]
        seen = scope.see(digests, [1] * len(digests), float(number))
        known = [each.at for each in seen if each.uses]
        assert max(known, default=-1) == length - 1


def test_boundaries_that_are_passed_are_forgotten_in_the_end() -> None:
    scope = Scope(LIFETIMES)
    scope.most = 100
    scope.see(range(25), [1] * 25, 0.0)
    for number in range(1, 60):
        scope.see(range(1_000 * number, 1_000 * number + 25), [1] * 25, float(number))
    assert len(scope.prefixes) <= 100
    seen = scope.see([*range(12), *range(99_000, 99_013)], [1] * 25, 30.0)
    assert not any(each.uses for each in seen)
