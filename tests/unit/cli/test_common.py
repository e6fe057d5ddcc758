"""Times as people write them, and tables as they read them."""

import time

import click
import pytest
from rich.table import Table

from farthing.cli.common import Number, When, print_table, show_time, split_pairs

DAY_US = 86_400_000_000


def when(text: str) -> int:
    return When().convert(text, None, None)


def test_days_and_times_are_utc() -> None:
    assert when("1970-01-02") == DAY_US
    assert when("1970-01-02T01:00") == DAY_US + DAY_US // 24
    assert when("1970-01-02T01:00+01:00") == DAY_US


def test_spans_go_back_from_now() -> None:
    now = time.time_ns() // 1000
    assert abs(now - 7 * DAY_US - when("7d")) < 10_000_000
    assert abs(now - DAY_US - when("24h")) < 10_000_000
    assert when("today") - when("yesterday") == DAY_US
    assert when("today") % DAY_US == 0


@pytest.mark.parametrize("text", ["", "soon", "d", "-1d", "2026-13-01", "99999999999d"])
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(click.BadParameter, match="is no time"):
        when(text)


def test_a_moment_is_shown_to_the_second() -> None:
    assert show_time(DAY_US + 1) == "1970-01-02 00:00:00 UTC"


@pytest.mark.parametrize("typed", ["nan", "inf", "-inf", "1e999", "1e16", "-1", "many"])
def test_what_is_no_number_to_count_with(typed: str) -> None:
    with pytest.raises(click.BadParameter):
        Number(0).convert(typed, None, None)
    assert Number(0, 1).convert("0.5", None, None) == 0.5 and Number(0).convert("1e15", None, None) == 1e15


def test_pairs() -> None:
    assert split_pairs(["a=1", "b=c=d", "e="]) == {"a": "1", "b": "c=d", "e": ""}
    with pytest.raises(ValueError, match="'=x' is not NAME=VALUE"):
        split_pairs(["=x"])


def test_a_table_is_never_cut(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    table = Table("call", "feature", box=None)
    table.add_row("call-" + "0" * 40, "a feature with a long name")
    print_table(table)
    assert "call-" + "0" * 40 + "  a feature with a long name" in capsys.readouterr().out
