"""`farthing calls`: the newest calls."""

import json
from collections.abc import Callable
from pathlib import Path

from click.testing import Result

from farthing.model.money import show_dollars


def test_calls_are_listed(farthing: Callable[..., Result], ledger: Path) -> None:
    shown = farthing("calls").output
    assert "call-1  2024-10-04 12:00:00  chat" in shown
    assert show_dollars(2_600_000) in shown
    assert [line.split()[-2:] for line in shown.splitlines() if "call-2" in line] == [["?", "200"]]


def test_calls_for_machines(farthing: Callable[..., Result], ledger: Path) -> None:
    rows = json.loads(farthing("calls", "--where", "feature=chat", "--json").stdout)
    assert [(row["id"], row["cost"]["nano_dollars"]) for row in rows] == [("call-1", 2_600_000)]


def test_no_calls_and_odd_filters(farthing: Callable[..., Result], ledger: Path) -> None:
    assert farthing("calls", "--since", "2024-10-05").output == "No calls.\n"
    assert len(json.loads(farthing("calls", "--json", "-n", "1").stdout)) == 1
    done = farthing("calls", "--where", "colour=red")
    assert done.exit_code == 1
    assert "colour" in done.output
