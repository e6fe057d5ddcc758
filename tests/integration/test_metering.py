"""Streams that end badly, clients that leave, answers without usage: what is booked, and that nobody is fooled."""

import json
import time
from typing import Any

import anthropic
import httpx2
import openai
import pytest

from hostile.raw import line, request
from integration import rates
from integration.callers import AsyncCaller, Caller
from integration.gateways import Gateway, eventually
from integration.test_relay import USAGE_EVENT, chat_event
from integration.upstreams import END, Recorder, Simulator, chunk, events, whole

GPT, CLAUDE, NANO, HASTY = "gpt-4o-mini", "claude-haiku-4-5", "gpt-4.1-nano", "gpt-4-turbo"
BROKEN: tuple[type[Exception], ...] = (openai.APIError, anthropic.APIError)


def asked(text: str) -> list:
    return [{"role": "user", "content": text}]


def told(caller: Caller, wire: str, text: str, *, stream: bool) -> str:
    """Ask in one of three wires; gives the answer's id."""
    if wire == "chat":
        answer: Any = caller.openai.chat.completions.create(model=GPT, messages=asked(text), stream=stream)
    elif wire == "responses":
        answer = caller.openai.responses.create(model=GPT, input=text, stream=stream)
    else:
        answer = caller.anthropic.messages.create(model=CLAUDE, max_tokens=400, messages=asked(text), stream=stream)
    if not stream:
        return answer.id
    with answer:
        first, *_ = list(answer)
    return first.id if wire == "chat" else (first.response if wire == "responses" else first.message).id


def true_cost(provider: Simulator, answer_id: str, model: str) -> int:
    """By what the provider itself charges."""
    spent: Any = provider.line(answer_id)["spent"]
    counts = {"input": spent["prompt"] - spent["cache_read"] - spent["w5m"] - spent["w1h"], "output": spent["output"]}
    return rates.nano(model, cached=spent["cache_read"], w5m=spent["w5m"], w1h=spent["w1h"], **counts)


SHAPES = [
    ("chat", "usage-with-choices"), ("chat", "usage-twice"), ("chat", "usage-everywhere"),
    ("messages", "usage-output-only"), ("messages", "usage-late"), ("messages", "usage-split-late"),
]  # fmt: skip


@pytest.mark.parametrize(("wire", "shape"), SHAPES)
def test_every_habit_of_telling_usage(
    caller: Caller, open_gateway: Gateway, provider: Simulator, wire: str, shape: str
) -> None:
    answer_id = told(caller, wire, f"What is a {shape}? [[simulate: {shape}]]", stream=True)
    record = open_gateway.call(caller.call_id)
    model = GPT if wire == "chat" else CLAUDE
    assert (record["cost"], record["cost_state"]) == (true_cost(provider, answer_id, model), "computed")


@pytest.mark.parametrize("wire", ["chat", "responses", "messages"])
@pytest.mark.parametrize("stream", [False, True])
def test_missing_usage_is_estimated(
    caller: Caller, open_gateway: Gateway, provider: Simulator, wire: str, stream: bool
) -> None:
    answer_id = told(
        caller, wire, "Tell me of the sea, the wind and the ships. [[simulate: missing-usage]]", stream=stream
    )
    record = open_gateway.call(caller.call_id)
    truth = true_cost(provider, answer_id, CLAUDE if wire == "messages" else GPT)
    assert (record["cost_state"], record["outcome"]) == ("estimated", "ok")
    assert truth / 2 < record["cost"] < truth * 2
    assert record["attempts"][0]["estimated"]


@pytest.mark.parametrize("wire", ["chat", "responses", "messages"])
@pytest.mark.parametrize("stream", [False, True])
def test_usage_that_is_zero_or_a_lie_is_booked_as_told(
    caller: Caller, open_gateway: Gateway, provider: Simulator, wire: str, stream: bool
) -> None:
    told(caller, wire, "Nothing? [[simulate: zero-usage]]", stream=stream)
    record = open_gateway.call(caller.call_id)
    assert (record["cost"], record["cost_state"]) == (0, "computed")
    answer_id = told(caller, wire, "Three times? [[simulate: lying-usage=3]]", stream=stream)
    record = open_gateway.call(caller.call_id)
    truth = true_cost(provider, answer_id, CLAUDE if wire == "messages" else GPT)
    assert (record["cost"], record["cost_state"]) == (3 * truth, "computed")


@pytest.mark.parametrize("wire", ["chat", "responses", "messages"])
@pytest.mark.parametrize("fault", ["cut-stream=4", "malformed-json,cut-stream=8"])
def test_a_cut_stream_is_an_error_for_the_client(caller: Caller, open_gateway: Gateway, wire: str, fault: str) -> None:
    with pytest.raises((*BROKEN, ValueError)) as found:
        told(caller, wire, f"What is a wreck? [[simulate: {fault}]]", stream=True)
    record = open_gateway.call(caller.call_id)
    if "malformed" not in fault:
        assert isinstance(found.value, BROKEN)
        assert "ended the stream" in str(found.value) or "closed the connection" in str(found.value)
        assert (record["outcome"], record["cost_state"], record["cost"]) == ("broken", "unknown", 0)
        assert record["attempts"][0]["usage"]["out"] > 0, (
            "what passed is kept, for whoever settles it with the provider"
        )


def test_a_cut_stream_with_the_helpers(caller: Caller) -> None:
    with (
        pytest.raises(openai.APIError),
        caller.openai.chat.completions.stream(
            model=GPT, messages=asked("A wreck? [[simulate: cut-stream=3]]")
        ) as stream,
    ):
        stream.get_final_completion()
    with (
        pytest.raises(openai.APIError),
        caller.openai.responses.stream(model=GPT, input="A wreck? [[simulate: cut-stream=3]]") as stream_too,
    ):
        stream_too.get_final_response()
    with (
        pytest.raises(anthropic.APIError),
        caller.anthropic.messages.stream(
            model=CLAUDE, max_tokens=99, messages=asked("A wreck? [[simulate: cut-stream=3]]")
        ) as stream_three,
    ):
        stream_three.get_final_message()


@pytest.mark.parametrize("wire", ["chat", "messages"])
def test_an_error_inside_a_stream_is_the_providers(caller: Caller, open_gateway: Gateway, wire: str) -> None:
    with pytest.raises(BROKEN) as found:
        told(caller, wire, "A storm? [[simulate: overloaded-midstream=3]]", stream=True)
    assert "overloaded" in str(found.value).lower(), "the provider's words, not ours"
    record = open_gateway.call(caller.call_id)
    assert (record["outcome"], record["cost_state"], record["cost"]) == ("broken", "unknown", 0)
    assert "error inside the stream" in record["error"]


def test_an_error_inside_a_streamed_response(caller: Caller, open_gateway: Gateway) -> None:
    """The SDK gives the provider's error as an event; then the provider hangs up, and the SDK raises."""
    kinds: list[str] = []
    with (
        pytest.raises(openai.APIError),
        caller.openai.responses.create(
            model=GPT, input="A storm? [[simulate: overloaded-midstream=3]]", stream=True
        ) as stream,
    ):
        kinds.extend(event.type for event in stream)
    assert kinds[-1] == "error"
    assert open_gateway.call(caller.call_id)["outcome"] == "broken"


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages"])
def test_nothing_is_added_to_an_error_of_the_provider(open_gateway: Gateway, tape: Recorder, path: str) -> None:
    if path == "/v1/messages":
        model, failed = (
            "claude-3-5-haiku-latest",
            b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error"}}\n\n',
        )
    else:
        model, failed = NANO, b'data: {"error":{"message":"The engine is overloaded","type":"server_error"}}\n\n'
    tape.answers(events(), chunk(failed), END)
    answer = open_gateway.post(path, {"model": model, "max_tokens": 9, "messages": asked("Hi"), "stream": True})
    assert answer.content == failed
    record = open_gateway.call(answer.headers["x-farthing-call-id"])
    assert (record["outcome"], record["cost_state"]) == ("broken", "unknown")


def test_a_provider_that_falls_silent_in_a_stream(caller: Caller, open_gateway: Gateway, tape: Recorder) -> None:
    tape.answers(events(), chunk(chat_event("one ")), chunk(chat_event("two ")), 60.0)
    with pytest.raises(openai.APIError, match="in time"):
        list(caller.openai.chat.completions.create(model=HASTY, messages=asked("Count."), stream=True))
    record = open_gateway.call(caller.call_id)
    assert (record["outcome"], record["cost_state"]) == ("broken", "unknown")
    assert record["attempts"][0]["outcome"] == "timeout"


def test_a_client_that_leaves_is_estimated_and_the_provider_told(
    caller: Caller, open_gateway: Gateway, tape: Recorder
) -> None:
    words = [piece for n in range(1000) for piece in (chunk(chat_event(f"word{n} ")), 0.05)]
    tape.answers(events(), *words, END)
    stream = caller.openai.chat.completions.create(model=NANO, messages=asked("Count to a thousand."), stream=True)
    for seen, _ in enumerate(stream):
        if seen == 9:
            break
    stream.close()
    record = open_gateway.call(caller.call_id)
    assert (record["outcome"], record["cost_state"], record["status"]) == ("left", "estimated", 200)
    usage = record["attempts"][0]["usage"]
    assert 8 <= usage["out"] <= 800, "about ten words, two tokens each, had passed, and not all of them"
    assert record["cost"] == rates.nano(NANO, input=usage["uncached_in"], output=usage["out"]) > 0
    eventually(lambda: tape.left, "the provider sees that nobody reads on")


@pytest.mark.parametrize("wire", ["chat", "responses", "messages"])
def test_a_client_that_leaves_an_endless_stream(caller: Caller, open_gateway: Gateway, wire: str) -> None:
    text = "Without end? [[simulate: endless=0.005]]"
    if wire == "chat":
        stream: Any = caller.openai.chat.completions.create(model=GPT, messages=asked(text), stream=True)
    elif wire == "responses":
        stream = caller.openai.responses.create(model=GPT, input=text, stream=True)
    else:
        stream = caller.anthropic.messages.create(model=CLAUDE, max_tokens=400, messages=asked(text), stream=True)
    for seen, _ in enumerate(stream):
        if seen == 12:
            break
    stream.close()
    record = open_gateway.call(caller.call_id)
    assert (record["outcome"], record["cost_state"]) == ("left", "estimated")
    assert record["cost"] > 0
    assert record["attempts"][0]["usage"]["out"] > 3


async def test_an_async_client_that_is_cancelled(acaller: AsyncCaller, open_gateway: Gateway) -> None:
    stream = await acaller.openai.chat.completions.create(
        model=GPT, messages=asked("Without end? [[simulate: endless=0.005]]"), stream=True
    )
    async for chunk_ in stream:
        if chunk_.choices[0].delta.content:
            break
    await stream.close()
    record = open_gateway.call(acaller.call_id)
    assert (record["outcome"], record["cost_state"]) == ("left", "estimated")


def test_a_client_that_leaves_near_the_end_is_booked_exactly(
    caller: Caller, open_gateway: Gateway, tape: Recorder
) -> None:
    tape.answers(
        events(), chunk(chat_event("all of it")), chunk(chat_event(finish="stop")), 0.3, chunk(USAGE_EVENT),
        chunk(b"data: [DONE]\n\n"), END,
    )  # fmt: skip
    stream = caller.openai.chat.completions.create(model=NANO, messages=asked("All?"), stream=True)
    for event in stream:
        if event.choices[0].finish_reason:
            break
    stream.close()
    record = open_gateway.call(caller.call_id)
    assert (record["outcome"], record["cost_state"], record["cost"]) == ("ok", "computed", 14_000)
    assert not tape.left


def test_a_client_that_leaves_a_message_near_the_end(caller: Caller, open_gateway: Gateway, tape: Recorder) -> None:
    usage = {"input_tokens": 100, "output_tokens": 1}
    start = {"type": "message_start", "message": {"id": "m", "type": "message", "role": "assistant", "content": [],
             "model": "claude-3-5-haiku-20241022", "usage": usage}}  # fmt: skip
    ending = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 10}}
    tape.answers(
        events(), chunk(message_event(start)), chunk(message_event(ending)), 0.3,
        chunk(message_event({"type": "message_stop"})), END,
    )  # fmt: skip
    stream = caller.anthropic.messages.create(
        model="claude-3-5-haiku-latest", max_tokens=99, messages=asked("All?"), stream=True
    )
    for event in stream:
        if event.type == "message_delta":
            break
    stream.close()
    record = open_gateway.call(caller.call_id)
    assert (record["outcome"], record["cost_state"], record["cost"]) == ("left", "computed", 120_000)
    assert not tape.left


def message_event(event: dict[str, Any]) -> bytes:
    return f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode()


def test_a_client_that_leaves_a_plain_call(open_gateway: Gateway, tape: Recorder) -> None:
    """It is read to its end: the provider bills it all, and tells the usage only there."""
    usage = {"prompt_tokens": 100, "completion_tokens": 10}
    tape.answers(0.4, whole({"model": NANO, "usage": usage, "choices": []}))
    body = {"model": NANO, "messages": asked("Anyone?"), "user": "runaway"}
    with line(open_gateway.url) as client:
        client.send(request(json.dumps(body).encode()))
        eventually(lambda: tape.requests, "the provider is asked")

    def reported() -> Any:
        rows = open_gateway.farthing_json("report", "--by", "user")["rows"]
        return [row for row in rows if row["user"] == "runaway"]

    (row,) = eventually(reported, "the call is booked")
    assert (row["calls"], row["cost"]["nano_dollars"]) == (1, 14_000)


@pytest.mark.parametrize("fault", ["html", "empty-body", "malformed-json", "truncated-body"])
def test_a_200_that_makes_no_sense_is_relayed_and_estimated(
    open_gateway: Gateway, provider: Simulator, fault: str
) -> None:
    body = {"model": GPT, "messages": asked(f"Sense? [[simulate: {fault}]]")}
    answer = open_gateway.post("/v1/chat/completions", body, content_type="application/json")
    direct = httpx2.post(
        f"{provider.url}/v1/chat/completions", json=body, headers={"authorization": "Bearer x"}, timeout=60
    )
    assert answer.status_code == 200
    if fault in ("html", "empty-body"):
        assert answer.content == direct.content
    record = open_gateway.call(answer.headers["x-farthing-call-id"])
    assert record["cost_state"] == "estimated"
    assert record["cost"] > 0


def test_latency_is_in_the_record(caller: Caller, open_gateway: Gateway) -> None:
    started = time.monotonic()
    told(caller, "chat", "Slowly? [[simulate: slow-first-byte=0.3]]", stream=True)
    took_us = (time.monotonic() - started) * 1e6
    record = open_gateway.call(caller.call_id)
    assert 300_000 <= record["first_byte_us"] <= record["duration_us"] <= took_us


def test_a_clients_trace_is_kept(caller: Caller, open_gateway: Gateway) -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    caller.openai.chat.completions.create(model=GPT, messages=asked("Trace?"), extra_headers={"traceparent": trace})
    assert open_gateway.call(caller.call_id)["trace"] == trace
