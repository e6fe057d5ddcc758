"""The page about own models: figures as the commands have them, who sees and does what, nothing hostile, how to begin."""

import asyncio
import csv
import io
import time
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from browser import company
from browser import own as sample
from farthing.dashboard.own import made
from farthing.finops.selfhosted import standing
from farthing.model.money import exact_dollars
from farthing.model.record import Record
from farthing.selfhost.distil import tuning
from farthing.selfhost.tco.from_ledger import read_demand
from farthing.settings import OwnDeploymentSettings, SelfhostSettings, Settings
from farthing.settings.values import Amount
from farthing.store import Store
from farthing.store.audit import entries
from farthing.store.rollups import DAY_US, HOUR_US
from farthing.store.served import served
from farthing.store.students import Students
from unit.dashboard.visitors import Place, Sketches, Visitor, a_place

OWN = OwnDeploymentSettings(2, Amount("2.49"), 400.0)
SETTINGS = Settings(selfhost=SelfhostSettings(deployments={sample.DEPLOYMENT: OWN}))


async def filled(store: Store) -> None:
    now = time.time_ns() // 1000
    await company.fill(store, now, days=15)
    await sample.fill(store, now)


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with a_place(tmp_path, SETTINGS, before=filled, studio=Sketches()) as place:
        yield place


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


async def opened(visitor: Visitor, path: str, word: str) -> str:
    """The page once its process has read the paid hours."""
    for _ in range(600):
        text = await visitor.open(path)
        if word in text:
            return text
        await asyncio.sleep(0.1)
    raise AssertionError(f"{word} never came")


async def test_paid_hours_are_those_of_the_command(place: Place) -> None:
    visitor, now = place.visitor(), place.now_us()
    await opened(visitor, "/own?period=7d", f">{sample.DEPLOYMENT}<")
    (found,) = rows(await visitor.open("/own/csv/deployments?period=7d"))
    until = now // HOUR_US * HOUR_US
    since = now // DAY_US * DAY_US - 6 * DAY_US
    hours = await place.store.do(lambda each: served(each, sample.DEPLOYMENT, since, until))
    told = standing(sample.DEPLOYMENT, OWN, hours, since, until)
    assert (found["paid"], found["idle"], found["calls"]) == (
        exact_dollars(told.paid), exact_dollars(told.idle), f"{told.attempts}",
    )  # fmt: skip
    assert told.per_call is not None and found["per_call"] == exact_dollars(told.per_call)


async def test_students_say_how_they_do(place: Place) -> None:
    visitor = place.visitor()
    text = await visitor.open("/own?period=30d")
    assert "&lt;b onmouseover" in text and "<b onmouseover" not in text
    found = {row["scope"]: row for row in rows(await visitor.open("/own/csv/students"))}
    serving = found[sample.SERVING]
    assert (serving["state"], serving["version"], serving["coverage"], serving["compared"]) == (
        "serves",
        "2",
        "0.88",
        "132",
    )
    assert 0.93 < float(serving["bound"]) < float(serving["agreement"]) == 130 / 132
    assert serving["drift"].startswith("none seen") and serving["spared"] == exact_dollars(4_400 * sample.TEACHER_COST)
    assert found[sample.TRIED]["feature"] == "ticket triage" and not serving["feature"]
    assert f'title="{sample.TRIED}"' in text and f">{sample.TRIED}<" not in text and sample.TRIED[:17] in text
    assert found[sample.TRIED]["drift"] == "too few calls to tell: 60 of 200" and not found[sample.TRIED]["spared"]
    assert found[sample.BACK]["drift"] == "taken back: audits show less than 95.0% agreement"
    assert found[sample.MUTE]["state"] == "answers nothing" and not found[sample.MUTE]["bound"]
    assert len(rows(await visitor.open("/own/csv/versions"))) == 6
    assert "$0.7200" in text  # 300 answers at the teacher's cost, as the ledger has them


async def test_students_are_taken_back_by_editors(place: Place) -> None:
    viewer = place.visitor(await place.add_key("looks", role="viewer"))
    editor = place.visitor(await place.add_key("edits", role="editor"))
    await place.visitor(await place.add_key("own")).open("/own", 403)
    assert "Roll back" not in await viewer.open("/own")
    assert (await viewer.post("/own/roll-back", scope=sample.SERVING, version="2")).status_code == 403
    which = {"scope": sample.SERVING, "version": "2"}
    assert "version 1 serves again" in (await editor.send("/own", "/own/roll-back", **which)).text
    assert (await editor.send("/own", "/own/roll-back", **which)).status_code == 404
    assert "is retired" in (await editor.send("/own", "/own/retire", scope=sample.TRIED, version="1")).text
    kept = await Students(place.store).versions(tenant="default", scope=sample.SERVING)
    assert [(each.version, each.state) for each in kept] == [(2, "retreated"), (1, "serving")]
    noted = await place.store.do(lambda connection: entries(connection, kind="student"))
    assert [each.what for each in noted] == ["retreated", "rolled back"] and all("edits" in each.who for each in noted)


async def test_other_tenants_see_no_deployments_and_no_students(place: Place) -> None:
    other = place.visitor(await place.add_key("there", role="admin", tenant="other shop"))
    text = await other.open("/own")
    assert sample.DEPLOYMENT not in text.split('id="begin"')[0] and sample.SERVING not in text
    await other.open("/own/csv/deployments", 404)
    assert (await other.send("/alerts", "/own/retire", scope=sample.SERVING, version="2")).status_code == 404


async def test_the_comparison_is_of_the_ledgers_calls(place: Place) -> None:
    visitor = place.visitor()
    query = "of_feature=support+chat&of_api=gpt-5.4&of_tokens_s=1500&of_hour=2.5&of_growth=10"
    text = await visitor.open(f"/own?{query}")
    until = place.now_us() // HOUR_US * HOUR_US
    demand = await place.store.do(
        lambda each: read_demand(each, until - 28 * DAY_US, until, tenant="default", where={"feature": "support chat"})
    )
    assert f"{demand.input_tokens:,.0f} tokens in" in text and "ledger, feature support chat" in text
    bills = {row["part"]: row for row in rows(await visitor.open(f"/own/csv/bills?{query}"))}
    assert float(bills["GPUs, all hours of the month"]["own"]) == pytest.approx(2 * 730 * 2.5)
    assert float(bills["Output"]["api"]) == pytest.approx(demand.output_month * 10 / 1e6 * 15)
    assert float(bills["Engineers"]["own"]) == 15_000
    assert {row["gpus"] for row in rows(await visitor.open(f"/own/csv/steps?{query}"))} >= {"2", "3"}
    assert "as you said" in text and "Measure both before you decide" in text


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("of_gpu=abacus", "GPU is not known"), ("of_growth=nan", "is a number from"), ("of_engineers=-1", "is a number from"),
        ("of_hour=1e9", "is a number from"), ("of_tokens_s=x", "is a number from"), ("of_api=no-such-model", "No price is known"),
        ("of_own=mine", "farthing tco --own FOLDER"), ("of_format=fp1", "Format is not known"), ("of_gpu=V100&of_format=bf16", "set what a GPU hour costs"),
        ("of_gpu=L4&of_own=Llama+3+70B&of_gpus=1", "does not fit"), ("of_feature=never+heard", "no tokens in the last four weeks"),
    ],
)  # fmt: skip
async def test_what_cannot_be_compared_is_said_in_the_form(shared: Place, query: str, said: str) -> None:
    text = await shared.visitor().open(f"/own?{query}")
    assert said in text and 'id="bills"' not in text


@pytest.fixture
async def shared(tmp_path: Path) -> AsyncIterator[Place]:
    """A few calls, and nothing else."""

    async def some(store: Store) -> None:
        now = time.time_ns() // 1000
        await store.write(
            [
                Record(f"call-{no}", now - (1 + no) * HOUR_US, "openai.chat", model="gpt-5.4", provider="openai", feature="support chat",
                       cost=10**6, baseline=10**6, status=200, outcome="ok", cost_state="computed", in_tokens=900, out_tokens=200)
                for no in range(60)
            ]
        )  # fmt: skip

    async with a_place(tmp_path, before=some, studio=Sketches()) as place:
        yield place


async def test_without_own_models_it_says_how_to_begin_and_compares(shared: Place) -> None:
    text = await shared.visitor().open("/own")
    assert "No model of your own yet" in text and "[student]" in text and 'id="bills"' in text
    assert "not reached" in text or "Break-even" in text


async def test_without_calls_there_is_nothing_to_compare(tmp_path: Path) -> None:
    async with a_place(tmp_path, studio=Sketches()) as place:
        text = await place.visitor().open("/own")
        assert "No model of your own yet" in text and 'id="compare"' not in text and "With the first calls" in text


async def test_models_that_were_made_say_how_they_do(tmp_path: Path) -> None:
    folder = tmp_path / "models"
    sample.quantized(folder, time.time_ns() // 1000)
    sample.tuned(folder, time.time_ns() // 1000)
    (folder / "broken.quantized.json").write_text("{")
    async with a_place(tmp_path, Settings(selfhost=SelfhostSettings(reports=str(folder)))) as place:
        visitor = place.visitor()
        text = await visitor.open("/own")
        found = rows(await visitor.open("/own/csv/quantized"))
        (tuned,) = rows(await visitor.open("/own/csv/tuned"))
    assert "&lt;i&gt;hostile" in text and "<i>hostile" not in text and "No model of your own yet" not in text
    bad, good = [each for each in found if each["model"] == "llama-8b"]
    assert (bad["state"], good["state"], good["scheme"]) == ("loses too much", "chosen", "W8A16")
    assert (good["figures"], good["lost"], good["files"], bad["speed"]) == (
        "81.2 %, 80.7 %", "0.006", "16.06, 9.08 GB", "38.8, 83.5",
    )  # fmt: skip
    assert len(found) == 3
    assert (tuned["model"], tuned["base"], tuned["before"], tuned["after"], tuned["low"]) == (
        "triage-small", "llama-1b", "0.41", "0.93", "0.44",
    )  # fmt: skip


def test_what_is_read_of_a_tuned_model_is_in_its_report() -> None:
    given = {field.name: field for field in msgspec.structs.fields(tuning.Report)}
    assert {field.name for field in msgspec.structs.fields(made.Tuned)} <= set(given)
    assert "share" in {field.name for field in msgspec.structs.fields(tuning.Agreement)}
    gained = {field.name for field in msgspec.structs.fields(made.Gained)}
    assert gained <= {field.name for field in msgspec.structs.fields(tuning.Paired)}
