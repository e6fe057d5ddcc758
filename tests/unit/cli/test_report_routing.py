"""`farthing report proof|tiers|tasks|levers`: what routing did, for people and for machines."""

import asyncio
import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from farthing.model.money import show_dollars
from farthing.model.record import Record, Saving
from farthing.store import Scored, open_store
from stores import ready
from unit.cli.conftest import DAY_US, NOON_US, a_call

LEVER = "model selection"


def a_routed_call(place: int, dice: random.Random, *, held_out: bool) -> Record:
    """A call of a session of three that costs 40 % with the lever of what it costs without."""
    size = dice.choice([1000, 2000, 4000])
    full = size * 1000 + dice.randrange(100_000)
    cost = full if held_out else full * 4 // 10
    saved = [] if held_out else [Saving(LEVER, full, cost, estimated=True)]
    return a_call(
        f"call-{place}", started_us=NOON_US + place % 5 * DAY_US, session=f"s-{place // 15}-{place % 5}", arms={LEVER: held_out},
        cost=cost, baseline=full, savings=saved, request_bytes=size, attempts=[], decisions=[],
        feature=dice.choice(["chat", "mail"]), task=dice.choice(["extraction", "qa", "code", ""]),
        tier="flagship" if held_out else dice.choice(["small", "small", "mid", "mid", "flagship"]),
    )  # fmt: skip


@pytest.fixture
def routed(folder: Path) -> list[Record]:
    """2,400 calls in sessions, one in four without the lever; each has a score."""
    dice = random.Random(5)
    calls = [a_routed_call(place, dice, held_out=place // 15 % 4 == 0) for place in range(2400)]
    named = a_call("named", feature="search", task="", tier="")
    judge = a_call(
        "judge", feature="farthing judge", task="", tier="", baseline=0, savings=[Saving(LEVER, 0, 0, 2_600_000)]
    )

    async def write() -> None:
        store = await open_store(ready(Path()))
        await store.write([*calls, named, judge])
        await store.add_scores([Scored(call.id, 1.0 if dice.random() < 0.95 else 0.0) for call in calls])
        await store.close()

    asyncio.run(write())
    return calls


def test_proof_for_machines(farthing: Callable[..., Result], routed: list[Record]) -> None:
    (lever,) = json.loads(farthing("report", "proof", "--since", "2024-01-01", "--json").stdout)["levers"]
    assert lever["lever"] == LEVER
    assert lever["treated"]["calls"] + lever["held_out"]["calls"] == 2400
    assert lever["cost_effect"]["low"] < -0.6 < lever["cost_effect"]["high"] < -0.5
    assert lever["quality_effect"]["low"] < 0 < lever["quality_effect"]["high"]
    assert lever["saved_a_month"]["low"]["nano_dollars"] > 0
    assert lever["verdict"] == "not yet" and "share of errors" in lever["why"]
    assert lever["days_needed"] > 0


def test_proof_for_people(farthing: Callable[..., Result], routed: list[Record]) -> None:
    shown = farthing("report", "proof", "--since", "2024-01-01").output
    assert "saved a month" in shown and LEVER in shown
    assert f"{LEVER}: cheaper, but the share of errors is not known closely enough." in shown


def test_proof_without_hold_outs_says_how_to_get_them(farthing: Callable[..., Result], ledger: Path) -> None:
    assert "routing.hold_out_percent" in farthing("report", "proof").output


def test_an_arm_alone_shows_dashes(farthing: Callable[..., Result], folder: Path) -> None:
    async def write() -> None:
        store = await open_store(ready(Path()))
        await store.write([a_routed_call(1, random.Random(1), held_out=False)])
        await store.close()

    asyncio.run(write())
    shown = farthing("report", "proof", "--since", "2024-01-01").output
    assert "one of the arms has no sessions" in shown and "not known" in shown
    (lever,) = json.loads(farthing("report", "proof", "--since", "2024-01-01", "--json").stdout)["levers"]
    assert lever["cost_effect"] is None and lever["saved_a_month"] is None


def test_tiers_are_counted_by_feature_against_the_target(farthing: Callable[..., Result], routed: list[Record]) -> None:
    found = json.loads(farthing("report", "tiers", "--json").stdout)
    by_feature = {each["feature"]: each for each in found["features"]}
    assert set(by_feature) == {"chat", "mail", "search"}
    for feature in ("chat", "mail"):
        mine = [call.tier for call in routed if call.feature == feature]
        assert by_feature[feature]["tiers"] == {tier: mine.count(tier) for tier in ("small", "mid", "flagship")}
        assert by_feature[feature]["cheaper_share"] == pytest.approx(1 - mine.count("flagship") / len(mine))
    assert by_feature["search"] == {
        "feature": "search", "tiers": {"small": 0, "mid": 0, "flagship": 0}, "other": 1, "routed": 0, "cheaper_share": None,
        "reached": None,
    }  # fmt: skip
    assert found["target"] == 0.7 and found["total"]["routed"] == 2400
    assert found["total"]["reached"] is False
    shown = farthing("report", "tiers").output
    assert "below 70 %" in shown and "total" in shown


def test_tasks_have_their_reduction_beside_what_is_usual(farthing: Callable[..., Result], routed: list[Record]) -> None:
    found = {each["task"]: each for each in json.loads(farthing("report", "tasks", "--json").stdout)["tasks"]}
    mine = [call for call in routed if call.task == "extraction"]
    assert found["extraction"]["calls"] == len(mine)
    assert found["extraction"]["reduction"] == pytest.approx(
        1 - sum(call.cost for call in mine) / sum(call.baseline for call in mine)
    )
    assert found["extraction"]["usual"] == [0.8, 0.95] and found["code"]["usual"] is None
    shown = farthing("report", "tasks").output
    assert "80% to 95%" in shown and "50% to 70%" in shown and "(unknown)" in shown


def test_tasks_without_a_known_cost_are_said(farthing: Callable[..., Result], ledger: Path) -> None:
    assert "not in the amounts" in farthing("report", "tasks").output


def test_levers_show_what_they_spent_themselves(farthing: Callable[..., Result], routed: list[Record]) -> None:
    found = {each["lever"]: each for each in json.loads(farthing("report", "levers", "--json").stdout)["levers"]}
    saved = sum(saving.saved for call in routed for saving in call.savings)
    assert found[LEVER]["saved"]["nano_dollars"] == saved - 2_600_000
    assert found[LEVER]["overhead"]["nano_dollars"] == 2_600_000
    assert found[LEVER]["estimated"]["nano_dollars"] == saved
    shown = farthing("report", "levers").output
    assert show_dollars(saved - 2_600_000) in shown and "total" in shown


@pytest.mark.parametrize("name", ["proof", "tiers", "tasks", "levers"])
def test_an_empty_ledger_and_a_tenant_without_calls(name: str, farthing: Callable[..., Result], ledger: Path) -> None:
    done = farthing("report", name, "--tenant", "nobody")
    assert done.exit_code == 0 and ("No calls" in done.output or "No savings" in done.output)
    assert farthing("report", name, "--tenant", "nobody", "--json").exit_code == 0


@pytest.mark.parametrize("option", [("--json",), ("--since", "7d"), ("--by", "model")])
def test_options_before_the_name_are_not_lost_in_silence(
    option: tuple[str, ...], farthing: Callable[..., Result], ledger: Path
) -> None:
    done = farthing("report", *option, "levers")
    assert done.exit_code == 2 and "go after its name" in done.output


def test_the_spending_can_be_asked_for_by_tier(farthing: Callable[..., Result], routed: list[Record]) -> None:
    rows = json.loads(farthing("report", "--by", "tier", "--json").stdout)["rows"]
    assert {row["tier"] for row in rows} == {"", "small", "mid", "flagship"}
    rows = json.loads(farthing("report", "--by", "task,model", "--json").stdout)["rows"]
    assert sum(row["calls"] for row in rows) == 2402


def test_work_of_an_embedding_model_is_found_and_priced_as_that(
    farthing: Callable[..., Result], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    monkeypatch.setenv("OPENAI_API_KEY", "sk-1")

    async def write() -> None:
        store = await open_store(ready(Path()))
        await store.write([a_call("compares", task="embedding", in_tokens=1_000_000, cost=2_000_000_000)])
        await store.close()

    asyncio.run(write())
    (row,) = json.loads(farthing("report", "tasks", "--json").stdout)["tasks"]
    assert row["at_embedding_model"]["model"].startswith("text-embedding-3")
    assert 0 < row["at_embedding_model"]["cost"]["nano_dollars"] < 200_000_000
    assert "calls compare texts, which text-embedding-3" in farthing("report", "tasks").output


def test_without_an_embedding_model_nothing_is_said_of_one(
    farthing: Callable[..., Result], routed: list[Record]
) -> None:
    assert all(
        row["at_embedding_model"] is None for row in json.loads(farthing("report", "tasks", "--json").stdout)["tasks"]
    )
