"""Claude's streams as chunks of a chat completion."""

import contextlib
import itertools
import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.model.errors import UpstreamError

from ..samples import CHAT_ON_CLAUDE, ask, claude_event, claude_message, claude_stream, payloads

BLOCKS: list[dict[str, Any]] = [
    {"type": "thinking", "thinking": "Hm…", "signature": ""},
    {"type": "text", "text": 'Straße "x"\n'},
    {"type": "tool_use", "id": "t1", "name": "f", "input": {"a": "Zürich"}},
    {"type": "tool_use", "id": "t2", "name": "g", "input": {}},
    {"type": "text", "text": "Done."},
]
START = claude_event("message_start", message=claude_message([], None))


def _translated(*pieces: bytes, **fields: Any) -> bytes:
    translator = CHAT_ON_CLAUDE.stream(ask(**fields))
    return b"".join(map(translator.feed, pieces)) + translator.finish()


def _same(stream: bytes) -> Any:
    """A stream without the second in which it was made."""
    return [event if event == "[DONE]" else {**event, "created": 0} for event in payloads(stream)]


def _deltas(stream: bytes) -> list[dict[str, Any]]:
    return [event["choices"][0]["delta"] for event in payloads(stream) if event != "[DONE]" and event["choices"]]


def test_the_shape_of_a_stream() -> None:
    events = list(payloads(_translated(claude_stream(BLOCKS, "tool_use", 100))))
    assert [event["choices"][0]["delta"] for event in events[:-2]] == [
        {"role": "assistant", "content": "", "refusal": None},
        {"reasoning_content": "Hm…"},
        {"content": 'Straße "x"\n'},
        {"tool_calls": [{"index": 0, "id": "t1", "type": "function", "function": {"name": "f", "arguments": ""}}]},
        {"tool_calls": [{"index": 0, "function": {"arguments": json.dumps({"a": "Zürich"})}}]},
        {"tool_calls": [{"index": 1, "id": "t2", "type": "function", "function": {"name": "g", "arguments": ""}}]},
        {"tool_calls": [{"index": 1, "function": {"arguments": "{}"}}]},
        {"content": "Done."},
        {},
    ]
    finishes = [event["choices"][0]["finish_reason"] for event in events[:-2]]
    assert finishes == [None] * 8 + ["tool_calls"]
    assert events[-2]["choices"] == []
    assert (events[-2]["usage"]["prompt_tokens"], events[-2]["usage"]["completion_tokens"]) == (18, 7)
    assert events[-1] == "[DONE]"
    assert {(event["id"], event["model"], event["object"]) for event in events[:-1]} == {
        ("msg_1", "claude-opus-5", "chat.completion.chunk")
    }
    assert all(event["usage"] is None for event in events[:-2])


def test_usage_is_hidden_from_who_did_not_ask() -> None:
    events = list(payloads(_translated(claude_stream(BLOCKS), wants_usage=False)))
    assert not any("usage" in event for event in events[:-1])
    assert events[-1] == "[DONE]"


@given(st.lists(st.integers(0, 5000), max_size=8), st.sampled_from([b"\n", b"\r\n", b"\r"]))
def test_the_cut_of_the_bytes_does_not_matter(cuts: list[int], line_end: bytes) -> None:
    source = claude_stream(BLOCKS, "tool_use", 3).replace(b"\n", line_end)
    places = [0, *sorted(cuts), len(source)]
    pieces = [source[a:b] for a, b in itertools.pairwise(places)]
    assert _same(_translated(*pieces)) == _same(_translated(claude_stream(BLOCKS, "tool_use", 3)))


def test_byte_by_byte() -> None:
    source = claude_stream(BLOCKS, "tool_use")
    assert _same(_translated(*(source[at : at + 1] for at in range(len(source))))) == _same(_translated(source))


@given(st.data())
def test_a_stream_that_is_cut_gets_no_end(data: st.DataObject) -> None:
    source = claude_stream(BLOCKS)
    said = source.index(b"event: message_delta")
    out = _translated(source[: data.draw(st.integers(0, said))])
    assert b"[DONE]" not in out
    assert b'"finish_reason":"' not in out


def test_a_stream_whose_last_blank_line_is_missing_is_whole() -> None:
    assert _same(_translated(claude_stream(BLOCKS)[:-2])) == _same(_translated(claude_stream(BLOCKS)))


def test_nothing_follows_the_end() -> None:
    source = claude_stream(BLOCKS)
    assert _same(_translated(source, source)) == _same(_translated(source))


def test_input_that_comes_with_the_start_of_a_block() -> None:
    block = {"type": "tool_use", "id": "t", "name": "f", "input": {"a": 1}}
    start = claude_event("content_block_start", index=0, content_block=block)
    out = _translated(START, start, claude_event("content_block_stop", index=0))
    assert _deltas(out)[-1] == {"tool_calls": [{"index": 0, "function": {"arguments": '{"a": 1}'}}]}


def test_what_is_not_known_is_passed_over() -> None:
    odd = [
        b": comment\n\n", claude_event("ping"), claude_event("novelty", x=1),
        claude_event("content_block_start", index=7, content_block={"type": "server_tool_use", "id": "s", "name": "w"}),
        claude_event("content_block_delta", index=7, delta={"type": "input_json_delta", "partial_json": "{"}),
        claude_event("content_block_delta", index=0, delta={"type": "citations_delta", "citation": {}}),
        claude_event("content_block_delta", index=0, delta={"type": "text_delta", "text": None}),
        claude_event("content_block_stop", index=7),
    ]  # fmt: skip
    assert len(_deltas(_translated(START, *odd))) == 1


def test_a_refusal_is_explained() -> None:
    details = {"type": "refusal", "explanation": "No."}
    end = claude_event("message_delta", delta={"stop_reason": "refusal", "stop_details": details}, usage={})
    events = list(payloads(_translated(START, end, claude_event("message_stop"))))
    assert events[1]["choices"][0]["delta"] == {"refusal": "No."}
    assert events[1]["choices"][0]["finish_reason"] == "content_filter"


def test_usage_of_the_four_shapes_of_streams() -> None:
    """The delta's input counts replace the start's as a set, unless all are zero."""
    for start, delta, prompt in [
        ({"input_tokens": 15, "output_tokens": 1}, {"output_tokens": 7}, 15),
        ({"input_tokens": 9, "cache_read_input_tokens": 1}, {"input_tokens": 9, "cache_read_input_tokens": 1}, 10),
        ({"input_tokens": 0}, {"input_tokens": 4522, "cache_creation_input_tokens": 4511}, 9033),
        ({"input_tokens": 10_000}, {"input_tokens": 100, "cache_read_input_tokens": 9900}, 10_000),
        ({"input_tokens": 15}, {"input_tokens": 0}, 15),
    ]:
        begin = claude_event("message_start", message=claude_message([], None, usage=start))
        end = claude_event("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 7, **delta})
        events = list(payloads(_translated(begin, end, claude_event("message_stop"))))
        assert events[-2]["usage"]["prompt_tokens"] == prompt


@pytest.mark.parametrize(
    "source",
    [
        b"data: {oops\n\n", b"data: \xff\n\n", b"data: " + b"[" * 100_000 + b"\n\n", b'data: {"type": 5}\n\n',
        claude_event("content_block_delta", index=0, delta={"type": "text_delta", "text": "x"}),
        claude_event("content_block_start", index=0, content_block={"type": "text", "text": ""}),
        claude_event("message_start"), claude_event("message_stop"), START + claude_event("content_block_delta", index=0),
    ],
)  # fmt: skip
def test_nonsense_is_the_providers_fault(source: bytes) -> None:
    translator = CHAT_ON_CLAUDE.stream(ask())
    with pytest.raises(UpstreamError):
        translator.feed(source)
    assert b"[DONE]" not in translator.finish()


@given(st.lists(st.binary(max_size=40) | st.sampled_from([START, b"\n\n", b"data: ", claude_event("message_stop")])))
def test_garbage_never_raises_anything_else(pieces: list[bytes]) -> None:
    with contextlib.suppress(UpstreamError):
        _translated(*pieces)


def test_a_megabyte_of_arguments_in_small_pieces_takes_linear_time() -> None:
    piece = claude_event("content_block_delta", index=0, delta={"type": "input_json_delta", "partial_json": "x" * 20})
    block = {"type": "tool_use", "id": "t", "name": "f", "input": {}}
    translator = CHAT_ON_CLAUDE.stream(ask())
    translator.feed(START + claude_event("content_block_start", index=0, content_block=block))
    begun = time.process_time()
    size = sum(len(translator.feed(piece)) for _ in range(50_000))
    assert size > 1_000_000
    assert time.process_time() - begun < 5


def test_one_huge_event_in_small_pieces_takes_linear_time() -> None:
    event = claude_event("content_block_delta", index=0, delta={"type": "text_delta", "text": "x" * 1_000_000})
    translator = CHAT_ON_CLAUDE.stream(ask())
    translator.feed(START)
    begun = time.process_time()
    out = b"".join([translator.feed(event[at : at + 20]) for at in range(0, len(event), 20)])
    assert len(out) > 1_000_000
    assert time.process_time() - begun < 3
