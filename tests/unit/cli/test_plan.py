"""`farthing plan`: from a log to what could be saved, with prompts and without."""

import json
import tomllib
from pathlib import Path

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


def test_a_table_of_token_counts_tells_what_sums_can(farthing: Farthing, folder: Path) -> None:
    a_table(folder)
    found = farthing("plan", "calls.csv")
    assert found.exit_code == 0, found.output
    assert "100 calls, 0 of them replayed" in found.output and "no prompt in the log" in found.output
    assert "Without prompts nothing can be asked again" in found.output
    assert "By the sums of the last four weeks" in found.output and "rests on:" in found.output


def test_a_log_with_prompts_is_asked_again(farthing: Farthing, folder: Path) -> None:
    a_log(folder)
    found = farthing("plan", "calls.jsonl")
    assert found.exit_code == 0, found.output
    assert "60 calls, 60 of them replayed" in found.output and "All together: $" in found.output
    assert "semantic cache (guarded; one setting)" in found.output and 'mode = "exact"' in found.output
    again = farthing("plan", "--json")
    plan = json.loads(again.output)["plan"]
    cache = next(each for each in plan["levers"] if each["lever"] == "semantic cache")
    assert cache["calls"] == 48 and cache["alone"]["low"] < cache["alone"]["likely"] < cache["alone"]["high"]
    assert farthing("plan", "--json").output == again.output


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


def test_what_is_written_are_settings(farthing: Farthing, folder: Path) -> None:
    a_log(folder)
    found = farthing("plan", "calls.jsonl", "--write", "proposed.toml")
    assert found.exit_code == 0 and "proposed.toml is written" in found.output
    text = (folder / "proposed.toml").read_text()
    assert tomllib.loads(text)["cache"]["mode"] == "exact" and "semantic cache, guarded: $" in text
    again = farthing("plan", "--write", "proposed.toml")
    assert again.exit_code == 1 and "is there already" in again.output


def test_an_empty_store_says_what_to_do(farthing: Farthing, folder: Path) -> None:
    found = farthing("plan", "--store", "sqlite:///nothing.db")
    assert found.exit_code == 1 and "holds no calls" in found.output


def test_a_page_that_loads_nothing(farthing: Farthing, folder: Path) -> None:
    a_log(folder, 10)
    found = farthing("plan", "calls.jsonl", "--html", "plan.html")
    assert found.exit_code == 0 and "plan.html" in found.output
    text = (folder / "plan.html").read_text(encoding="utf-8")
    assert "semantic cache" in text and "<svg" in text
    assert "http" not in text.replace("http-equiv", "") and "<script" not in text
