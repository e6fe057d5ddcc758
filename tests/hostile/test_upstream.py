"""A provider that lies, stalls, floods and breaks off: the client gets the answer or a 502/504, the ledger sane numbers."""

import gzip
import json
import time
from typing import Any

import pytest

from hostile.conftest import calls_under_way, cpu, memory
from hostile.raw import line, request
from integration.gateways import Gateway, eventually
from integration.upstreams import END, Part, Recorder, chunk, events, whole

MODELS = ["gpt-4.1-nano", "gpt-4.1-mini"]
"""Behind the own client and behind aiohttp."""
HASTY = ["gpt-4-turbo", "gpt-4"]
"""The same, with timeouts of a second or so."""
USAGE = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}


def question(model: str = "gpt-4.1-nano", **more: Any) -> bytes:
    asked = {"model": model, "max_tokens": 100, "messages": [{"role": "user", "content": "hi"}]}
    return json.dumps(asked | more).encode()


def answer(**more: Any) -> dict[str, Any]:
    choice = {"index": 0, "message": {"role": "assistant", "content": "Yes."}, "finish_reason": "stop"}
    told = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "gpt-4.1-nano", "choices": [choice]}
    return told | {"usage": USAGE} | more


def delta(text: str = "yes ") -> bytes:
    part = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4.1-nano",
            "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}]}  # fmt: skip
    return b"data: " + json.dumps(part).encode() + b"\n\n"


def asked(gate: Gateway, body: bytes, path: str = "/v1/chat/completions") -> Any:
    return gate.request("POST", path, content=body)


def booked(gate: Gateway, response: Any) -> dict[str, Any]:
    return gate.call(response.headers["x-farthing-call-id"])


HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"

FAULTY: dict[str, tuple[Part, ...]] = {
    "nothing": (None,),
    "not HTTP": (b"SSH-2.0-OpenSSH_9.6\r\n", None),
    "half a head": (HEAD, None),
    "a head without end": (HEAD, *(b"x: " + b"y" * 60_000 + b"\r\n" for _ in range(40)), 1.0),
    "a flood of interim answers": (*(b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n" * 1000 for _ in range(40)), 1.0),
    "another protocol": (b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\nboo", 2.0),
    "too long a length": (HEAD + b"content-length: 5000\r\n\r\n{}", None),
    "two lengths": (HEAD + b"content-length: 2\r\ncontent-length: 3\r\n\r\n{}", None),
    "a bad chunk": (HEAD + b"transfer-encoding: chunked\r\n\r\nzz\r\n{}", None),
    "a cut chunk": (HEAD + b"transfer-encoding: chunked\r\n\r\n5\r\n{}", None),
    "a header with a NUL": (HEAD + b"x: a\x00b\r\ncontent-length: 2\r\n\r\n{}", None),
    "a header with a bare CR": (HEAD + b"x: a\rset-cookie: b\r\ncontent-length: 2\r\n\r\n{}", None),
    "a status beyond HTTP": (b"HTTP/1.1 999 Denied\r\ncontent-length: 2\r\n\r\n{}", None),
    "a status of none": (b"HTTP/1.1 000 Zero\r\ncontent-length: 2\r\n\r\n{}", None),
    "gzip that is none": (HEAD + b"content-encoding: gzip\r\ncontent-length: 2\r\n\r\n{}", None),
    "gzip that is cut": (whole(gzip.compress(json.dumps(answer()).encode())[:-12], content_encoding="gzip"), None),
    "an encoding unknown": (whole(b"\x0b\x02\x80", content_encoding="br"), None),
    "silence": (1.5,),
    "a slow first byte": (0.9, HEAD + b"content-length: 2\r\n\r\n{}", None),
    "a body that stalls": (HEAD + b"content-length: 5000\r\n\r\n{", 1.5),
    "a body that drips": (HEAD + b"content-length: 5000\r\n\r\n", *([b" ", 0.2] * 20)),
    "a redirect": (b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/elsewhere\r\ncontent-length: 0\r\n\r\n", None),
    "a redirect that keeps the method": (
        b"HTTP/1.1 307 Temporary Redirect\r\nlocation: http://127.0.0.1:1/elsewhere\r\ncontent-length: 0\r\n\r\n", None,
    ),
    "not modified": (b"HTTP/1.1 304 Not Modified\r\n\r\n", None),
}  # fmt: skip


@pytest.mark.parametrize(("model", "stream"), [(HASTY[0], False), (HASTY[0], True), (HASTY[1], True)])
@pytest.mark.parametrize("fault", FAULTY)
def test_faults_before_the_answer(gate: Gateway, tape: Recorder, model: str, stream: bool, fault: str) -> None:
    tape.answers(*FAULTY[fault])
    with line(gate.url) as client:
        client.send(request(question(model, stream=stream)))
        said = client.answer()
        assert said is not None and said.status in (502, 504), said
        assert all(name != b"location" for name, _ in said.headers)
        assert len(tape.requests) == 1, "a request that may be billed is not sent twice"
    record = gate.call(said.header(b"x-farthing-call-id").decode())
    assert record["outcome"] in ("error", "broken") and record["cost"] == 0, record


def test_too_short_a_length_ends_the_answer_and_the_connection(gate: Gateway, tape: Recorder) -> None:
    body = json.dumps(answer()).encode()
    tape.answers(
        HEAD + b"content-length: %d\r\n\r\n" % len(body) + body + b'HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n"evil'
    )
    assert asked(gate, question()).json()["choices"][0]["message"]["content"] == "Yes."
    tape.answers(whole(answer()))
    assert asked(gate, question()).json()["choices"][0]["message"]["content"] == "Yes."


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"null", b"[]", b'{"a":', b"\xff\xfe", b"<html>oops</html>", b"[" * 100_000, b'{"usage":' * 5000],
)
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages", "/v1/embeddings"])
def test_bodies_that_are_no_answers(gate: Gateway, tape: Recorder, body: bytes, path: str) -> None:
    """In its own format such a body is the client's to judge; a translation cannot make an answer of it."""
    tape.answers(whole(body))
    embedding = json.dumps({"model": "text-embedding-3-large", "input": "x"}).encode()
    response = asked(gate, embedding if "embeddings" in path else question(), path)
    assert response.status_code == (502 if path == "/v1/messages" else 200)
    assert booked(gate, response)["cost_state"] in ("estimated", "unknown")


@pytest.mark.parametrize(
    "usage",
    [
        '{"prompt_tokens":-5,"completion_tokens":-1,"total_tokens":-6}',
        '{"prompt_tokens":9007199254740992,"completion_tokens":9007199254740992}',
        '{"prompt_tokens":1e300,"completion_tokens":1}',
        '{"prompt_tokens":' + "9" * 400 + ',"completion_tokens":1}',
        '{"prompt_tokens":' + "9" * 5000 + ',"completion_tokens":1}',
        '{"prompt_tokens":NaN,"completion_tokens":Infinity}',
        '{"prompt_tokens":"10","completion_tokens":[1]}',
        '{"prompt_tokens":10,"completion_tokens":1,"prompt_tokens_details":{"cached_tokens":9007199254740992}}',
        '{"prompt_tokens":10,"completion_tokens":1,"cost":-1}',
        '{"prompt_tokens":10,"completion_tokens":1,"cost":1e999}',
        '{"prompt_tokens":10,"completion_tokens":1,"cost":' + "9" * 5000 + "}",
        '{"prompt_tokens":10,"completion_tokens":1,"cost":"\\u0000\\ud800"}',
        '{"prompt_tokens":10,"completion_tokens":1,"cost_in_usd_ticks":9007199254740992}',
        '{"prompt_tokens":10,"completion_tokens":1,"x":' + "[" * 900 + "]" * 900 + "}",
        "[]", '"x"', "0",
    ],
)  # fmt: skip
@pytest.mark.parametrize("stream", [False, True])
def test_usage_that_lies(gate: Gateway, tape: Recorder, usage: str, stream: bool) -> None:
    if stream:
        last = b'data: {"id":"c","object":"chat.completion.chunk","choices":[],"usage":%b}\n\n' % usage.encode()
        tape.answers(events(), chunk(delta()), chunk(last), chunk(b"data: [DONE]\n\n"), END)
    else:
        told = json.dumps(answer(usage="USAGE")).replace('"USAGE"', usage)
        tape.answers(whole(told.encode()))
    response = asked(gate, question(stream=stream))
    assert response.status_code == 200
    eventually(lambda: calls_under_way(gate) == 0, "it is written")
    record = booked(gate, response)
    assert 0 <= record["cost"] <= 10**15 and record["baseline"] == record["cost"]
    assert all(0 <= record[name] <= 10**15 for name in ("in_tokens", "cached_tokens", "out_tokens"))
    assert "is no record" not in gate.log


ODD_NAMES = ["m\x00\x1b[31m\r\nx: y", "\u202e" + "m" * 10_000, 5, None, {"a": []}, "\x9bA", "🙂"]


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages"])
def test_a_served_model_with_an_odd_name(gate: Gateway, tape: Recorder, path: str) -> None:
    for model in ODD_NAMES:
        tape.answers(whole(answer(model=model, service_tier=model, system_fingerprint=model)))
        with line(gate.url) as client:
            client.send(request(question(), path=path))
            said = client.answer()
            assert said is not None and said.status in (200, 502), model
            record = gate.call(said.header(b"x-farthing-call-id").decode())
        assert record["model"].isprintable() and len(record["model"]) <= 256, model
    for shown in ("model", "model,feature"):
        text = gate.farthing("report", "--by", shown).stdout
        assert all(each.isprintable() for each in text.splitlines()), text


def test_headers_that_would_pass_for_ours(gate: Gateway, tape: Recorder) -> None:
    odd = {"x-farthing-cost": "0.000000000", "x-farthing-call-id": "call-fake", "set-cookie": "a=b", "x-odd": "caf\xe9 \t z",
           "location": "http://127.0.0.1:1", "x-request-id": "req-1"}  # fmt: skip
    data = json.dumps(answer()).encode()
    head = "".join(f"{name}: {value}\r\n" for name, value in odd.items())
    tape.answers(HEAD + head.encode("latin-1") + b"content-length: %d\r\n\r\n" % len(data) + data)
    with line(gate.url) as client:
        client.send(request(question()))
        said = client.answer()
        assert said is not None and said.status == 200
    names = [name for name, _ in said.headers]
    assert names.count(b"x-farthing-cost") == names.count(b"x-farthing-call-id") == 1
    assert said.header(b"x-farthing-cost") == b"0.000003000" and said.header(b"x-farthing-call-id") != b"call-fake"
    assert b"set-cookie" not in names and b"location" not in names
    assert said.header(b"x-request-id") == b"req-1" and said.header(b"x-odd") == b"caf\xe9 \t z"


def test_an_error_that_quotes_our_key(gate: Gateway, tape: Recorder) -> None:
    told = {"error": {"message": "Incorrect API key provided: sk-tape.", "type": "invalid_request_error"}}
    tape.answers(whole(told, "401 Unauthorized", www_authenticate="Bearer sk-tape"))
    for path in ("/v1/chat/completions", "/v1/messages"):
        response = asked(gate, question(), path)
        assert response.status_code == 401
        assert "sk-tape" not in response.text + repr(response.headers)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages"])
def test_a_client_leaves_a_stream_without_end(gate: Gateway, tape: Recorder, path: str, model: str) -> None:
    tape.answers(events(), *([chunk(delta()), 0.02] * 1000))
    with line(gate.url) as client:
        client.send(request(question(model, stream=True), path=path))
        assert client.begins(), "the stream is under way"
    eventually(lambda: tape.left == 1, "the provider is told to stop")


@pytest.mark.parametrize("model", MODELS)
def test_a_client_leaves_before_a_stream_without_end_begins(gate: Gateway, tape: Recorder, model: str) -> None:
    tape.answers(0.5, events(), *([chunk(delta()), 0.02] * 1000))
    with line(gate.url) as client:
        client.send(request(question(model, stream=True)))
        eventually(lambda: tape.requests, "the provider is asked")
    eventually(lambda: tape.left == 1, "the provider is told to stop")


def test_a_stream_without_end_ends_at_the_total_limit(gate: Gateway, tape: Recorder) -> None:
    tape.answers(events(), *([chunk(delta()), 0.05] * 1000))
    started = time.monotonic()
    response = asked(gate, question("gpt-3.5-turbo", stream=True))
    assert time.monotonic() - started > 1
    assert "upstream_timeout" in response.text and "[DONE]" in response.text
    assert booked(gate, response)["outcome"] == "broken"


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages"])
def test_a_stream_as_fast_as_it_can(gate: Gateway, tape: Recorder, path: str) -> None:
    """100 MB in a second or so, of which its client reads nothing: the gateway must not keep it all."""
    burst = chunk(delta("yes " * 1000) * 60)
    tape.answers(events(), *([burst] * 400))
    size = memory(gate)
    with line(gate.url) as client:
        client.send(request(question(stream=True), path=path))
        eventually(lambda: tape.requests, "the provider is asked")
        for _ in range(16):
            time.sleep(0.05)
            assert memory(gate) - size < 64 * 2**20
    eventually(lambda: tape.left == 1, "the provider is told to stop")


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages"])
def test_a_line_of_ten_megabytes(gate: Gateway, tape: Recorder, path: str) -> None:
    text = "x" * 10_000_000
    last = b'data: {"id":"c","object":"chat.completion.chunk","model":"m","choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":%b}\n\n'
    data = delta(text)
    pieces = [chunk(data[at : at + 16384]) for at in range(0, len(data), 16384)]
    tape.answers(events(), *pieces, chunk(last % json.dumps(USAGE).encode()), chunk(b"data: [DONE]\n\n"), END)
    before = cpu(gate)
    response = asked(gate, question(stream=True), path)
    assert response.status_code == 200 and text in response.text
    assert cpu(gate) - before < 8
    assert booked(gate, response)["out_tokens"] == 5


@pytest.mark.parametrize(
    "wrong",
    [b"data: {\n\n", b"data: [" + b"[" * 50_000 + b"\n\n", b"data: null\n\n", b"\xff\xfe\x00\n\n", b"data: 5\n\n",
     b'data: {"choices":5}\n\n', b'data: {"choices":[{"delta":{"tool_calls":[{"index":-1}]}}]}\n\n',
     b'data: {"choices":[{"delta":{"tool_calls":[{"index":1e9,"function":{"arguments":"{"}}]}}]}\n\n',
     b'data: {"choices":[{"index":9007199254740992,"delta":{"content":"x"}}]}\n\n',
     b'data: {"error":{"message":"boo"}}\n\n', b"event: x\nid: \x00\nretry: -1\n\n", b"data: [DONE]\n\ndata: [DONE]\n\n"],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages"])
def test_events_that_are_none(gate: Gateway, tape: Recorder, wrong: bytes, path: str) -> None:
    tape.answers(events(), chunk(delta()), chunk(wrong), chunk(b"data: [DONE]\n\n"), END)
    response = asked(gate, question(stream=True), path)
    assert response.status_code in (200, 502)  # 502 where it came before anything could be passed on
    assert booked(gate, response)["outcome"] in ("ok", "broken", "error")


@pytest.mark.parametrize(
    "wrong",
    [b"event: message_start\ndata: {}\n\n", b'event: message_start\ndata: {"type":"message_start","message":5}\n\n',
     b'data: {"type":"content_block_delta","index":99,"delta":{"type":"text_delta","text":"x"}}\n\n',
     b'data: {"type":"content_block_start","index":-1,"content_block":null}\n\n',
     b'data: {"type":"message_delta","delta":null,"usage":{"output_tokens":-3}}\n\n',
     b'data: {"type":"error","error":{"type":"overloaded_error","message":"x"}}\n\n', b"data: {\n\n"],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages"])
def test_events_of_the_other_family_that_are_none(gate: Gateway, tape: Recorder, wrong: bytes, path: str) -> None:
    tape.answers(events(), chunk(wrong), chunk(b'event: message_stop\ndata: {"type":"message_stop"}\n\n'), END)
    response = asked(gate, question("claude-3-5-haiku-20241022", stream=True), path)
    assert response.status_code in (200, 502)
    assert booked(gate, response)["outcome"] in ("ok", "broken", "error")


def test_a_bomb_in_a_compressed_stream(gate: Gateway, tape: Recorder) -> None:
    bomb = gzip.compress(b"data: " + b"x" * 200_000_000 + b"\n\n")
    tape.answers(events(content_encoding="gzip"), chunk(bomb), END)
    size = memory(gate)
    with line(gate.url) as client:
        client.send(request(question(stream=True)))
        eventually(lambda: tape.requests, "the provider is asked")
        most = 0
        for _ in range(12):
            time.sleep(0.05)
            most = max(most, memory(gate) - size)
        assert most < 64 * 2**20, f"it grew by {most >> 20} MiB"


def test_a_tool_call_with_an_odd_name(gate: Gateway, tape: Recorder) -> None:
    call = {"id": "x\r\n", "type": "function", "function": {"name": "a\x00\x1b]0;b\x07", "arguments": "{not json"}}
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": None, "tool_calls": [call]},
        "finish_reason": "x\n",
    }
    for path in ("/v1/chat/completions", "/v1/messages"):
        tape.answers(whole(answer(choices=[choice])))
        assert asked(gate, question(), path).status_code in (200, 502)
