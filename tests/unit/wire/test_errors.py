import json

import pytest

from farthing.model import errors as model_errors
from farthing.model.errors import (
    BadRequest,
    FarthingError,
    NotAllowed,
    NotAuthenticated,
    RateLimited,
    RequestTimeout,
    TooLarge,
    Unavailable,
    UnknownModel,
    UpstreamError,
    UpstreamTimeout,
    WrongMethod,
)
from farthing.wire import FORMATS

EVERY = [
    kind
    for kind in vars(model_errors).values()
    if isinstance(kind, type) and issubclass(kind, FarthingError) and kind is not FarthingError
]

OF_JOBS = (model_errors.StillWaiting, model_errors.Expired, model_errors.Cancelled)


@pytest.mark.parametrize(
    ("error", "openai", "anthropic"),
    [
        (BadRequest("x"), "invalid_request_error", "invalid_request_error"),
        (NotAuthenticated("x"), "authentication_error", "authentication_error"),
        (NotAllowed("x"), "permission_error", "permission_error"),
        (UnknownModel("x"), "not_found_error", "not_found_error"),
        (WrongMethod("x"), "invalid_request_error", "invalid_request_error"),
        (RequestTimeout("x"), "timeout_error", "timeout_error"),
        (TooLarge("x"), "invalid_request_error", "request_too_large"),
        (RateLimited("x"), "rate_limit_error", "rate_limit_error"),
        (UpstreamError("x"), "server_error", "api_error"),
        (Unavailable("x"), "server_error", "overloaded_error"),
        (UpstreamTimeout("x"), "server_error", "timeout_error"),
    ],
)
def test_types_of_each_family(error: FarthingError, openai: str, anthropic: str) -> None:
    assert json.loads(FORMATS["openai.chat"].error(error, "id"))["error"]["type"] == openai
    assert json.loads(FORMATS["anthropic.messages"].error(error, "id"))["error"]["type"] == anthropic


@pytest.mark.parametrize("kind", EVERY)
@pytest.mark.parametrize("format", FORMATS.values(), ids=FORMATS)
def test_every_error_can_be_said_in_every_format(kind: type[FarthingError], format: object) -> None:
    text = 'quotes " and \n lines'
    error = kind(text, job="job-1") if kind in OF_JOBS else kind(text, param="model")  # type: ignore[call-arg]
    found = json.loads(FORMATS[format.name].error(error, "call_1"))  # type: ignore[attr-defined]
    assert found["error"]["message"] == 'quotes " and \n lines'


def test_the_shape_of_openai() -> None:
    assert json.loads(FORMATS["openai.responses"].error(BadRequest("x", param="model"), "call_1")) == {
        "error": {
            "message": "x", "type": "invalid_request_error", "param": "model", "code": "invalid_request",
            "call_id": "call_1",
        }
    }  # fmt: skip


def test_the_shape_of_anthropic() -> None:
    assert json.loads(FORMATS["anthropic.count_tokens"].error(RateLimited("x"), "call_1")) == {
        "type": "error",
        "error": {"type": "rate_limit_error", "message": "x", "details": {"error_code": "rate_limit_exceeded"}},
        "request_id": "call_1",
    }


def test_events_inside_a_stream() -> None:
    error = UpstreamError("gone")
    chat = FORMATS["openai.chat"].error_event(error, "id")
    assert chat.startswith(b'\n\ndata: {"error":') and chat.endswith(b"}}\n\ndata: [DONE]\n\n")
    responses = FORMATS["openai.responses"].error_event(error, "id")
    kind, data = responses.strip().split(b"\n")
    assert kind == b"event: error" and json.loads(data[6:])["type"] == "error"
    assert json.loads(data[6:])["error"]["message"] == "gone"
    messages = FORMATS["anthropic.messages"].error_event(error, "id")
    kind, data = messages.strip().split(b"\n")
    assert kind == b"event: error" and json.loads(data[6:])["error"]["type"] == "api_error"
    for event in (responses, messages):
        assert event.startswith(b"\n\n") and event.endswith(b"\n\n")
