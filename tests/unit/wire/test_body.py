from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.model.errors import BadRequest
from farthing.wire import FORMATS
from farthing.wire.body import checked_model, limit, pairs

CHAT = FORMATS["openai.chat"]
FIELDS = [
    "model", "stream", "stream_options", "max_tokens", "max_completion_tokens", "max_output_tokens", "n", "user",
    "metadata", "service_tier", "background", "prompt_cache_options", "messages", "input", "cache_control",
]  # fmt: skip
leaves = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8)
    | st.sampled_from(["1h", "gpt-4o", "\x00", "x" * 300])
)  # fmt: skip
anything = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=3), inner),
    max_leaves=10,
)


def survives(body: bytes) -> None:
    """Every format reads the body or says what is wrong with it; nothing else happens."""
    for format in FORMATS.values():
        try:
            ask = format.ask(body)
        except BadRequest as refused:
            assert refused.message and refused.message.isprintable()
            continue
        assert ask.model.isprintable() and ask.user.isprintable() and ask.choices >= 1
        assert ask.max_output is None or ask.max_output >= 0
        assert all(isinstance(value, str) for value in ask.metadata.values())
        spliced = format.splice(body, ask, "other")
        assert format.ask(spliced).model == "other"


@given(st.binary(max_size=60))
def test_any_bytes(body: bytes) -> None:
    survives(body)


@given(anything)
def test_any_json(value: Any) -> None:
    survives(msgspec.json.encode(value))


@given(st.dictionaries(st.sampled_from(FIELDS), anything))
def test_any_values_of_the_fields_that_matter(value: dict[str, Any]) -> None:
    survives(msgspec.json.encode({"model": "gpt-4o", **value}))
    survives(msgspec.json.encode(value))


@given(st.integers(0, 200), st.binary(max_size=4))
def test_a_good_body_with_a_hole_in_it(at: int, junk: bytes) -> None:
    good = b'{"model":"gpt-4o","stream":true,"stream_options":{"include_usage":false},"messages":[{"role":"user",'
    good += b'"content":"\\u00e9 \\ud83d\\ude00 \xc3\xa9"}],"max_tokens":5,"metadata":{"a":"b"},"n":2}'
    survives(good[:at] + junk + good[at + len(junk) :])


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "The body is empty"),
        (b" \n", "The body is empty"),
        (b"[]", "must be a JSON object, not an array"),
        (b"5", "must be a JSON object, not a number"),
        (b"null", "must be a JSON object, not null"),
        (b"\xef\xbb\xbf{}", "byte order mark"),
        (b'{"model":"a","x":"\xff"}', r"not valid UTF-8 \(byte 18\)"),
        (b'{"model":"a","x":NaN}', "NaN and Infinity are not JSON"),
        (b'{"model":"a","x":-Infinity}', "NaN and Infinity are not JSON"),
        (b'{"model":"a","x":"\\ud83d"}', "half of a surrogate pair"),
        (b'{"model":"a"', "not valid JSON"),
        (b'{"model":5,', "not valid JSON"),
        (b'{"model":"a","x":' + b"[" * 100_000, "nested too deep"),
        (b'{"model":5,"x":' + b"[" * 100_000, "nested too deep"),
        (b'{"model":"a","max_tokens":' + b"1" * 5000 + b"}", "not valid JSON"),
        (b"{}", "`model` is missing"),
        (b'{"model":null}', "`model` must be a string, not null"),
        (b'{"model":5}', "`model` must be a string, not a number"),
        (b'{"model":""}', "`model` is empty"),
        (b'{"model":"a\\r\\nx-evil: 1"}', "printable ASCII"),
        (b'{"model":"' + b"a" * 300 + b'"}', "at most 256"),
        (b'{"model":"a","stream":"yes"}', "`stream` must be true or false, not a string"),
        (b'{"model":"a","stream_options":[]}', "`stream_options` must be an object, not an array"),
        (b'{"model":"a","stream_options":{"include_usage":1}}', "`stream_options.include_usage` must be true or false"),
        (b'{"model":"a","max_tokens":1.5}', "`max_tokens` must be a whole number, not a fraction"),
        (b'{"model":"a","model":"b"}', "`model` is there twice"),
        (b'{"model":"a","m\\u006fdel":"b"}', "`model` is there twice"),
        (b'{"model":"a","stream":true,"stream":false}', "`stream` is there twice"),
    ],
)
def test_what_is_wrong_is_said_in_words(body: bytes, words: str) -> None:
    with pytest.raises(BadRequest, match=words) as refused:
        CHAT.ask(body)
    assert len(refused.value.message) < 300


def test_what_only_informs_is_dropped_where_it_is_odd() -> None:
    ask = CHAT.ask(b'{"model":"a","user":5,"metadata":{"team":"x","n":1},"service_tier":[]}')
    assert (ask.user, ask.metadata, ask.tier) == ("", {"team": "x"}, "")


def test_text_that_goes_to_rows_is_one_printable_line() -> None:
    ask = CHAT.ask(msgspec.json.encode({"model": "a", "user": "a\nb\x00c", "metadata": {"k\r": "v\n" * 600}}))
    assert ask.user == "a b c"
    assert list(ask.metadata) == ["k "] and len(ask.metadata["k "]) == 512


def test_metadata_is_bounded() -> None:
    assert len(pairs({str(number): "x" for number in range(1000)})) == 16
    assert pairs(["a"]) == {}


def test_limits() -> None:
    assert limit(None, 5) == 5
    assert limit(0, 5) == 0
    assert limit(-1) is None
    assert limit(2**80) is None
    assert limit() is None


def test_a_model_name_with_a_slash_and_a_colon_is_fine() -> None:
    assert checked_model("accounts/fireworks/models/x:free@1") == "accounts/fireworks/models/x:free@1"
