"""Whatever a machine can think of: every endpoint by the gateway's own document, and bodies of bytes and of JSON."""

import json
import os
from typing import Any
from urllib.parse import quote

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error

from farthing.gateway.openapi import openapi
from hostile.conftest import sane_log
from hostile.raw import QUESTION, line, request
from integration.gateways import Gateway, eventually

ROUNDS = int(os.environ.get("FARTHING_CHAOS_ROUNDS", "1"))
FEW = settings(
    max_examples=40 * ROUNDS, deadline=None, derandomize=ROUNDS == 1, database=None,
    suppress_health_check=list(HealthCheck), phases=[Phase.generate],
)  # fmt: skip
PATHS = ["/v1/chat/completions", "/v1/messages", "/v1/responses", "/v1/embeddings", "/v1/messages/count_tokens"]
MODELS = ["gpt-4o-mini", "claude-sonnet-4-5", "text-embedding-3-small", "openai/gpt-4o"]

schemathesis.config.suppress = True
schema = schemathesis.openapi.from_dict(openapi())


@pytest.mark.parametrize(
    "operation", [found.ok() for found in schema.get_all_operations()], ids=lambda each: each.label
)
def test_every_endpoint(gate: Gateway, operation: Any) -> None:
    waits = "call_id" in operation.path or operation.path.endswith("/feedback")  # for calls under way
    few = settings(FEW, max_examples=5 * ROUNDS) if waits else FEW

    @few
    @given(operation.as_strategy())
    def never_a_server_error(case: Any) -> None:
        if case.path == "/v1/farthing/keys" and case.method == "POST":
            case.headers["origin"] = "http://evil.example"  # a key that was made would close the gateway to the rest
        response = case.call(base_url=gate.url, timeout=120)
        case.validate_response(response, checks=[not_a_server_error])
        assert response.status_code not in (502, 503, 504), response.text

    never_a_server_error()
    _without_budgets(gate)


def _without_budgets(gate: Gateway) -> None:
    """A budget that a machine thought of may refuse every call of the tests that follow."""
    found = gate.request("GET", "/v1/farthing/budgets").json()["data"]
    made = [budget for budget in found if budget["source"] != "settings"]
    for budget in made:
        name = quote(budget["id"], safe="")
        assert gate.request("DELETE", f"/v1/farthing/budgets/{name}").status_code == 200
    if made:
        _hears_of_budgets(gate)


def _hears_of_budgets(gate: Gateway) -> None:
    """Wait until the gateway has heard of all changes: one that is made now is the last of them."""
    path = "/v1/farthing/budgets/last"
    dry = {"amount": 1000, "scope": {"team": "last"}}
    assert gate.request("PUT", path, json=dry).status_code == 201
    eventually(
        lambda: "'last'" in gate.request("POST", PATHS[0], content=QUESTION, headers={"x-farthing-team": "last"}).text,
        "the gateway has heard of the last budget",
    )
    assert gate.request("DELETE", path).status_code == 200


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(max_size=20)
    | st.sampled_from([10**400, -(10**30), 1e308, "\x00", "\ud800", "user", "assistant", "tool", "text", "image_url"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(
        st.text(max_size=8) | st.sampled_from(["role", "content", "type", "text", "tool_calls", "function", "id", "input"]), inner,
        max_size=4,
    ),
    max_leaves=12,
)  # fmt: skip
FIELDS = [
    "messages", "input", "stream", "stream_options", "max_tokens", "max_completion_tokens", "max_output_tokens", "n", "tools",
    "tool_choice", "response_format", "metadata", "user", "system", "temperature", "stop", "stop_sequences", "thinking",
    "reasoning_effort", "logprobs", "service_tier", "modalities", "audio", "prediction", "parallel_tool_calls",
    "functions", "cache_control", "top_k", "seed", "store", "background", "previous_response_id", "encoding_format", "dimensions",
]  # fmt: skip
MESSAGES = st.lists(
    st.fixed_dictionaries({"role": st.sampled_from(["user", "assistant", "system", "tool", "developer", "x"]), "content": JSON}), max_size=3
)  # fmt: skip


def _answered(gate: Gateway, body: bytes, path: str) -> None:
    with line(gate.url) as client:
        client.send(request(body, path=path))
        said = client.answer()
        assert said is not None and said.status in (200, 400, 403, 404, 413, 422), (body, said)


@pytest.mark.parametrize("path", PATHS)
def test_bodies_of_bytes(gate: Gateway, path: str) -> None:
    @FEW
    @given(st.binary(max_size=300) | st.text(max_size=100).map(lambda text: text.encode("utf-8", "surrogatepass")))
    def answered(body: bytes) -> None:
        _answered(gate, body, path)

    answered()


@pytest.mark.parametrize("path", PATHS)
def test_bodies_of_json(gate: Gateway, path: str) -> None:
    @FEW
    @given(
        st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=10), JSON, max_size=6), st.sampled_from(MODELS),
        MESSAGES, st.booleans(),
    )  # fmt: skip
    def answered(more: dict[str, Any], model: str, messages: list[Any], whole: bool) -> None:
        body = {"model": model, "messages": messages, "input": "x", "max_tokens": 5} if whole else {"model": model}
        _answered(gate, json.dumps(body | more).encode("utf-8", "surrogatepass"), path)

    answered()


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("field", ["messages", "tools", "metadata", "x", "system", "input", "response_format"])
@pytest.mark.parametrize("model", MODELS[:2])
def test_depths(gate: Gateway, path: str, field: str, model: str) -> None:
    """Around the depth where a parser gives up, the next one to read the body may give up too."""
    for depth in (*range(880, 1030, 15), 5_000, 200_000):
        for opening, closing in ((b"[", b"]"), (b'{"content":[', b"]}"), (b'{"a":', b"}")):
            deep = opening * depth + (b"1" if opening.endswith(b":") else b"") + closing * depth
            body = b'{"model":"%b","max_tokens":5,"messages":[{"role":"user","content":"x"}],"%b":%b}' % (
                model.encode(),
                field.encode(),
                deep,
            )
            _answered(
                gate,
                body.replace(b'"messages":[{"role":"user","content":"x"}],', b"") if field == "messages" else body,
                path,
            )


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "body",
    [
        b"", b" ", b"null", b"5", b'"x"', b"[]", b"{}", b"{", b"}", b'{"model":', b'{"model":"gpt-4o-mini"', b"\xff\xfe{}",
        b'\xef\xbb\xbf{"model":"gpt-4o-mini","messages":[]}', b'{"model":"gpt-4o-mini"}{}', b'{"model":"gpt-4o-mini","model":"gpt-4o"}',
        b'{"mod\\u0065l":"gpt-4o-mini","model":"gpt-4o","messages":[]}', b'{"model":"gpt-4o-mini","stream":true,"stream":false}',
        b'{"model":"gpt-4o-mini","messages":[],"temperature":NaN}', b'{"model":"gpt-4o-mini","n":Infinity}', b'{"model":"gpt-4o-mini","n":1e9999}',
        b'{"model":"gpt-4o-mini","max_tokens":' + b"9" * 10_000 + b"}", b'{"model":"gpt-4o-mini","max_tokens":-1}', b'{"model":"\\ud800"}',
        b'{"model":"gpt-4o-mini","messages":"\\ud800\\u0000"}', b'{"model":"gpt-4o-mini","stream":"yes"}', b'{"model":null}', b'{"model":["gpt-4o"]}',
        b'{"model":"gpt-4o-mini","stream_options":{"include_usage":"x"},"stream":true}', b'{"model":"' + b"x" * 100_000 + b'"}',
        b'{"' + b'a":1,"' * 100_000 + b'model":"gpt-4o-mini"}', b'{"model":"gpt-4o-mini","messages":[' + b"{}," * 200_000 + b"{}]}",
        b'{"model":"gpt-4o-mini",' + b'"model" :1,' * 5_000 + b'"x":1}', b'{"model":"gpt-4o-mini","x":"' + b'\\"model\\":' * 50_000 + b'"}',
        b'{"model":"gpt-4o-mini","x":"' + b"\\\\" * 400_000 + b'"}', b'{"model":"gpt-4o-mini","x":' + b" " * 900_000 + b"1}",
        b'{"model":"gpt-4o-mini","x":[' + b'"model":' * 100_000 + b"]}", b'{"model":"gpt-4o-mini","x":{' + b'"model":{' * 800 + b"}" * 801 + b"}",
        b'{"model":"gpt-4o-mini","x":"' + b";base64," * 100_000 + b'"}', b'{"model":"gpt-4o-mini","x":"' + b'\\"data\\" ' * 100_000 + b'"}',
    ],
    ids=range(39),
)  # fmt: skip
def test_bodies_by_hand(gate: Gateway, path: str, body: bytes) -> None:
    _answered(gate, body, path)


def test_the_log_has_no_word_of_it(gate: Gateway) -> None:
    sane_log(gate.log)
    assert "Traceback" not in gate.log
