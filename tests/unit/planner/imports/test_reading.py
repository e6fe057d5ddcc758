"""Files as rows: every layout, packed and broken in every way that files are."""

import csv
import gzip
import io
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.model.errors import BadRequest
from farthing.planner.imports.reading import LONGEST, layout_of, rows, sample_of
from farthing.planner.imports.stream import Stream
from laws import examples
from unit.planner.imports.reads import lines, rows_of


def values(path: Path) -> list[object]:
    return [row.value for row in rows_of(path)]


def test_lines_arrays_and_pages_say_the_same(tmp_path: Path) -> None:
    objects = [{"a": 1, "b": 'x"]}{,\\'}, {"a": 2, "b": {"c": ["é", "}"]}}, {"a": 3}]
    written = {
        "a.jsonl": lines(*objects),
        "b.json": json.dumps(objects).encode(),
        "c.json": json.dumps(objects, indent=2).encode(),
        "d.json": json.dumps({"object": "list", "data": objects, "has_more": False}, indent=1).encode(),
        "e.json": json.dumps({"object": "list", "data": objects}).encode(),
        "f.json": b"\xef\xbb\xbf" + lines(*objects),
        "g.json": json.dumps(objects).encode("utf-16"),
        "h.json": json.dumps({"data": objects[:2], "n": {"x": 1}}, indent=1).encode() + b"\n" + json.dumps({"data": objects[2:]}).encode(),
    }  # fmt: skip
    for name, content in written.items():
        (tmp_path / name).write_bytes(content)
        (tmp_path / f"{name}.gz").write_bytes(gzip.compress(content))
        assert values(tmp_path / name) == objects, name
        assert values(tmp_path / f"{name}.gz") == objects, name


def test_a_table_has_quotes_newlines_and_other_delimiters(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b'a;b\r\n"x;""y""\nz";1\r\n\r\nq;2\r\n')
    found = rows_of(path)
    assert [row.value for row in found] == [['x;"y"\nz', "1"], ["q", "2"]]
    assert [(row.line, row.last) for row in found] == [(2, 3), (5, 5)]


def test_a_quote_that_nobody_closes_costs_one_line(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b'a,b\n1,2\n3,"4\n5,6\n7,8\n')
    found = rows_of(path)
    assert [row.value for row in found] == [["1", "2"], None, ["5", "6"], ["7", "8"]]
    assert found[1].line == 3 and "never closed" in found[1].why


def test_rows_of_another_width_and_windows_letters(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("name,b\nMüller,1\nx\ny,2,3\n".encode("cp1252"))
    found = rows_of(path)
    assert found[0].value == ["Müller", "1"]
    assert [row.why for row in found[1:]] == [
        "it has 1 fields, and the first line names 2", "it has 3 fields, and the first line names 2",
    ]  # fmt: skip


def test_broken_lines_are_bad_and_the_others_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    deep = b'{"a":' * 20_000 + b"1" + b"}" * 20_000
    path.write_bytes(b'{"a":1}\n{"a":\n\0\0\0\0\n' + deep + b'\n{"a":"M\xfcller"}\n\n{"a":2}\n{"a":3')
    found = rows_of(path)
    assert [row.value for row in found] == [{"a": 1}, None, None, None, {"a": "Müller"}, {"a": 2}, None]
    assert [row.line for row in found] == [1, 2, 3, 4, 5, 7, 8]
    assert "NUL" in found[2].why and "deep" in found[3].why
    assert found[-1].end == found[-1].begin  # it is read again when the file has grown


def test_a_line_of_ten_megabytes_is_read_and_one_beyond_the_limit_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    with path.open("wb") as file:
        file.write(b'{"a":"' + b"x" * 10_000_000 + b'"}\n{"a":"')
        for _ in range(LONGEST // 1_000_000 + 2):
            file.write(b"y" * 1_000_000)
        file.write(b'"}\n{"a":3}\n')
    found = rows_of(path)
    assert [row.value is None for row in found] == [False, True, False]
    assert len(found[0].value["a"]) == 10_000_000 and "longer than" in found[1].why and found[2].line == 3


def test_packed_files_that_end_early_or_are_damaged_give_what_came_before(tmp_path: Path) -> None:
    content = lines(*({"a": n, "b": f"{n * 7919 % 1000}"} for n in range(50_000)))
    packed = gzip.compress(content)
    for name, data in (
        ("cut", packed[: len(packed) // 2]),
        ("bad", packed[: len(packed) // 2] + b"\xff" * 100 + packed[-9:]),
    ):
        path = tmp_path / name
        path.write_bytes(data)
        stream = Stream(path)
        found = list(rows(stream, layout_of(path)))
        stream.close()
        assert stream.trouble
        assert 100 < len([row for row in found if row.value]) < 50_000
        assert [row.value["a"] for row in found[:-1]] == list(range(len(found) - 1))


def test_several_packed_files_in_one(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(gzip.compress(b'{"a":1}\n') + gzip.compress(b'{"a":2}\n'))
    assert values(tmp_path / "a") == [{"a": 1}, {"a": 2}]


def test_arrays_that_are_cut_or_hold_other_things(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(b'[{"a":1},\n 7, "x", {"a" 2}, null,\n{"a":3}, {"a":')
    found = rows_of(path)
    assert [row.value for row in found] == [{"a": 1}, None, None, None, None, {"a": 3}, None]
    assert [row.line for row in found] == [1, 2, 2, 2, 2, 3, 3]
    assert "cut" in found[-1].why


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "empty"), (b"\0" * 100, "empty"), (b"hello\nworld\n", "neither JSON nor a table"), (b"PK\x03\x04abc", "zip"),
        (b"\x28\xb5\x2f\xfdabc", "zstd"), (b"PAR1abc", "Parquet"), (b"2026-10-01,3,4\n2026-10-02,5,6\n", "names of columns"),
        (b"a,a\n1,2\n", "same name"), (gzip.compress(b"", mtime=0)[:-3], "empty"), (bytes(range(128, 256)) * 9, "neither"),
    ],
)  # fmt: skip
def test_what_is_no_log_is_refused_with_the_reason(tmp_path: Path, content: bytes, why: str) -> None:
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(BadRequest, match=why):
        layout_of(tmp_path / "a")


def test_a_sample_names_columns(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a,b\n1,\n")
    assert sample_of(tmp_path / "a.csv").rows == [{"a": "1"}]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip
objects = st.lists(
    st.dictionaries(st.sampled_from("abcé"), json_values, min_size=1, max_size=3), min_size=1, max_size=8
)


@examples(60)
@given(
    written=objects,
    indent=st.sampled_from([None, 0, 2]),
    layout=st.sampled_from(["array", "page", "lines"]),
    data=st.data(),
)
def test_what_was_written_is_read_and_reading_goes_on_from_any_row(
    tmp_path: Path, written: list[dict[str, object]], indent: int | None, layout: str, data: st.DataObject
) -> None:
    path = tmp_path / "a.json"
    if layout == "array":
        path.write_text(json.dumps(written, indent=indent), encoding="utf-8")
    elif layout == "page":
        path.write_text(json.dumps({"object": "list", "data": written}, indent=2), encoding="utf-8")
    else:
        path.write_text("".join(json.dumps(each, ensure_ascii=False) + "\n" for each in written), encoding="utf-8")
    found = rows_of(path)
    assert [row.value for row in found] == written
    after = data.draw(st.integers(0, len(found) - 1))
    rest = rows_of(path, found[after].end, found[after].last)
    assert [(row.value, row.line, row.begin) for row in rest] == [
        (row.value, row.line, row.begin) for row in found[after + 1 :]
    ]


@examples(60)
@given(
    written=st.lists(
        st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\0")), min_size=3, max_size=3).filter(
            lambda row: any(each.strip() for each in row)
        ),
        min_size=1, max_size=8,
    ),
    delimiter=st.sampled_from(",;\t|"), data=st.data(),
)  # fmt: skip
def test_tables_round_trip_and_go_on_from_any_row(
    tmp_path: Path, written: list[list[str]], delimiter: str, data: st.DataObject
) -> None:
    path = tmp_path / "a.csv"
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter).writerows([["one", "two", "three"], *written])
    path.write_bytes(out.getvalue().encode())
    found = rows_of(path)
    assert [row.value for row in found] == written
    after = data.draw(st.integers(0, len(found) - 1))
    rest = rows_of(path, found[after].end, found[after].last)
    assert [(row.value, row.line) for row in rest] == [(row.value, row.line) for row in found[after + 1 :]]


@examples(80)
@given(content=st.binary(max_size=300), head=st.sampled_from([b"", b"{", b"[", b"a,b\n", b"\x1f\x8b", b'{"data":[']))
def test_no_bytes_break_reading(tmp_path: Path, content: bytes, head: bytes) -> None:
    path = tmp_path / "a"
    path.write_bytes(head + content)
    try:
        for row in rows_of(path):
            assert row.value is not None or row.why
            assert 0 <= row.begin <= row.end
    except BadRequest:
        pass
