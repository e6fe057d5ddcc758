"""Chunks of a chat completion as the stream of a Messages answer."""

import contextlib
import itertools
import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.model.errors import UpstreamError

from ..samples import CHAT_USAGE, CLAUDE_ON_CHAT, ask, chat_stream, chunk, named_events, payloads

MESSAGE: dict[str, Any] = {
    "reasoning_content": "Hm…",
    "content": 'Straße "x"\n',
    "tool_calls": [
        {"id": "c1", "function": {"name": "f", "arguments": '{"a": "Zürich"}'}},
        {"id": "c2", "function": {"name": "g", "arguments": "{}"}},
    ],
}


def _translated(*pieces: bytes, **fields: Any) -> bytes:
    translator = CLAUDE_ON_CHAT.stream(ask(**{"wants_reasoning": True, **fields}))
    return b"".join(map(translator.feed, pieces)) + translator.finish()


def _call(index: int | None = 0, id: str | None = None, name: str | None = None, arguments: Any = None) -> bytes:
    return chunk({"tool_calls": [{"index": index, "id": id, "function": {"name": name, "arguments": arguments}}]})


def _blocks(stream: bytes) -> list[dict[str, Any]]:
    """The blocks put together as a client does, each with its opening and closing checked."""
    blocks: list[dict[str, Any]] = []
    closed: set[int] = set()
    for event in payloads(stream):
        if event["type"] == "content_block_start":
            assert event["index"] == len(blocks) == len(closed)
            blocks.append({**event["content_block"], "json": ""})
        elif event["type"] == "content_block_delta":
            assert event["index"] == len(blocks) - 1
            delta = dict(event["delta"])
            del delta["type"]
            for name, text in delta.items():
                name = "json" if name == "partial_json" else name
                blocks[-1][name] += text
        elif event["type"] == "content_block_stop":
            closed.add(event["index"])
    return blocks


def test_the_shape_of_a_stream() -> None:
    out = _translated(chat_stream(MESSAGE, "tool_calls", 100))
    events = list(payloads(out))
    assert [event["type"] for event in events] == named_events(out)
    block = ["content_block_start", "content_block_delta", "content_block_stop"]
    assert named_events(out) == ["message_start", *block * 4, "message_delta", "message_stop"]
    assert events[0]["message"] == {
        "id": "chatcmpl-1", "type": "message", "role": "assistant", "model": "gpt-4o-2024-08-06", "content": [],
        "stop_reason": None, "stop_sequence": None, "usage": {"input_tokens": 0, "output_tokens": 0},
    }  # fmt: skip
    assert _blocks(out) == [
        {"type": "thinking", "thinking": "Hm…", "signature": "", "json": ""},
        {"type": "text", "text": 'Straße "x"\n', "json": ""},
        {"type": "tool_use", "id": "c1", "name": "f", "input": {}, "json": '{"a": "Zürich"}'},
        {"type": "tool_use", "id": "c2", "name": "g", "input": {}, "json": "{}"},
    ]
    assert events[-2]["delta"] == {"stop_reason": "tool_use", "stop_sequence": None}
    assert events[-2]["usage"] == {
        "input_tokens": 10, "cache_read_input_tokens": 5, "cache_creation_input_tokens": 3, "output_tokens": 7,
        "output_tokens_details": {"thinking_tokens": 2},
    }  # fmt: skip


def test_reasoning_is_shown_only_to_who_asked_for_it() -> None:
    out = _translated(chat_stream(MESSAGE), wants_reasoning=False)
    assert [block["type"] for block in _blocks(out)] == ["text", "tool_use", "tool_use"]
    assert _blocks(_translated(chunk({"reasoning": "a"}), chunk({"content": "b"})))[0]["thinking"] == "a"


@given(st.lists(st.integers(0, 9000), max_size=8), st.sampled_from([b"\n", b"\r\n", b"\r"]))
def test_the_cut_of_the_bytes_does_not_matter(cuts: list[int], line_end: bytes) -> None:
    source = chat_stream(MESSAGE, "tool_calls", 3).replace(b"\n", line_end)
    places = [0, *sorted(cuts), len(source)]
    pieces = [source[a:b] for a, b in itertools.pairwise(places)]
    assert _translated(*pieces) == _translated(chat_stream(MESSAGE, "tool_calls", 3))


def test_byte_by_byte() -> None:
    source = chat_stream(MESSAGE, "tool_calls")
    assert _translated(*(source[at : at + 1] for at in range(len(source)))) == _translated(source)


@given(st.data())
def test_a_stream_that_is_cut_gets_no_end(data: st.DataObject) -> None:
    source = chat_stream(MESSAGE)
    said = source.index(b'"finish_reason": "stop"')
    out = _translated(source[: data.draw(st.integers(0, said))])
    assert b"message_stop" not in out
    assert b"message_delta" not in out


def test_hosts_without_an_end_mark_are_whole_when_they_said_why_they_stopped() -> None:
    whole = _translated(chat_stream(MESSAGE))
    assert _translated(chat_stream(MESSAGE).replace(b"data: [DONE]\n\n", b"")) == whole
    assert _translated(chat_stream(MESSAGE)[:-2]) == whole


def test_nothing_follows_the_end() -> None:
    source = chat_stream(MESSAGE)
    assert _translated(source, source) == _translated(source)


@pytest.mark.parametrize(
    "usage_chunks",
    [
        [chunk({}, "stop", usage=CHAT_USAGE)],
        [chunk({}, "stop", usage=None), chunk(usage=CHAT_USAGE)],
        [
            chunk({"content": ""}, usage={"prompt_tokens": 1, "completion_tokens": 1}),
            chunk({}, "stop", usage=CHAT_USAGE),
        ],
    ],
)
def test_usage_in_any_chunk_the_last_wins(usage_chunks: list[bytes]) -> None:
    out = _translated(chunk({"content": "x"}), *usage_chunks, b"data: [DONE]\n\n")
    assert next(event for event in payloads(out) if event["type"] == "message_delta")["usage"]["output_tokens"] == 7


def test_calls_as_odd_hosts_send_them() -> None:
    every_call_is_the_first = [_call(0, "a", "f", "{}"), _call(0, "b", "f", "{}")]
    id_in_every_delta = [_call(0, "a", "f", '{"x"'), _call(0, "a", None, ":1}")]
    no_id = [_call(0, None, "f", "{}"), _call(1, "", "g", "{}")]
    late_name = [_call(0, "a", None, '{"x"'), _call(0, None, "f", ":1}")]
    whole_object = [_call(None, "a", "f", {"x": 1})]
    for calls, found in [
        (every_call_is_the_first, [("a", "{}"), ("b", "{}")]),
        (id_in_every_delta, [("a", '{"x":1}')]),
        (no_id, [("chatcmpl-1_call_0", "{}"), ("chatcmpl-1_call_1", "{}")]),
        (late_name, [("a", '{"x":1}')]),
        (whole_object, [("a", '{"x": 1}')]),
    ]:
        out = _translated(*calls, chunk({}, "stop"), b"data: [DONE]\n\n")
        assert [(block["id"], block["json"]) for block in _blocks(out)] == found
        assert list(payloads(out))[-2]["delta"]["stop_reason"] == "tool_use"


def test_calls_that_are_mixed_cannot_be_told_in_order() -> None:
    with pytest.raises(UpstreamError):
        _translated(_call(0, "a", "f", ""), _call(1, "b", "f", ""), _call(0, None, None, "{}"))


def test_azures_first_chunk_and_content_in_parts() -> None:
    first = b'data: {"id":"","model":"","choices":[],"prompt_filter_results":[]}\n\n'
    parts = [{"type": "thinking", "thinking": [{"type": "text", "text": "a"}]}, {"type": "text", "text": "b"}]
    out = _translated(first, chunk({"content": parts}), chunk({}, "stop"), b"data: [DONE]\n\n")
    assert next(payloads(out))["message"]["id"] == "chatcmpl-1"
    assert [block["type"] for block in _blocks(out)] == ["thinking", "text"]


def test_refusals_and_stop_sequences() -> None:
    out = _translated(chunk({"refusal": "No."}), chunk({}, "stop"), b"data: [DONE]\n\n")
    assert list(payloads(out))[-2]["delta"]["stop_reason"] == "refusal"
    stopped = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop", "stop_reason": "END"}]}
    out = _translated(chunk({"content": "x"}), f"data: {json.dumps(stopped)}\n\n".encode(), b"data: [DONE]\n\n")
    assert list(payloads(out))[-2]["delta"] == {"stop_reason": "stop_sequence", "stop_sequence": "END"}


def test_a_stream_without_usage_says_zero() -> None:
    out = _translated(chunk({"content": "x"}), chunk({}, "length"), b"data: [DONE]\n\n")
    last = list(payloads(out))[-2]
    assert last["delta"]["stop_reason"] == "max_tokens"
    assert last["usage"]["output_tokens"] == 0


@pytest.mark.parametrize(
    "source",
    [
        b"data: {oops\n\n", b"data: \xff\n\n", b"data: " + b"[" * 100_000 + b"\n\n", b'data: {"choices": 5}\n\n',
        b'data: {"choices": [{"delta": {"content": [5]}}]}\n\n', b'data: {"choices": [{"delta": 5}]}\n\n',
    ],
)  # fmt: skip
def test_nonsense_is_the_providers_fault(source: bytes) -> None:
    translator = CLAUDE_ON_CHAT.stream(ask())
    with pytest.raises(UpstreamError):
        translator.feed(source)
    assert b"message_stop" not in translator.finish()


_PIECES = st.sampled_from(
    [chunk({"content": "x"}), chunk({}, "stop"), _call(0, "a", "f", "{"), b"\n\n", b"data: [DONE]"]
)


@given(st.lists(st.binary(max_size=40) | _PIECES))
def test_garbage_never_raises_anything_else(pieces: list[bytes]) -> None:
    with contextlib.suppress(UpstreamError):
        _translated(*pieces)


def test_a_megabyte_of_arguments_in_small_pieces_takes_linear_time() -> None:
    translator = CLAUDE_ON_CHAT.stream(ask())
    translator.feed(_call(0, "a", "f", ""))
    piece = _call(0, None, None, "x" * 20)
    begun = time.process_time()
    size = sum(len(translator.feed(piece)) for _ in range(50_000))
    assert size > 1_000_000
    assert time.process_time() - begun < 5
