"""Errors as the SDKs raise them: the provider's own with its status and words, and ours with the right type.

SDKs retry by status, so requests are counted: what a retry cannot help is not sent again.
"""

from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from typing import Any

import anthropic
import httpx2
import openai
import pytest

from integration.callers import TIMEOUT_S, AsyncCaller, Caller
from integration.gateways import Gateway
from integration.upstreams import Recorder, Simulator, whole

GPT, CLAUDE = "gpt-4o-mini", "claude-haiku-4-5"

OF_PROVIDER = [
    (400, openai.BadRequestError, anthropic.BadRequestError, "invalid_request_error"),
    (401, openai.AuthenticationError, anthropic.AuthenticationError, "authentication_error"),
    (403, openai.PermissionDeniedError, anthropic.PermissionDeniedError, "permission_error"),
    (404, openai.NotFoundError, anthropic.NotFoundError, "not_found_error"),
    (408, openai.APIStatusError, anthropic.RequestTimeoutError, "timeout_error"),
    (409, openai.ConflictError, anthropic.ConflictError, "conflict_error"),
    (413, openai.APIStatusError, anthropic.ContentTooLargeError, "request_too_large"),
    (422, openai.UnprocessableEntityError, anthropic.UnprocessableEntityError, "invalid_request_error"),
    (429, openai.RateLimitError, anthropic.RateLimitError, "rate_limit_error"),
    (500, openai.InternalServerError, anthropic.InternalServerError, "api_error"),
    (502, openai.InternalServerError, anthropic.InternalServerError, ""),
    (503, openai.InternalServerError, anthropic.ServiceUnavailableError, "api_error"),
    (504, openai.InternalServerError, anthropic.GatewayTimeoutError, ""),
    (529, openai.InternalServerError, anthropic.OverloadedError, "overloaded_error"),
]


def chat(caller: Caller, text: str, model: str = GPT, **more: Any) -> Any:
    return caller.openai.chat.completions.create(model=model, messages=[{"role": "user", "content": text}], **more)


def message(caller: Caller, text: str, model: str = CLAUDE, **more: Any) -> Any:
    messages: Any = [{"role": "user", "content": text}]
    return caller.anthropic.messages.create(model=model, max_tokens=99, messages=messages, **more)


@pytest.fixture
def patient(open_gateway: Gateway) -> Iterator[Caller]:
    """SDKs that retry twice, as they do by default."""
    made = Caller(open_gateway.url, max_retries=2)
    yield made
    made.close()


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("status", "raised", "_", "__"), OF_PROVIDER[:-1])  # OpenAI knows no 529
def test_the_providers_errors_openai(
    caller: Caller,
    open_gateway: Gateway,
    provider: Simulator,
    status: int,
    raised: type,
    _: type,
    __: str,
    stream: bool,
) -> None:
    fault = f"[[simulate: status-{status}]]"
    with pytest.raises(raised) as found:
        chat(caller, f"Hello {fault}", stream=stream)
    error = found.value
    assert isinstance(error, openai.APIStatusError)
    assert error.status_code == status
    direct = _direct(provider.url, status)
    assert error.response.content == direct.content, "the provider's own body"
    assert error.response.headers["content-type"] == direct.headers["content-type"]
    assert error.request_id == error.response.headers.get("x-request-id")
    record = open_gateway.call(caller.call_id)
    assert (record["status"], record["outcome"], record["cost"], record["cost_state"]) == (
        status,
        "error",
        0,
        "computed",
    )
    assert (record["attempts"][0]["status"], record["attempts"][0]["outcome"]) == (status, "error")


@pytest.mark.parametrize(("status", "_", "raised", "kind"), OF_PROVIDER)
def test_the_providers_errors_anthropic(
    caller: Caller, open_gateway: Gateway, status: int, _: type, raised: type, kind: str
) -> None:
    with pytest.raises(raised) as found:
        message(caller, f"Hello [[simulate: status-{status}]]")
    error = found.value
    assert isinstance(error, anthropic.APIStatusError)
    assert error.status_code == status
    if kind:
        assert error.type == kind
        assert error.body["request_id"] == error.request_id, "the provider's own"
    record = open_gateway.call(caller.call_id)
    assert (record["status"], record["outcome"], record["cost"]) == (status, "error", 0)


async def test_the_providers_errors_async(acaller: AsyncCaller) -> None:
    messages: Any = [{"role": "user", "content": "Hello [[simulate: status-429=7]]"}]
    with pytest.raises(openai.RateLimitError) as found:
        await acaller.openai.chat.completions.create(model=GPT, messages=messages)
    assert found.value.response.headers["retry-after"] == "7"
    with pytest.raises(anthropic.RateLimitError) as found_too:
        await acaller.anthropic.messages.create(model=CLAUDE, max_tokens=9, messages=messages)
    assert found_too.value.response.headers["retry-after"] == "7"


def test_a_quota_that_is_used_up_keeps_its_code(caller: Caller) -> None:
    with pytest.raises(openai.RateLimitError) as found:
        chat(caller, "Hello [[simulate: insufficient-quota]]")
    assert found.value.code == "insufficient_quota"


def test_what_the_provider_cannot_do_now_is_tried_again_before_the_sdk_hears_of_it(
    patient: Caller, open_gateway: Gateway
) -> None:
    answer = chat(patient, "Hello once more [[simulate: status-503=0@1]]")
    assert answer.choices[0].message.content
    assert [response.status_code for response in patient.answers] == [200]
    record = open_gateway.call(patient.call_id)
    assert [attempt["outcome"] for attempt in record["attempts"]] == ["error", "ok"]
    assert record["attempts"][0]["cost"] == 0 < record["attempts"][1]["cost"] == record["cost"] == record["baseline"]


def test_the_sdk_retries_what_lasts_longer(patient: Caller, open_gateway: Gateway) -> None:
    answer = chat(patient, "Hello once more [[simulate: status-503=3@1]]")
    assert answer.choices[0].message.content
    assert [response.status_code for response in patient.answers] == [503, 200]
    records = [open_gateway.call(response.headers["x-farthing-call-id"]) for response in patient.answers]
    assert [record["outcome"] for record in records] == ["error", "ok"]
    assert records[0]["cost"] == 0 < records[1]["cost"]


REFUSALS = [
    ("no-such-model", 404, "model_not_found", openai.NotFoundError, anthropic.NotFoundError, "not_found_error"),
    ("openai/gpt-nobody-has-a-price", 400, "model_unpriced", openai.BadRequestError, anthropic.BadRequestError,
     "invalid_request_error"),
    ("", 400, "invalid_request", openai.BadRequestError, anthropic.BadRequestError, "invalid_request_error"),
]  # fmt: skip


@pytest.mark.parametrize(("model", "status", "code", "raised", "raised_too", "kind"), REFUSALS)
def test_refusals_are_typed_and_not_retried(
    patient: Caller, provider: Simulator, model: str, status: int, code: str, raised: type, raised_too: type, kind: str
) -> None:
    billed = provider.requests()
    with pytest.raises(raised) as found:
        chat(patient, "Hello", model=model)
    assert (found.value.status_code, found.value.code) == (status, code)
    with pytest.raises(raised_too) as found_too:
        message(patient, "Hello", model=model)
    assert (found_too.value.status_code, found_too.value.type) == (status, kind)
    assert found_too.value.body["error"]["details"]["error_code"] == code
    assert [response.headers["x-should-retry"] for response in patient.answers] == ["false", "false"]
    assert provider.requests() == billed, "nothing was sent to the provider"
    assert all(response.headers["x-farthing-call-id"] for response in patient.answers)


def test_a_refusal_of_a_stream_is_no_stream(caller: Caller) -> None:
    with pytest.raises(openai.NotFoundError):
        chat(caller, "Hello", model="no-such-model", stream=True)
    with pytest.raises(anthropic.NotFoundError):
        message(caller, "Hello", model="no-such-model", stream=True)


@pytest.mark.parametrize("megabytes", [2, 24])
def test_a_body_that_is_too_large_is_413(patient: Caller, megabytes: int) -> None:
    text = "x" * (megabytes * 1_000_000)
    with pytest.raises(openai.APIStatusError) as found:
        chat(patient, text)
    assert found.value.status_code == 413
    assert found.value.code == "request_too_large"
    with pytest.raises(anthropic.ContentTooLargeError) as found_too:
        message(patient, text)
    assert found_too.value.type == "request_too_large"
    assert len(patient.answers) == 2, "it is not sent again"


def test_a_body_that_does_not_come_is_408(open_gateway: Gateway) -> None:
    web = httpx2.Client(transport=Stalling(), timeout=TIMEOUT_S)
    with web, pytest.raises(openai.APIStatusError) as found:
        openai.OpenAI(
            base_url=f"{open_gateway.url}/v1", api_key="any", max_retries=0, http_client=web
        ).embeddings.create(model="text-embedding-3-small", input="a")
    assert found.value.status_code == 408
    assert found.value.response.headers["x-should-retry"] == "true"


class Stalling(httpx2.BaseTransport):
    """Sends the beginning of each body and no more of it, and reads what the gateway says to that."""

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        body = request.read()
        with closing(HTTPConnection(f"{request.url.host}", request.url.port, timeout=TIMEOUT_S)) as connection:
            connection.putrequest("POST", request.url.path, skip_host=True, skip_accept_encoding=True)
            for name, value in {**request.headers, "content-length": str(len(body))}.items():
                connection.putheader(name, value)
            connection.endheaders(body[:10])
            answer = connection.getresponse()
            return httpx2.Response(answer.status, headers=answer.getheaders(), content=answer.read())


def test_a_provider_that_cannot_be_reached_is_502(caller: Caller, open_gateway: Gateway) -> None:
    with pytest.raises(openai.InternalServerError) as found:
        chat(caller, "Hello", model="gpt-3.5-turbo")
    assert (found.value.status_code, found.value.code) == (502, "upstream_unreachable")
    assert caller.last.headers["x-should-retry"] == "true"
    record = open_gateway.call(caller.call_id)
    assert (record["outcome"], record["cost"], record["cost_state"]) == ("error", 0, "computed"), "nothing was sent"
    assert record["attempts"][0]["outcome"] == "unreachable"
    with pytest.raises(anthropic.InternalServerError):
        message(caller, "Hello", model="gpt-3.5-turbo")


def test_a_provider_that_says_nothing_is_504(caller: Caller, tape: Recorder, open_gateway: Gateway) -> None:
    tape.answers(60.0)
    with pytest.raises(openai.InternalServerError) as found:
        chat(caller, "Hello", model="gpt-4-turbo")
    assert (found.value.status_code, found.value.code) == (504, "upstream_timeout")
    record = open_gateway.call(caller.call_id)
    assert (record["attempts"][0]["outcome"], record["cost_state"]) == ("timeout", "unknown"), "it may be billed"


def test_a_provider_that_closes_without_an_answer_is_502(caller: Caller, tape: Recorder, open_gateway: Gateway) -> None:
    tape.answers(None)
    with pytest.raises(openai.InternalServerError) as found:
        chat(caller, "Hello", model="gpt-4.1-nano")
    assert (found.value.status_code, found.value.code) == (502, "upstream_error")
    record = open_gateway.call(caller.call_id)
    assert (record["attempts"][0]["outcome"], record["cost_state"]) == ("broken", "unknown")


@pytest.mark.parametrize("fault", ["cut-stream", "wrong-length"])
def test_a_plain_answer_that_breaks_off_is_502(caller: Caller, open_gateway: Gateway, fault: str) -> None:
    with pytest.raises(openai.InternalServerError) as found:
        chat(caller, f"Hello [[simulate: {fault}]]")
    assert found.value.status_code == 502
    with pytest.raises(anthropic.InternalServerError):
        message(caller, f"Hello [[simulate: {fault}]]")
    record = open_gateway.call(caller.call_id)
    assert (record["outcome"], record["cost_state"]) == ("error", "unknown")


def test_headers_of_the_providers_errors(caller: Caller, tape: Recorder) -> None:
    body = {"error": {"message": "slow down", "type": "tokens", "param": None, "code": "rate_limit_exceeded"}}
    limits = {
        "retry-after": "3",
        "retry-after-ms": "2500",
        "x-ratelimit-remaining-tokens": "0",
        "x-should-retry": "true",
    }
    tape.answers(whole(body, "429 Too Many Requests", **limits))
    with pytest.raises(openai.RateLimitError) as found:
        chat(caller, "Hello", model="gpt-4.1-nano")
    assert {name: found.value.response.headers[name] for name in limits} == limits
    assert found.value.body == body["error"]


def test_wrong_paths_and_methods(open_gateway: Gateway, caller: Caller) -> None:
    with pytest.raises(openai.NotFoundError):
        caller.openai.fine_tuning.jobs.list()
    with pytest.raises(anthropic.NotFoundError):
        caller.anthropic.get("/v1/messages/nowhere", cast_to=object)
    refused = open_gateway.get("/v1/chat/completions")
    assert (refused.status_code, refused.headers["allow"]) == (405, "POST")


def _direct(url: str, status: int) -> httpx2.Response:
    """The same from the simulator itself."""
    body = {"model": GPT, "messages": [{"role": "user", "content": f"Hi [[simulate: status-{status}]]"}]}
    return httpx2.post(f"{url}/v1/chat/completions", json=body, headers={"authorization": "Bearer x"}, timeout=60)
