"""`farthing report metrics`, `forecast`, `phases` and `farthing lines`: tables for people, JSON for machines."""

import asyncio
import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from farthing.model.record import Record
from farthing.store import open_store
from farthing.store.corrections import Corrections, Entry
from farthing.store.rollups import DAY_US
from stores import ready

Farthing = Callable[..., Result]


@pytest.fixture
def company(folder: Path) -> Path:
    """Forty days of two features up to now, some hits and one unpriced call."""
    today = time.time_ns() // 1000 // DAY_US * DAY_US
    calls = [
        Record(
            id=f"{feature}-{day}-{at}", started_us=today - day * DAY_US, wire="openai.chat", model=model, feature=feature,
            user=f"user-{at % 3}", project="shop", cost=0 if hit else cost, baseline=0 if hit else cost, in_tokens=900,
            out_tokens=100, cache="exact" if hit else "miss", cost_state="unpriced" if day == at == 3 else "computed",
        )
        for day in range(40)
        for feature, model, cost in (("chat", "gpt-5.4-mini", 2 * 10**6), ("agent", "gpt-5.4", 3 * 10**7))
        for at in range(6)
        for hit in (at < 2,)
    ]  # fmt: skip

    async def write() -> None:
        store = await open_store(ready(Path()))
        await store.write(calls)
        await store.close()

    asyncio.run(write())
    return folder


def test_metrics_say_what_they_are_divided_by(farthing: Farthing, company: Path) -> None:
    shown = farthing("report", "metrics").output
    for words in (
        "cost per query", "cost per user per month", "token efficiency", "cache hit rate", "cheaper tiers",
        "callers' calls that did not fail and whose cost is known", "users that calls named", "at least 30 %",
        "none shown", "2 calls have no known cost", "agent",
    ):  # fmt: skip
        assert words in shown
    short = farthing("report", "metrics", "--no-beside", "--where", "feature=chat").output
    assert "feature chat" in short and "users that calls named" not in short


def test_metrics_for_machines(farthing: Farthing, company: Path) -> None:
    shown = json.loads(farthing("report", "metrics", "--json", "--since", "10d", "--revenue", "12.50").stdout)
    metrics = {metric["name"]: metric for metric in shown["metrics"]}
    assert list(metrics) == [
        "cost_per_query", "cost_per_user_month", "token_efficiency", "cache_hit_rate", "tier_mix", "cost_by_feature",
    ]  # fmt: skip
    query = metrics["cost_per_query"]
    assert query["numerator"] == shown["cost"] and query["denominator"] == shown["calls"] - shown["calls_without_cost"]
    assert query["trend"]["direction"] == "none"
    assert metrics["cost_per_user_month"]["target"]["most"] == 12_500_000_000
    assert metrics["cache_hit_rate"]["value"] == pytest.approx(1 / 3)
    assert metrics["tier_mix"]["value"] == 0.5 and metrics["tier_mix"]["verdict"] == "missed"
    assert [feature["feature"] for feature in shown["features"]] == ["agent", "chat"]


def test_settings_set_targets(farthing: Farthing, company: Path) -> None:
    Path("farthing.toml").write_text(
        "[finops]\ncache_hit_percent = 20\ncheap_tier_percent = 40\ndollars_per_query = 1\nstudents = ['gpt-5.4-mini']\n"
    )
    shown = json.loads(farthing("report", "metrics", "--json").stdout)
    metrics = {metric["name"]: metric for metric in shown["metrics"]}
    assert metrics["cache_hit_rate"]["verdict"] == metrics["cost_per_query"]["verdict"] == "met"
    assert metrics["tier_mix"]["numerator"] == 0
    assert {each["name"]: each for each in metrics["tier_mix"]["beside"]}["students, apart"]["numerator"] == 4 * 30


def test_spans_that_are_none(farthing: Farthing, company: Path) -> None:
    assert "ends before" in farthing("report", "metrics", "--since", "2026-01-02", "--until", "2026-01-01").output
    assert "leave out" in farthing("report", "metrics", "--since", "7d", "--month", "2026-01").output
    assert "is no month" in farthing("report", "phases", "--month", "January").output
    for odd in ("much", "nan", "inf", "-1"):
        assert "is no amount" in farthing("report", "metrics", f"--revenue={odd}").output
    assert farthing("report", "metrics", "--month", "2001-01").output == "No calls in these days.\n"


def test_what_is_not_kept_is_said(farthing: Farthing, company: Path) -> None:
    done = farthing("report", "metrics", "--where", "team=x", "--where", "user=y")
    assert done.exit_code == 1 and "no sums are kept" in done.output


def test_forecast(farthing: Farthing, company: Path) -> None:
    shown = farthing("report", "forecast", "--by", "feature").output
    assert "agent" in shown and "total" in shown and "Weekdays, level and noise of 39 days" in shown
    rows = json.loads(farthing("report", "forecast", "--by", "feature", "--json").stdout)["rows"]
    assert [row["value"] for row in rows] == ["agent", "chat"]
    assert all(row["spent"] <= row["low"] <= row["expected"] <= row["high"] for row in rows)
    tried = farthing("report", "forecast", "--backtest")
    assert "inside the interval" in tried.output or "nothing to test on" in tried.output
    assert "trials" in json.loads(farthing("report", "forecast", "--backtest", "--json").stdout)


def test_phases_and_lines(farthing: Farthing, company: Path) -> None:
    Path("farthing.toml").write_text(
        '[finops.projects.shop]\nphase = "pilot"\n\n[[finops.lines]]\nkind = "tools"\ndollars_a_month = 0.50\nproject = "shop"\n'
    )
    assert "above" in farthing("report", "phases").output
    Path("people.csv").write_text("kind,from,until,dollars,project\nengineering,2020-01-01,2060-01-01,200000,shop\n")
    done = farthing("lines", "import", "people.csv")
    assert "1 lines of people.csv, $200,000.00; 0 former lines replaced." in done.output
    assert "1 former lines replaced" in farthing("lines", "import", "people.csv").output
    assert "people.csv" in farthing("lines", "list").output
    shop = json.loads(farthing("report", "phases", "--json").stdout)["projects"][0]
    assert (shop["project"], shop["phase"], shop["verdict"]) == ("shop", "pilot", "below")
    assert "The pilot has few users" in farthing("report", "phases").output
    assert farthing("lines", "remove", "people.csv").exit_code == 0
    assert farthing("lines", "remove", "people.csv").exit_code == 1
    assert json.loads(farthing("lines", "list", "--json").stdout) == []


def test_a_table_that_is_none(farthing: Farthing, folder: Path) -> None:
    Path("x.csv").write_bytes(b"kind,month,dollars\ngpu,2026-01,\xff\n")
    assert "is no table" in farthing("lines", "import", "x.csv").output
    Path("x.csv").write_text("kind,month,dollars\ngpu,2026-01,much\n")
    assert "row 2: 'much' is no amount of dollars" in farthing("lines", "import", "x.csv").output


def test_words_of_callers_do_not_command_a_terminal(farthing: Farthing, folder: Path) -> None:
    bad = "x\x1b\x07y"
    today = time.time_ns() // 1000
    call = Record(
        id="1", started_us=today, wire="openai.chat", feature=bad, user=bad, project=bad, cost=5, baseline=5,
        cost_state="computed",
    )  # fmt: skip

    async def write() -> None:
        store = await open_store(ready(Path()))
        await store.write([call])
        await store.close()

    asyncio.run(write())
    for command in (
        ("metrics",),
        ("phases",),
        ("forecast", "--by", "feature"),
        ("metrics", "--json"),
        ("phases", "--json"),
    ):
        done = farthing("report", *command)
        assert done.exit_code == 0 and "\x1b" not in done.output and "\x07" not in done.output


def test_corrections_are_lines_of_their_own(farthing: Farthing, company: Path) -> None:
    today = time.time_ns() // 1000 // DAY_US * DAY_US

    async def post() -> None:
        store = await open_store(ready(Path()))
        await Corrections(store).post([Entry(today, 25 * 10**7, "openai", "gpt-5.4")], who="ana", reason="a late fee")
        await store.close()

    asyncio.run(post())
    shown = farthing("report", "metrics").output
    assert (
        "a late fee" in shown and time.strftime("%Y-%m-%d", time.gmtime(today // 10**6)) in shown and "$0.25" in shown
    )
    assert "a late fee" not in farthing("report", "metrics", "--where", "feature=chat").output
    told = json.loads(farthing("report", "metrics", "--json").stdout)
    assert [each["amount"] for each in told["corrections"]] == [25 * 10**7]
    assert told["cost_corrected"] == told["cost"] + 25 * 10**7
