"""`farthing plan`: from a log to what could be saved, with prompts and without."""

import asyncio
import json
import shutil
import tomllib
from contextlib import chdir
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from farthing.cli.main import cli
from farthing.store import open_store
from farthing.store.proposed_settings import SettingChanges
from unit.cli.conftest import Farthing

NAMES = "Timestamp,Model,Feature,Prompt Tokens,Completion Tokens\n"


def a_table(folder: Path) -> None:
    rows = (f"2026-10-{1 + n % 28:02d}T12:{n % 60:02d}:00Z,gpt-4o,triage,{900 + n},{n % 7 + 1}\n" for n in range(100))
    (folder / "calls.csv").write_text(NAMES + "".join(rows))


def a_log(folder: Path, count: int = 60) -> None:
    """Every question comes five times, within minutes."""
    lines = []
    for n in range(count):
        asked = [
            {"role": "system", "content": "You help people who wait for parcels."},
            {"role": "user", "content": f"Where is my parcel number {n // 5}?"},
        ]
        lines.append(
            {
                "time": 1_790_856_000 + 60 * n, "model": "gpt-4o", "feature": "support", "prompt_tokens": 40,
                "completion_tokens": 20, "prompt": asked, "answer": f"It comes on Monday ({n // 5}).",
            }
        )  # fmt: skip
    (folder / "calls.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    """A folder with all that a plan of a log writes, and what it said."""
    folder = tmp_path_factory.mktemp("planned")
    with chdir(folder):
        a_log(folder)
        found = _plan("calls.jsonl", "--write", "proposed.toml", "--html", "plan.html")
    assert found.exit_code == 0, found.output
    return folder, found


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A store with 20 calls of the past, and the plan of them as JSON."""
    folder = tmp_path_factory.mktemp("before")
    with chdir(folder):
        a_log(folder, 20)
        found = _plan("calls.jsonl", "--json")
    assert found.exit_code == 0, found.output
    return folder / "imported.db", found.stdout


@pytest.fixture
def twenty(before: tuple[Path, str], folder: Path) -> str:
    """The store is in the test's folder; the plan of it."""
    shutil.copy(before[0], folder)
    return before[1]


def _plan(*arguments: str) -> Result:
    bare = dict.fromkeys(
        ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "OPENAI_BASE_URL", "ANTHROPIC_BASE_URL", "FARTHING_CONFIG")
    )
    return CliRunner(env={**bare, "COLUMNS": "160"}).invoke(cli, ("plan", *arguments), catch_exceptions=False)


def test_a_table_of_token_counts_tells_what_sums_can(farthing: Farthing, folder: Path) -> None:
    a_table(folder)
    found = farthing("plan", "calls.csv")
    assert found.exit_code == 0, found.output
    assert "by its names and values" in found.output, "a guess is shown"
    assert "100 calls, 100 of them replayed" in found.output and "need the text of calls" in found.output
    assert "no prompts: caches, routing by content" in found.output
    assert "Also seen in these calls" in found.output and "rests on:" in found.output


def test_a_log_with_prompts_is_asked_again(farthing: Farthing, folder: Path, planned: tuple[Path, Result]) -> None:
    output = planned[1].output
    assert "60 calls, 60 of them replayed" in output and "All together: $" in output
    assert "semantic cache (guarded; one setting)" in output and 'mode = "exact"' in output
    shutil.copy(planned[0] / "imported.db", folder)
    again = farthing("plan", "--json")
    plan = json.loads(again.output)["plan"]
    cache = next(each for each in plan["levers"] if each["lever"] == "semantic cache")
    assert cache["calls"] == 48 and cache["alone"]["low"] < cache["alone"]["likely"] < cache["alone"]["high"]


def test_patience_makes_waiting_a_part_of_it(farthing: Farthing, folder: Path) -> None:
    a_log(folder, 10)
    farthing("import", "calls", "calls.jsonl", "--yes")
    found = farthing("plan", "--json", "--patience", "support=6h")
    waiting = next(each for each in json.loads(found.output)["plan"]["levers"] if each["lever"] == "batching")
    assert not waiting["is_bound"] and waiting["toml"].endswith("deadline_s = 21600")
    wrong = farthing("plan", "--patience", "support=soon")
    assert wrong.exit_code == 2 and "is no time" in wrong.output


def test_a_setting_that_is_none_is_told_before_the_work(farthing: Farthing, folder: Path) -> None:
    a_log(folder, 5)
    farthing("import", "calls", "calls.jsonl", "--yes")
    found = farthing("plan", "--set", "routing.quality_flour=0.98")
    assert found.exit_code == 1 and "there is no setting 'quality_flour'" in found.output
    assert farthing("plan", "--set", "cache.ttl_s=60").exit_code == 0


def test_what_is_written_are_settings(farthing: Farthing, folder: Path, planned: tuple[Path, Result]) -> None:
    assert "proposed.toml is written" in planned[1].output
    text = (planned[0] / "proposed.toml").read_text()
    assert tomllib.loads(text)["cache"]["mode"] == "exact" and "semantic cache, guarded: $" in text
    shutil.copytree(planned[0], folder, dirs_exist_ok=True)
    again = farthing("plan", "--write", "proposed.toml")
    assert again.exit_code == 1 and "is there already" in again.output


def test_an_empty_store_says_what_to_do(farthing: Farthing, folder: Path) -> None:
    found = farthing("plan", "--store", "sqlite:///nothing.db")
    assert found.exit_code == 1 and "holds no calls" in found.output


def test_a_page_that_loads_nothing(planned: tuple[Path, Result]) -> None:
    assert "plan.html" in planned[1].output
    text = (planned[0] / "plan.html").read_text(encoding="utf-8")
    assert "semantic cache" in text and "<svg" in text
    assert "http" not in text.replace("http-equiv", "") and "<script" not in text


def test_json_is_nothing_but_json(farthing: Farthing, folder: Path) -> None:
    """What is read is told on the other channel."""
    a_log(folder, 5)
    found = farthing("plan", "calls.jsonl", "--json")
    assert json.loads(found.stdout)["plan"]["calls"] == 5 and "calls.jsonl" in found.stderr


def test_the_store_of_a_log_has_the_plan_of_the_log(farthing: Farthing, twenty: str) -> None:
    assert json.loads(farthing("plan", "--json").output)["plan"] == json.loads(twenty)["plan"]


def test_what_if(farthing: Farthing, twenty: str) -> None:
    before = json.loads(twenty)["plan"]
    dear = json.loads(farthing("plan", "--price", "gpt-4o=25/100", "--growth", "2", "--json").output)
    assert dear["plan"]["a_month"] == 20 * before["a_month"]
    assert dear["scenario"] == ["gpt-4o at $25 in, $100 out a million tokens", "2 times the calls"]
    for wrong in (("--price", "gpt-4o=cheap"), ("--sweep", "cache.ttl=1"), ("--sweep", "cache.tll=1,2")):
        assert farthing("plan", *wrong).exit_code == 1


def test_a_curve_is_a_table_here_and_drawn_there(farthing: Farthing, folder: Path, twenty: str) -> None:
    found = farthing("plan", "--sweep", "cache.ttl=60,1d", "--html", "plan.html", "--own-model", "Llama 3 8B")
    assert found.exit_code == 0 and "from the cache" in found.output and "1 min" in found.output
    assert "Own GPUs: the" in found.output and "Whether Llama 3 8B is good enough" in " ".join(found.output.split())
    text = (folder / "plan.html").read_text(encoding="utf-8")
    assert (
        text.count('class="chart"') == 2
        and "On own GPUs" in text
        and "http://" not in text.replace("http://www.w3.org", "")
    )


def test_two_plans_side_by_side(farthing: Farthing, folder: Path, twenty: str) -> None:
    (folder / "a.json").write_text(twenty)
    (folder / "b.json").write_text(farthing("plan", "--json", "--set", "cache.ttl=60").output)
    found = farthing("plan", "compare", "a.json", "b.json")
    assert found.exit_code == 0 and "all together" in found.output and "In the second: cache.ttl = 60." in found.output
    lines = json.loads(farthing("plan", "compare", "a.json", "b.json", "--json").output)["lines"]
    assert next(each for each in lines if each["name"] == "semantic cache")["more"] < 0
    (folder / "c.json").write_text("{}")
    wrong = farthing("plan", "compare", "a.json", "c.json")
    assert wrong.exit_code == 1 and "no plan" in wrong.output


def test_a_ledgers_own_plan_is_kept_and_its_settings_find_their_way(farthing: Farthing, folder: Path) -> None:
    a_log(folder, 20)
    settings = '# ours\n[store]\nurl = "sqlite:///own.db"\n\n[cache]\nmode = "off"  # for now\n'
    (folder / "farthing.toml").write_text(settings)
    farthing("import", "calls", "calls.jsonl", "--into", "sqlite:///own.db", "--text", "keep", "--yes")
    early = farthing("plan", "--ledger", "--propose")
    assert early.exit_code == 1 and "no calls of the last 28 days" in early.output
    found = farthing("plan", "--store", "sqlite:///own.db", "--keep")
    assert found.exit_code == 0 and "kept as number 1" in found.output
    assert "made" in farthing("plan", "kept").output and "All together: $" in farthing("plan", "kept", "1").output
    assert farthing("plan", "kept", "7").exit_code == 1 and farthing("plan", "--propose").exit_code == 2


def test_a_proposal_is_accepted_and_written(farthing: Farthing, folder: Path) -> None:
    (folder / "farthing.toml").write_text(
        '# ours\n[store]\nurl = "sqlite:///own.db"\n\n[cache]\nmode = "off"  # for now\n'
    )
    _propose('[cache]\nmode = "exact"\n\n[prompts]\nlossless = "on"\n')
    assert "next: farthing plan accept 1" in farthing("plan", "changes").output
    assert farthing("plan", "apply", "1", "--yes").exit_code == 1
    assert farthing("plan", "accept", "1").exit_code == 0 and farthing("plan", "accept", "1").exit_code == 1
    found = farthing("plan", "apply", "1", "--yes")
    assert found.exit_code == 0, found.output
    text = (folder / "farthing.toml").read_text()
    assert text.startswith("# ours\n") and tomllib.loads(text)["cache"] == {"mode": "exact"}
    assert tomllib.loads(text)["prompts"] == {"lossless": "on"}
    assert "for now" in (folder / "farthing.toml.before").read_text()
    assert farthing("plan", "reject", "1").exit_code == 1 and farthing("plan", "accept", "9").exit_code == 1


def test_settings_that_are_none_are_not_written(farthing: Farthing, folder: Path) -> None:
    (folder / "farthing.toml").write_text('[store]\nurl = "sqlite:///own.db"\n')
    _propose('[cache]\nmode = "sometimes"\n')
    farthing("plan", "accept", "1")
    found = farthing("plan", "apply", "1", "--yes")
    assert found.exit_code == 2 and "sometimes" in found.output
    assert "cache" not in (folder / "farthing.toml").read_text()


def _propose(toml: str) -> None:
    async def work() -> None:
        store = await open_store("sqlite:///own.db")
        await SettingChanges(store).propose(toml, "a plan", "ana", 1_790_000_000_000_000)
        await store.close()

    asyncio.run(work())
