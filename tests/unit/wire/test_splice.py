import json
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from farthing.model.errors import BadRequest
from farthing.wire import splice

NAMES = ["model", "stream", "stream_options", "messages", "x", 'q"model', "model\\", "", "modèle"]

values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(["model", '"model":"a"', "\\", "é", "\\u006d"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=3),
    max_leaves=8,
)
spaces = st.sampled_from(["", " ", "\n\t", "\r\n  "])


@st.composite
def objects(draw: Any, double: bool = False) -> tuple[bytes, list[tuple[str, Any]]]:
    """A JSON object as someone may have written it: any spaces, any letter as an escape, names that recur inside."""
    members = draw(st.lists(st.tuples(st.sampled_from(NAMES), values), max_size=5, unique_by=lambda each: each[0]))
    members = [each for each in members if each[0] != "model"]
    members.insert(draw(st.integers(0, len(members))), ("model", draw(st.sampled_from(["gpt", 'a"b', "a\\b", "é"]))))
    if double:
        members.insert(draw(st.integers(0, len(members))), ("model", "other"))
    written = []
    for name, value in members:
        key = json.dumps(name, ensure_ascii=draw(st.booleans()))
        if name == "model" and draw(st.booleans()):
            key = key.replace("d", draw(st.sampled_from(["\\u0064", "d"])))
        text = json.dumps(value, ensure_ascii=draw(st.booleans()))
        written.append(f"{draw(spaces)}{key}{draw(spaces)}:{draw(spaces)}{text}{draw(spaces)}")
    return (draw(spaces) + "{" + ",".join(written) + "}" + draw(spaces)).encode(), members


@given(objects())
def test_a_renamed_body_differs_in_the_model_alone(made: tuple[bytes, list[tuple[str, Any]]]) -> None:
    body, members = made
    out = splice.renamed(body, "not this", "new-model")
    at = out.index(b'"new-model"')
    start, end = splice.value_span(body, b'"model"', splice.has_plain_names(body), known=True) or (0, 0)
    assert out == body[:start] + b'"new-model"' + body[end:] and at <= start + body.count(b'"new-model"')
    expected = [(name, "new-model" if name == "model" else value) for name, value in members]
    assert json.loads(out, object_pairs_hook=list) == json.loads(
        "{" + ",".join(f"{json.dumps(name)}:{json.dumps(value)}" for name, value in expected) + "}",
        object_pairs_hook=list,
    )


@given(objects())
def test_names_that_are_there_once_are_not_refused(made: tuple[bytes, list[tuple[str, Any]]]) -> None:
    splice.refuse_doubles(made[0], (b'"model"', b'"stream"', b'"stream_options"'))


@given(objects(double=True))
def test_a_name_that_is_there_twice_is_refused(made: tuple[bytes, list[tuple[str, Any]]]) -> None:
    with pytest.raises(BadRequest, match="`model` is there twice") as refused:
        splice.refuse_doubles(made[0], (b'"model"',))
    assert refused.value.param == "model"


@given(objects(), st.sampled_from(["stream_options", "stream", "messages", "absent"]))
def test_a_member_is_found_only_at_the_top(made: tuple[bytes, list[tuple[str, Any]]], name: str) -> None:
    body, members = made
    place = splice.value_span(body, json.dumps(name).encode(), splice.has_plain_names(body))
    present = dict(members)
    assert (place is not None) == (name in present)
    if place is not None:
        assert json.loads(body[place[0] : place[1]]) == present[name]


@example(b'{"a":1}')
@given(
    st.dictionaries(st.sampled_from(["include_usage", "include_obfuscation", "x"]), values, max_size=3).map(
        lambda value: json.dumps(value).encode()
    )
)
def test_one_member_of_an_object_is_set(value: bytes) -> None:
    assert json.loads(splice.with_member(value, "include_usage", b"true")) == {
        **json.loads(value),
        "include_usage": True,
    }


def test_null_becomes_an_object() -> None:
    assert splice.with_member(b"null", "include_usage", b"true") == b'{"include_usage":true}'


MANY = b"[" + b",".join([b'{"model":"x"}'] * 20_000) + b"]"


@pytest.mark.parametrize(
    "body",
    [
        b'{"messages":' + MANY + b',"model":"gpt"}',
        b'{"model":"gpt","messages":' + MANY + b"}",
        b'{"a":' + MANY + b',"model":"gpt","b":' + MANY + b"}",
        b'{"a":1,"model":"gpt","a":' + MANY + b"}",
        b'{"a":' + MANY + b',"model":"gpt","a":1}',
        b'{"q\\"model":1,"model":"gpt","a":' + MANY + b"}",
    ],
)
def test_many_places_of_a_name_are_counted(body: bytes) -> None:
    splice.refuse_doubles(body, (b'"model"',))
    assert splice.renamed(body, "gpt", "y") == body.replace(b'"gpt"', b'"y"')


@pytest.mark.parametrize("depth", range(850, 1010, 4))
def test_a_body_as_deep_as_can_be_parsed(depth: int) -> None:
    body = b'{"tools":[{"model":1}],"model":"gpt","x":' + b"[" * depth + b"]" * depth + b"}"
    for deep in (body, body.replace(b'{"model":1}', MANY)):
        splice.refuse_doubles(deep, (b'"model"',))
        assert splice.renamed(deep, "gpt", "y") == deep.replace(b'"gpt"', b'"y"')


def test_a_double_among_many_places_is_refused() -> None:
    with pytest.raises(BadRequest, match="`model` is there twice"):
        splice.refuse_doubles(b'{"model":"a","messages":' + MANY + b',"model":"gpt"}', (b'"model"',))


def test_a_body_that_takes_too_long_is_refused() -> None:
    with pytest.raises(BadRequest, match="takes too long to read"):
        splice.refuse_doubles(b'{"\\u006dodel":"a","messages":[' + b"[]," * 200_000 + b"[]]}", (b'"model"',))


def test_the_same_name_leaves_the_same_object() -> None:
    body = b'{"model":"gpt"}'
    assert splice.renamed(body, "gpt", "gpt") is body


def test_a_model_that_needs_escapes_is_escaped() -> None:
    assert msgspec.json.decode(splice.renamed(b'{"model":"gpt"}', "gpt", 'a"\\b'))["model"] == 'a"\\b'
