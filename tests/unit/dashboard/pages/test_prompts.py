"""The page on prompts: the doctor's figures as the command line has them, shares as the report has them, held to tenant and role."""

import csv
import io
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from browser import company, levers
from farthing.dashboard.formats import money
from farthing.lab.doctor import read
from farthing.settings import PromptSettings, ProviderSettings, Secret, Settings
from farthing.store import Store
from farthing.store.busters import LOOKED, Broken, Busters
from farthing.store.lab_reports import LabReports
from farthing.store.rollups import DAY_US
from unit.dashboard.visitors import Place, Sketches, Visitor, a_place

PROVIDERS = {
    "openai": ProviderSettings(base_url="http://127.0.0.1:9/v1", api_key=Secret("none")),
    "anthropic": ProviderSettings(base_url="http://127.0.0.1:9", api_key=Secret("none")),
}
SETTINGS = Settings(providers=PROVIDERS, prompts=PromptSettings(doctor=True))
HOSTILE = "<script>x</script>\u202e" + "w" * 300


async def filled(store: Store) -> None:
    now = time.time_ns() // 1000
    await Busters(store).add(
        [*levers.found(now), Broken("default", HOSTILE, "m", "date", "system 1", 1, 1, 9, 1, "<i>", now)]
    )
    batch = list(company.records(now, 4))
    for start in range(0, len(batch), 1_000):
        await store.write(batch[start : start + 1_000])


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with a_place(tmp_path, SETTINGS, before=filled, studio=Sketches()) as made:
        yield made


async def rows(visitor: Visitor, table: str, query: str = "period=7d") -> list[dict[str, str]]:
    answer = await visitor.web.get(f"/prompts/csv/{table}?{query}")
    assert answer.status_code == 200, answer.text
    return list(csv.DictReader(io.StringIO(answer.text)))


async def test_findings_are_those_of_the_command_line(place: Place) -> None:
    now = place.now_us()
    known = await place.store.do(lambda each: read(each, now - 6 * DAY_US, now + 1, tenant="default"))
    found = await rows(place.visitor(), "findings")
    assert [(row["model"], row["kind"], int(row["calls"])) for row in found] == [
        (each.model, each.kind, each.calls) for each in known.findings
    ]
    assert (
        found[0]["kind"] == "date" and found[0]["place"] == "system 1" and found[0]["shape"] == "a, 00 a 0000, 00:00:00"
    )
    text = await place.visitor().open("/prompts?period=7d")
    assert f"{money(known.month)} a month" in text and f"{money(known.findings[0].month)} a month" in text
    assert "Move it to the end of the prompt" in text and "system 1, byte 31" in text
    assert "their feature" not in text and "<script>x" not in text and "&lt;script&gt;x" in text


async def test_shares_are_those_of_the_report(place: Place) -> None:
    found = {row["feature"]: row for row in await rows(place.visitor(), "features")}
    reported = await place.store.report("feature", place.now_us() - 6 * DAY_US, tenant="default")
    assert set(found) == {each.key for each in reported}
    for each in reported:
        row = found[each.key]
        assert (row["calls"], row["in_tokens"], row["cached_tokens"]) == (
            f"{each.calls}",
            f"{each.in_tokens}",
            f"{each.cached_tokens}",
        )
    agent = found["coding agent"]
    # Opus 4.5: $5 a million tokens, read at $0.50
    assert float(agent["saved"]) == pytest.approx(int(agent["cached_tokens"]) * 4.5e-6, rel=1e-3)
    cached, whole = (sum(getattr(each, name) for each in reported) for name in ("cached_tokens", "in_tokens"))
    assert f"{100 * cached / whole:.1f} %" in await place.visitor().open("/prompts?period=7d")


async def test_filters_narrow_and_say_what_is_not_kept(place: Place) -> None:
    visitor = place.visitor()
    assert {row["feature"] for row in await rows(visitor, "findings", "period=7d&feature=support+chat")} == {
        "support chat"
    }
    text = await visitor.open("/prompts?period=7d&team=support")
    assert "kept by feature only" in text
    await visitor.open("/prompts?period=7d&team=support&user=u")
    text = await visitor.open("/prompts?period=2020-01")
    assert "The doctor looked at no prompt in this period." in text and "No call in this period and scope." in text


async def test_it_is_for_viewers_and_their_tenant(place: Place) -> None:
    await place.visitor(await place.add_key("nobody")).open("/prompts", 403)
    theirs = place.visitor(await place.add_key("theirs", role="viewer", tenant="other"))
    text = await theirs.open("/prompts?period=7d")
    assert "their feature" in text and "support chat" not in text


async def test_the_lab_s_reports_are_those_of_the_tenant_with_what_goes_and_why(place: Place) -> None:
    part = {"where": "system", "text": HOSTILE, "kind": "bullet", "tokens": 9, "removed": True, "why": "no loss shown"}
    mean = {"right": 0.9, "in_tokens": 98.0, "out_tokens": 1.0}
    body = {
        "proved": True, "verdict": "confirmed on 345 fresh items", "parts": [part, {**part, "text": "stay", "removed": False}],
        "cost": {"nano_dollars": 1_000_000}, "proof": {"before": mean, "after": {**mean, "in_tokens": 72.0}},
        "month": {"calls": 1000, "saved": {"nano_dollars": 5_000_000_000}},
    }  # fmt: skip
    kept = LabReports(place.store)
    for tenant, text in (("default", json.dumps(body)), ("default", "{}"), ("other", json.dumps(body))):
        await kept.keep(tenant, place.now_us(), f"of {tenant}", "m", text)
    text = await place.visitor().open("/prompts?period=7d")
    assert "of default, on m" in text and "of other" not in text and text.count("confirmed on 345 fresh items") == 1
    assert "98 tokens in a call before, 72 after; $5.00 saved a month in 1,000 calls" in text
    assert "<del>" in text and "<script>x" not in text and "goes: no loss shown" in text and "stays: " in text


async def test_without_anything_it_says_what_to_do(tmp_path: Path) -> None:
    async with a_place(tmp_path, Settings(), studio=Sketches()) as place:
        text = await place.visitor().open("/prompts")
        assert "The doctor is off" in text and "doctor = true" in text
        await Busters(place.store).add([Broken("default", "a", "m", LOOKED, "", 3, 9, 0, 0, "", place.now_us())])
    (tmp_path / "on").mkdir()
    async with a_place(tmp_path / "on", SETTINGS, studio=Sketches()) as place:
        await Busters(place.store).add([Broken("default", "a", "m", LOOKED, "", 3, 9, 0, 0, "", place.now_us())])
        assert "Nothing kept providers&#39; caches from being read." in await place.visitor().open("/prompts")
