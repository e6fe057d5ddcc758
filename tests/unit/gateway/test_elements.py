"""A list of requests taken apart while it arrives: the same elements however it is cut, and words for what is no list."""

import json
import random
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.gateway.elements import DEPTH, Elements
from farthing.model.errors import FarthingError, TooLarge

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="utf-8")),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=3)
    ),
    max_leaves=12,
)
OBJECTS = st.dictionaries(st.text(st.characters(codec="utf-8")), VALUES, max_size=4)


def taken(body: bytes, cuts: list[int], most: int = 2**20) -> list[bytes]:
    elements = Elements(most)
    found: list[bytes] = []
    at = 0
    for cut in [*sorted(cut % (len(body) + 1) for cut in cuts), len(body)]:
        found += elements.feed(body[at:cut])
        at = cut
    elements.end()
    return found


@given(
    st.lists(OBJECTS, max_size=5),
    st.lists(st.integers(0, 10**6), max_size=20),
    st.booleans(),
    st.sampled_from([None, 2]),
)
def test_the_same_elements_however_it_is_cut(
    objects: list[dict[str, Any]], cuts: list[int], escaped: bool, indent: int | None
) -> None:
    body = json.dumps({"requests": objects}, ensure_ascii=escaped, indent=indent).encode()
    assert [json.loads(each) for each in taken(b" \r\n" + body + b"\n", cuts)] == objects


@given(st.binary(max_size=200), st.lists(st.integers(0, 300), max_size=5))
def test_whatever_bytes_come_the_answer_is_a_refusal(data: bytes, cuts: list[int]) -> None:
    for body in (data, b'{"requests":[' + data, b'{"requests":[{"a":"' + data + b'"}]}'):
        try:
            taken(body, cuts)
        except FarthingError as error:
            assert error.status in (400, 413)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "one JSON object"), (b"[]", "one JSON object"), (b"{}", "Field required"), (b'{"requests":{}}', "valid list"),
        (b'{"requests":[1]}', "requests.0"), (b'{"requests":[{},]}', "requests.1"), (b'{"requests":[{}}', "one JSON object"),
        (b'{"requests":[{}],"more":1}', "Extra inputs"), (b'{"model":"x","requests":[]}', "Extra inputs"),
        (b'{"requests":[]} x', "one JSON object"), (b'{"requests":[{}', "one JSON object"), (b'{"requests"', "one JSON object"),
        (b'{"' + b"k" * 1000, "one JSON object"), (b'{"requests":[{"a":' + b"[" * DEPTH, "too deep"),
    ],
)  # fmt: skip
def test_what_is_no_list_of_requests(body: bytes, says: str) -> None:
    with pytest.raises(FarthingError, match=says):
        taken(body, [])


def test_an_element_is_bounded() -> None:
    small = b'{"requests":[{"a":"' + b"x" * 100 + b'"}]}'
    assert len(taken(small, [], most=200)) == 1
    for cuts in ([], [50, 90]):
        with pytest.raises(TooLarge, match=r"requests\.0"):
            taken(small, cuts, most=64)


def test_memory_is_that_of_one_element() -> None:
    element = json.dumps({"custom_id": "x", "params": {"text": 'quote " and \\ back\n' * 2000}}).encode()
    elements = Elements(2**20)
    tracemalloc.start()
    count = len(elements.feed(b'{"requests":[' + element))
    for _ in range(500):  # 20 MB
        count += len(elements.feed(b"," + element))
    count += len(elements.feed(b"]}"))
    elements.end()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 501 and peak < 2**20


def test_a_long_string_in_small_pieces_takes_its_length_in_time() -> None:
    elements = Elements(2**24)
    elements.feed(b'{"requests":[{"a":"')
    dice = random.Random(4)
    for _ in range(2000):
        elements.feed(bytes(dice.choices(b"abc\\\\ \n", k=1)) + b"\\n" * 500)
    assert len(elements.feed(b'x"}]}')) <= 1
