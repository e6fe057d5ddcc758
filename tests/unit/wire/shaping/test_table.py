"""Records as a table: every value and its type can be read back."""

import json
import re
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from farthing.wire.shaping.table import LEAST_ROWS, table

CELLS = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20)
    | st.sampled_from(["", "true", "null", "12", "1e5", " a", "a ", 'say "no"', "a,b", "a\nb", "-", "\u2028", "NaN"])
)  # fmt: skip
CELL = re.compile(r'("(?:[^"]|"")*"|[^,\n]*)(,|\n|$)')


def records() -> st.SearchStrategy[list[dict[str, Any]]]:
    names = st.lists(st.text(max_size=12), min_size=1, max_size=5, unique=True)
    return names.flatmap(
        lambda keys: st.lists(st.fixed_dictionaries(dict.fromkeys(keys, CELLS)), min_size=LEAST_ROWS, max_size=9)
    )


def read(text: str) -> list[dict[str, Any]]:
    """The rules of the table, read backwards."""
    rows: list[list[Any]] = [[]]
    at = 0
    while True:
        match = CELL.match(text, at)
        assert match is not None
        rows[-1].append(_value(match[1]))
        at = match.end()
        if match[2] == "\n":
            rows.append([])
        elif not match[2]:
            break
    return [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]


def _value(cell: str) -> Any:
    if not cell:
        return None
    if cell[0] == '"':
        return cell[1:-1].replace('""', '"')
    if cell in ("true", "false") or cell[0] in "-0123456789":
        return json.loads(cell)
    return cell


@given(records())
def test_all_values_and_their_types_can_be_read_back(rows: list[dict[str, Any]]) -> None:
    made = table(json.dumps(rows))
    if made is not None:
        found = read(made.text)
        assert found == rows
        for row, same in zip(rows, found, strict=True):
            assert {name: type(row[name]) for name in row} == {name: type(same[name]) for name in same}


def test_a_list_of_orders_is_a_table() -> None:
    rows = [{"id": f"A{at}", "total": 1.5 * at, "paid": at % 2 == 0, "note": None} for at in range(5)]
    made = table(json.dumps(rows))
    assert made is not None and made.text.split("\n")[:2] == ["id,total,paid,note", "A0,0.0,true,"]
    assert made.tokens > 0


@given(records(), CELLS)
def test_records_in_an_object_are_rows_below_their_names(rows: list[dict[str, Any]], other: Any) -> None:
    whole = {"found": rows, "other": other, "few": rows[:2]}
    made = table(json.dumps(whole))
    if made is not None:
        names, *lines = json.loads(made.text).pop("found")
        found = [dict(zip(names, line, strict=True)) for line in lines]
        assert json.dumps({**json.loads(made.text), "found": found}, sort_keys=True) == json.dumps(
            whole, sort_keys=True
        )


def test_what_a_system_answers_is_rows_in_an_object() -> None:
    rows = [{"id": f"A{at}", "box": [at, 1], "note": None} for at in range(5)]
    made = table(json.dumps({"page": 1, "lines": rows}, indent=2))
    assert made is not None and made.tokens > 0
    assert made.text.startswith('{"page":1,"lines":[["id","box","note"],["A0",[0,1],null],')


def test_what_is_not_uniform_is_left_alone() -> None:
    row = {"name": "a long name", "value": 12}
    for value in (
        [row] * (LEAST_ROWS - 1), [row] * 4 + [{**row, "more": 1}], [{**row, "inner": [1]}] * 5, [1] * 9, {"rows": [row] * 3}, {"rows": [row] * 9 + [1]}, {"rows": 1},
        [{}] * 9, [{**row, "code": "```x```"}] * 5,
    ):  # fmt: skip
        assert table(json.dumps(value)) is None, value
