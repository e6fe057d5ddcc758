"""Farthing's own errors in the JSON that the SDKs of each family expect. A provider's error is relayed, never made here.

The SDKs choose their exception by the HTTP status; `type` and `code` are for people and for code that looks closer.
"""

import msgspec

from farthing.model.errors import FarthingError

_OPENAI_TYPES = {
    400: "invalid_request_error", 401: "authentication_error", 402: "insufficient_quota", 403: "permission_error",
    404: "not_found_error", 405: "invalid_request_error", 408: "timeout_error", 413: "invalid_request_error", 429: "rate_limit_error",
    500: "server_error", 502: "server_error", 503: "server_error", 504: "server_error",
}  # fmt: skip
_ANTHROPIC_TYPES = {
    400: "invalid_request_error", 401: "authentication_error", 402: "billing_error", 403: "permission_error",
    404: "not_found_error", 405: "invalid_request_error", 408: "timeout_error", 413: "request_too_large",
    429: "rate_limit_error", 500: "api_error", 502: "api_error", 503: "overloaded_error", 504: "timeout_error",
}  # fmt: skip

QUOTA = "insufficient_quota"
"""OpenAI's word for money that is used up, as type and code: clients that know it do not try again. Ours stands beside it."""

_encode = msgspec.json.encode


def openai_error(error: FarthingError, call_id: str) -> bytes:
    """`{"error": {"message", "type", "param", "code"}}`, with the call's id for whoever asks us about it."""
    return _encode({"error": _openai(error, call_id)})


def openai_chat_event(error: FarthingError, call_id: str) -> bytes:
    """An error chunk, on which the SDK raises, and the end mark. The blank line first closes an event that was cut."""
    return b"\n\ndata: " + openai_error(error, call_id) + b"\n\ndata: [DONE]\n\n"


def openai_responses_event(error: FarthingError, call_id: str) -> bytes:
    """The `error` event of the Responses API; `error` inside it is what makes the SDK raise."""
    inner = _openai(error, call_id)
    event = {
        "type": "error", "code": error.code, "message": error.message, "param": error.param, "sequence_number": 0,
        "error": inner,
    }  # fmt: skip
    return b"\n\nevent: error\ndata: " + _encode(event) + b"\n\n"


def anthropic_error(error: FarthingError, call_id: str) -> bytes:
    """`{"type": "error", "error": {"type", "message", "details"}, "request_id"}`."""
    return _encode(
        {
            "type": "error",
            "error": {
                "type": "billing_error" if error.is_quota else _ANTHROPIC_TYPES.get(error.status, "api_error"),
                "message": error.message,
                "details": {"error_code": error.code},
            },
            "request_id": call_id,
        }
    )


def anthropic_event(error: FarthingError, call_id: str) -> bytes:
    """The `error` event; a stream of this family ends with it."""
    return b"\n\nevent: error\ndata: " + anthropic_error(error, call_id) + b"\n\n"


def _openai(error: FarthingError, call_id: str) -> dict[str, str | None]:
    said = {
        "message": error.message,
        "type": _OPENAI_TYPES.get(error.status, "server_error"),
        "param": error.param,
        "code": error.code,
        "call_id": call_id,
    }
    return said | {"type": QUOTA, "code": QUOTA, "reason": error.code} if error.is_quota else said
