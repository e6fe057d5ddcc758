"""Tables: what people see of a value, and what a file holds of it."""

import csv
import io

import pytest

from farthing.dashboard.formats import NONE
from farthing.dashboard.table import UNKNOWN, Column, Kind, Row, Table, exact, shown


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
