"""`farthing reconcile`: the bill, the ledger, each cause, and an exit status for scripts."""

import asyncio
import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from farthing.model.usage import Usage
from farthing.store import open_store
from stores import ready
from unit.finops.reconcile.exports import FIRST_US, call, lines_of, month, openai_costs, openai_usage, save

LOST = Usage(uncached_in=10_000_000, out=3_000_000)
OCTOBER = ("--provider", "openai", "usage.json", "costs.json")


@pytest.fixture
def bill(folder: Path) -> Path:
    """A month in the ledger, and a bill with one call more, of another key."""
    records = month()

    async def write() -> None:
        store = await open_store(ready(Path()))
        await store.write(records)
        await store.close()

    asyncio.run(write())
    lines = [*lines_of(records), (FIRST_US, "gpt-4o-mini-2024-07-18", "", "key_laptop", LOST, 1)]
    save(folder, usage=openai_usage(lines), costs=openai_costs(lines))
    return folder


def test_a_bill_for_people(farthing: Callable[..., Result], bill: Path) -> None:
    done = farthing("reconcile", *OCTOBER)
    assert done.exit_code == 1, "the gap is over the tolerance"
    assert "openai, 2026-10-01 to 2026-10-30 (UTC days), openai" in done.output
    assert "NOT within the tolerance of 1 %" in done.output
    assert "missing calls" in done.output and "$3.300000000" in done.output and "13,000,000" in done.output
    assert "captured share" in done.output
    assert "2026-10-01  gpt-4o-mini-2024-07-18" in done.output


def test_the_exit_status_follows_the_tolerance(farthing: Callable[..., Result], bill: Path) -> None:
    assert farthing("reconcile", *OCTOBER, "--tolerance", "90").exit_code == 0
    (bill / "farthing.toml").write_text(
        '[store]\nurl = "sqlite:///farthing.db"\n[reconcile]\ntolerance_percent = 90\nkeys = { key_gateway = "openai" }\n'
        '[providers.openai]\napi_key = "env:NOT_HERE"\n'
    )
    done = farthing("reconcile", *OCTOBER)
    assert done.exit_code == 0 and "traffic outside the gateway" in done.output
    assert farthing("reconcile", *OCTOBER, "--from", "2026-10-02").exit_code == 0
    assert farthing("reconcile", *OCTOBER, "--from", "2026-10-02", "--tolerance", "0.01").exit_code == 0


def test_json(farthing: Callable[..., Result], bill: Path) -> None:
    said = json.loads(farthing("reconcile", *OCTOBER, "--json", "--key", "key_gateway=openai").stdout)
    assert said["within_tolerance"] is False and said["keys_compared"] is True
    assert said["gap"]["nano_dollars"] == said["bill"]["nano_dollars"] - said["ledger"]["nano_dollars"]
    assert said["gap"]["nano_dollars"] == sum(each["amount"]["nano_dollars"] for each in said["causes"])
    assert said["causes"][0]["cause"] == "traffic outside the gateway" and said["causes"][0]["tokens"] == 13_000_000
    assert 0 < said["captured_share"] < 1
    assert len(said["lines"]) >= 90 and {"day", "model", "class", "tier", "causes"} <= said["lines"][0].keys()


def test_posting_and_what_reports_show_of_it(farthing: Callable[..., Result], bill: Path) -> None:
    before = json.loads(farthing("report", "--json").stdout)
    assert before["corrections"] == {"entries": 0, "cost": {"nano_dollars": 0, "dollars": "0.000000000"}}
    done = farthing("reconcile", *OCTOBER, "--post", "October's bill", "--who", "ana")
    assert done.exit_code == 0 and "corrections were posted." in done.output
    again = farthing("reconcile", *OCTOBER, "--post", "twice")
    assert again.exit_code == 0 and "There was nothing to correct." in again.output
    entries = json.loads(farthing("reconcile", "--corrections", "--json").stdout)
    posted = sum(each["amount"]["nano_dollars"] for each in entries)
    assert posted == pytest.approx(3_300_000_000, abs=1_000)
    assert {(each["who"], each["reason"]) for each in entries} == {("ana", "October's bill")}
    assert "October's bill" in farthing("reconcile", "--corrections").output
    report = json.loads(farthing("report", "--json").stdout)
    assert report["rows"] == before["rows"], "no row was edited"
    assert report["corrections"]["cost"]["nano_dollars"] == posted
    shown = farthing("report").output
    assert [line.split()[0] for line in shown.splitlines() if "$" in line][1:] == ["total", "corrections", "total"]
    assert "$3.30" in shown
    rows = list(csv.DictReader(io.StringIO(farthing("report", "--csv").stdout)))
    assert rows[-1]["feature"] == "(corrections)" and rows[-1]["cost_dollars"].startswith("3.3")
    assert (
        json.loads(farthing("report", "--by", "model", "--where", "team=x", "--json").stdout)["corrections"]["entries"]
        == 0
    )
    assert json.loads(farthing("report", "--since", "2026-11-05", "--json").stdout)["corrections"]["entries"] == 0


def test_no_corrections_yet(farthing: Callable[..., Result], bill: Path) -> None:
    assert farthing("reconcile", "--corrections").output == "No corrections were posted.\n"


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("usage.json",), 2, "say whose bill it is"),
        (("--provider", "openai"), 2, "say whose bill it is"),
        (("--provider", "acme", "usage.json"), 2, "acme"),
        (("--provider", "openai", "none.json"), 1, "none.json cannot be read"),
        (("--provider", "anthropic", "usage.json"), 1, "usage.json: this is no usage or cost report of Anthropic"),
        (("--provider", "openai", "usage.json", "--post", "x"), 1, "no costs"),
        (("--provider", "openai", "usage.json", "--key", "a=b"), 1, "'b', which is none of"),
    ],
)
def test_mistakes(
    arguments: tuple[str, ...], code: int, said: str, farthing: Callable[..., Result], bill: Path
) -> None:
    done = farthing("reconcile", *arguments)
    assert (done.exit_code, said in done.output) == (code, True), done.output


def test_a_call_of_the_example_is_what_it_says() -> None:
    assert call(1, LOST).cost == 3_300_000_000
