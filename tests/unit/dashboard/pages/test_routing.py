"""The page on routing: figures as the reports have them, evidence, proposals as a diff, who may change the table, decisions."""

import csv
import io
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from browser import company, oddities
from farthing.finops.metrics.facts import Scope, of_shares, read
from farthing.finops.metrics.six import cache_hit_rate, tier_mix
from farthing.finops.mixes import mixes_of
from farthing.finops.tasks import reduction
from farthing.finops.tiers import tier_of
from farthing.model.money import exact_dollars
from farthing.model.routes import Cell, Table
from farthing.settings import ProviderSettings, RoutingSettings, Secret, Settings
from farthing.store import Routes, Store
from farthing.store.engine import Connection
from farthing.store.rollups import DAY_US
from unit.dashboard.visitors import Place, Sketches, Visitor, a_place

DAYS = 9
SETTINGS = Settings(
    providers={
        name: ProviderSettings(base_url="http://127.0.0.1:9/v1", api_key=Secret("sk-none"))
        for name in ("openai", "anthropic")
    },
    routing=RoutingSettings(small=["gpt-4.1-nano"], mid=["gpt-5.4-mini"], flagship=["gpt-5.4", "claude-opus-4-5"]),
)
QA = Cell("gpt-5.4-mini", 0.999, 0.993, 640, "measured", why="640 comparisons: 4 worse, 6 better")
DEMOTED = Cell("gpt-4.1-nano", 0.91, 0.85, 220, "demoted", why="the alarm")


async def filled(store: Store) -> None:
    now = time.time_ns() // 1000
    batch = [*company.records(now, DAYS), *oddities.records(now)]
    for start in range(0, len(batch), 1_000):
        await store.write(batch[start : start + 1_000])


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with a_place(tmp_path, SETTINGS, before=filled, studio=Sketches()) as made:
        yield made


async def rows(visitor: Visitor, table: str, query: str = "period=7d") -> list[dict[str, str]]:
    answer = await visitor.web.get(f"/routing/csv/{table}?{query}")
    assert answer.status_code == 200, answer.text
    return list(csv.DictReader(io.StringIO(answer.text)))


async def propose(place: Place, **cells: Cell) -> int:
    table = Table(cells={("default", f"task:{task}"): {cell.model: cell} for task, cell in cells.items()})
    return await Routes(place.store).propose(table, "why it is so", "farthing")


async def test_figures_are_those_of_the_reports(place: Place) -> None:
    visitor, now = place.visitor(), place.now_us()
    since, until = now - now % DAY_US - 6 * DAY_US, now - now % DAY_US + DAY_US
    found = {row["task"]: row for row in await rows(visitor, "tasks")}
    reported = await place.store.report("task", since, until, tenant="default")
    assert set(found) == {each.key or "unknown" for each in reported}
    for each in reported:
        row = found[each.key or "unknown"]
        assert (row["calls"], row["cost"], row["saved"]) == (
            f"{each.calls}",
            exact_dollars(each.cost),
            exact_dollars(each.saved),
        )
        assert row["reduction"] == f"{reduction(each)}"
    assert found["qa"]["usual"].startswith("50% to 70%: ") and found["code"]["usual"] == ""
    sent = await rows(visitor, "sent")
    mixes = mixes_of(await place.store.report("feature,tier", since, until, tenant="default"))
    assert [(row["small"], row["mid"], row["no_tier"]) for row in sent[:-1]] == [
        (f"{each.tiers['small']}", f"{each.tiers['mid']}", f"{each.other}") for each in mixes
    ]
    facts = await place.store.do(lambda connection: of_shares(connection, Scope(since, until, "default"), now))
    metric = tier_mix(facts, 0.7, tier_of(SETTINGS))
    mix = {row["tier"]: int(row["calls"]) for row in await rows(visitor, "mix")}
    assert metric.numerator == mix["small"] + mix["mid"] and metric.denominator == metric.numerator + mix["flagship"]
    assert mix["cache hits"] == sum(each.cache_hits for each in reported)
    assert f"{100 * metric.numerator / metric.denominator:.1f} %" in await visitor.open("/routing?period=7d")


async def test_what_is_read_for_shares_alone_gives_the_same_metrics(place: Place) -> None:
    now = place.now_us()

    def both(connection: Connection) -> None:
        for where in ({}, {"feature": "support chat"}, {"user": "user-001"}):
            scope = Scope(now - now % DAY_US - 6 * DAY_US, now - now % DAY_US + DAY_US, "default", where)
            short, whole = of_shares(connection, scope, now), read(connection, scope, now)
            assert tier_mix(short, 0.7, tier_of(SETTINGS)) == tier_mix(whole, 0.7, tier_of(SETTINGS))
            assert cache_hit_rate(short, 0.3) == cache_hit_rate(whole, 0.3)

    await place.store.do(both)


async def test_evidence_is_shown_beside_floor_and_price(place: Place) -> None:
    visitor = place.visitor()
    before = await rows(visitor, "table")
    assert {row["work"] for row in before} == {
        "qa",
        "classification",
        "extraction",
        "summarisation",
        "code",
        "all other work",
    }
    assert len(await rows(visitor, "table", "period=7d&cells=all")) > len(before)
    await Routes(place.store).apply(await propose(place, qa=QA, extraction=DEMOTED), "somebody")
    found = {(row["work"], row["model"]): row for row in await rows(visitor, "table")}
    qa, demoted = found["qa", "gpt-5.4-mini"], found["extraction", "gpt-4.1-nano"]
    assert (qa["state"], float(qa["at_least"]), float(qa["floor"]), qa["comparisons"]) == ("in", 0.993, 0.99, "640")
    assert 0 < float(qa["per_call"]) < float(found["qa", "claude-opus-4-5"]["per_call"])
    assert demoted["state"] == "demoted" and demoted["why"] == "the alarm"
    assert found["qa", "gpt-4.1-nano"]["state"] == "out"
    assert {row["work"] for row in await rows(visitor, "table", "period=7d&task=qa")} == {"qa", "all other work"}
    text = await visitor.open("/routing?period=7d")
    assert "Version 1, made" in text and "What is said of probes is as process" in text


async def test_a_proposal_is_read_applied_and_undone(place: Place) -> None:
    visitor = place.visitor()
    assert "No proposal waits" not in await visitor.open("/routing"), "nothing was ever proposed"
    version = await propose(place, qa=QA, extraction=DEMOTED)
    text = await visitor.open("/routing?period=7d")
    assert (
        "gpt-5.4-mini for task:qa of default (at least 99.3 %, &gt;= 99 %" in text and "nothing was known" not in text
    )
    assert 'class="demote"' in text and "would go to another model" not in text
    assert "routed calls of the last 7 days" in await visitor.open(f"/routing?period=7d&effect={version}")
    said = (await visitor.send("/routing", "/routing/apply", version=f"{version}")).text
    assert f"Version {version} of the table holds." in said and "No proposal waits" in said
    assert await Routes(place.store).active_version() == version
    assert (await visitor.send("/routing", "/routing/apply", version=f"{version}")).status_code == 400
    assert (await visitor.send("/routing", "/routing/undo", version="99")).status_code == 400
    said = (await visitor.send("/routing", "/routing/undo", version=f"{version}")).text
    assert "what public outcomes say holds again" in said
    done = await rows(visitor, "history")
    assert [row["what"] for row in done] == ["undone", "applied", "proposed"] and done[1][
        "who"
    ] == "somebody on this machine"
    version = await propose(place, qa=QA)
    assert (
        f"Version {version} is put away"
        in (await visitor.send("/routing", "/routing/reject", version=f"{version}")).text
    )
    await propose(place, qa=QA)
    for wrong in ("", "x", "9" * 20, "-1"):
        assert (await visitor.send("/routing", "/routing/apply", version=wrong)).status_code == 400


async def test_who_may_see_and_change_what(place: Place) -> None:
    version = await propose(place, qa=QA)
    nobody = await place.add_key("nobody")
    viewer, editor = await place.add_key("viewer", role="viewer"), await place.add_key("editor", role="editor")
    theirs = await place.add_key("theirs", role="admin", tenant="other")
    await place.visitor(nobody).open("/routing", 403)
    text = await place.visitor(viewer).open("/routing")
    assert "gpt-5.4-mini for task:qa" in text and "Apply" not in text and "Deployments" in text
    assert "why it is so" not in text, "it tells of all tenants"
    text = await place.visitor(theirs).open("/routing")
    assert "gpt-5.4-mini for task:qa" not in text and "Deployments" not in text and "support chat" not in text
    answer = await place.visitor(theirs).post("/routing/apply", version=f"{version}")
    assert answer.status_code == 403
    assert "holds." in (await place.visitor(editor).send("/routing", "/routing/apply", version=f"{version}")).text
    foreign = Table(cells={("other", "task:qa"): {QA.model: QA}})
    version = await Routes(place.store).propose(foreign, "theirs")
    answer = await place.visitor(editor).send("/routing", "/routing/apply", version=f"{version}")
    assert answer.status_code == 403 and "other tenants" in answer.text


async def test_decisions_are_the_steps_own_sentences(place: Place) -> None:
    visitor = place.visitor()
    found = await rows(visitor, "decisions")
    assert len(found) == 12 and [row["at"] for row in found] == sorted((row["at"] for row in found), reverse=True)
    assert all(row["why"].startswith("the cheapest that clears") for row in found)
    assert {row["feature"] for row in await rows(visitor, "decisions", "period=7d&feature=support+chat")} == {
        "support chat"
    }
    assert "/calls/call-" in await visitor.open("/routing?period=7d")


async def test_odd_scopes_and_names_are_said_not_broken(place: Place) -> None:
    visitor = place.visitor()
    text = await visitor.open("/routing?period=90d")
    assert "<script>document" not in text and "&lt;script&gt;" in text
    text = await visitor.open("/routing?period=7d&user=user-001")
    assert "Models are not kept for this scope" in text and "Sums by task are not kept for this scope" in text
    await visitor.open("/routing?period=7d&feature=support+chat&team=support")
    text = await visitor.open("/routing?period=2020-01")
    assert "No model answered a call" in text


async def test_without_tiers_it_says_how_to_have_some(tmp_path: Path) -> None:
    async with a_place(tmp_path, studio=Sketches()) as place:
        text = await place.visitor().open("/routing")
        assert "There are no tiers to route to." in text and "No deployment is named" in text
