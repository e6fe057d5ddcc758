"""The evidence of quality as a whole: what the route step hears of, up to the versions of the table."""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from farthing.model.record import Attempt, Decision, Record
from farthing.model.routes import ANY, Cell, Table, scopes_of
from farthing.model.usage import Usage
from farthing.quality.allowance import Allowance
from farthing.quality.compare import Comparer
from farthing.quality.evidence import Evidence
from farthing.quality.noninferiority import Counts, counted, lower
from farthing.quality.pairwise import PairJudge
from farthing.quality.probing import MENDED
from farthing.quality.recorder import Recorder
from farthing.quality.scores import Scores
from farthing.quality.shadow import Shadow
from farthing.quality.tables import Tables
from farthing.quality.watch import Quality, floors_of
from farthing.settings import FeatureRoutingSettings, RoutingSettings, TaskRoutingSettings
from farthing.store import Store, open_store
from farthing.store.evidence import Evidence as Kept
from farthing.store.evidence import Sums
from farthing.store.routes import Routes
from stores import ready
from unit.quality.worlds import DOLLAR, Choosing, World, a_call, told

FLOOR = 0.95


def made(rows: Sequence[Sums]) -> Table:
    """A table by counts alone."""
    cells: dict[tuple[str, str], dict[str, Cell]] = {(ANY, ANY): {"big": Cell("big", 1.0, 1.0)}}
    seen: dict[tuple[str, str, str], Counts] = {}
    for row in rows:
        key = (row.tenant, row.scope, row.model)
        seen[key] = seen.get(key, Counts()) + counted(row.pairs, row.difference, row.difference_squares)
    for (tenant, scope, model), counts in seen.items():
        if counts.n:
            cell = Cell(model, 1 + counts.mean, 1 + lower(counts), observations=counts.n, state="measured")
            cells.setdefault((tenant, scope), {})[model] = cell
    return Table(cells=cells)


class Scene:
    """A gateway's evidence of quality, with models that are right so often. Every call is shadowed."""

    def __init__(self, store: Store, *, judge: str = "judge", seed: int = 1, **more: Any) -> None:
        skill = more.pop("skill", {"small": 1.0})
        self.settings = RoutingSettings(quality_floor=FLOOR, **more)
        self.world = World(seed, **skill)
        self.routes = Routes(store)
        self.evidence = Evidence(Kept(store))
        floors = floors_of(self.settings)
        self.now = 10**15
        self.recorder = Recorder(self.evidence, floors, now_us=lambda: self.now)
        errands = self.world.errands()
        allowance = Allowance(1000 * DOLLAR)
        self.shadow = Shadow(
            errands, Comparer(PairJudge(errands, judge)), Choosing(), allowance, self.recorder.compared, share=1.0,
            watch=1.0,
        )  # fmt: skip
        self.tables = Tables(
            self.evidence, self.recorder, self.routes, made, floors, flagship=lambda: "big",
            changes=self.settings.changes, every_s=0.01, allowance=allowance, spent=self._spent, now_us=lambda: self.now,
        )  # fmt: skip
        self.scores = Scores(store)
        self.quality = Quality(self.settings, self.evidence, self.recorder, self.shadow, self.tables, self.scores)

    async def serve(self, calls: int, task: str = "qa", **more: Any) -> int:
        """Calls that go to `small` if the table lets them; how many did."""
        cheap = 0
        for number in range(calls):
            self.now += 1_000_000
            call = a_call(f"Say {number}", task=task, **more)
            cell = self.quality.table.cell("t", scopes_of("", task), "small")
            ok = cell is not None and cell.state != "demoted" and cell.lower >= FLOOR
            model = "small" if ok else "big"
            cheap += ok
            version = f"{model}-v{self.world.version[model]}"
            call.trail.attempts.append(Attempt(1, model=model, served_model=version, usage=Usage(out=5)))
            self.quality.seen(call, model, told(self.world.answers(model, f"Say {number}")))
            await self.shadow.settle()
        await self.tables.refresh()
        return cheap

    async def _spent(self, since_us: int) -> dict[str, int]:
        return {}


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = await open_store(ready(tmp_path, "ledger.db"))
    yield store
    await store.close()


async def test_a_model_that_is_as_good_comes_in_by_itself_where_that_is_allowed(store: Store) -> None:
    scene = Scene(store, changes="apply")
    await scene.tables.refresh()
    assert await scene.serve(60) == 0
    await scene.serve(40)
    assert await scene.serve(5) == 5
    history = await scene.routes.history()
    assert history[0].what == "apply" and "+ small for task:qa of t" in history[0].why
    await scene.routes.undo("ada")
    await scene.tables.refresh()
    assert await scene.serve(5) == 0, "what a person undid stays undone"
    (proposal,) = await scene.routes.proposals()
    await scene.routes.apply(proposal.version, "ada")
    await scene.tables.refresh()
    assert await scene.serve(5) == 5


async def test_else_it_is_proposed_once_and_waits_for_a_person(store: Store) -> None:
    scene = Scene(store)
    await scene.tables.refresh()
    await scene.serve(100)
    (proposal,) = await scene.routes.proposals()
    assert await scene.serve(5) == 0 and len(await scene.routes.proposals()) == 1
    assert (await scene.routes.proposals())[0].version == proposal.version, "a comparison more is no news"
    await scene.routes.apply(proposal.version, "ada")
    await scene.tables.refresh()
    assert await scene.serve(5) == 5


async def test_a_model_that_is_worse_never_comes_in(store: Store) -> None:
    scene = Scene(store, changes="apply", skill={"small": 0.8})
    await scene.tables.refresh()
    for _ in range(5):
        assert await scene.serve(60) == 0


async def test_a_model_that_is_secretly_made_worse_goes_at_once_and_does_not_come_back(store: Store) -> None:
    scene = Scene(store)
    await scene.tables.refresh()
    await scene.serve(120)
    (proposal,) = await scene.routes.proposals()
    await scene.routes.apply(proposal.version, "ada")
    await scene.tables.refresh()
    assert await scene.serve(20) == 20
    scene.world.skill["small"] = 0.6
    served = [await scene.serve(10) for _ in range(8)]
    assert served[-1] == 0 and sum(served) <= 50, "an alarm takes some 35 comparisons at such a drop"
    cell = scene.quality.table.cell("t", ("task:qa",), "small")
    assert cell is not None and cell.state == "demoted"
    assert "- small for task:qa" in (await scene.routes.history())[0].why
    scene.world.skill["small"] = 1.0
    await scene.serve(100)
    assert await scene.routes.proposals() != [], "what it shows from then on counts"


async def test_another_version_of_a_model_is_another_model(store: Store) -> None:
    scene = Scene(store, changes="apply")
    await scene.tables.refresh()
    await scene.serve(100)
    assert await scene.serve(1) == 1
    scene.world.version["small"] = "2"
    await scene.serve(1)
    assert await scene.serve(1) == 0


async def test_all_gateways_have_the_same_table(store: Store) -> None:
    one, other = Scene(store, changes="apply"), Scene(store, changes="apply", seed=2)
    await one.tables.refresh()
    await other.tables.refresh()
    for _ in range(3):
        await one.serve(30)
        await other.serve(30)
    assert await one.serve(1) == await other.serve(1) == 1


async def test_a_loop_keeps_it_up_to_date_and_closing_writes_the_rest(store: Store) -> None:
    scene = Scene(store, changes="apply")
    await scene.quality.start()
    await asyncio.sleep(0.05)
    await scene.serve(3)
    scene.quality.seen(a_call(response_format={"type": "json_object"}), "small", told("{}"))
    await scene.quality.close()
    sums = await Kept(store).sums()
    assert {row.source for row in sums} >= {"shadow", "opened"}


async def test_checks_are_evidence_and_a_cascade_learns_from_them(store: Store) -> None:
    rules = {"qa": TaskRoutingSettings(check="regex:^right")}
    scene = Scene(store, tasks=rules, skill={"small": 0.7}, judge="")
    call = a_call()
    assert scene.quality.has_check(call) and not scene.quality.has_check(a_call(task="other"))
    assert scene.quality.record_of("t", scopes_of("", "qa"), "small") is None
    checked = scene.quality.check(call, "small", told("wrong"))
    assert checked is not None and not checked.passed
    dice = random.Random(3)
    for _ in range(100):
        answer = "right 1" if dice.random() < 0.7 else "wrong 1"
        scene.quality.seen(a_call(), "small", told(answer))
        await scene.shadow.settle()
        await asyncio.sleep(0)
    await asyncio.sleep(0.01)
    seen = scene.quality.record_of("t", scopes_of("", "qa"), "small")
    assert seen is not None and seen.answers >= 100 and 0.55 < seen.passed < 0.85 and seen.right > 0.9


async def test_people_are_heard(store: Store) -> None:
    scene = Scene(store)
    record = Record(
        "call-1", 1, "openai.chat", tenant="t", task="qa", template="a" * 16, tier="small",
        decisions=[Decision("route", "big", ""), Decision("route", "small", "")],
    )  # fmt: skip
    await scene.quality.take(record, good=False)
    await scene.quality.take(record, good=False)  # the same call once more is no news
    for id, good, score in (("call-2", True, 0.8), ("call-3", True, float("nan"))):
        await scene.quality.take(msgspec.structs.replace(record, id=id), good=good, score=score)
    await scene.quality.take(msgspec.structs.replace(record, id="call-4", tier=""), good=False)
    assert scene.evidence.scores("t", f"template:{'a' * 16}", "small", "feedback") == (2, 0.8)


async def test_nothing_raises_into_a_call(store: Store) -> None:
    scene = Scene(store)
    scene.quality.seen(a_call(), "small", b"\xff")
    broken = a_call()
    broken.trail = None  # type: ignore[assignment]
    scene.quality.seen(broken, "small", told("x"))
    await scene.quality.close()


async def test_both_arms_of_a_hold_out_are_scored_alike_and_only_one_is_shadowed(store: Store) -> None:
    scene = Scene(store, tasks={"qa": TaskRoutingSettings(check="json")})
    for held_out in (True, False):
        call = a_call("Say 1", task="qa")
        call.id, call.arms = f"call-{held_out}", {"model selection": held_out}
        call.trail.attempts.append(Attempt(1, model="big", served_model="big-v1", usage=Usage(out=5)))
        assert scene.quality.wants(call)
        scene.quality.seen(call, "big", told("[1]"))
        await scene.shadow.settle()
        await asyncio.sleep(0.01)  # checks wait their turn
    assert len(scene.scores) == 2
    assert [body["model"] for body in scene.world.sent if body["model"] != "judge"] == ["small"]


def test_floors_of_a_scope() -> None:
    settings = RoutingSettings(
        quality_floor=0.99, tasks={"qa": TaskRoutingSettings(quality_floor=0.9)},
        features={"chat": FeatureRoutingSettings(quality_floor=0.8)},
    )  # fmt: skip
    floors = floors_of(settings)
    assert (floors("task:qa"), floors("task:x"), floors("*")) == ((0.9, 0.8), (0.99, 0.8), (0.99, 0.8))


async def test_a_check_that_is_none_is_said_and_left_out(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    scene = Scene(store, tasks={"qa": TaskRoutingSettings(check="regex:(")})
    assert "routing.tasks.qa.check" in caplog.text
    assert not scene.quality.has_check(a_call())


async def test_an_alarm_stands_until_the_table_says_so(store: Store) -> None:
    scene = Scene(store, changes="apply")
    await scene.tables.refresh()
    await scene.serve(110)
    assert await scene.serve(5) == 5
    key = ("t", "task:qa", "small")
    scene.recorder.alarms.add(key)
    apply = scene.routes.apply

    async def too_late(version: int, who: str) -> bool:
        return False

    scene.routes.apply = too_late  # type: ignore[method-assign]
    await scene.tables.refresh()
    assert key in scene.recorder.alarms, "somebody else's change came first"
    scene.routes.apply = apply  # type: ignore[method-assign]
    await scene.tables.refresh()
    assert key not in scene.recorder.alarms
    cell = scene.quality.table.cell("t", ("task:qa",), "small")
    assert cell is not None and cell.state == "demoted"


async def test_a_demoted_model_that_seems_mended_is_tested_anew(store: Store) -> None:
    scene = Scene(store, changes="apply")
    await scene.tables.refresh()
    await scene.serve(120)
    scene.world.skill["small"] = 0.4
    await scene.serve(40)
    scene.world.skill["small"] = 0.8
    await scene.serve(MENDED // 2)
    assert scene.evidence.counts("t", "task:qa", "small", "big").worse > 0
    scene.world.skill["small"] = 1.0
    for _ in range(MENDED // 5 + 5):
        await scene.serve(5)
    counts = scene.evidence.counts("t", "task:qa", "small", "big")
    assert counts.worse == 0 and counts.n > 0
    assert await scene.serve(1) == 0, "a clean slate is no evidence yet"
    await scene.serve(120)
    assert await scene.serve(5) == 5


async def test_after_a_restart_the_table_holds_at_once(store: Store) -> None:
    before = Scene(store, changes="apply")
    await before.tables.refresh()
    await before.serve(120)
    after = Scene(store)
    await after.quality.start()
    assert after.quality.table.version == before.quality.table.version > 0
    await after.quality.close()


async def test_the_more_is_suspected_the_more_is_looked_at(store: Store) -> None:
    scene = Scene(store, changes="apply")
    await scene.tables.refresh()
    await scene.serve(120)
    suspected = [scene.recorder.suspicion("t", ("task:qa", "*"), "small")]
    scene.world.skill["small"] = 0.0
    for _ in range(2):
        await scene.serve(1)
        suspected.append(scene.recorder.suspicion("t", ("task:qa", "*"), "small"))
    assert 0 <= suspected[0] < suspected[1] < suspected[2]
    assert scene.recorder.suspicion("t", ("*",), "small") > 0, "it served those"
    assert scene.recorder.suspicion("u", ("task:qa", "*"), "small") == 0
