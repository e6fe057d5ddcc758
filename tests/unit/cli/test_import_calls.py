"""`farthing import calls`: one command from a table to reports; what is shown, asked and said."""

import json
import sqlite3
from pathlib import Path

from unit.cli.conftest import Farthing

NAMES = "Timestamp,Model,Prompt Tokens,Completion Tokens\n"


def a_table(folder: Path, rows: int = 100) -> Path:
    path = folder / "calls.csv"
    path.write_text(NAMES + "".join(f"2026-10-01T12:{n % 60:02d}:00Z,gpt-4o,{n + 1},{n % 7}\n" for n in range(rows)))
    return path


def test_a_table_of_token_counts_in_one_command(farthing: Farthing, folder: Path) -> None:
    a_table(folder)
    found = farthing("import", "calls", "calls.csv", "--yes")
    assert found.exit_code == 0, found.output
    assert "calls.csv: 100 calls, 2026-10-01" in found.output and "Nothing leaves this machine" in found.output
    assert "no prompts: caches" in found.output and "no users" in found.output and "imported.db" in found.output
    (folder / "farthing.toml").write_text('[store]\nurl = "sqlite:///imported.db"\n')
    report = farthing("report", "--by", "model", "--since", "2026-09-01", "--json")
    assert report.exit_code == 0 and json.loads(report.output)
    again = farthing("import", "calls", "calls.csv", "--yes")
    assert "nothing new" in again.output


def test_the_mapping_is_shown_and_confirmed(farthing: Farthing, folder: Path) -> None:
    a_table(folder)
    no = farthing("import", "calls", "calls.csv", stdin=b"n\n")
    assert no.exit_code == 1 and "nothing was read" in no.output and not (folder / "imported.db").exists()
    yes = farthing("import", "calls", "calls.csv", stdin=b"y\n")
    assert yes.exit_code == 0 and "Prompt Tokens" in yes.output and "Is this right?" in yes.output


def test_what_lacks_is_asked_for_with_an_example(farthing: Farthing, folder: Path) -> None:
    (folder / "a.csv").write_text("time,n_in,n_out\n2026-10-01,5,6\n")
    found = farthing("import", "calls", "a.csv", "--yes")
    assert found.exit_code == 1 and "--map model==gpt-5-mini" in found.output
    said = ("--map", "model==gpt-4o", "--map", "input=n_in", "--map", "output=n_out")
    assert "1 calls" in farthing("import", "calls", "a.csv", "--yes", *said).output
    wrong = farthing("import", "calls", "a.csv", "--yes", "--map", "input=nothing")
    assert wrong.exit_code == 1 and "has no column" in wrong.output


def test_bad_lines_are_listed_and_written_without_their_text(farthing: Farthing, folder: Path) -> None:
    path = a_table(folder)
    path.write_text(path.read_text() + "never,gpt-4o,1,2\n" * 30)
    found = farthing("import", "calls", "calls.csv", "--yes", "--bad", "bad.jsonl")
    assert (
        found.exit_code == 0
        and "Bad lines (30):" in found.output
        and "calls.csv:102: 'never' is no time" in found.output
    )
    assert "10 more; all of them are in bad.jsonl" in found.output
    told = [json.loads(line) for line in (folder / "bad.jsonl").read_text().splitlines()]
    assert len(told) == 30 and told[0] == {"file": "calls.csv", "line": 102, "why": "'never' is no time"}


def test_texts_are_kept_in_the_default_store_alone(farthing: Farthing, folder: Path) -> None:
    (folder / "a.jsonl").write_text(
        json.dumps(
            {"time": 1790856000, "model": "gpt-4o", "prompt_tokens": 1, "completion_tokens": 1, "prompt": "a secret"}
        )
        + "\n"
    )
    kept = farthing("import", "calls", "a.jsonl", "--yes", "--json")
    assert json.loads(kept.output)["told"]["texts"] == 1
    other = farthing("import", "calls", "a.jsonl", "--yes", "--json", "--into", "sqlite:///other.db")
    assert json.loads(other.output)["told"]["texts"] == 0 and json.loads(other.output)["texts"] == "drop"
    sealed = farthing(
        "import",
        "calls",
        "a.jsonl",
        "--yes",
        "--into",
        "sqlite:///sealed.db",
        "--text",
        "keep",
        env={"FARTHING_IMPORT_KEY": "22" * 32},
    )
    assert ", sealed." in sealed.output
    database = sqlite3.connect(folder / "sealed.db")
    rows = database.execute("SELECT mark, prompt FROM past_texts").fetchall()
    database.close()
    assert rows[0][0] and b"secret" not in rows[0][1]


def test_never_into_a_ledger_without_a_word(farthing: Farthing, folder: Path, ledger: Path) -> None:
    a_table(folder)
    found = farthing("import", "calls", "calls.csv", "--into", "sqlite:///farthing.db", stdin=b"y\nn\n")
    assert found.exit_code == 1 and "a gateway's ledger" in found.output
    assert "100 calls" in farthing("import", "calls", "calls.csv", "--into", "sqlite:///farthing.db", "--yes").output
    copied = farthing("import", "calls", "sqlite:///farthing.db", "--yes")
    assert "102 calls" in copied.output


def test_files_that_are_none_are_explained(farthing: Farthing, folder: Path) -> None:
    (folder / "a.zip").write_bytes(b"PK\x03\x04")
    (folder / "empty").write_bytes(b"")
    for name, why in (("a.zip", "zip archive"), ("empty", "is empty"), ("nowhere", "there is no file")):
        found = farthing("import", "calls", name, "--yes")
        assert found.exit_code == 1 and why in found.output and "Traceback" not in found.output
