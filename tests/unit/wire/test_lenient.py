from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from farthing.wire.lenient import NULL, Count, anything, counts, member, present, rawly, tidy


class Inner(msgspec.Struct):
    deep: Count | None = None


class Outer(msgspec.Struct):
    total: Count | None = None
    inner: Inner | None = None


DECODER = msgspec.json.Decoder(Outer)


def test_what_is_as_agreed() -> None:
    assert counts(b'{"total":5,"inner":{"deep":1},"x":[]}', DECODER) == (Outer(5, Inner(1)), frozenset())


def test_what_is_not_is_dropped_by_itself() -> None:
    assert counts(b'{"total":5,"inner":{"deep":-1}}', DECODER) == (Outer(5, Inner()), {"inner", "deep"})
    assert counts(b'{"total":"5","inner":{"deep":1}}', DECODER) == (Outer(None, Inner(1)), {"total"})


def test_what_is_no_object_is_none() -> None:
    for raw in (b"", b"[]", b"5", b"{", b"\xff", b"[" * 100_000):
        assert counts(raw, DECODER) == (None, frozenset())


@given(st.binary(max_size=40))
def test_any_bytes(raw: bytes) -> None:
    counts(raw, DECODER)
    anything(raw)


def test_a_path_that_breaks_off_is_none() -> None:
    value: Any = {"a": {"b": 5}}
    assert member(value, "a", "b") == 5
    assert member(value, "a", "b", "c") is None
    assert member([], "a") is None


def test_raw_members() -> None:
    assert not present(NULL) and not present(rawly(None)) and not present(msgspec.Raw(b"null"))
    assert present(rawly({})) and present(rawly(0))


def test_one_printable_line() -> None:
    assert tidy("a\r\nb\x1b[31m") == "a  b [31m"
    assert tidy("é😀") == "é😀"
    assert tidy("x" * 300) == "x" * 256
    assert tidy(5) == tidy(None) == ""
