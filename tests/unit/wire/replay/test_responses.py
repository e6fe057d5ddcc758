"""Responses told anew."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.wire.replay import storable
from unit.wire.replay.answers import (
    NOW,
    RESPONSES,
    TEXT,
    collected,
    events,
    output_text,
    plainly,
    response,
    spoken,
    told,
)
from unit.wire.streams import dump, event

CITED = {"type": "url_citation", "start_index": 0, "end_index": 5, "title": "t", "url": "u"}
THOUGHT = {
    "id": "rs_1", "type": "reasoning", "summary": [{"type": "summary_text", "text": "A coin. " * 20}],
    "encrypted_content": "c2VhbGVk",
}  # fmt: skip
OPEN_THOUGHT = {
    "id": "rs_2",
    "type": "reasoning",
    "summary": [],
    "content": [{"type": "reasoning_text", "text": "Hm."}],
}
OUTPUT = [THOUGHT, OPEN_THOUGHT, spoken(output_text(annotations=[CITED, CITED]), output_text("Bye."))]


@pytest.mark.parametrize("whole", [response(), response(OUTPUT), response(store=True)])
def test_storable(whole: bytes) -> None:
    assert storable(RESPONSES, whole)


@pytest.mark.parametrize(
    "whole",
    [
        response([]), response([THOUGHT]), response([spoken()]), response([spoken(output_text(" "))]),
        response([*OUTPUT, {"type": "function_call", "call_id": "c"}]), response([*OUTPUT, {"type": "web_search_call"}]),
        response([spoken(output_text(), {"type": "refusal", "refusal": "No."})]), response([{"type": ["message"]}]),
        response([spoken(output_text(logprobs=[{"token": "a"}]))]), response(status="incomplete"),
        response(status="failed"), response(error={"code": "x"}), response(incomplete_details={"reason": "x"}),
        response(background=True), response(conversation={"id": "conv_1"}), response(moderation={"x": 1}),
        response(output="x"), response([{**THOUGHT, "summary": 1}, spoken(output_text())]),
        response([spoken(output_text(annotations="x"))]), response(output=[1]), response([spoken(7)]), b"", b"[]", b"\xff",
    ],
)  # fmt: skip
def test_not_storable(whole: bytes) -> None:
    assert not storable(RESPONSES, whole)
    for stream in (False, True):
        with pytest.raises(ValueError):
            told(RESPONSES, whole, stream=stream)


def test_a_plain_answer_says_nothing_of_who_asked_first() -> None:
    before = json.loads(response(OUTPUT))
    after = plainly(RESPONSES, response(OUTPUT), metadata={"person": "bob"}, user="bob")
    assert after == before | {
        "id": "resp_call-1", "created_at": NOW, "completed_at": NOW, "metadata": {"person": "bob"}, "user": None,
        "safety_identifier": None, "prompt_cache_key": None,
    }  # fmt: skip
    stream = told(RESPONSES, response(OUTPUT), stream=True)
    assert b"ann" not in stream.replace(b"annotation", b"")
    assert b"theirs" not in stream


def test_a_response_that_the_provider_keeps_can_be_followed_up() -> None:
    assert plainly(RESPONSES, response(store=True))["id"] == "resp_theirs"
    assert plainly(RESPONSES, response(store=False))["id"] == "resp_call-1"
    assert [item["id"] for item in plainly(RESPONSES, response(OUTPUT))["output"]] == ["rs_1", "rs_2", "msg_1"]


def test_usage_can_be_zero() -> None:
    for found in (
        plainly(RESPONSES, response(), zero=True),
        events(told(RESPONSES, response(), zero=True, stream=True))[-1]["response"],
    ):
        assert found["usage"] == {
            "input_tokens": 0, "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0}, "output_tokens": 0,
            "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 0,
        }  # fmt: skip


def test_the_events_of_a_stream() -> None:
    found = events(told(RESPONSES, response(OUTPUT), stream=True))
    assert [each["sequence_number"] for each in found] == list(range(len(found)))
    kinds = [each["type"].removeprefix("response.") for each in found]
    assert kinds[:3] == ["created", "in_progress", "output_item.added"]
    assert kinds[-2:] == ["output_item.done", "completed"]
    assert kinds.count("output_item.added") == kinds.count("output_item.done") == 3
    assert kinds.count("content_part.added") == kinds.count("content_part.done") == 3
    assert kinds.count("output_text.annotation.added") == 2
    assert kinds.count("reasoning_summary_part.added") == kinds.count("reasoning_text.done") == 1
    begun = found[0]["response"]
    assert (begun["status"], begun["output"], begun["usage"]) == ("in_progress", [], None)
    assert found[-1]["response"] == plainly(RESPONSES, response(OUTPUT))
    texts: dict[tuple[int, int], str] = {}
    for each in found:
        if each["type"] == "response.output_text.delta":
            place = each["output_index"], each["content_index"]
            texts[place] = texts.get(place, "") + each["delta"]
    assert texts == {(2, 0): TEXT, (2, 1): "Bye."}
    names = [
        line for line in told(RESPONSES, response(OUTPUT), stream=True).split(b"\n") if line.startswith(b"event: ")
    ]
    assert [name[16:].decode() for name in names] == kinds


@given(st.text(min_size=1).filter(str.strip), st.booleans(), st.integers(1, 900))
def test_a_stream_amounts_to_the_plain_answer(text: str, kept: bool, piece: int) -> None:
    whole = response([THOUGHT, spoken(output_text(text, annotations=[CITED]))], store=kept)
    found = collected(RESPONSES, told(RESPONSES, whole, stream=True), piece)
    assert found == plainly(RESPONSES, whole)
    assert storable(RESPONSES, dump(found))


# --- streams of providers


def done(at: Any, item: Any) -> bytes:
    return event({"type": "response.output_item.done", "output_index": at, "item": item}, "response.output_item.done")


def completed(**more: Any) -> bytes:
    whole = json.loads(response(OUTPUT)) | more
    return event({"type": "response.completed", "response": whole}, "response.completed")


def test_the_last_event_has_it_all() -> None:
    assert collected(RESPONSES, completed()) == json.loads(response(OUTPUT))


@pytest.mark.parametrize("last", [{"output": []}, {"output": None}])
def test_a_host_may_leave_the_output_to_the_events_before(last: dict[str, Any]) -> None:
    stream = done(1, OUTPUT[1]) + done(0, OUTPUT[0]) + done(2, OUTPUT[2]) + completed(**last)
    assert collected(RESPONSES, stream) == json.loads(response(OUTPUT))


@pytest.mark.parametrize(
    "stream",
    [
        b"", done(0, OUTPUT[0]), completed()[:-100],
        event({"type": "response.incomplete", "response": json.loads(response(OUTPUT))}, "response.incomplete"),
        event({"type": "response.failed", "response": {}}), event({"type": "error", "code": "x"}),
        event({"type": "response.completed", "response": 7}), done("a", OUTPUT[0]) + completed(output=[]),
        event({"type": "response.output_text.delta", "delta": '"response.completed"'}),
        event({"type": "x", "y": {"response.completed": "response.completed"}}),
    ],
)  # fmt: skip
def test_streams_that_make_no_answer(stream: bytes) -> None:
    assert collected(RESPONSES, stream) is None
