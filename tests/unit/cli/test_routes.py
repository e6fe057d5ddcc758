"""`farthing routes`: the table for people and machines, and what an operator does with it."""

import asyncio
import json
import os
import pwd
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest
from click.testing import Result

from farthing.model.routes import ANY, Cell, Table
from farthing.store import Evidence, Routes, Store, open_store
from farthing.upstream.simulator import SimulatorSettings, running
from integration.threads import in_thread
from stores import ready
from unit.cli.conftest import a_call

Farthing = Callable[..., Result]
T = TypeVar("T")

ME = pwd.getpwuid(os.getuid()).pw_name
CONFIG = """
[providers.openai]
api_key = "sk-hush"
base_url = "BASE"

[routing]
small = ["gpt-6-luna"]
mid = ["gpt-6.1-terra"]
flagship = ["gpt-6.1-sol"]
quality_floor = 0.95

[routing.tasks.qa]
quality_floor = 0.9

[routing.templates.invoice]
fingerprint = "00ff00ff00ff00ff"
task = "extraction"
"""
QA = Table(
    cells={(ANY, "task:qa"): {"gpt-6-luna": Cell("gpt-6-luna", 0.97, 0.94, 412, "measured", why="412 comparisons")}}
)


def stored(work: Callable[[Store], Awaitable[T]]) -> T:
    async def opened() -> T:
        store = await open_store(ready(Path()))
        try:
            return await work(store)
        finally:
            await store.close()

    return asyncio.run(opened())


def proposed(table: Table = QA, why: str = "+ gpt-6-luna for task:qa") -> int:
    return stored(lambda store: Routes(store).propose(table, why, "farthing"))


def holds() -> Table:
    return stored(lambda store: Routes(store).active())


@pytest.fixture
def routes(farthing: Farthing, folder: Path) -> Farthing:
    (folder / "farthing.toml").write_text(CONFIG.replace("BASE", "http://127.0.0.1:9/v1"))
    stored(lambda store: store.keys())
    return lambda *arguments, **more: farthing("routes", *arguments, **more)


@pytest.fixture
def traffic(routes: Farthing) -> None:
    """Two routed calls of a named template, three of another, one by name, and one of Farthing's own."""
    about = {
        "started_us": time.time_ns() // 1000 - 60_000_000,
        "baseline": 2_600_000,
        "savings": [],
        "tier": "flagship",
    }
    calls = [
        *(a_call(f"i-{n}", **about, template="00ff00ff00ff00ff", task="extraction", feature="bills") for n in range(2)),
        *(a_call(f"q-{n}", **about, template="abcdabcdabcdabcd", task="qa", feature="help") for n in range(3)),
        a_call("named", **{**about, "tier": ""}, feature=""),
        a_call("judge", **{**about, "tier": ""}, feature="farthing judge"),
    ]
    stored(lambda store: store.write(calls))


def test_the_table_before_anything_was_applied(routes: Farthing) -> None:
    done = routes("show", "--task", "qa")
    assert done.exit_code == 0 and "public outcomes" in done.output and "Compared with gpt-6.1-sol" in done.output
    lines = [line.split() for line in done.output.splitlines() if line.startswith("task:")]
    assert [line[:3] for line in lines] == [["task:qa", "gpt-6-luna", "small"], ["task:qa", "gpt-6.1-terra", "mid"]]
    assert all("90.0" in line for line in lines)


def test_the_table_for_machines(routes: Farthing) -> None:
    version = proposed()
    stored(lambda store: Routes(store).apply(version, "ana"))
    shown = json.loads(routes("show", "--json").stdout)
    assert (shown["version"], shown["flagship"], shown["proposals"]) == (1, "gpt-6.1-sol", [])
    (cell,) = [each for each in shown["cells"] if each["scope"] == "task:qa" and each["model"] == "gpt-6-luna"]
    assert (cell["tier"], cell["lower"], cell["floor"], cell["comparisons"], cell["may_serve"]) == (
        "small", 0.94, 0.9, 412, True,
    )  # fmt: skip


def test_cells_of_other_tenants_can_be_left_out(routes: Farthing) -> None:
    table = Table(cells={(who, "task:qa"): {"gpt-6-luna": Cell("gpt-6-luna", 1, 0.99)} for who in ("acme", "other")})
    version = proposed(table)
    stored(lambda store: Routes(store).apply(version, ""))
    assert {each["tenant"] for each in json.loads(routes("show", "--json", "--tenant", "acme").stdout)["cells"]} == {
        ANY,
        "acme",
    }
    assert "acme" in routes("show").output and "nothing" not in routes("show", "--task", "none").output


def test_a_review_is_a_diff_with_evidence_and_what_it_does_to_the_cost(routes: Farthing, traffic: None) -> None:
    assert routes("review").output == "Nothing is proposed.\n"
    assert json.loads(routes("review", "--json").stdout) == {"proposal": None}
    version = proposed()
    done = routes("review")
    assert f"Proposal {version} on top of version 0" in done.output
    assert "+ gpt-6-luna for task:qa (at least 94.0 %, >= 90 %" in done.output and "412 comparisons" in done.output
    assert "Of 5 routed calls of the last 7 days 3 would go to another model." in done.output
    assert f"farthing routes apply {version}" in done.output
    assert f"Proposal {version} waits" in routes("show").output
    found = json.loads(routes("review", f"{version}", "--json").stdout)
    (shift,) = found["effect"]["shifts"]
    assert (shift["calls"], shift["model"], shift["then"]) == (3, "gpt-6.1-sol", "gpt-6-luna")
    saved = found["effect"]["before"]["nano_dollars"] - found["effect"]["after"]["nano_dollars"]
    assert saved == shift["before"]["nano_dollars"] - shift["after"]["nano_dollars"] > 0
    assert found["comes_in"][0]["after"]["observations"] == 412


def test_without_traffic_the_effect_is_not_guessed(routes: Farthing) -> None:
    proposed()
    assert "cannot be said" in routes("review").output


def test_a_proposal_is_applied_after_a_word(routes: Farthing) -> None:
    version = proposed()
    refused = routes("apply", stdin=b"n\n")
    assert refused.exit_code == 1 and holds().version == 0 and "+ gpt-6-luna" in refused.output
    done = routes("apply", f"{version}", stdin=b"y\n")
    assert done.exit_code == 0 and holds().version == version
    again = routes("apply", f"{version}", "--yes")
    assert again.exit_code == 1 and "no proposal" in again.output
    back = routes("undo", "--yes", "--json")
    assert json.loads(back.stdout) == {"version": 0, "former": version} and holds().version == 0
    assert routes("undo", "--yes").exit_code == 1
    changes = json.loads(routes("history", "--json").stdout)
    assert [(each["what"], each["who"]) for each in changes] == [("undo", ME), ("apply", ME), ("propose", "farthing")]
    assert f"by {ME}" in routes("history", "-n", "1").output


def test_nothing_can_be_applied_where_nothing_is_proposed(routes: Farthing) -> None:
    for name in ("apply", "reject"):
        done = routes(name, *(["--yes"] if name == "apply" else []))
        assert done.exit_code == 1 and "nothing is proposed" in done.output
    assert "Nothing was done yet." in routes("history").output


def test_a_proposal_is_put_away(routes: Farthing) -> None:
    version = proposed()
    assert json.loads(routes("reject", "--json").stdout) == {"rejected": version}
    assert routes("review").output == "Nothing is proposed.\n"


def test_a_reason_cannot_command_the_terminal(routes: Farthing) -> None:
    proposed(why="+ \x1b[2Jgone")
    assert "\x1b" not in routes("history").output + routes("apply", stdin=b"n\n").output


def test_a_model_is_locked_and_unlocked(routes: Farthing) -> None:
    version = proposed()
    routes("apply", f"{version}", "--yes")
    done = routes("lock", "gpt-6-luna", "--scope", "task:qa")
    assert done.exit_code == 0 and "does all work of task:qa" in done.output
    assert holds().lock("any", ("task:qa", ANY)) == "gpt-6-luna"
    assert "locked" in routes("show", "--task", "qa").output and f"locked by {ME}" in routes("show").output
    assert routes("lock", "gpt-6.1-terra", "--scope", "task:qa").exit_code == 0
    assert holds().lock("any", ("task:qa", ANY)) == "gpt-6.1-terra"
    assert routes("lock", "gpt-6-luna", "--scope", "task:qa").exit_code == 0
    assert routes("unlock", "gpt-6-luna", "--scope", "task:qa", "--json").exit_code == 0
    assert holds().lock("any", ("task:qa", ANY)) == ""
    done = routes("unlock", "gpt-6-luna", "--scope", "task:qa")
    assert done.exit_code == 1 and "not locked" in done.output


def test_what_was_measured_before_a_lock_holds_again(routes: Farthing) -> None:
    routes("apply", f"{proposed()}", "--yes")
    routes("lock", "gpt-6-luna", "--scope", "task:qa")
    routes("unlock", "gpt-6-luna", "--scope", "task:qa")
    assert holds().cells == QA.cells


def test_scopes_of_a_lock(routes: Farthing) -> None:
    assert routes("lock", "gpt-6-luna", "--scope", "template:invoice", "--tenant", "acme").exit_code == 0
    assert holds().lock("acme", ("template:00ff00ff00ff00ff",)) == "gpt-6-luna"
    assert "template:invoice" in routes("show").output
    for scope in ("qa", "task:", "template:nobody", "template:XYZ", ""):
        assert routes("lock", "gpt-6-luna", "--scope", scope).exit_code == 2
    done = routes("lock", "gpt-4o", "--scope", "task:qa")
    assert done.exit_code == 2 and "stands for no tier" in done.output


def test_without_tiers_the_cure_is_said(farthing: Farthing, folder: Path) -> None:
    (folder / "farthing.toml").write_text('[providers.vllm]\nbase_url = "http://127.0.0.1:8000/v1"\n')
    done = farthing("routes", "show")
    assert done.exit_code == 1 and "list models under [routing]" in done.output


def test_templates_of_the_traffic(routes: Farthing, traffic: None) -> None:
    found = json.loads(routes("templates", "--json").stdout)
    rows = {(each["template"], each["feature"]): each for each in found["templates"]}
    assert set(rows) == {("00ff00ff00ff00ff", "bills"), ("abcdabcdabcdabcd", "help"), ("", "")}
    bills = rows["00ff00ff00ff00ff", "bills"]
    assert (bills["name"], bills["task"], bills["calls"]) == ("invoice", "extraction", 2)
    assert bills["share"] == pytest.approx(2 / 6) and found["cost"]["nano_dollars"] == 6 * 2_600_000
    shown = routes("templates").output
    assert "invoice (00ff00ff00ff00ff)" in shown and "(none)" in shown and "50.0 %" in shown
    assert "2 more" in routes("templates", "-n", "1").output
    assert routes("templates", "--since", "1h", "--tenant", "nobody").output == "No calls yet.\n"


@pytest.fixture
def provider(folder: Path, routes: Farthing) -> Iterator[str]:
    with in_thread(lambda: running(SimulatorSettings(seed=3))) as url:
        (folder / "farthing.toml").write_text(CONFIG.replace("BASE", f"{url}/v1"))
        yield url


def test_an_eval_set_becomes_evidence(routes: Farthing, provider: str, folder: Path) -> None:
    lines = [json.dumps({"prompt": f"Say {n}.", "check": "words:1-100000"}) for n in range(70)]
    (folder / "cases.jsonl").write_text("\n".join(lines))
    done = routes("eval", "cases.jsonl", "--task", "qa", "--model", "gpt-6-luna", "--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    (model,) = found["models"]
    assert (model["model"], model["cases"], model["failed"], model["right"]) == ("gpt-6-luna", 70, 0, 1.0)
    assert (found["flagship"], found["floor"], model["clears_floor"]) == ("gpt-6.1-sol", 0.9, True)
    assert model["cost"]["nano_dollars"] > 0
    (sums,) = [row for row in stored(lambda store: Evidence(store).sums()) if row.source == "eval"]
    assert (sums.tenant, sums.scope, sums.pairs, sums.against) == ("default", "task:qa", 70, "gpt-6.1-sol")
    (row,) = stored(lambda store: store.report("feature"))
    assert (row.key, row.calls, row.baseline) == ("farthing eval", 140, 0)


def test_an_eval_for_people(routes: Farthing, provider: str, folder: Path) -> None:
    (folder / "cases.jsonl").write_text('{"prompt": "Say it.", "check": "words:1-100000"}\n')
    shown = routes("eval", "cases.jsonl", "--task", "qa").output
    assert "not shown" in shown and "gpt-6.1-terra" in shown and "floor 90.0 %" in shown


@pytest.mark.parametrize(
    ("text", "more", "said"),
    [
        ("{", (), "cases.jsonl: line 1"), ("", (), "no case in it"), ('{"prompt": "a", "check": "yaml"}', (), "line 1"),
        ('{"prompt": "a"}', ("--model", "nobody-serves-it"), "no provider serves"),
        ('{"prompt": "a"}', ("--model", "gpt-6.1-sol"), "no model to try"),
    ],
)  # fmt: skip
def test_an_eval_that_cannot_be(routes: Farthing, folder: Path, text: str, more: tuple[str, ...], said: str) -> None:
    (folder / "cases.jsonl").write_text(text)
    done = routes("eval", "cases.jsonl", "--task", "qa", *more)
    assert done.exit_code in (1, 2) and said in done.output
