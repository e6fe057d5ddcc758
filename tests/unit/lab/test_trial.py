import pytest

from farthing.lab.prompt import AS_IT_IS
from farthing.lab.trial import Counts, Outcome, Trials, can_show, harms, holds, needed, paired
from unit.lab.worlds import World


def test_items_that_are_needed() -> None:
    assert (needed(0.03), needed(0.02), needed(0.03, 0.02), needed(0.02, 0.02)) == (345, 775, 138, 310)


def test_few_items_show_nothing() -> None:
    assert not can_show(80, 0.03) and can_show(90, 0.03) and not can_show(0, 0.03)


@pytest.mark.parametrize(
    ("counts", "is_shown"),
    [
        (Counts(0, 300, 0), True), (Counts(3, 294, 3), True), (Counts(0, 291, 9), False), (Counts(20, 260, 20), False),
        (Counts(9, 291, 0), True), (Counts(), False),
    ],
)  # fmt: skip
def test_what_holds(counts: Counts, is_shown: bool) -> None:
    assert holds(counts, 0.03) is is_shown


def test_what_harms() -> None:
    assert harms(Counts(0, 54, 6), 0.03) and not harms(Counts(0, 58, 2), 0.03) and not harms(Counts(10, 180, 10), 0.03)
    assert not harms(Counts(), 0.03)


async def test_a_trial_stops_for_harm_and_never_for_good_news() -> None:
    world = World(1, {0}, loss=0.3)
    trials = Trials(world.scores, 300, 0.03)
    harmed = await trials.trial(AS_IT_IS.less([0]))
    assert harmed.verdict == "harms" and harmed.counts.n <= 60
    kept = await trials.trial(AS_IT_IS.less([1]))
    assert kept.verdict == "holds" and kept.counts.n == 300


async def test_what_was_asked_is_not_asked_again() -> None:
    world = World(1, {0})
    trials = Trials(world.scores, 300, 0.03)
    await trials.trial(AS_IT_IS.less([1]))
    assert world.calls == 600
    await trials.trial(AS_IT_IS.less([1]))
    await trials.counts(AS_IT_IS.less([1]), 60)
    assert world.calls == 600


async def test_it_ends_where_it_could_not_accept_any_more() -> None:
    world = World(3, {0}, loss=0.06)
    tried = await Trials(world.scores, 300, 0.03).trial(AS_IT_IS.less([0]))
    assert tried.verdict != "holds" and tried.counts.n < 300


def test_items_without_an_answer_do_not_count() -> None:
    one, none = Outcome(1), None
    assert paired([one, none, one, Outcome(0)], [Outcome(0), one, none, one]) == Counts(1, 0, 1)
