"""The page on the cache: hits as the metric has them, the bound as the command line has it, no text of callers, and purging."""

import csv
import io
import time
from collections.abc import AsyncIterator
from functools import partial
from itertools import groupby
from pathlib import Path

import msgspec
import pytest
from starlette.datastructures import QueryParams

from browser import company, oddities
from farthing.dashboard.cache import hits
from farthing.dashboard.cache.reading import TOLD_APART, called
from farthing.dashboard.filters import filters_of
from farthing.dashboard.view import View
from farthing.gateway.guard import Pass
from farthing.model.record import Decision
from farthing.settings import CacheSettings, FeatureCacheSettings, Settings
from farthing.steps.cache.standing import standings
from farthing.store import Store
from farthing.store.entries import Entries, Entry, Verdict, open_entries
from farthing.store.rollups import DAY_US
from unit.dashboard.ledgers import a_ledger
from unit.dashboard.visitors import Place, Sketches, Visitor, a_place

DAYS = 5
CHAT, TRIAGE = "support chat", "ticket triage"
SETTINGS = Settings(
    cache=CacheSettings(mode="exact", judge="judge-1", features={CHAT: FeatureCacheSettings(mode="semantic")}, max_mb=1)
)
SECRET = "Who is Rosebud?"


async def filled(store: Store, days: int = DAYS) -> None:
    now = time.time_ns() // 1000
    batch = [*company.records(now, days), *oddities.records(now)]
    asked = [
        each for each in batch if each.feature == CHAT and each.cache == "miss" and each.started_us > now - 4 * DAY_US
    ]
    for place, record in enumerate(asked):
        if place < 10:
            reason = "number" if place % 3 else "too few verdicts"
            record.decisions = [*record.decisions, Decision("cache", f"near miss: {reason}", "0.970 near to call-1")]
    for start in range(0, len(batch), 1_000):
        await store.write(batch[start : start + 1_000])


async def stored(entries: Entries) -> None:
    now = time.time_ns() // 1000
    base = Entry(
        id="", tenant="default", created_us=now - 1_000_000, question=SECRET, answer=b"A sledge.", source_call="call-1"
    )
    for number in range(30):
        scope = CHAT if number % 3 else TRIAGE
        entry = msgspec.structs.replace(
            base,
            id=f"ent-{number}",
            scope=scope,
            exact=f"{number}".encode(),
            cost=1_000 + number,
            hits=number,
            pinned=number == 4,
        )
        entries.put(entry)
        entries.verdict(
            Verdict(
                tenant="default", scope=CHAT, entry_id=entry.id, call_id=f"call-{number}", similarity=0.95, wrong=number == 7,
                source="shadow", judge="judge-1", at_us=now - number,
            )
        )  # fmt: skip
    entries.put(
        msgspec.structs.replace(
            base, id="theirs", tenant="other", exact=b"x", scope="their feature", hits=9, cost=10**9
        )
    )
    await entries.flush()


@pytest.fixture
async def entries(tmp_path: Path) -> AsyncIterator[Entries]:
    made = await open_entries(await a_ledger(tmp_path, filled))
    await stored(made)
    yield made
    await made.close()


@pytest.fixture
async def place(tmp_path: Path, entries: Entries) -> AsyncIterator[Place]:
    async with a_place(tmp_path, SETTINGS, studio=Sketches(), entries=entries) as made:
        yield made


async def rows(visitor: Visitor, table: str, query: str = "period=7d") -> list[dict[str, str]]:
    answer = await visitor.web.get(f"/cache/csv/{table}?{query}")
    assert answer.status_code == 200, answer.text
    return list(csv.DictReader(io.StringIO(answer.text)))


async def test_hits_are_those_of_the_report(place: Place) -> None:
    visitor = place.visitor()
    found = {row["feature"]: row for row in await rows(visitor, "features")}
    reported = await place.store.report("feature", place.now_us() - 6 * DAY_US, tenant="default")
    assert set(found) == {each.key for each in reported}
    for each in reported:
        row = found[each.key]
        assert (row["calls"], row["cacheable"], row["hits"]) == (
            f"{each.calls}",
            f"{each.cacheable}",
            f"{each.cache_hits}",
        )
    assert (found[CHAT]["mode"], found[CHAT]["answers"], found["coding agent"]["answers"]) == ("semantic", "20", "")
    hits, calls = sum(each.cache_hits for each in reported), sum(each.calls for each in reported)
    text = await visitor.open("/cache?period=7d")
    assert f"{100 * hits / calls:.1f} %" in text and "target: at least 30 %" in text
    chat = await rows(visitor, "features", "period=7d&feature=support+chat")
    assert [row["feature"] for row in chat] == [CHAT]


async def test_the_bound_is_that_of_the_command_line(place: Place, entries: Entries) -> None:
    found = await rows(place.visitor(), "bounds")
    known = await standings(entries, "default", await entries.stats("default"), SETTINGS.cache)
    assert [row["feature"] for row in found] == [each.feature for each in known] == [CHAT]
    low, high = known[0].interval
    assert (found[0]["verdicts"], found[0]["wrong"], found[0]["state"]) == ("30", "1", "not given yet")
    assert (float(found[0]["at_least"]), float(found[0]["at_most"])) == (low, high)
    assert found[0]["missing"] == f"{known[0].missing}" and int(found[0]["mismatches"]) == known[0].probes.missing


async def test_answers_that_save_most_and_near_misses(place: Place) -> None:
    visitor = place.visitor()
    dearest = await rows(visitor, "dearest")
    assert [row["entry"] for row in dearest[:2]] == ["ent-29", "ent-28"] and len(dearest) == 15
    assert [row["entry"] for row in await rows(visitor, "pins")] == ["ent-4"]
    assert [row["entry"] for row in await rows(visitor, "wrong")] == ["ent-7"]
    near = {row["reason"]: int(row["count"]) for row in await rows(visitor, "near")}
    assert near == {"guard: number": 6, "too few verdicts": 4}
    text = await visitor.open("/cache?period=7d")
    assert "another number, date or amount" in text
    assert "Rosebud" not in text and "sledge" not in text, "texts are the callers'"
    assert "theirs" not in text and "their feature" not in text


async def test_purging_asks_is_noted_and_leaves_approved_answers(place: Place, entries: Entries) -> None:
    visitor = place.visitor()
    assert "Drop the 20 stored answers of" in await visitor.open("/cache")
    said = (await visitor.send("/cache", "/cache/purge", what="feature", feature=CHAT)).text
    assert "19 answers of feature support chat dropped." in said and "Approved ones stay." in said
    assert (await entries.stats("default")).entries == 11 and "Drop the 1 stored answer of" in said
    said = (await visitor.send("/cache", "/cache/purge", what="entry", id="ent-0")).text
    assert "1 answer of answer ent-0 dropped." in said
    gone = await visitor.send("/cache", "/cache/purge", what="entry", id="ent-0")
    assert gone.status_code == 404 and "There is no such answer any more." in gone.text
    assert (await visitor.send("/cache", "/cache/purge", what="entry", id="theirs")).status_code == 404
    assert (await visitor.send("/cache", "/cache/purge", what="")).status_code == 400
    assert "10 answers of all features dropped." in (await visitor.send("/cache", "/cache/purge", what="all")).text
    assert (await entries.stats("other")).entries == 1
    log = await visitor.open("/audit")
    assert log.count("purged") == 3 and "feature support chat" in log


async def test_only_editors_purge_and_nobody_elses(place: Place, entries: Entries) -> None:
    viewer, editor = (
        await place.add_key("viewer", role="viewer"),
        await place.add_key("editor", role="editor", tenant="other"),
    )
    text = await place.visitor(viewer).open("/cache")
    assert "Purge" not in text and ">Drop<" not in text
    assert (await place.visitor(viewer).post("/cache/purge", what="all")).status_code == 403
    await place.visitor(await place.add_key("nobody")).open("/cache", 403)
    theirs = place.visitor(editor)
    text = await theirs.open("/cache")
    assert "their feature" in text and CHAT not in text
    await theirs.send("/cache", "/cache/purge", what="feature", feature=CHAT)
    assert (await entries.stats("default")).entries == 30


async def test_off_it_says_how_to_switch_it_on_and_what_that_saves(tmp_path: Path) -> None:
    async with a_place(tmp_path, before=partial(filled, days=20), studio=Sketches()) as place:
        text = await place.visitor().open("/cache?period=7d")
        assert "The cache is off" in text and "mode = " in text
        assert "What it would save" in text and "a month" in text
        assert (await place.visitor().send("/keys", "/cache/purge", what="all")).status_code == 404


async def test_odd_scopes_and_names_are_said_not_broken(place: Place, entries: Entries) -> None:
    entries.put(
        Entry(
            id="odd",
            tenant="default",
            scope=oddities.FEATURE,
            created_us=1,
            exact=b"odd",
            hits=10**6,
            cost=10**9,
            expires_us=2,
        )
    )
    await entries.flush()
    visitor = place.visitor()
    text = await visitor.open("/cache?period=90d")
    assert (
        "<script>document" not in text
        and "&lt;script&gt;" in text
        and ">over<" in text.replace("\n", "").replace(" ", "")
    )
    text = await visitor.open("/cache?period=7d&feature=support+chat&user=user-001&team=support")
    assert "Hits are not kept for this scope." in text
    assert "No call in this period and scope." in await visitor.open("/cache?period=2020-01")


async def test_many_calls_are_drawn_without_telling_hits_apart(place: Place) -> None:
    query = QueryParams("period=7d")
    view = View("/cache", {}, query, filters_of(query, place.now_us()), Pass(None, "default"), place.sources)
    found = await view.read(lambda connection: called(connection, view))
    apart, together = found, found._replace(answered=(found.answered * TOLD_APART)[:TOLD_APART])
    assert hits.over_time(view, apart, 0.3).options["names"] == ["exact", "semantic"]
    drawn = hits.over_time(view, together, 0.3)
    assert drawn.options["names"] == ["hits"]
    for day, rows_ in groupby(hits.over_time(view, apart, 0.3).rows, lambda row: row["start"]):
        whole = next(row["to"] for row in drawn.rows if row["start"] == day)
        assert max(row["to"] for row in rows_) == pytest.approx(whole)
    assert any("no sums of it are kept" in tile["note"] for tile in hits.tiles(view, together, 0.3))
