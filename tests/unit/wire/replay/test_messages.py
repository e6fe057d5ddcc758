"""Messages answers told anew."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.model.usage import Usage
from farthing.wire.replay import storable, whole_from_stream
from unit.wire.replay.answers import MESSAGES, TEXT, collected, events, gist, message, plainly, told
from unit.wire.streams import MESSAGE_STOP, dump, message_delta, message_event, message_start, text_delta

CITATION = {"type": "char_location", "cited_text": "x", "document_index": 0, "start_char_index": 0, "end_char_index": 1}
THOUGHT = {"type": "thinking", "thinking": "Hm, a coin. " * 9, "signature": "c2lnbmVk" * 40}
SEALED = {"type": "redacted_thinking", "data": "c2VhbGVk"}
BLOCKS = [
    THOUGHT,
    SEALED,
    {"type": "text", "text": TEXT, "citations": [CITATION, CITATION]},
    {"type": "text", "text": "."},
]


@pytest.mark.parametrize(
    "whole",
    [message(), message(BLOCKS), message(stop_reason="stop_sequence", stop_sequence="END"), message(container=None)],
)
def test_storable(whole: bytes) -> None:
    assert storable(MESSAGES, whole)


@pytest.mark.parametrize(
    "whole",
    [
        message([]), message([{"type": "text", "text": " "}]), message([THOUGHT]), message([{"type": "text", "text": None}]),
        message([*BLOCKS, {"type": "tool_use", "id": "t", "name": "f", "input": {}}]),
        message([*BLOCKS, {"type": "server_tool_use", "id": "t"}]), message([*BLOCKS, {"type": ["text"]}]), message([1]),
        message(stop_reason="max_tokens"), message(stop_reason="refusal"), message(stop_reason="tool_use"),
        message(stop_reason="pause_turn"), message(stop_reason="model_context_window_exceeded"), message(stop_reason=None),
        message(stop_reason=["end_turn"]), message(container={"id": "c"}), message(diagnostics={"x": 1}), message(type="error"),
        message(content="x"), b"", b"[]", b'{"type":"error","error":{}}', b"\xff",
    ],
)  # fmt: skip
def test_not_storable(whole: bytes) -> None:
    assert not storable(MESSAGES, whole)
    for stream in (False, True):
        with pytest.raises(ValueError):
            told(MESSAGES, whole, stream=stream)


def test_a_plain_answer_is_the_same_but_for_its_name() -> None:
    assert plainly(MESSAGES, message(BLOCKS)) == json.loads(message(BLOCKS)) | {"id": "msg_call-1"}


def test_usage_can_be_zero() -> None:
    usage = plainly(MESSAGES, message(), zero=True)["usage"]
    assert (usage["input_tokens"], usage["output_tokens"], usage["service_tier"]) == (0, 0, "standard")
    assert usage["cache_creation"] == {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0}
    found = events(told(MESSAGES, message(), zero=True, stream=True))
    assert found[0]["message"]["usage"]["input_tokens"] == found[-2]["usage"]["output_tokens"] == 0


def test_the_events_of_a_stream() -> None:
    found = events(told(MESSAGES, message(BLOCKS), stream=True))
    start = found[0]["message"]
    assert (start["id"], start["content"], start["stop_reason"]) == ("msg_call-1", [], None)
    assert (start["usage"]["input_tokens"], start["usage"]["output_tokens"]) == (10, 0)
    kinds = [each["type"] for each in found]
    assert kinds.count("content_block_start") == kinds.count("content_block_stop") == 4
    assert kinds[-2:] == ["message_delta", "message_stop"]
    opened = [each["content_block"] for each in found if each["type"] == "content_block_start"]
    assert opened == [
        {"type": "thinking", "thinking": "", "signature": ""}, SEALED, {"type": "text", "text": "", "citations": []},
        {"type": "text", "text": ""},
    ]  # fmt: skip
    deltas = [each["delta"]["type"] for each in found if each["type"] == "content_block_delta"]
    assert deltas.count("text_delta") > 5
    assert (deltas.count("signature_delta"), deltas.count("citations_delta")) == (1, 2)
    assert found[-2]["delta"] == {"stop_reason": "end_turn", "stop_sequence": None}
    assert found[-2]["usage"]["output_tokens"] == 90
    names = [line for line in told(MESSAGES, message(BLOCKS), stream=True).split(b"\n") if line.startswith(b"event: ")]
    assert [name[7:].decode() for name in names] == kinds


@given(st.lists(st.text(), min_size=1, max_size=4), st.booleans(), st.integers(1, 400))
def test_a_stream_amounts_to_the_plain_answer(texts: list[str], cited: bool, piece: int) -> None:
    blocks: list[dict[str, Any]] = [THOUGHT, SEALED, *({"type": "text", "text": text} for text in texts)]
    blocks.append({"type": "text", "text": "The end.", **({"citations": [CITATION]} if cited else {})})
    found = collected(MESSAGES, told(MESSAGES, message(blocks), stream=True), piece)
    assert found is not None
    assert storable(MESSAGES, dump(found))
    assert gist(found) == gist(plainly(MESSAGES, message(blocks)))


# --- streams of providers


def block(at: int, **fields: Any) -> bytes:
    return message_event("content_block_start", index=at, content_block=fields)


def delta(at: int, **fields: Any) -> bytes:
    return message_event("content_block_delta", index=at, delta=fields)


START = message_start(input_tokens=5, output_tokens=1) + block(0, type="text", text="") + text_delta("A coin")
END = message_event("content_block_stop", index=0) + message_delta("end_turn", output_tokens=9) + MESSAGE_STOP


def test_a_providers_stream_amounts_to_its_plain_answer() -> None:
    stream = (
        message_start(input_tokens=5, cache_read_input_tokens=4, output_tokens=1, service_tier="standard")
        + message_event("ping")
        + block(0, type="thinking", thinking="", signature="")
        + delta(0, type="thinking_delta", thinking="Hm. ")
        + delta(0, type="thinking_delta", thinking="Yes.")
        + delta(0, type="signature_delta", signature="sig")
        + message_event("content_block_stop", index=0)
        + block(1, type="text", text="")
        + delta(1, type="text_delta", text="A ")
        + delta(1, type="citations_delta", citation=CITATION)
        + delta(1, type="text_delta", text="coin")
        + message_event("content_block_stop", index=1)
        + message_event("a_new_event", x=1)
        + message_delta("end_turn", input_tokens=None, output_tokens=9)
        + MESSAGE_STOP
    )
    for piece in (0, 1, 60):
        assert collected(MESSAGES, stream, piece) == {
            "id": "m", "model": "claude-sonnet-4-5", "stop_reason": "end_turn",
            "content": [
                {"type": "thinking", "thinking": "Hm. Yes.", "signature": "sig"},
                {"type": "text", "text": "A coin", "citations": [CITATION]},
            ],
            "usage": {
                "input_tokens": 5, "cache_read_input_tokens": 4, "output_tokens": 9, "service_tier": "standard"
            },
        }  # fmt: skip


@pytest.mark.parametrize(
    "stream",
    [
        b"", START, START + message_delta("end_turn"), START + MESSAGE_STOP, START + message_event("error", error={}) + END,
        START + block(1, type="tool_use", id="t", name="f", input={}) + END, START + block(2, type="text", text="") + END,
        START + delta(1, type="text_delta", text="x") + END, START + delta(0, type="new_delta", text="x") + END,
        START + delta(0, type="text_delta", text=5) + END, START + delta(0, type="input_json_delta", partial_json="{") + END,
        delta(0, type="text_delta", text="x") + END, START + message_event("content_block_delta", index=0, delta=7) + END,
        START + b"data: {]\n\n" + END, message_event("message_start", message=[]) + END,
        START + message_event("message_delta", delta={}, usage=7) + END,
        START + block(1, type="text", text="", citations=7) + delta(1, type="citations_delta", citation={}) + END,
    ],
)  # fmt: skip
def test_streams_that_make_no_answer(stream: bytes) -> None:
    assert collected(MESSAGES, stream) is None


def test_usage_that_a_host_does_not_tell_is_put_in() -> None:
    collector = whole_from_stream(MESSAGES)
    collector.feed(message_start() + block(0, type="text", text="") + text_delta("A coin"))
    collector.feed(message_event("message_delta", delta={"stop_reason": "end_turn"}) + MESSAGE_STOP)
    usage = json.loads(collector.result(Usage(uncached_in=7, cache_read=3, out=5)) or b"")["usage"]
    assert (usage["input_tokens"], usage["cache_read_input_tokens"], usage["output_tokens"]) == (7, 3, 5)
