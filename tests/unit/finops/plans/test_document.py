"""A plan comes back as it was kept; what is none is said to be none."""

import pytest

from farthing.finops.plans.comparing import lines, notes
from farthing.finops.plans.document import packed, unpacked
from farthing.finops.plans.stages import at_most, not_in_total, open_levers, ranked, settles, stages
from farthing.model.errors import BadRequest
from farthing.model.plan import Scenario
from unit.finops.plans.made import document, dollars, lever


def test_it_comes_back() -> None:
    assert unpacked(packed(document(scenario=["twice the calls"]))) == document(scenario=["twice the calls"])
    for text in ("", "{}", "[" * 100_000, b"\xff", '{"plan": 3}'):
        with pytest.raises(BadRequest, match="this is no plan"):
            unpacked(text)


def test_stages_go_from_the_safe_to_what_needs_proof() -> None:
    found = stages(document().plan)
    assert [[each.lever for each in stage.levers] for stage in found] == [
        ["prompt optimisation", "provider caching"], ["semantic cache"], ["model selection"], ["batching"],
    ]  # fmt: skip
    assert found[0].saved == 13_000_000_000
    assert [each.lever for each in ranked(document().plan)][-2:] == ["nothing", "batching"]


def test_what_nobody_knows_yet_is_open_and_not_in_the_total() -> None:
    plan = document().plan
    hoped = lever("students", "needs proof", "", 0, 0, 0)
    hoped.scenarios = [
        Scenario("all goes well", 40_000_000_000, "answers stay", "300 comparisons"),
        Scenario("half does", 20_000_000_000, "some are worse", "300 comparisons"),
    ]
    plan.levers = [*plan.levers, hoped]
    last = stages(plan)[-2]
    assert [each.lever for each in last.levers] == ["students"] and last.is_bound and last.saved == 40_000_000_000
    assert {each.lever for each in open_levers(plan)} == {"students", "batching"}
    assert settles(hoped) == ["300 comparisons"]


def test_what_the_total_has_of_a_lever_is_not_open() -> None:
    proved = lever("model selection", "needs proof", "", 30, 20, 40)
    proved.scenarios = [Scenario("all goes well", 40_000_000_000, "answers stay")]
    assert at_most(proved) == 40_000_000_000 and not_in_total(proved) == 10_000_000_000
    bound = lever("batching", "lossless", "", 20, 15, 25, is_bound=True)
    assert not_in_total(bound) == at_most(bound) == 20_000_000_000
    proved.scenarios = [Scenario("nothing more", 30_000_000_000, "answers stay")]
    plan = document().plan
    plan.levers = [proved, bound]
    assert open_levers(plan) == [bound]


def test_two_plans_side_by_side() -> None:
    one, other = document(), document(scenario=["routing.quality_floor = 0.9"])
    other.plan.levers = [lever("semantic cache", "guarded", "", 60, 55, 65), lever("students", "guarded", "", 1, 0, 2)]
    other.plan.together = dollars(130, 100, 160)
    found = lines(one, other)
    assert found[0].name == "all together" and not found[0].is_sure and found[0].more == 10_000_000_000
    by_name = {each.name: each for each in found}
    assert by_name["semantic cache"].is_sure and by_name["model selection"].more == -90_000_000_000
    assert by_name["students"].one is None
    assert notes(one, other) == ["In the second: routing.quality_floor = 0.9."]
