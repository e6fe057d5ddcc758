"""`farthing rerate`: a table first, then the question, then the ledger; `explain` shows both numbers."""

import json
from collections.abc import Callable
from pathlib import Path

from click.testing import Result

CONTRACT = """
[providers.openai]
api_key = "env:A_KEY_THAT_IS_NOT_HERE"

[[prices.contracts]]
provider = "openai"
models = ["gpt-4o*"]
percent_off = "10"
"""
COST = 2_600_000
AGREED = COST * 9 // 10


def _contract(folder: Path) -> None:
    (folder / "farthing.toml").write_text(f'[store]\nurl = "sqlite:///farthing.db"\n{CONTRACT}')


def test_the_table_comes_first_and_a_no_changes_nothing(
    farthing: Callable[..., Result], ledger: Path, folder: Path
) -> None:
    _contract(folder)
    done = farthing("rerate", "--from", "2024-10-01", stdin=b"n\n")
    assert done.exit_code == 0
    assert "gpt-4o-2024-08-06" in done.output and "$0.0026" in done.output and "contract" in done.output
    assert "Change the ledger so?" in done.output
    assert json.loads(farthing("report", "--json").stdout)["rows"][0]["cost"]["nano_dollars"] == COST


def test_both_numbers_are_shown_afterwards(farthing: Callable[..., Result], ledger: Path, folder: Path) -> None:
    _contract(folder)
    done = farthing("rerate", "--from", "2024-10-01", "--yes", "--reason", "new contract", "--who", "ana")
    assert "Run 1: 1 of 2 calls were priced anew." in done.output
    assert json.loads(farthing("report", "--json").stdout)["rows"][0]["cost"]["nano_dollars"] == AGREED
    card = farthing("explain", "call-1").output
    assert f"$0.00{AGREED // 1000}" in card and "at first" in card and "$0.002600000" in card and "list-1" in card
    said = json.loads(farthing("explain", "call-1", "--json").stdout)
    assert said["first_price"]["cost"]["nano_dollars"] == COST
    assert json.loads(farthing("explain", "call-2", "--json").stdout)["first_price"] is None
    assert "None of 2 calls" in farthing("rerate", "--from", "2024-10-01", "--yes").output
    (run,) = json.loads(farthing("rerate", "--list", "--json").stdout)
    assert (run["who"], run["reason"], run["changed"]) == ("ana", "new contract", 1)
    assert "new contract" in farthing("rerate", "--list").output


def test_a_dry_run_and_json(farthing: Callable[..., Result], ledger: Path, folder: Path) -> None:
    _contract(folder)
    said = json.loads(farthing("rerate", "--from", "2024-10-01", "--dry-run", "--json").stdout)
    assert said["run"] is None
    assert said["preview"]["cost_after"]["nano_dollars"] == AGREED
    assert farthing("rerate", "--list").output == "Nothing was priced anew yet.\n"
    assert farthing("rerate", "--from", "2024-10-01", "--json").exit_code == 2
    assert farthing("rerate").exit_code == 2


def test_prices_of_a_file(farthing: Callable[..., Result], ledger: Path, folder: Path) -> None:
    (folder / "cards.toml").write_text(
        'provider = "openai"\n[[models]]\nid = "gpt-4o-2024-08-06"\n[[models.prices]]\n'
        'rates = { input = "1", output = "1" }\n'
    )
    said = json.loads(farthing("rerate", "--from", "2024-10-01", "--prices", "cards.toml", "--yes", "--json").stdout)
    assert said["run"]["cost_after"]["nano_dollars"] == 1_010_000


def test_which_calls(farthing: Callable[..., Result], ledger: Path, folder: Path) -> None:
    _contract(folder)
    for more in (("--to", "2024-10-02"), ("--provider", "anthropic"), ("--model", "gpt-5*")):
        assert "would cost anything else" in farthing("rerate", "--from", "2024-10-01", "--dry-run", *more).output
