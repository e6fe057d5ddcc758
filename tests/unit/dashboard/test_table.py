"""Tables: what people see of a value, and what a file holds of it."""

import csv
import io
from pathlib import Path

import pytest

from farthing.dashboard.formats import NONE
from farthing.dashboard.page import Page, Values
from farthing.dashboard.table import MOST_SHOWN, UNKNOWN, Column, Kind, Row, Table, exact, shown
from farthing.dashboard.view import View
from farthing.gateway.guard import OWN
from unit.dashboard.visitors import a_place


@pytest.mark.parametrize(
    ("kind", "value", "seen", "in_full", "in_file"),
    [
        ("text", "", "(none)", "", ""),
        ("text", "<b>", "<b>", "", "<b>"),
        ("money", 1_234_567_890, "$1.23", "$1.234567890", "1.234567890"),
        ("money", 1_500.5, "$0.0000015", "$0.000001500", "0.000001500"),
        ("money", UNKNOWN, "?", "", ""),
        ("money", None, NONE, "", ""),
        ("count", 12_345, "12.3k", "12,345", "12345"),
        ("percent", 0.25, "25.0 %", "", "0.25"),
        ("change", -0.5, "-50 %", "", "-0.5"),
        ("duration", 1_500_000, "1.5 s", "", "1500000"),
        ("moment", 1_000_000, "1970-01-01 00:00:01", "", "1970-01-01T00:00:01+00:00"),
        ("exact", "$0.1", "$0.1", "", "$0.1"),
        ("exact", "", "", "", ""),
        ("scope", "task:qa", "task:qa", "", "task:qa"),
        (
            "scope",
            "template:8f1e90d386343d1f",
            "template:8f1e90d3",
            "template:8f1e90d386343d1f",
            "template:8f1e90d386343d1f",
        ),
    ],
)
def test_a_value_in_each_place(kind: Kind, value: object, seen: str, in_full: str, in_file: str) -> None:
    column = Column("x", "X", kind)
    assert shown(value, column) == seen
    assert exact(value, column) == in_full
    text = Table("t", "T", (column,), [Row((value,))]).csv()
    assert list(csv.reader(io.StringIO(text))) == [["x"], [in_file]] or (in_file == "" and text == 'x\r\n""\r\n')


def test_a_word_that_a_spreadsheet_would_run_is_text_in_the_file() -> None:
    text = Table("t", "T", (Column("user", "User"),), [Row(('=HYPERLINK("http://x")',)), Row(("a\0b,\r\n",))]).csv()
    assert list(csv.reader(io.StringIO(text))) == [["user"], ['\'=HYPERLINK("http://x")'], ["a b,  "]]


def test_numbers_stand_to_the_right() -> None:
    assert [Column("x", "X", kind).is_numeric for kind in ("text", "moment", "money", "exact")] == [
        False, False, True, True,
    ]  # fmt: skip


async def test_a_long_table_is_cut_on_the_page_and_whole_in_its_file(tmp_path: Path) -> None:
    rows = [*(Row((f"row {number}.", number)) for number in range(2_000)), Row(("all of it", 9), mark="total")]
    long = Table("long", "Long", (Column("name", "Name"), Column("n", "N", "count")), rows)

    async def read(view: View) -> Values:
        return {"settings": long, "file": "", "all_shown": True, "changed": 0, "every": 0, "warnings": []}

    async with a_place(tmp_path, shown=(Page("settings", "/settings", "Settings", OWN, read, filters=()),)) as place:
        text = await place.visitor().open("/settings")
        assert text.count(">row ") == MOST_SHOWN
        assert f"{2_000 - MOST_SHOWN} more rows are in the CSV file" in text
        assert "all of it" in text
        assert (await place.visitor().open("/settings/csv/long")).count("row ") == 2_000
