"""Embeddings item by item: cut, kept, put together again."""

import base64
import json
from array import array
from typing import Any

import openai
import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.wire import vectors
from unit.wire.streams import dump
from unit.wire.test_canonical import OBJECTS
from unit.wire.translate.replay import serve

INPUTS = st.text(max_size=8) | st.lists(st.integers(0, 100_000), max_size=5)


def request(given: Any, **more: Any) -> bytes:
    return dump({"model": "text-embedding-3-small", "input": given, **more})


def answer(inputs: list[Any], tokens: int | None = None, **more: Any) -> bytes:
    """What a provider says to these inputs."""
    data = [{"object": "embedding", "index": at, "embedding": embedding(one)} for at, one in enumerate(inputs)]
    counted = {} if tokens is None else {"usage": {"prompt_tokens": tokens, "total_tokens": tokens}}
    return dump({"object": "list", "data": data, "model": "text-embedding-3-small", **counted, **more})


def embedding(one: Any) -> list[float]:
    return [float(len(one)), 0.25, -1.5e-7]


def keys(given: Any, **more: Any) -> list[bytes]:
    found = vectors.items(request(given, **more))
    assert found is not None
    return found.keys


def test_one_input_is_one_item_however_it_is_sent() -> None:
    assert keys("Hi") == keys(["Hi"])
    assert keys([1, 2]) == keys([[1, 2]])
    assert len(keys([1, 2])) == 1
    assert len(keys(["1", "2"])) == 2


def test_a_text_is_no_list_of_tokens() -> None:
    assert len(set(keys(["12", [12], [1, 2], "1,2", "[1,2]"]))) == 5


def test_what_shapes_the_vector_is_in_the_key() -> None:
    assert keys("Hi") == keys("Hi", encoding_format="float") == keys("Hi", dimensions=None) == keys("Hi", user="ann")
    others = [
        keys("Hi"), keys("hi"), keys("Hi", encoding_format="base64"), keys("Hi", dimensions=256),
        keys("Hi", dimensions=257), keys("Hi", input_type="query"), keys("Hi", encoding_format="base64", dimensions=256),
    ]  # fmt: skip
    assert len({each[0] for each in others}) == len(others)
    assert keys("Hi") == (vectors.items(dump({"model": "another", "input": "Hi"})) or pytest.fail()).keys


@pytest.mark.parametrize(
    "body",
    [
        b"", b"[]", b"{}", b'{"input":null}', b'{"input":[]}', b'{"input":5}', b'{"input":[1,"a"]}', b'{"input":[[1.5]]}',
        b'{"input":{"a":1}}', b'{"input":"a","input":"b"}', b'{"input":["a",null]}', b'{"input":[true]}', b"\xff",
    ],
)  # fmt: skip
def test_what_cannot_be_read_has_no_items(body: bytes) -> None:
    assert vectors.items(body) is None


@given(OBJECTS, st.binary(max_size=99))
def test_nothing_raises(tree: dict[str, Any], data: bytes) -> None:
    for body in (dump(tree), dump({"input": tree}), dump({**tree, "input": ["a"]}), data):
        vectors.items(body)
        vectors.cut(body, ["a"])
        vectors.joined([body])
        vectors.tokens(body)


@given(st.lists(INPUTS, min_size=1, max_size=8), st.data())
def test_only_what_is_missing_is_asked_for(inputs: list[Any], data: st.DataObject) -> None:
    body = b' {"model": "m", "user":"ann", "input" : %b , "dimensions":8} ' % dump(inputs)
    asked = vectors.items(body)
    if asked is None:
        return
    missing = sorted(data.draw(st.sets(st.integers(0, len(asked.inputs) - 1), min_size=1)))
    rest = vectors.remaining(body, asked, missing)
    assert json.loads(rest) == {
        "model": "m",
        "user": "ann",
        "input": [asked.inputs[at] for at in missing],
        "dimensions": 8,
    }
    if len(missing) == len(asked.inputs):
        assert rest is body
    again = vectors.items(rest)
    assert again is not None
    if len(again.keys) == len(missing):
        assert again.keys == [asked.keys[at] for at in missing]


@given(st.lists(INPUTS, min_size=1, max_size=9), st.integers(0, 10_000))
def test_cut_and_joined_again_it_is_the_same_answer(inputs: list[Any], tokens: int) -> None:
    whole = answer(inputs, tokens)
    parts = vectors.cut(whole, inputs)
    assert parts is not None
    joined = vectors.joined(parts)
    assert joined is not None
    assert json.loads(joined) == json.loads(whole)
    assert sum(vectors.tokens(part) for part in parts) == tokens
    assert [json.loads(part)["data"][0]["embedding"] for part in parts] == [embedding(each) for each in inputs]
    zero = json.loads(vectors.joined(parts, "zero") or b"")
    assert zero["usage"] == {"prompt_tokens": 0, "total_tokens": 0}
    assert zero["data"] == json.loads(whole)["data"]


def test_tokens_are_shared_out_by_size() -> None:
    parts = vectors.cut(answer(["a" * 10, "b" * 30, "c" * 60], 100), ["a" * 10, "b" * 30, "c" * 60]) or []
    assert [vectors.tokens(part) for part in parts] == [10, 30, 60]
    parts = vectors.cut(answer([[1], [1, 2, 3]], 4), [[1], [1, 2, 3]]) or []
    assert [vectors.tokens(part) for part in parts] == [1, 3]
    parts = vectors.cut(answer(["a" * 5, "a"], 4), ["a" * 5, "a"]) or []
    assert [vectors.tokens(part) for part in parts] == [3, 1]
    parts = vectors.cut(answer(["a", "a", "a"], 4), ["a", "a", "a"]) or []
    assert sorted(vectors.tokens(part) for part in parts) == [1, 1, 2]


def test_an_answer_out_of_order_is_put_in_order() -> None:
    whole = json.loads(answer(["a", "bb"], 3))
    whole["data"].reverse()
    parts = vectors.cut(dump(whole), ["a", "bb"]) or []
    assert [json.loads(part)["data"][0]["embedding"][0] for part in parts] == [1.0, 2.0]
    assert [json.loads(part)["data"][0]["index"] for part in parts] == [0, 0]


def test_numbers_and_packed_vectors_keep_their_digits() -> None:
    raw = b'{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.10,1e-5,-0.0]}],"model":"m"}'
    (part,) = vectors.cut(raw, ["a"]) or []
    assert b"[0.10,1e-5,-0.0]" in part
    assert b"[0.10,1e-5,-0.0]" in (vectors.joined([part]) or b"")
    packed = raw.replace(b"[0.10,1e-5,-0.0]", b'"AAAA"')
    (part,) = vectors.cut(packed, ["a"]) or []
    assert b'"embedding":"AAAA"' in (vectors.joined([part]) or b"")


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{}", b'{"data":[]}', answer(["a"]), answer(["a", "b", "c"]), answer(["a", "b"], model=""),
        answer(["a", "b"]).replace(b'"index":1', b'"index":0'), answer(["a", "b"]).replace(b'"index":1', b'"index":2'),
        dump({"error": {"message": "No."}}), answer(["a", "b"], -5),
        dump({"data": [{"index": 0, "embedding": None}, {"index": 1, "embedding": [1]}], "model": "m"}),
    ],
)  # fmt: skip
def test_what_is_no_answer_to_these_inputs_is_not_cut(body: bytes) -> None:
    assert vectors.cut(body, ["a", "b"]) is None


def test_vectors_of_two_models_are_never_put_together() -> None:
    one, other = answer(["a"], 1), answer(["a"], 1, model="text-embedding-3-large")
    assert vectors.joined([one, one]) is not None
    assert vectors.joined([one, other]) is None
    assert vectors.joined([one, b"damaged"]) is None
    assert vectors.joined([]) is None


@pytest.mark.parametrize("packed", [False, True])
async def test_the_sdk_reads_what_was_put_together(packed: bool) -> None:
    one = b64([0.5, 0.25]) if packed else [0.5, 0.25]
    parts = [
        dump({"object": "list", "data": [{"object": "embedding", "index": 0, "embedding": one}], "model": "m"})
        for _ in range(2)
    ]
    body = vectors.joined(parts) or b""
    async with (
        serve(lambda _: (200, "application/json", body)) as url,
        openai.AsyncOpenAI(api_key="k", base_url=url) as sdk,
    ):
        if packed:  # the SDK asks for packed vectors by itself
            found = await sdk.embeddings.create(model="m", input=["a", "b"])
        else:
            found = await sdk.embeddings.create(model="m", input=["a", "b"], encoding_format="float")
    assert [each.embedding for each in found.data] == [[0.5, 0.25]] * 2
    assert [each.index for each in found.data] == [0, 1]
    assert found.usage.prompt_tokens == 0


def b64(values: list[float]) -> str:
    return base64.b64encode(array("f", values).tobytes()).decode()
