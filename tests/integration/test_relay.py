"""Same format on both sides: what the client sent reaches the provider byte for byte, and the answer comes back so."""

import gzip
import json
from typing import Any

import pytest

from integration.callers import Caller
from integration.conftest import PROVIDER_KEY
from integration.gateways import Gateway
from integration.upstreams import END, Recorder, chunk, events, whole

USAGE = {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}
CHAT = (
    b'{ "messages" :[ {"role":"user","content":"caf\\u00e9 \\/ \xc3\xa9 \\ud83d\\ude00"}],\r\n\t"model": "gpt-4.1-nano",'
    b'"temperature":1.0,"top_p":1e0, "x_future":{"b":1,"a":[1.50,null,{}]},"seed":12345678901234567890 }'
)
EMBED = b'{"input":[[1,2,3],[4]] ,"model":"text-embedding-3-large","new_option":true}'
RESPONSE = b'{"model":"gpt-4.1-nano","input":[{"type":"brand_new_item","x":1.0}],"reasoning":{"effort":"galactic"}}'
MESSAGE = (
    b'{"model":"claude-3-5-haiku-latest","max_tokens":100,"messages":[{"role":"user","content":[{"type":"hologram",'
    b'"data":"\\u0041"}]}],"thinking":{"type":"enabled","budget_tokens":2048,"depth":11},"tools":[{"type":"future_20990101"}]}'
)
COUNT = MESSAGE.replace(b'"max_tokens":100,', b"")

BODIES = [
    ("/v1/chat/completions", CHAT),
    ("/v1/embeddings", EMBED),
    ("/v1/responses", RESPONSE),
    ("/v1/messages", MESSAGE),
    ("/v1/messages/count_tokens", COUNT),
]
ANSWER = b'{"weird" : [1.0, 1e3,"\\u00e9\\/"] ,\n "usage":{"prompt_tokens":100, "completion_tokens":10 }, "model":"gpt-4.1-nano"}\n\n'


def post(gateway: Gateway, path: str, body: bytes, **headers: str) -> Any:
    return gateway.request("POST", path, content=body, headers={"content-type": "application/json", **headers})


@pytest.mark.parametrize(("path", "body"), BODIES)
def test_plain_bodies_both_ways(open_gateway: Gateway, tape: Recorder, path: str, body: bytes) -> None:
    tape.answers(whole(ANSWER))
    answer = post(open_gateway, path, body)
    assert tape.bodies == [body]
    assert tape.heads[0][":request"] == f"POST {path} HTTP/1.1"
    assert answer.content == ANSWER


def test_only_the_models_name_is_changed(open_gateway: Gateway, tape: Recorder) -> None:
    tape.answers(whole(ANSWER))
    body = CHAT.replace(b'"gpt-4.1-nano"', b'"recorder/gpt-4.1-nano"')
    post(open_gateway, "/v1/chat/completions", body)
    assert tape.bodies == [CHAT]


def test_a_stream_that_did_not_ask_for_usage_is_asked_for_it(open_gateway: Gateway, tape: Recorder) -> None:
    tape.answers(events(), chunk(b"data: [DONE]\n\n"), END)
    post(open_gateway, "/v1/chat/completions", CHAT.replace(b'"temperature"', b'"stream":true,"temperature"'))
    sent = tape.bodies[0]
    assert json.loads(sent)["stream_options"] == {"include_usage": True}
    assert sent.replace(b'"stream_options":{"include_usage":true},', b"").replace(b'"stream":true,', b"") == CHAT


@pytest.mark.parametrize(
    "asked", [b'"stream":true,"stream_options":{"include_usage":true},', b'"stream_options": {"include_usage" : true } , "stream" : true,']
)  # fmt: skip
def test_a_stream_that_asked_for_usage_is_not_touched(open_gateway: Gateway, tape: Recorder, asked: bytes) -> None:
    tape.answers(events(), chunk(b"data: [DONE]\n\n"), END)
    body = CHAT.replace(b'"temperature"', asked + b'"temperature"')
    post(open_gateway, "/v1/chat/completions", body)
    assert tape.bodies == [body]


def chat_event(content: str | None = None, finish: str | None = None, **more: Any) -> bytes:
    delta = {} if content is None else {"content": content}
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    event = {"id": "c", "object": "chat.completion.chunk", "model": "gpt-4.1-nano", "choices": [choice], **more}
    return b"data: " + json.dumps(event).encode() + b"\n\n"


USAGE_EVENT = b'data: {"id":"c","choices":[],"model":"gpt-4.1-nano","usage":' + json.dumps(USAGE).encode() + b"}\n\n"


@pytest.mark.parametrize("size", [1, 7, 100, 100_000])
@pytest.mark.parametrize("wanted", [True, False])
def test_streams_come_back_as_they_were_cut_anywhere(
    open_gateway: Gateway, tape: Recorder, size: int, wanted: bool
) -> None:
    shown = (
        b": a comment\n\nretry: 5\n\n" + chat_event("caf\u00e9", unknown={"a": 1.0}) + b"event: odd\r\nid: 7\r\ndata: {}\r\n\r\n"
        + chat_event("", "stop")
    )  # fmt: skip
    stream = shown + USAGE_EVENT + b"data: [DONE]\n\n"
    tape.answers(events(), *(chunk(stream[at : at + size]) for at in range(0, len(stream), size)), END)
    options = b'"stream":true,' + (b'"stream_options":{"include_usage":true},' if wanted else b"")
    answer = post(open_gateway, "/v1/chat/completions", CHAT.replace(b'"temperature"', options + b'"temperature"'))
    assert answer.content == (stream if wanted else shown + b"data: [DONE]\n\n")
    record = open_gateway.call(answer.headers["x-farthing-call-id"])
    assert (record["cost"], record["cost_state"]) == (100 * 100 + 10 * 400, "computed")


def test_message_streams_come_back_as_they_were(open_gateway: Gateway, tape: Recorder) -> None:
    usage = b'{"input_tokens":100,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":1}'
    stream = (
        b'event: message_start\ndata: {"type":"message_start","message":{"id":"m","model":"claude-3-5-haiku-20241022","usage":'
        + usage + b'}}\n\nevent: ping\ndata: {"type": "ping"}\n\nevent: from_tomorrow\ndata: {"type":"from_tomorrow","x":1.0}\n\n'
        b'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":10}}\n\n'
        b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
    )  # fmt: skip
    tape.answers(events(), *(chunk(stream[at : at + 50]) for at in range(0, len(stream), 50)), END)
    body = MESSAGE[:-1] + b',"stream":true}'
    answer = post(open_gateway, "/v1/messages", body)
    assert tape.bodies == [body]
    assert answer.content == stream
    record = open_gateway.call(answer.headers["x-farthing-call-id"])
    assert (record["cost"], record["cost_state"]) == (100 * 800 + 10 * 4000, "computed")


def test_unknown_fields_of_the_sdks_reach_the_provider(caller: Caller, tape: Recorder) -> None:
    tape.answers(whole(ANSWER))
    more: dict[str, Any] = {"x_future": {"deep": [1, 2.5, None]}, "reasoning_effort": "galactic"}
    messages: Any = [{"role": "user", "content": "hi"}]
    caller.openai.chat.completions.create(model="gpt-4.1-nano", messages=messages, extra_body=more)
    assert more.items() <= json.loads(tape.bodies[0]).items()
    caller.anthropic.messages.create(
        model="claude-3-5-haiku-latest", max_tokens=9, messages=messages, extra_body={"x_future": [1]}
    )
    assert json.loads(tape.bodies[1])["x_future"] == [1]


def test_what_the_provider_sees_of_the_headers(open_gateway: Gateway, tape: Recorder) -> None:
    tape.answers(whole(ANSWER))
    ours = {
        "authorization": "Bearer fk-clients-own", "x-farthing-user": "ada", "cookie": "a=b", "x-forwarded-for": "1.2.3.4",
        "openai-organization": "org-of-the-client", "x-custom": "1", "idempotency-key": "once", "user-agent": "me",
        "openai-beta": "assistants=v2", "accept-encoding": "gzip", "x-stainless-lang": "python",
    }  # fmt: skip
    post(open_gateway, "/v1/chat/completions", CHAT, **ours)
    head = tape.heads[0]
    assert head["authorization"] == f"Bearer {PROVIDER_KEY}"
    assert (head["idempotency-key"], head["openai-beta"]) == ("once", "assistants=v2")
    assert head["accept-encoding"] == "identity"
    assert set(head) == {
        ":request", "host", "accept-encoding", "content-type", "authorization", "idempotency-key", "openai-beta",
        "content-length",
    }  # fmt: skip


def test_what_an_anthropic_provider_sees_of_the_headers(open_gateway: Gateway, tape: Recorder) -> None:
    tape.answers(whole(ANSWER))
    post(open_gateway, "/v1/messages", MESSAGE, **{"x-api-key": "fk-own", "anthropic-version": "2099-01-01"})
    post(open_gateway, "/v1/messages", MESSAGE, **{"anthropic-beta": "a,b"})
    first, second = tape.heads
    assert (first["x-api-key"], first["anthropic-version"]) == (PROVIDER_KEY, "2099-01-01")
    assert (second["anthropic-version"], second["anthropic-beta"]) == ("2023-06-01", "a,b")
    assert "authorization" not in first and "fk-own" not in str(first)


def test_azure(open_gateway: Gateway, tape: Recorder) -> None:
    tape.answers(whole(ANSWER))
    answer = post(open_gateway, "/v1/chat/completions", CHAT.replace(b"gpt-4.1-nano", b"azure-nano"))
    (head,) = tape.heads
    assert (
        head[":request"] == "POST /openai/deployments/our%20deployment/chat/completions?api-version=2024-10-21 HTTP/1.1"
    )
    assert head["api-key"] == PROVIDER_KEY and "authorization" not in head
    assert tape.bodies == [CHAT.replace(b"gpt-4.1-nano", b"our deployment")]
    record = open_gateway.call(answer.headers["x-farthing-call-id"])
    assert (record["cost"], record["provider"], record["model_asked"]) == (14_000, "azure", "azure-nano")


def test_headers_of_the_answer(open_gateway: Gateway, tape: Recorder) -> None:
    kept = {
        "x-request-id": "req_1",
        "openai-processing-ms": "12",
        "x-ratelimit-remaining-tokens": "9",
        "x-brand-new": "1",
    }
    tape.answers(whole(ANSWER, **kept, **{"set-cookie": "a=b", "server": "cf", "keep-alive": "timeout=5"}))
    answer = post(open_gateway, "/v1/chat/completions", CHAT)
    assert {name: answer.headers[name] for name in kept} == kept
    assert not {"set-cookie", "server", "keep-alive"} & set(answer.headers)
    assert answer.headers["content-type"] == "application/json"


def test_a_provider_that_compresses_although_asked_not_to(open_gateway: Gateway, tape: Recorder) -> None:

    tape.answers(whole(gzip.compress(ANSWER), **{"content-encoding": "gzip"}))
    answer = post(open_gateway, "/v1/chat/completions", CHAT)
    assert answer.content == ANSWER and "content-encoding" not in answer.headers
    record = open_gateway.call(answer.headers["x-farthing-call-id"])
    assert record["cost"] == 14_000
