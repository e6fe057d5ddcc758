"""Rows of tables, and where they are wrong."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.batch.prompts.rows import InputError, csv_rows, json_rows

TEXTS = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0\r"), max_size=20)


def lines(text: str) -> list[bytes]:
    return text.encode().splitlines(keepends=True)


@given(st.lists(st.tuples(TEXTS, TEXTS), max_size=8))
def test_what_a_table_says_is_read_back(rows: list[tuple[str, str]]) -> None:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("one", "two"))
    writer.writerows(rows)
    data = out.getvalue().encode().split(b"\n")
    found = [row.values for row in csv_rows(line + b"\n" for line in data[:-1])]
    assert found == [{"one": one, "two": two} for one, two in rows]


def test_lines_are_those_of_the_file() -> None:
    found = list(csv_rows(lines('\ufeffid;text\r\n1;"a\nb"\n\n2;c\n')))
    assert [(row.line, row.values) for row in found] == [
        (2, {"id": "1", "text": "a\nb"}),
        (5, {"id": "2", "text": "c"}),
    ]
    assert [row.values for row in csv_rows(lines("a\tb\n1\t2,3\n"))] == [{"a": "1", "b": "2,3"}]
    assert [(row.line, row.values) for row in json_rows(lines('\n{"a": 1}\n'))] == [(2, {"a": 1})]


@pytest.mark.parametrize(
    ("data", "line", "column"),
    [
        (b"", 1, 0), (b"a,,b\n", 1, 2), (b"a,a\n", 1, 2), (b"a,b\n1,2\n3\n", 3, 2), (b"a,b\n1,2,3\n", 2, 3),
        (b'a,b\n1,"2\n3\n', 2, 0), (b"a,b\n1,\xff\n", 2, 3),
    ],
)  # fmt: skip
def test_a_bad_table_is_told_by_its_place(data: bytes, line: int, column: int) -> None:
    with pytest.raises(InputError) as caught:
        list(csv_rows(data.splitlines(keepends=True)))
    assert (caught.value.line, caught.value.column) == (line, column), caught.value


@pytest.mark.parametrize(
    ("data", "line", "column"),
    [(b'{"a": 1}\n{"a": }\n', 2, 7), (b"[1]\n", 1, 0), (b'{"a": "\xff"}\n', 1, 8), (b'{"a": 1\n', 1, 0)],
)
def test_bad_json_is_told_by_its_place(data: bytes, line: int, column: int) -> None:
    with pytest.raises(InputError) as caught:
        list(json_rows(data.splitlines(keepends=True)))
    assert caught.value.line == line and (not column or caught.value.column == column), caught.value
