"""`farthing export`: files that are whole or not there, and what is asked for."""

import asyncio
import csv
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import Result

from farthing.store import open_store
from stores import ready
from unit.cli.conftest import a_call

Farthing = Callable[..., Result]


@pytest.fixture
def ledger(folder: Path) -> Path:
    async def write() -> None:
        store = await open_store(ready(Path()))
        await store.write([a_call("one"), a_call("two", team="growth")])
        await store.close()

    asyncio.run(write())
    return folder


def test_focus_goes_to_standard_output_or_into_a_file(ledger: Path, farthing: Farthing) -> None:
    printed = farthing("export", "focus", "--month", "2024-10")
    assert printed.exit_code == 0
    rows = list(csv.DictReader(printed.stdout.splitlines()))
    assert sum(Decimal(row["BilledCost"]) for row in rows) == Decimal("0.0052")
    assert {row["BillingAccountId"] for row in rows} == {"openai"}
    told = farthing("export", "focus", "--month", "2024-10", "--out", "oct.csv", "--account", "openai=org-1")
    assert f"{len(rows)} rows in oct.csv" in told.stderr
    assert {row["BillingAccountId"] for row in csv.DictReader((ledger / "oct.csv").read_text().splitlines())} == {
        "org-1"
    }
    assert [path.name for path in ledger.iterdir() if "unfinished" in path.name] == []


def test_focus_as_parquet_and_in_other_words(ledger: Path, farthing: Farthing) -> None:
    pq = pytest.importorskip("pyarrow.parquet")
    assert farthing("export", "focus", "--month", "2024-10", "--out", "oct.parquet", "--focus", "1.3").exit_code == 0
    assert "ServiceProviderName" in pq.read_table(ledger / "oct.parquet").column_names
    assert "--out FILE.parquet" in farthing("export", "focus", "--format", "parquet").output
    words = farthing("export", "focus", "--month", "2024-10", "--token-kinds", "direction").stdout
    assert "x_TokenDirection" in words and "x_TokenType" not in words


def test_a_month_without_calls_is_a_head_alone(ledger: Path, farthing: Farthing) -> None:
    assert len(farthing("export", "focus", "--month", "2024-09").stdout.splitlines()) == 1
    assert len(farthing("export", "focus").stdout.splitlines()) == 1, "this month"


def test_statements_in_each_form(ledger: Path, farthing: Farthing) -> None:
    rows = list(csv.DictReader(farthing("export", "statement", "--month", "2024-10").stdout.splitlines()))
    assert {row["team"]: row["cost_dollars"] for row in rows} == {"support": "0.002600000", "growth": "0.002600000"}
    assert (
        "2 statements, $0.0052 in all"
        in farthing("export", "statement", "--month", "2024-10", "--out", "oct.html").stderr
    )
    assert (ledger / "oct.html").read_text().startswith("<!doctype html>")
    said = json.loads(
        farthing("export", "statement", "--month", "2024-10", "--by", "project", "--format", "json").stdout
    )
    assert (said["total"], [each["name"] for each in said["statements"]]) == (5_200_000, [""])
    assert said["shared_by"] == "by what each one's calls cost"


def test_a_file_that_cannot_be_written_is_said_and_an_old_one_stays(ledger: Path, farthing: Farthing) -> None:
    failed = farthing("export", "statement", "--out", "no/such/folder.csv")
    assert failed.exit_code == 1 and "cannot be written" in failed.output
    (ledger / "old.csv").write_text("old")
    assert farthing("export", "focus", "--month", "2024-10", "--since", "7d", "--out", "old.csv").exit_code == 2
    assert (ledger / "old.csv").read_text() == "old"
