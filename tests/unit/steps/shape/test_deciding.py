"""One request's plan, before a cache that does what it is told."""

from hypothesis import given
from hypothesis import strategies as st

from farthing.catalog.caching import Caching
from farthing.steps.shape.deciding import (
    ALLOWANCE_TOKENS,
    LOSS_PERCENT,
    Decision,
    answered,
    decide,
    settle,
    usual_plan,
)
from farthing.steps.shape.planning import Spot, least_chance, plan
from farthing.steps.shape.prefixes import Scope, Seen
from unit.steps.shape.test_planning import CLAUDE, GPT, PLAIN

LIFETIMES = (300, 3_600)


def call(scope: Scope, digests: list[int], now: float, *, evicts: bool = False) -> Decision:
    """A call of 5,000 tokens of system prompt and 100 of question, and what a provider reports of it."""
    made = decide(scope, digests, [1, 2], [5_000, 5_100], CLAUDE, now)
    if made.plan.points:
        answered(scope, made, CLAUDE, now)
        read = 0 if evicts else made.plan.read
        settle(scope, made, CLAUDE, read, 0 if evicts else made.plan.written)
    return made


def test_a_shared_prompt_is_written_at_its_second_call_and_then_read() -> None:
    scope = Scope(LIFETIMES)
    made = [call(scope, [1, 10 + number], 30.0 * number) for number in range(4)]
    assert [bool(each.plan.points) for each in made] == [False, True, True, True]
    assert [each.plan.read for each in made] == [0, 0, 5_000, 5_000]


def test_what_may_be_lost_is_bounded() -> None:
    """A world that looks as if all came again, and then nothing does."""
    scope = Scope(LIFETIMES)
    now = 0.0
    for number in range(40):
        for _ in range(2):
            call(scope, [1_000 + number, 1], now)
            now += 20.0
    lost = 0
    scope.credit = scope.spent = 0
    for number in range(4_000):
        made = call(scope, [10_000 + number, 1], now)
        lost += made.plan.risk
        now += 1.0
    assert lost <= ALLOWANCE_TOKENS * PLAIN + scope.spent * LOSS_PERCENT // 100


def test_a_provider_that_holds_nothing_is_believed() -> None:
    scope = Scope(LIFETIMES)
    for number in range(5):
        made = call(scope, [1, 10 + number], 30.0 * number, evicts=True)
    assert made.plan.read == 0


def test_prompts_of_a_kind_that_never_comes_again_are_not_to_be_kept() -> None:
    scope = Scope((1_800, 43_200))
    now = 0.0
    for number in range(40):
        made = decide(scope, [100 + 2 * number, 101 + 2 * number], [1, 2], [5_000, 5_100], GPT, now)
        now += 400.0
    assert made.never
    assert not made.plan.points


def test_nothing_is_said_of_prompts_of_which_little_is_known() -> None:
    scope = Scope((1_800, 43_200))
    made = decide(scope, [1, 2], [1, 2], [5_000, 5_100], GPT, 0.0)
    assert not made.never
    assert not made.plan.points


def test_where_no_bet_is_left_the_provider_is_told_to_write_nothing() -> None:
    """It would write by itself, which is the same bet."""
    scope = Scope((1_800, 43_200))
    for number in range(40):
        for turn in range(2):
            decide(scope, [number, 1], [1, 2], [50_000, 50_100], GPT, 60.0 * number + 20.0 * turn)
    scope.credit, scope.spent = -(10**15), 0
    made = decide(scope, [999, 1], [1, 2], [50_000, 50_100], GPT, 2_500.0)
    assert made.plan.risk == 0
    assert not made.plan.points
    assert made.never


@given(
    st.lists(st.tuples(st.integers(0, 9_000), st.floats(0, 1), st.floats(0, 1), st.sampled_from((-1, -1, 0, 1))), max_size=5),
    st.sampled_from((CLAUDE, GPT)),
)  # fmt: skip
def test_the_short_way_to_a_plan_leads_to_the_same_one(
    spots: list[tuple[int, float, float, int]], rates: Caching
) -> None:  # fmt: skip
    tokens = sorted(each[0] for each in spots)
    seen = [
        Seen(at, 3, (min(short, long), max(short, long)), live, 9.0, False)
        for at, (_, short, long, live) in enumerate(spots)
    ]
    usual = usual_plan(seen, tokens, rates.least, least_chance(rates))
    if usual is not None:
        assert usual == plan([Spot(each.at, tokens[each.at], each.chances, each.live) for each in seen], rates)


def test_what_hardly_ever_comes_again_is_remembered_seldom_and_still_seen_when_it_does() -> None:
    scope = Scope(LIFETIMES)
    for number in range(2_000):
        call(scope, [1, 100 + number], 10.0 * number)
    assert len(scope.prefixes) < 2_000 / 3
    now, kept = 30_000.0, 0
    for number in range(200):
        for turn in range(4):
            made = call(scope, [1, *(50_000 + 10 * number + each for each in range(turn + 1))][:2], now)
            now += 20.0
            kept += len(made.plan.points) > 1
    assert kept
