"""Embedded JSON in fewer bytes: the same value, and the same spelling of all that is in it."""

import json

from hypothesis import given
from hypothesis import strategies as st

from farthing.wire.shaping.compact import compact

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.text(max_size=10), inner, max_size=6),
    max_leaves=25,
)
DOCUMENTS = st.lists(VALUES, max_size=6) | st.dictionaries(st.text(max_size=10), VALUES, max_size=6)


@given(DOCUMENTS, st.sampled_from([None, 1, 2, 4, "\t"]), st.booleans())
def test_the_value_stays_the_same_and_nothing_falls_twice(value: object, indent: int | None, ascii: bool) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii)
    made = compact(text)
    if made is not None:
        assert json.loads(made.text) == value
        assert len(made.text) < len(text) and made.tokens > 0
        assert compact(made.text) is None


@given(st.text(max_size=200))
def test_what_is_no_document_is_left_alone(text: str) -> None:
    made = compact(text)
    if made is not None:
        assert json.loads(made.text) == json.loads(text)


def test_numbers_keep_their_digits_and_doubles_stay() -> None:
    made = compact('{"price" : 1.10, "id": 123456789012345678901234567890, "e": 1E5, "id": 2}')
    assert made is not None
    assert made.text == '{"price":1.10,"id":123456789012345678901234567890,"e":1E5,"id":2}'


def test_white_space_inside_strings_stays() -> None:
    code = "```python\nif a:\n    b = 1\n```"
    made = compact(json.dumps({"code": code, "language": "python"}, indent=4))
    assert made is not None and json.loads(made.text)["code"] == code


def test_prose_around_json_and_broken_json_are_left_alone() -> None:
    document = json.dumps({"name": "a" * 40, "values": [1, 2, 3]}, indent=2)
    assert compact(document) is not None
    for text in (f"Here: {document}", document + " and so on}", document[:-3] + "}", "[" * 5_000 + "]" * 5_000):
        assert compact(text) is None, text[:40]
