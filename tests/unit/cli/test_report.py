"""`farthing report`: tables, JSON and CSV from the ledger's sums; unpriced calls stand apart."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from farthing.cli.report import _harmless
from farthing.model.money import show_dollars

COST, SAVED = show_dollars(2_600_000), show_dollars(400_000)


def test_a_table_for_people(farthing: Callable[..., Result], ledger: Path) -> None:
    shown = farthing("report").output
    assert [line.split() for line in shown.splitlines()[:4]] == [
        ["feature", "calls", "errors", "tokens", "in", "cached", "tokens", "out", "cost", "saved", "without", "cost"],
        ["chat", "1", "0", "1,000", "0", "10", COST, SAVED],
        ["(none)", "1", "0", "1,000", "0", "10", "$0.00", "$0.00", "1"],
        ["total", "2", "0", "2,000", "0", "20", COST, SAVED, "1"],
    ]
    assert "what they cost is not in the sums" in shown


def test_json_has_exact_amounts(farthing: Callable[..., Result], ledger: Path) -> None:
    shown = json.loads(farthing("report", "--by", "day,feature", "--json").stdout)
    assert shown["by"] == ["day", "feature"]
    chat = shown["rows"][0]
    assert (chat["day"], chat["feature"], chat["calls"]) == ("2024-10-04", "chat", 1)
    assert chat["cost"] == {"nano_dollars": 2_600_000, "dollars": "0.002600000"}
    assert chat["cost_by_cost_state"] == {"computed": {"nano_dollars": 2_600_000, "dollars": "0.002600000"}}
    assert shown["rows"][1]["calls_without_cost"] == 1


def test_csv_for_spreadsheets(farthing: Callable[..., Result], ledger: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(farthing("report", "--by", "team", "--csv").stdout)))
    assert [(row["team"], row["calls"], row["cost_dollars"]) for row in rows] == [("support", "2", "0.002600000")]


@pytest.mark.parametrize("label", ["=1+1", "+1", "-1", "@x"])
def test_no_formula_reaches_a_spreadsheet(label: str) -> None:
    assert _harmless(label) == f"'{label}"


@pytest.mark.parametrize(
    ("arguments", "calls"),
    [
        (("--since", "2024-10-04", "--until", "2024-10-05"), 2),
        (("--since", "2024-10-05"), 0),
        (("--until", "2024-10-04"), 0),
        (("--where", "feature=chat", "--by", "day"), 1),
        (("--tenant", "other"), 0),
        (("--since", "7d"), 0),
    ],
)
def test_spans_and_filters(
    arguments: tuple[str, ...], calls: int, farthing: Callable[..., Result], ledger: Path
) -> None:
    rows = json.loads(farthing("report", "--json", *arguments).stdout)["rows"]
    assert sum(row["calls"] for row in rows) == calls


def test_an_empty_span_says_so(farthing: Callable[..., Result], ledger: Path) -> None:
    assert farthing("report", "--since", "today").output == "No calls yet.\n"


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--by", "colour"), 1, "no sums are kept for 'colour'"),
        (("--by", "team,feature"), 1, "user,feature; team,model"),
        (("--since", "soon"), 2, "is no time"),
        (("--where", "chat"), 2, "NAME=VALUE"),
    ],
)
def test_mistakes(
    arguments: tuple[str, ...], code: int, said: str, farthing: Callable[..., Result], ledger: Path
) -> None:
    done = farthing("report", *arguments)
    assert done.exit_code == code
    assert said in done.output


def test_without_a_ledger_none_is_made(farthing: Callable[..., Result], folder: Path) -> None:
    done = farthing("report")
    assert done.exit_code == 1
    assert "there is no ledger at farthing.db yet" in done.output
    assert list(folder.iterdir()) == []
