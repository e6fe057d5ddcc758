from typing import Any

from farthing.model.call import Answer, Call
from farthing.quality.allowance import Allowance
from farthing.quality.compare import Comparer
from farthing.quality.errand import Errands
from farthing.quality.pairwise import PairJudge
from farthing.quality.shadow import AT_ONCE, PAUSE_S, Choices, Outcome, Shadow
from unit.quality.worlds import DOLLAR, Choosing, Rows, World, a_call, told

SCOPES = ("task:qa", "*")


class Scene:
    """A shadow that draws every call."""

    def __init__(
        self,
        *,
        budget: int = DOLLAR,
        share: float = 1.0,
        watch: float = 1.0,
        choices: Choices | None = None,
        **skill: float,
    ) -> None:
        self.world = World(**skill)
        self.rows = Rows()
        self.outcomes: list[Outcome] = []
        self.now = 0.0
        self.luck = 0.5
        self.allowance = Allowance(budget, lambda: self.now)
        errands = self.world.errands(self.rows)
        self.shadow = Shadow(
            errands, Comparer(PairJudge(errands, "judge")), choices or Choosing(), self.allowance, self.outcomes.append,
            share=share, watch=watch, chance=lambda: self.luck, clock=lambda: self.now,
        )  # fmt: skip

    async def draw(self, model: str, answer: str = "right 1", times: float = 1.0, **more: Any) -> None:
        self.shadow.draw(a_call(**more), model, told(answer), SCOPES, "auto", times=times)
        await self.shadow.settle()


class Cheaper(Choosing):
    """There is a cheaper model than the one of the mid tier."""

    def promising(self, call: Call, than: str) -> str:
        return {"big": "mid", "mid": "small"}.get(than, "")


async def test_where_a_cheaper_model_served_the_flagship_is_asked() -> None:
    scene = Scene()
    await scene.draw("small", "wrong 1 " + "in words " * 20)
    (outcome,) = scene.outcomes
    assert (outcome.model, outcome.difference, outcome.second) == ("small", -1, "big")
    assert scene.world.sent[0]["model"] == "big"


async def test_where_the_flagship_served_a_cheaper_model_is_explored() -> None:
    scene = Scene(small=0.0)
    await scene.draw("big")
    (outcome,) = scene.outcomes
    assert (outcome.model, outcome.served, outcome.difference) == ("small", "small-v1", -1)


async def test_a_cheaper_model_than_the_one_that_served_is_learned_about_beside_it() -> None:
    scene = Scene(choices=Cheaper(), small=0.0)
    await scene.draw("mid")
    assert [(each.model, each.second, each.difference) for each in scene.outcomes] == [
        ("mid", "big", 0), ("small", "small", -1)
    ]  # fmt: skip
    assert [each["model"] for each in scene.world.sent if each["model"] != "judge"] == ["big", "small"]


async def test_who_serves_is_watched_at_a_share_of_its_own() -> None:
    scene = Scene(share=0.9, watch=0.1)
    await scene.draw("small")
    assert scene.outcomes == [], "nothing is cheaper, so there is nothing to learn"
    await scene.draw("small", times=6)
    assert [each.model for each in scene.outcomes] == ["small"]
    still = Scene(share=0.1, watch=0.9)
    await still.draw("big")
    assert still.outcomes == [], "the flagship needs no watch"


async def test_each_second_call_has_a_row_and_nobody_s_name() -> None:
    scene = Scene()
    await scene.draw("big", user="ada", metadata={"ticket": "7"}, stream=True)
    sent = scene.world.sent[0]
    assert set(sent) == {"model", "messages"}
    assert [(row.feature, row.tenant, row.baseline, row.user) for row in scene.rows.rows] == [
        ("farthing shadow", "t", 0, ""), ("farthing judge", "t", 0, ""), ("farthing judge", "t", 0, ""),
    ]  # fmt: skip
    assert all([saving.lever for saving in row.savings] == ["model selection"] for row in scene.rows.rows)


async def test_the_budget_of_a_day_holds() -> None:
    scene = Scene(budget=1000)
    for _ in range(5):
        await scene.draw("big")
    assert len(scene.outcomes) == 2, "100 for the model and 600 for the judge, twice"
    scene.now += 86_400
    await scene.draw("big")
    assert len(scene.outcomes) == 3


async def test_each_tenant_has_its_share() -> None:
    scene = Scene(budget=2000)
    assert scene.allowance.may("other")
    for _ in range(5):
        await scene.draw("big")
    assert len(scene.outcomes) == 2, "a half is the other one's"


async def test_only_a_share_is_drawn_and_more_where_something_is_suspected() -> None:
    scene = Scene(share=0.2)
    await scene.draw("big")
    assert scene.outcomes == []
    await scene.draw("big", times=4)
    assert len(scene.outcomes) == 1


async def test_few_at_once() -> None:
    scene = Scene()
    for _ in range(3 * AT_ONCE):
        scene.shadow.draw(a_call(), "big", told("right 1"), SCOPES, "auto")
    await scene.shadow.settle()
    assert len(scene.outcomes) == AT_ONCE


async def test_failures_cost_an_observation_and_nothing_else() -> None:
    scene = Scene()
    scene.world.fails.add("small")
    await scene.draw("big")
    assert scene.outcomes == [] and len(scene.world.sent) == 1
    scene.world.fails = {"judge"}
    await scene.draw("big")
    await scene.draw("big")
    assert scene.outcomes == [] and len(scene.world.sent) == 4, "a judge that fails stops the draws for a while"
    scene.world.fails, scene.now = set(), PAUSE_S
    await scene.draw("big")
    assert len(scene.outcomes) == 1


async def test_what_must_not_be_asked_again_is_not() -> None:
    scene = Scene()
    await scene.draw("big", web_search_options={"x": 1})
    assert scene.world.sent == []


async def test_closing_ends_what_is_under_way() -> None:
    scene = Scene()
    scene.shadow.draw(a_call(), "big", told("right 1"), SCOPES, "auto")
    await scene.shadow.close()
    assert scene.outcomes == []


async def test_second_answers_and_the_judge_stay_in_the_calls_region() -> None:
    scene = Scene()
    regions: list[str] = []

    async def watched(call: Call) -> Answer:
        regions.append(call.region)
        return await scene.world(call)

    errands = Errands(watched, lambda: "call-y")
    shadow = Shadow(
        errands, Comparer(PairJudge(errands, "judge")), Choosing(), scene.allowance, scene.outcomes.append, share=1.0,
        watch=1.0, chance=lambda: 0.5,
    )  # fmt: skip
    call = a_call()
    call.region = "eu"
    shadow.draw(call, "small", told("wrong 1 " + "in words " * 20), SCOPES, "auto")
    await shadow.settle()
    assert regions == ["eu"] * 3, "the flagship, and the judge both ways round"
