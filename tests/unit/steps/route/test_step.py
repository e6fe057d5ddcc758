"""The route step with a small world around it: three tiers, a table, prices by model."""

import pytest

from farthing.model.asked import Asked
from farthing.model.call import Answer, Call
from farthing.model.errors import BudgetExceeded, NoModelFits, NotAllowed, UpstreamError
from farthing.model.principal import Key
from farthing.model.record import Attempt
from farthing.model.routes import Cell, Table, Tier
from farthing.model.usage import Usage
from farthing.settings import Amount, FeatureRoutingSettings, RoutingSettings, TaskRoutingSettings
from farthing.steps.route.booking import LEVER
from farthing.steps.route.cascade import Seen
from farthing.steps.route.foreseen import NOTHING, Foreseen, Foresight
from farthing.steps.route.policy import Policies
from farthing.steps.route.sessions import Sessions
from farthing.steps.route.step import Route
from farthing.steps.route.wish import Wishes
from unit.steps.conftest import MakeCall

COST = {"luna": 100, "haiku": 90, "terra": 1000, "sol": 2000, "opus": 4000}


class World:
    """All that the step asks; a test changes what it is about."""

    def __init__(self) -> None:
        self.ladder: dict[Tier, tuple[str, ...]] = {
            "small": ("luna", "haiku"), "mid": ("terra",), "flagship": ("sol", "opus")
        }  # fmt: skip
        self.unable: dict[str, str] = {}
        self.cells: dict[str, Cell] = {}
        self.heard: list[tuple[str, bytes]] = []
        self.listens = False
        self.checks = False
        self.refuses: set[str] = set()
        self.seen: Seen | None = None
        self.sent: list[str] = []
        self.broken: set[str] = set()
        self.room = 10**9
        """Nano-dollars that the budget has left, and what it does without."""
        self.goes_down = True

    @property
    def table(self) -> Table:
        return Table(cells={("*", "task:qa"): self.cells})

    def tiers(self) -> dict[Tier, tuple[str, ...]]:
        return self.ladder

    def missing(self, model: str, asked: Asked, max_output: int | None, region: str) -> str:
        return self.unable.get(model, "")

    def of(
        self, model: str, call: Call, scopes: tuple[str, ...], *, warm: bool = False, longer: float = 1.0
    ) -> int | None:  # fmt: skip
        return COST.get(model, None if model != "gpt-4o" else 2500)

    def output_ratio(self, model: str, other: str, tenant: str, scopes: tuple[str, ...]) -> float | None:
        return None

    def price_at(self, model: str, attempt: Attempt, usage: Usage) -> int | None:
        return COST.get(model)

    def wants(self, call: Call) -> bool:
        return self.listens

    def has_check(self, call: Call) -> bool:
        return self.checks

    def check(self, call: Call, model: str, whole: bytes) -> "Said | None":
        return Said(model not in self.refuses)

    def record_of(self, tenant: str, scopes: tuple[str, ...], model: str) -> Seen | None:
        return self.seen if model == "haiku" else None

    def hear(self, call: Call, model: str, whole: bytes) -> None:
        self.heard.append((model, whole))

    async def proceed(self, call: Call) -> Answer:
        model = call.target = call.targets[0] if call.targets else call.ask.model
        self.sent.append(model)
        if COST.get(model, 0) > self.room:
            raise BudgetExceeded("no room", budget="team", downgrade=self.goes_down)
        if model in self.broken:
            raise UpstreamError("The provider broke off.")
        call.trail.attempts.append(
            Attempt(no=len(call.trail.attempts) + 1, model=model, usage=Usage(out=1), cost_state="computed",
                    cost=COST.get(model, 0))
        )  # fmt: skip
        return Answer(200, [], b'{"said":1}')

    def route(self, settings: RoutingSettings | None = None, foresight: Foresight = NOTHING) -> Route:
        rules = settings or RoutingSettings()
        return Route(Wishes(rules, ()), Policies(rules), self, self, Watch(self), self, Sessions(), foresight)


class Watch:
    def __init__(self, world: World) -> None:
        self.wants = world.wants
        self.seen = world.hear
        self._world = world

    @property
    def table(self) -> Table:
        return self._world.table


class Said:
    def __init__(self, passed: bool) -> None:
        self.passed = passed
        self.why = "not JSON"


@pytest.fixture
def world() -> World:
    return World()


def cell(model: str, lower: float, **more: object) -> Cell:
    return Cell(model, min(1.0, lower + 0.01), lower, 200, "demoted" if more.get("demoted") else "measured")


def about(make_call: MakeCall, model: str = "auto", task: str = "qa", **more: object) -> Call:
    call = make_call(model, **more)
    call.task = task
    return call


async def test_a_model_by_name_is_left_alone(world: World, make_call: MakeCall) -> None:
    call = about(make_call, "terra")
    answer = await world.route()(call, world.proceed)
    assert world.sent == ["terra"] and call.targets == () and call.trail.savings == []
    assert not any(name == b"x-farthing-route" for name, _ in answer.headers)


async def test_nothing_known_goes_to_the_flagship(world: World, make_call: MakeCall) -> None:
    call = about(make_call)
    await world.route()(call, world.proceed)
    assert world.sent == ["sol"] and call.tier == "flagship"


async def test_the_cheapest_that_clears_the_floor_serves(world: World, make_call: MakeCall) -> None:
    world.cells = {"haiku": cell("haiku", 0.95), "luna": cell("luna", 0.995), "terra": cell("terra", 0.999)}
    call = about(make_call)
    answer = await world.route()(call, world.proceed)
    assert world.sent == ["luna"] and call.tier == "small"
    assert call.targets == ("luna", "haiku", "terra", "sol"), "its tier first, then up, never down"
    [saving] = call.trail.savings
    assert (saving.lever, saving.before, saving.after, saving.estimated) == (LEVER, 2000, 100, True)
    assert dict(answer.headers)[b"x-farthing-route"] == b"luna; tier=small; task=qa"
    [note] = call.trail.decisions
    assert "haiku" in note.why or "99" in note.why


async def test_a_demoted_model_never_serves(world: World, make_call: MakeCall) -> None:
    world.cells = {"luna": cell("luna", 0.999, demoted=True), "terra": cell("terra", 0.995)}
    call = about(make_call)
    await world.route()(call, world.proceed)
    assert world.sent == ["terra"]
    assert not world.route().still_serves(call, "luna")
    assert world.route().still_serves(call, "terra")


async def test_what_a_model_cannot_do_comes_before_any_score(world: World, make_call: MakeCall) -> None:
    world.cells = {"luna": cell("luna", 0.999), "haiku": cell("haiku", 0.999)}
    world.unable = {"haiku": "not known to see images"}
    call = about(make_call)
    await world.route()(call, world.proceed)
    assert world.sent == ["luna"]
    assert "haiku (not known to see images)" in call.trail.decisions[0].why


async def test_nothing_fits(world: World, make_call: MakeCall) -> None:
    world.unable = dict.fromkeys(COST, "too small")
    with pytest.raises(NoModelFits, match="luna \\(too small\\)"):
        await world.route()(about(make_call), world.proceed)
    world.ladder = {}
    with pytest.raises(NoModelFits, match="no tiers"):
        await world.route()(about(make_call), world.proceed)


async def test_a_tier_by_name(world: World, make_call: MakeCall) -> None:
    call = about(make_call, "mid")
    await world.route()(call, world.proceed)
    assert world.sent == ["terra"] and call.trail.savings == []


async def test_auto_up_to_a_tier(world: World, make_call: MakeCall) -> None:
    await world.route()(about(make_call, "auto:mid"), world.proceed)
    assert world.sent == ["terra"], "the safe one is the best that is allowed"


async def test_a_key_limits_the_choice(world: World, make_call: MakeCall) -> None:
    call = about(make_call)
    call.key = Key("k", "k", b"", models=("opus",))
    await world.route()(call, world.proceed)
    assert world.sent == ["opus"]


async def test_a_lock_binds(world: World, make_call: MakeCall) -> None:
    rules = RoutingSettings(tasks={"qa": TaskRoutingSettings(lock="terra"), "code": TaskRoutingSettings(lock="gone")})
    await world.route(rules)(about(make_call), world.proceed)
    assert world.sent == ["terra"]
    with pytest.raises(NoModelFits, match="locked"):
        await world.route(rules)(about(make_call, task="code"), world.proceed)


async def test_a_call_may_cost_so_much(world: World, make_call: MakeCall) -> None:
    rules = RoutingSettings(tasks={"qa": TaskRoutingSettings(max_dollars=Amount("0.0000015"))})
    call = about(make_call)
    await world.route(rules)(call, world.proceed)
    assert world.sent == ["terra"]
    assert "cost more" in call.trail.decisions[0].why


async def test_a_pin_of_the_caller(world: World, make_call: MakeCall) -> None:
    world.cells = {"luna": cell("luna", 0.999)}
    call = about(make_call, headers={b"x-farthing-pin": b"opus"})
    await world.route()(call, world.proceed)
    assert world.sent == ["opus"]
    call = about(make_call, headers={b"x-farthing-pin": b"opus"})
    call.key = Key("k", "k", b"", models=("luna",))
    with pytest.raises(NotAllowed):
        await world.route()(call, world.proceed)


async def test_who_names_a_model_gets_a_cheaper_one_where_policy_allows(world: World, make_call: MakeCall) -> None:
    world.cells = {"luna": cell("luna", 0.999)}
    call = about(make_call, "gpt-4o")
    await world.route(RoutingSettings(substitute=True))(call, world.proceed)
    assert world.sent == ["luna"]
    world.cells = {}
    await world.route(RoutingSettings(substitute=True))(about(make_call, "terra"), world.proceed)
    assert world.sent == ["luna", "terra"], "nothing is shown to be as good"


async def test_held_out_calls_go_to_what_the_feature_used(world: World, make_call: MakeCall) -> None:
    world.cells = {"luna": cell("luna", 0.999)}
    rules = RoutingSettings(features={"chat": FeatureRoutingSettings(baseline="opus")})
    call = about(make_call, user="", metadata={})
    call.arms = {LEVER: True}
    await world.route(rules)(call, world.proceed)
    assert world.sent == ["sol"] and call.trail.savings == []


async def test_a_conversation_stays_and_only_goes_up(world: World, make_call: MakeCall) -> None:
    route = world.route()
    call = about(make_call)
    call.session = "s"
    await route(call, world.proceed)
    world.cells = {"luna": cell("luna", 0.999)}
    second = about(make_call)
    second.session = "s"
    await route(second, world.proceed)
    assert world.sent == ["sol", "sol"]
    assert "conversation" in second.trail.decisions[0].why
    other = about(make_call)
    other.session = "t"
    await route(other, world.proceed)
    world.cells = {}
    up = about(make_call)
    up.session = "t"
    await route(up, world.proceed)
    assert world.sent[2:] == ["luna", "sol"]


async def test_the_same_first_question_again_is_no_conversation(world: World, make_call: MakeCall) -> None:
    route = world.route()
    for turns, served in ((1, "sol"), (1, "luna"), (2, "luna")):
        call = about(make_call)
        call.session, call.asked = "begun alike", Asked(text="x", prefix="begun alike", turns=turns)
        await route(call, world.proceed)
        assert world.sent[-1] == served
        world.cells = {"luna": cell("luna", 0.999)}


async def test_a_cheap_try_whose_answer_passes(world: World, make_call: MakeCall) -> None:
    world.checks, world.seen = True, Seen(500, 0.9, 0.999)
    call = about(make_call)
    await world.route()(call, world.proceed)
    assert world.sent == ["haiku"] and call.tier == "small"
    [saving] = call.trail.savings
    assert (saving.before, saving.after, saving.overhead) == (2000, 90, 0)


@pytest.mark.parametrize("how", ["refused", "broken"])
async def test_a_cheap_try_that_fails_is_overhead(world: World, make_call: MakeCall, how: str) -> None:
    world.checks, world.seen = True, Seen(500, 0.9, 0.999)
    if how == "refused":
        world.refuses = {"haiku"}
    else:
        world.broken = {"haiku"}
    call = about(make_call)
    await world.route()(call, world.proceed)
    assert world.sent == ["haiku", "sol"] and call.tier == "flagship"
    paid = sum(attempt.cost for attempt in call.trail.attempts)
    baseline = paid + sum(saving.saved for saving in call.trail.savings)
    assert baseline == 2000
    if how == "refused":
        [saving] = call.trail.savings
        assert (saving.after, saving.overhead) == (2000, 90)


async def test_quality_is_looked_at(world: World, make_call: MakeCall) -> None:
    world.listens = True
    await world.route()(about(make_call), world.proceed)
    assert world.heard == [("sol", b'{"said":1}')]


async def test_a_cached_answer_of_a_named_model_stays_good(world: World, make_call: MakeCall) -> None:
    assert world.route().still_serves(about(make_call, "terra"), "anything")
    assert not world.route().still_serves(about(make_call, "auto:small"), "sol")


async def test_a_decision_is_told_in_full_below_its_sentence(world: World, make_call: MakeCall) -> None:
    world.cells = {"haiku": cell("haiku", 0.95), "luna": cell("luna", 0.995), "terra": cell("terra", 1, demoted=True)}
    world.unable = {"opus": "context too small"}
    call = about(make_call)
    await world.route()(call, world.proceed)
    [note] = call.trail.decisions
    sentence, *lines = note.why.split("\n")
    assert sentence.startswith("luna is the cheapest that keeps 99.0%") and "opus" not in sentence
    assert lines == [
        "floor: 99.0% of the flagship's quality, by version 0 of the table",
        "luna: small, $0.000000100 expected, at least 99.5% (measured)",
        "haiku: small, $0.000000090 expected, at least 95.0% (measured), below the floor",
        "terra: mid, $0.000001000 expected, demoted",
        "sol: flagship, $0.000002000 expected, needs no evidence",
        "removed: opus (context too small)",
        "runner-up: sol",
    ]


async def test_the_table_may_be_locked_for_a_scope(world: World, make_call: MakeCall) -> None:
    world.cells = {"luna": cell("luna", 0.999), "terra": Cell("terra", 0.0, 0.0, state="locked")}
    call = about(make_call)
    await world.route()(call, world.proceed)
    assert world.sent == ["terra"] and call.trail.decisions[0].why.startswith("locked to terra by the operator\n")
    other = about(make_call, task="code")
    await world.route()(other, world.proceed)
    assert world.sent[-1] == "sol", "the lock is of one scope"
    world.unable = {"terra": "too small"}
    with pytest.raises(NoModelFits, match="locked by the operator"):
        await world.route()(about(make_call), world.proceed)


class Told:
    """Foretells the same of each prompt."""

    def __init__(self, gap: float) -> None:
        self.gap = gap

    def of(self, call: Call, floor: float) -> Foreseen | None:
        return Foreseen({"luna": self.gap}, {"luna": 1.0}, worth=0.0001)


async def test_by_prompt_an_easy_one_goes_down_and_a_hard_one_does_not(world: World, make_call: MakeCall) -> None:
    rules = RoutingSettings(table="by-prompt")
    await world.route(rules, Told(-0.01))(about(make_call), world.proceed)
    await world.route(rules, Told(-0.5))(about(make_call), world.proceed)
    await world.route(rules, NOTHING)(about(make_call), world.proceed)
    await world.route(RoutingSettings(), Told(-0.01))(about(make_call), world.proceed)
    assert world.sent == ["luna", "sol", "sol", "sol"]


async def test_no_model_that_writes_makes_vectors(world: World, make_call: MakeCall) -> None:
    call = about(make_call)
    call.wire = "openai.embeddings"
    with pytest.raises(NoModelFits, match="embeddings"):
        await world.route()(call, world.proceed)
    assert world.sent == []


async def test_a_key_limits_calls_that_are_held_out_too(world: World, make_call: MakeCall) -> None:
    call = about(make_call)
    call.arms = {LEVER: True}
    call.key = Key("k", "k", b"", models=("terra",))
    await world.route()(call, world.proceed)
    assert world.sent == ["terra"], "sol would have served, and may not"


async def test_a_lock_holds_for_both_arms(world: World, make_call: MakeCall) -> None:
    call = about(make_call)
    call.arms = {LEVER: True}
    await world.route(RoutingSettings(tasks={"qa": TaskRoutingSettings(lock="terra")}))(call, world.proceed)
    assert world.sent == ["terra"]


async def test_a_model_by_name_is_not_refused_for_a_lock_on_a_dearer_one(world: World, make_call: MakeCall) -> None:
    rules = RoutingSettings(substitute=True, tasks={"qa": TaskRoutingSettings(lock="flagship")})
    call = about(make_call, "terra")
    await world.route(rules)(call, world.proceed)
    assert world.sent == ["terra"] and call.trail.decisions[0].why.startswith(
        "terra as asked: flagship, which is locked"
    )


async def test_a_model_without_a_price_is_never_replaced(world: World, make_call: MakeCall) -> None:
    world.cells = {"luna": cell("luna", 0.999)}
    call = about(make_call, "who-knows")
    await world.route(RoutingSettings(substitute=True))(call, world.proceed)
    assert world.sent == ["who-knows"]


async def test_a_keys_region_and_its_tasks_must_be_the_same(world: World, make_call: MakeCall) -> None:
    rules = RoutingSettings(tasks={"qa": TaskRoutingSettings(region="us"), "code": TaskRoutingSettings(region="EU")})
    call = about(make_call)
    call.key = Key("k", "k", b"", region="eu")
    with pytest.raises(NoModelFits, match="served in eu, those of its task in us"):
        await world.route(rules)(call, world.proceed)
    call.task = "code"
    await world.route(rules)(call, world.proceed)
    assert call.region == "eu"


async def test_who_took_over_is_told_last(world: World, make_call: MakeCall) -> None:
    world.cells = {"luna": cell("luna", 0.995)}
    call = about(make_call)

    async def proceed(call: Call) -> Answer:
        answer = await world.proceed(call)
        call.target = "terra"
        return answer

    await world.route()(call, proceed)
    assert (call.trail.decisions[-1].what, call.tier) == ("terra", "mid")


@pytest.mark.parametrize("model", ["auto", "sol"])
async def test_a_budget_without_room_may_send_a_call_down(world: World, make_call: MakeCall, model: str) -> None:
    world.room = 500
    call = about(make_call, model)
    await world.route()(call, world.proceed)
    assert world.sent == ["sol", "terra", "luna"] and call.tier == "small"
    [saving] = call.trail.savings
    assert (saving.before, saving.after) == (2000, 100)
    assert "the budget 'team' has no room for sol" in call.trail.decisions[-1].why


@pytest.mark.parametrize("how", ["refuse", "nothing fits", "pinned", "locked"])
async def test_else_the_refusal_stands(world: World, make_call: MakeCall, how: str) -> None:
    world.room = 500 if how != "nothing fits" else 10
    world.goes_down = how != "refuse"
    headers = {b"x-farthing-pin": b"sol"} if how == "pinned" else {}
    rules = RoutingSettings(tasks={"qa": TaskRoutingSettings(lock="sol")}) if how == "locked" else None
    with pytest.raises(BudgetExceeded):
        await world.route(rules)(about(make_call, headers=headers), world.proceed)
    assert "luna" not in world.sent or how == "nothing fits"
