"""Answers told anew, as the official SDKs read them; streams of the simulator amount to its plain answers."""

import contextlib
import json
from typing import Any

import anthropic
import httpx2
import openai
import pydantic
import pytest
from anthropic.types import Message, RawMessageStreamEvent
from hypothesis import given
from hypothesis import strategies as st
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.responses import Response, ResponseStreamEvent

from farthing.model.call import Ask
from farthing.upstream.simulator import SimulatorSettings, running
from farthing.wire import FORMATS as WIRES
from farthing.wire.replay import replay, storable, whole_from_stream
from farthing.wire.replay.told import LONGEST_STREAM
from unit.wire.replay.answers import (
    CHAT,
    FORMATS,
    MESSAGES,
    NOW,
    RESPONSES,
    TEXT,
    WHOLE,
    collected,
    completion,
    events,
    gist,
    message,
    output_text,
    response,
    spoken,
    told,
)
from unit.wire.streams import dump
from unit.wire.test_canonical import TREES
from unit.wire.test_question import changed, places
from unit.wire.translate.replay import serve

THOUGHT = {"type": "thinking", "thinking": "Hm, a coin.", "signature": "c2ln"}
CITATION = {
    "type": "char_location", "cited_text": "x", "document_index": 0, "document_title": None, "file_id": None,
    "start_char_index": 0, "end_char_index": 1,
}  # fmt: skip
CITED = {"type": "url_citation", "start_index": 0, "end_index": 5, "title": "t", "url": "u"}
RICH = {
    CHAT: completion({
        "reasoning_content": "Hm, a coin.", "annotations": [{"type": "url_citation", "url_citation": {
            "start_index": 0, "end_index": 5, "title": "t", "url": "u"}}],
    }),
    RESPONSES: response([
        {"id": "rs_1", "type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm, a coin."}]},
        spoken(output_text(annotations=[CITED])),
    ]),
    MESSAGES: message([THOUGHT, {"type": "text", "text": TEXT, "citations": [CITATION]}]),
}  # fmt: skip


def told_by(format: str, whole: bytes) -> Any:
    """A server that answers each request with the answer told anew, as the request wants it."""

    def respond(body: bytes) -> tuple[int, str, bytes]:
        ask = WIRES[format].ask(body)
        answer = replay(format, whole, ask, usage="original", call_id="call-9", now=NOW)
        return 200, "text/event-stream" if ask.stream else "application/json", answer

    return respond


def _openai(url: str) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(
        api_key="k", base_url=url, max_retries=0, http_client=openai.DefaultAsyncHttpxClient(verify=False)
    )


def _anthropic(url: str) -> anthropic.AsyncAnthropic:
    return anthropic.AsyncAnthropic(
        api_key="k", base_url=url, max_retries=0, http_client=anthropic.DefaultAsyncHttpxClient(verify=False)
    )


ASKED: Any = [{"role": "user", "content": "What is a farthing?"}]


@pytest.mark.parametrize("piece", [100_000, 13])
async def test_the_openai_sdk_reads_chat(piece: int) -> None:
    async with serve(told_by(CHAT, RICH[CHAT]), piece) as url, _openai(url) as client:
        plain = await client.chat.completions.create(model="m", messages=ASKED)
        stream = await client.chat.completions.create(model="m", messages=ASKED, stream=True)
        chunks = [chunk async for chunk in stream]
        async with client.chat.completions.stream(
            model="m", messages=ASKED, stream_options={"include_usage": True}
        ) as helper:
            kinds = [event.type async for event in helper]
            final = await helper.get_final_completion()
    assert plain.id == final.id == "chatcmpl-call-9"
    assert plain.created == NOW
    assert plain.choices[0].message.content == final.choices[0].message.content == TEXT
    assert final.choices[0].message.annotations == plain.choices[0].message.annotations
    assert final.choices[0].message.model_extra == plain.choices[0].message.model_extra
    assert plain.usage == final.usage
    assert plain.usage.total_tokens == 100
    assert final.choices[0].finish_reason == "stop"
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == TEXT
    assert all(chunk.usage is None for chunk in chunks)
    assert "content.done" in kinds


@pytest.mark.parametrize("piece", [100_000, 13])
async def test_the_openai_sdk_reads_responses(piece: int) -> None:
    async with serve(told_by(RESPONSES, RICH[RESPONSES]), piece) as url, _openai(url) as client:
        plain = await client.responses.create(model="m", input="What is a farthing?")
        async with client.responses.stream(model="m", input="What is a farthing?") as helper:
            kinds = [event.type async for event in helper]
            final = await helper.get_final_response()
    assert plain.id == final.id == "resp_call-9"
    assert plain.output_text == final.output_text == TEXT
    assert plain.usage == final.usage
    assert [item.type for item in final.output] == ["reasoning", "message"]
    assert final.output[1].content[0].annotations[0].url == "u"
    assert kinds.count("response.output_text.delta") > 5
    assert kinds[-1] == "response.completed"


@pytest.mark.parametrize("piece", [100_000, 13])
async def test_the_anthropic_sdk_reads_messages(piece: int) -> None:
    async with serve(told_by(MESSAGES, RICH[MESSAGES]), piece) as url, _anthropic(url) as client:
        plain = await client.messages.create(model="m", max_tokens=100, messages=ASKED)
        async with client.messages.stream(model="m", max_tokens=100, messages=ASKED) as helper:
            kinds = [event.type async for event in helper]
            final = await helper.get_final_message()
    assert plain.id == final.id == "msg_call-9"
    assert plain.content[0].signature == final.content[0].signature == "c2ln"
    assert plain.content[0].thinking == final.content[0].thinking == "Hm, a coin."
    assert plain.content[1].text == final.content[1].text == TEXT
    assert plain.content[1].citations == final.content[1].citations
    assert plain.usage == final.usage
    assert plain.stop_reason == final.stop_reason == "end_turn"
    assert kinds.count("content_block_stop") == 2
    assert kinds.count("text") > 5


@pytest.mark.parametrize("zero", [False, True])
def test_all_of_it_is_valid_in_the_strict_types_of_the_sdks(zero: bool) -> None:
    chat = completion({"reasoning_content": "Hm."})
    ChatCompletion.model_validate_json(told(CHAT, chat, zero=zero))
    Message.model_validate_json(told(MESSAGES, RICH[MESSAGES], zero=zero))
    Response.model_validate_json(told(RESPONSES, RICH[RESPONSES], zero=zero))
    for event in events(told(CHAT, chat, zero=zero, stream=True))[:-1]:
        ChatCompletionChunk.model_validate(event)
    of_messages: pydantic.TypeAdapter[Any] = pydantic.TypeAdapter(RawMessageStreamEvent)
    for event in events(told(MESSAGES, RICH[MESSAGES], zero=zero, stream=True)):
        of_messages.validate_python(event)
    of_responses: pydantic.TypeAdapter[Any] = pydantic.TypeAdapter(ResponseStreamEvent)
    for event in events(told(RESPONSES, RICH[RESPONSES], zero=zero, stream=True)):
        of_responses.validate_python(event)


@pytest.mark.parametrize("format", FORMATS)
def test_our_own_meter_reads_a_stream_told_anew(format: str) -> None:
    reader = WIRES[format].stream(Ask(model="m", stream=True))
    stream = told(format, WHOLE[format], stream=True)
    assert reader.feed(stream) + reader.finish() == stream
    assert reader.complete
    plain = WIRES[format].read(WHOLE[format], Ask(model="m"))
    assert reader.reading().usage == plain.usage


# --- the simulator

CALLS: list[tuple[str, str, dict[str, Any]]] = [
    (CHAT, "/v1/chat/completions", {"model": "gpt-4o-mini", "messages": ASKED, "stream_options": {"include_usage": True}}),
    (CHAT, "/v1/chat/completions", {
        "model": "deepseek-reasoner", "messages": ASKED, "stream_options": {"include_usage": True}}),
    (CHAT, "/v1/chat/completions", {"model": "gpt-5", "messages": ASKED, "stream_options": {"include_usage": True},
        "response_format": {"type": "json_object"}}),
    (RESPONSES, "/v1/responses", {"model": "gpt-5", "input": "What is a farthing?", "reasoning": {"summary": "auto"}}),
    (RESPONSES, "/v1/responses", {"model": "gpt-4o", "input": ASKED, "store": False, "metadata": {"a": "b"}}),
    (MESSAGES, "/v1/messages", {"model": "claude-haiku-4-5", "max_tokens": 5000, "messages": ASKED}),
    (MESSAGES, "/v1/messages", {"model": "claude-sonnet-4-5", "max_tokens": 5000, "messages": ASKED,
        "thinking": {"type": "enabled", "budget_tokens": 2000}}),
]  # fmt: skip
OWN = ("id", "created", "created_at", "completed_at", "signature")


@pytest.mark.parametrize(("format", "path", "body"), CALLS, ids=lambda value: str(value)[:60])
async def test_a_stream_of_the_simulator_amounts_to_its_plain_answer(
    format: str, path: str, body: dict[str, Any]
) -> None:
    pytest.importorskip("rs_bpe", reason="the extra `tokens` is not installed")
    headers = {"authorization": "Bearer any", "x-api-key": "any", "anthropic-version": "2023-06-01"}
    async with (
        running(SimulatorSettings(seed=3)) as url,
        httpx2.AsyncClient(base_url=url, headers=headers, verify=False) as client,
    ):
        stream = await client.post(path, json={**body, "stream": True})
        asked = {name: value for name, value in body.items() if name != "stream_options"}
        plain = await client.post(path, json=asked)
    assert (stream.status_code, plain.status_code) == (200, 200), plain.text
    assert storable(format, plain.content)
    for piece in (0, 97):
        found = collected(format, stream.content, piece)
        assert found is not None
        assert storable(format, dump(found))
        assert without_own(gist(found)) == without_own(gist(plain.json()))
    again = collected(format, told(format, dump(found), stream=True))
    assert without_own(gist(again)) == without_own(gist(json.loads(told(format, plain.content))))


def without_own(value: Any) -> Any:
    """Without what two equal answers differ in."""
    if isinstance(value, dict):
        return {name: without_own(each) for name, each in value.items() if name not in OWN}
    return [without_own(each) for each in value] if isinstance(value, list) else value


# --- whatever comes


def test_formats_that_have_no_answers_to_tell_anew() -> None:
    assert not storable("openai.embeddings", b"{}")
    assert not storable("never.heard", WHOLE[CHAT])
    with pytest.raises(KeyError):
        whole_from_stream("openai.embeddings")
    with pytest.raises(KeyError):
        told("anthropic.count_tokens", b"{}")


PLACES = [(format, path) for format in FORMATS for path in places(json.loads(RICH[format]))]


@given(st.sampled_from(PLACES), TREES, st.booleans())
def test_an_answer_is_told_anew_or_refused(place: tuple[str, tuple[Any, ...]], value: Any, stream: bool) -> None:
    format, path = place
    whole = dump(changed(json.loads(RICH[format]), path, value))
    kept = storable(format, whole)
    try:
        answer = told(format, whole, stream=stream)
    except ValueError:
        assert not kept
        return
    assert kept
    if stream:
        collected(format, answer)


@given(st.sampled_from(FORMATS), st.data())
def test_a_collector_never_raises(format: str, data: st.DataObject) -> None:
    carried = [json.dumps(each) for each in events(told(format, RICH[format], stream=True)) if each != "[DONE]"]
    at = data.draw(st.integers(0, len(carried) - 1))
    event = json.loads(carried[at])
    path = data.draw(st.sampled_from(list(places(event))))
    carried[at] = json.dumps(changed(event, path, data.draw(TREES)))
    stream = "".join(f"data: {each}\n\n" for each in carried).encode()
    whole = whole_from_stream(format)
    whole.feed(stream)
    found = whole.result()
    if found is not None:
        storable(format, found)


@given(st.sampled_from(FORMATS), st.binary(max_size=99))
def test_bytes_that_mean_nothing(format: str, data: bytes) -> None:
    assert not storable(format, data)
    collector = whole_from_stream(format)
    collector.feed(data)
    assert collector.result() is None


@pytest.mark.parametrize("format", FORMATS)
def test_answers_nested_too_deep(format: str) -> None:
    deep = b'{"a":' * 990 + b"1" + b"}" * 990
    whole = WHOLE[format][:-1] + b',"usage":' + deep + b"}"
    for stream in (False, True):
        with contextlib.suppress(ValueError):
            told(format, whole, stream=stream, zero=True)


def test_a_stream_that_is_too_long_is_let_go() -> None:
    collector = whole_from_stream(CHAT)
    stream = told(CHAT, WHOLE[CHAT], stream=True)
    collector.feed(b": " + b"x" * LONGEST_STREAM + b"\n\n")
    collector.feed(stream)
    assert collector.result() is None
