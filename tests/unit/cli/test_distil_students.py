"""`farthing distil students`, `rollback`, `retire` and `train-students`, as they are typed."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import Result

from farthing.model.record import Record, Saving
from farthing.store import Store, open_store
from farthing.store.captures import Captured, Captures
from farthing.store.rollups import DAY_US
from farthing.store.store import now_us
from farthing.store.students import Looks, Students
from stores import ready
from unit.selfhost.students.talk import calls

Farthing = Callable[..., Result]
PLACE = ("acme", "template:" + "ab" * 8)
TENANT = ("--tenant", "acme")
NOW_US = 1_790_000_000_000_000
FACTS = msgspec.json.encode({"pairs": 1000, "answered": 800, "bound": 0.951}).decode()


def at_store(work: Callable[[Store], Awaitable[Any]]) -> Any:
    async def opened() -> Any:
        store = await open_store(ready(Path()))
        try:
            return await work(store)
        finally:
            await store.close()

    return asyncio.run(opened())


@pytest.fixture
def site(folder: Path) -> Path:
    """A student that serves, one before it, and what was booked."""
    (folder / "farthing.toml").write_text('[student]\nfeatures = "words"\n')

    async def fill(store: Store) -> None:
        kept = Students(store)
        for version in (1, 2):
            await kept.add(*PLACE, FACTS, b"w", state="shadow", teacher="gpt-5", why="new")
            await kept.promote(*PLACE, version, "as good")
        await kept.add_looks([
            Looks(*PLACE, 2, "serving", NOW_US, judged=100, sure=75), Looks(*PLACE, 2, "audit", NOW_US, compared=40, agreed=39),
        ])  # fmt: skip
        own = Record(
            "a", NOW_US, "openai.chat", tenant="acme", model="student", template="ab" * 8, status=200, cost_state="computed",
            baseline=7_000_000_000, savings=[Saving("distillation", 7_000_000_000, 0, estimated=True)],
        )  # fmt: skip
        audit = Record(
            "b", NOW_US, "openai.chat", tenant="acme", model="gpt-5", feature="farthing audit", status=200, cost_state="computed",
            cost=1_000_000_000, savings=[Saving("distillation", 0, 0, overhead=1_000_000_000)],
        )  # fmt: skip
        await store.write([own, audit])

    at_store(fill)
    return folder


def plain(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_how_they_do(farthing: Farthing, site: Path) -> None:
    found = plain(farthing("distil", "students", "--json"))
    (one,) = found["students"]
    assert (one["version"], one["state"], one["teacher"], one["audits"]) == (2, "serving", "gpt-5", 40)
    assert (one["coverage"], one["agreement"]) == (0.75, 0.975) and 0.85 < one["at_least"] < 0.9
    assert (one["saved"], found["audits_cost"]) == (7_000_000_000, 1_000_000_000)
    first = plain(farthing("distil", "students", "--all", "--json"))["students"][1]
    assert (first["state"], first["coverage"], first["agreement"], first["at_least"]) == ("former", 0.8, None, 0.951)
    shown = farthing("distil", "students").output
    assert "97.5%" in shown and "$7.00" in shown and "Audits cost $1.00" in shown
    assert plain(farthing("distil", "students", "--tenant", "other", "--json"))["students"] == []


def test_one_whose_facts_are_damaged_hides_no_other_and_is_trained_anew(farthing: Farthing, site: Path) -> None:
    scope = "template:" + "cd" * 8
    for facts in ("{", "[]", '{"pairs": "many"}'):
        at_store(
            lambda store, facts=facts: Students(store).add("acme", scope, facts, b"", state="mute", teacher="", why="")
        )  # type: ignore[misc]
        found = plain(farthing("distil", "students", "--json"))["students"]
        assert {each["scope"] for each in found} == {PLACE[1], scope}
    now = now_us()
    pairs = [
        Captured(f"c{at}", each.text, each.answer, now - at, "cd" * 8, "acme", expires_us=now + DAY_US)
        for at, each in enumerate(calls(240))
    ]  # fmt: skip
    at_store(lambda store: Captures(store).add(pairs))
    assert plain(farthing("distil", "train-students", "--json"))["trained"] == 1


def test_one_command_goes_back_and_one_ends_it(farthing: Farthing, site: Path) -> None:
    assert "Version 1" in farthing("distil", "rollback", PLACE[1], *TENANT).output
    assert plain(farthing("distil", "rollback", PLACE[1], *TENANT, "--json"))["serving"] is None
    assert "no student" in farthing("distil", "rollback", PLACE[1], *TENANT).output
    assert plain(farthing("distil", "retire", PLACE[1], *TENANT, "--json"))["versions"] == 2
    states = [each["state"] for each in plain(farthing("distil", "students", "--all", "--json"))["students"]]
    assert states == ["retired", "retired"]
    assert farthing("distil", "retire", PLACE[1], *TENANT).exit_code == 1


def test_training_on_what_is_captured_and_fair(farthing: Farthing, site: Path) -> None:
    pytest.importorskip("numpy")
    assert "Nothing was worth training. --estimate says why." in farthing("distil", "train-students").output
    kept = [
        Captured(f"c{at}", each.text, each.answer, NOW_US + at, "cd" * 8, "acme", "triage", "", "gpt-5", expires_us=2 * NOW_US, sample="left" if at >= 300 else "")
        for at, each in enumerate(calls(400))
    ]  # fmt: skip
    at_store(lambda store: Captures(store).add(kept))
    assert plain(farthing("distil", "train-students", "--json")) == {"trained": 1}
    made = plain(farthing("distil", "students", "--json"))["students"][-1]
    assert (made["scope"], made["pairs"], made["teacher"]) == ("template:" + "cd" * 8, 300, "gpt-5")
    assert plain(farthing("distil", "train-students", "--json")) == {"trained": 0}
    assert plain(farthing("distil", "train-students", "--scope", made["scope"], "--json")) == {"trained": 1}


def captured(template: str, size: int = 300) -> list[Captured]:
    return [
        Captured(f"{template}{at}", each.text, each.answer, NOW_US + at, template, "acme", "triage", "", "gpt-5", expires_us=2 * NOW_US)
        for at, each in enumerate(calls(size))
    ]  # fmt: skip


def test_an_estimate_says_what_would_be_trained_and_does_nothing(farthing: Farthing, site: Path) -> None:
    pytest.importorskip("numpy")
    assert "Nothing is worth" in farthing("distil", "train-students", "--estimate").output
    yesterday = now_us() - DAY_US

    async def fill(store: Store) -> None:
        await Captures(store).add([*captured("cd" * 8), *captured("ef" * 8, 40)])
        await store.write([
            Record(
                f"p{at}", yesterday - at, "openai.chat", tenant="acme", model="gpt-5", feature="triage", template="cd" * 8, status=200,
                cost_state="computed", cost=2_000_000_000, baseline=2_000_000_000,
            )
            for at in range(10)
        ])  # fmt: skip

    at_store(fill)
    many, few = plain(farthing("distil", "train-students", "--estimate", "--json"))["students"]
    assert (many["scope"], many["features"], many["captured"], many["pairs"], many["version"]) == (
        "template:" + "cd" * 8, ["triage"], 300, 300, 0,
    )  # fmt: skip
    assert 0 < many["cpu_s"][0] < many["cpu_s"][1] < 10 and not many["why_not"]
    assert many["cost_a_month"]["middle"] > 0 and few["cost_a_month"] is None
    assert few["why_not"] == "40 calls are too few to learn from" and few["cpu_s"] == [0, 0]
    shown = farthing("distil", "train-students", "--estimate").output
    assert "triage" in shown and "2 scope(s)" in shown and "Nothing was done" in shown
    assert len(plain(farthing("distil", "students", "--all", "--json"))["students"]) == 2, "those of before alone"
