"""The way back of demoted models: found when they are mended, and cheap to look at while they are not."""

import random
from collections import Counter
from collections.abc import Callable, Sequence

from farthing.model.routes import ANY, Cell, State, Table
from farthing.quality.choices import Exploring
from farthing.quality.noninferiority import Counts
from farthing.quality.probing import FIRST_WAIT, LONGEST_WAIT, MENDED, PROBED, STRIKES, TESTED, Probing
from farthing.settings import RoutingSettings
from farthing.steps.route.policy import Policies
from unit.quality.test_choices import Costs, Models
from unit.quality.worlds import a_call

SCOPES = ("task:qa", ANY)


def holding(state: State = "demoted", scope: str = "task:qa", model: str = "small") -> Table:
    return Table(cells={("t", scope): {model: Cell(model, 0.9, 0.0, state=state)}})


def waited(probing: Probing, scopes: Sequence[str] = SCOPES) -> int:
    """Drawn calls until it is probed."""
    for count in range(2 * LONGEST_WAIT):
        if probing.share("t", scopes, "small"):
            return count
    raise AssertionError("never")


def test_who_is_not_out_has_no_probe() -> None:
    assert Probing(Table).share("t", SCOPES, "small") is None
    assert Probing(lambda: holding("measured")).share("t", SCOPES, "small") is None
    assert Probing(holding).share("t", ("task:code", ANY), "small") is None
    assert Probing(holding).share("other", SCOPES, "small") is None


def test_waits_grow_while_it_is_bad() -> None:
    probing = Probing(holding)
    waits = []
    for _ in range(9):
        waits.append(waited(probing))
        for _ in range(STRIKES):
            assert probing.share("t", SCOPES, "small") == PROBED
            probing.heard("t", SCOPES, "small", 0)
            probing.heard("t", SCOPES, "small", -1)
    assert waits == [min(LONGEST_WAIT, FIRST_WAIT * 2**at) for at in range(9)]


def test_who_seems_mended_is_tested_with_a_larger_share() -> None:
    probing = Probing(holding)
    waited(probing)
    probing.heard("t", SCOPES, "small", -1)
    for _ in range(MENDED):
        assert probing.share("t", SCOPES, "small") == PROBED
        probing.heard("t", SCOPES, "small", 0)
    for _ in range(STRIKES):
        assert probing.share("t", SCOPES, "small") == TESTED
        probing.heard("t", SCOPES, "small", -1)
    assert probing.share("t", SCOPES, "small") == 0.0, "it fell again"


def test_the_narrowest_scope_that_it_is_out_of_counts() -> None:
    table = holding(scope="template:x")
    probing = Probing(lambda: table)
    assert probing.share("t", ("template:y", "task:qa", ANY), "small") is None
    assert waited(probing, ("template:x", "task:qa", ANY)) == FIRST_WAIT


def test_who_came_back_begins_with_the_shortest_wait_when_it_is_out_again() -> None:
    tables = [holding()]
    probing = Probing(lambda: tables[-1])
    waited(probing)
    for _ in range(STRIKES):
        probing.heard("t", SCOPES, "small", -1)
    tables.append(holding("measured"))
    assert probing.share("t", SCOPES, "small") is None
    tables.append(holding())
    assert waited(probing) == FIRST_WAIT


def looked_at(skill: Callable[[int], float], calls: int, than: str = "mid") -> list[int]:
    """The drawn calls, by number, that a demoted model was asked about, where it is right so often."""
    dice = random.Random(3)
    probing = Probing(holding)
    explorer = Exploring(
        Models(), Costs(), Policies(RoutingSettings(deny=["tiny"], quality_floor=0.99)),
        lambda tenant, scope, model: Counts(), random.Random(1), probing,
    )  # fmt: skip
    found = []
    for number in range(calls):
        if explorer.promising(a_call(), than) == "small":
            found.append(number)
            probing.heard("t", SCOPES, "small", 0 if dice.random() < skill(number) else -1)
    return found


def test_a_model_that_stays_bad_is_looked_at_ever_more_rarely() -> None:
    found = looked_at(lambda number: 0.7, 20_000)
    thousands = Counter(number // 5_000 for number in found)
    assert 20 < len(found) < 200, "of 20,000"
    assert thousands[0] > max(thousands[1], thousands[2], thousands[3])


def test_a_model_that_was_mended_is_found_though_another_one_serves() -> None:
    found = looked_at(lambda number: 0.7 if number < 500 else 0.995, 2_500)
    since = [number for number in found if number >= 500]
    assert len(since) > 450, "enough for the bound of a floor of 0.99"
