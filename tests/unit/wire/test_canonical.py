"""One spelling for bodies that say the same."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.wire import canonical

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
TREES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4), max_leaves=25
)
OBJECTS = st.dictionaries(st.text(), TREES, max_size=6)


def shuffled(value: Any, draw: Any) -> Any:
    """The same with the members of every object in another order."""
    if isinstance(value, dict):
        return {name: shuffled(value[name], draw) for name in draw(st.permutations(list(value)))}
    return [shuffled(each, draw) for each in value] if isinstance(value, list) else value


def spelled(body: bytes) -> bytes:
    return canonical.spelled(canonical.an_object(body))


@given(OBJECTS, st.data())
def test_neither_order_nor_space_nor_escapes_show(value: dict[str, Any], data: st.DataObject) -> None:
    compact = json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
    other = json.dumps(shuffled(value, data.draw), indent=data.draw(st.sampled_from([None, 2, "\t"]))).encode()
    assert spelled(compact) == spelled(other)


@given(OBJECTS, OBJECTS)
def test_what_differs_is_spelled_differently(one: dict[str, Any], other: dict[str, Any]) -> None:
    same = _tagged(one) == _tagged(other)
    assert (spelled(json.dumps(one).encode()) == spelled(json.dumps(other).encode())) == same


@pytest.mark.parametrize(
    ("one", "other"),
    [("1", "1.0"), ("1", "1e0"), ("10", "1E1"), ("0", "-0.0"), ("0", "-0"), ("0.1", "1e-1"), ("-3", "-3.00")],
)
def test_equal_numbers_are_spelled_alike(one: str, other: str) -> None:
    assert spelled(b'{"a":%b}' % one.encode()) == spelled(b'{"a":%b}' % other.encode())


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1", "true"), ("0", "false"), ("0", "null"), ("1", '"1"'), ("1", "1.0000001"), ("9007199254740993", "9007199254740992"),
        ("9007199254740993.0", "9007199254740992"),
        ("123456789012345678901234567890", "123456789012345678901234567891"), ('"é"', '"e\\u0301"'), ('"a"', '"A"'),
        ('"a"', '"a "'), ("[]", "{}"), ("[1,2]", "[2,1]"),
    ],
)  # fmt: skip
def test_other_values_are_not(one: str, other: str) -> None:
    assert spelled(b'{"a":%b}' % one.encode()) != spelled(b'{"a":%b}' % other.encode())


@pytest.mark.parametrize(
    "body",
    [
        b'{"a":1,"a":2}', b'{"x":{"a":1,"b":2,"a":1}}', b'[{"a":1}]', b'{"x":[{"a":1,"a":1}]}', b'{"a":1,"\\u0061":1}',
        b'{"a":1,"a":"x\\u003ay"}', b'{"a":":","a":"\\u003A"}', b'{"a": "\\\\\\u003a", "a": 1}', b"", b"{", b"1", b"null",
        b'"\xff"', b'{"a":"\\ud800"}', b'{"a":NaN}', b'{"a":1e400}', b'{"a":' + b"9" * 5000 + b"}", b"[" * 5000,
        b'{"a":' * 5000 + b"1" + b"}" * 5000,
    ],
)  # fmt: skip
def test_what_cannot_be_read_with_certainty_is_refused(body: bytes) -> None:
    with pytest.raises((ValueError, RecursionError)):
        canonical.an_object(body)


@pytest.mark.parametrize("text", [":", "a\\u003ab", "\\", "\\:", '":', '\\":', "\\\\u003a", "::::"])
def test_colons_in_texts_are_no_members(text: str) -> None:
    plain = json.dumps({text: text, "b": [text]}).encode()
    escaped = plain.replace(b":", b"\\u003a").replace(b'"\\u003a ', b'": ')
    assert canonical.an_object(plain) == {text: text, "b": [text]}
    if json.loads(escaped) == json.loads(plain):
        assert canonical.an_object(escaped) == {text: text, "b": [text]}


def test_true_is_not_one() -> None:
    assert canonical.same(1, 1)
    assert not canonical.same(1, True)
    assert not canonical.same({}, [])


def _tagged(value: Any) -> Any:
    """Equal only if the JSON is: Python holds 1 and true for equal."""
    if isinstance(value, dict):
        return {name: _tagged(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_tagged(each) for each in value]
    return ("bool", value) if isinstance(value, bool) else value
