"""A provider's error body in the shape of the other format. The HTTP status stays; so does the provider's message."""

from typing import Any, NamedTuple

import msgspec

from farthing.wire.lenient import anything, member

_LONGEST_MESSAGE = 4000
"""Characters of a provider's message that are passed on; error pages of proxies can be long."""

_encode = msgspec.json.encode


class Kind(NamedTuple):
    """One kind of error in both formats."""

    messages: str
    chat: str
    code: str | None = None


_INVALID = Kind("invalid_request_error", "invalid_request_error")
_KEY = Kind("authentication_error", "authentication_error", "invalid_api_key")
_BILLING = Kind("billing_error", "insufficient_quota", "insufficient_quota")
_PERMISSION = Kind("permission_error", "permission_error")
_NOT_FOUND = Kind("not_found_error", "not_found_error")
_TIMEOUT = Kind("timeout_error", "timeout_error", "timeout")
_TOO_LARGE = Kind("request_too_large", "invalid_request_error", "request_too_large")
_RATE = Kind("rate_limit_error", "rate_limit_error", "rate_limit_exceeded")
_SERVER = Kind("api_error", "server_error")
_OVERLOADED = Kind("overloaded_error", "server_error", "overloaded")

BY_STATUS = {
    400: _INVALID, 401: _KEY, 402: _BILLING, 403: _PERMISSION, 404: _NOT_FOUND, 405: _INVALID, 408: _TIMEOUT,
    413: _TOO_LARGE, 422: _INVALID, 429: _RATE, 504: _TIMEOUT, 529: _OVERLOADED,
}  # fmt: skip

_KINDS = (
    _INVALID, _KEY, _BILLING, _PERMISSION, _NOT_FOUND, _TIMEOUT, _TOO_LARGE, _RATE, _SERVER, _OVERLOADED,
)  # fmt: skip
_BY_WORD = {kind.chat: kind for kind in reversed(_KINDS)}
_BY_WORD |= {kind.messages: kind for kind in _KINDS}
_BY_WORD |= {kind.code: kind for kind in _KINDS if kind.code}
_BY_WORD |= {"requests": _RATE, "tokens": _RATE, "gateway_timeout_error": _TIMEOUT, "internal_server_error": _SERVER}


def for_chat(status: int, body: bytes | msgspec.Raw) -> bytes:
    """`{"error": {"message", "type", "param", "code"}}` of a Messages provider's error. Never raises."""
    error = _inner(anything(body))
    kind = _kind(status, error)
    return _encode(
        {"error": {"message": _message(status, error, body), "type": kind.chat, "param": None, "code": kind.code}}
    )


def for_messages(status: int, body: bytes | msgspec.Raw) -> bytes:
    """`{"type": "error", "error": {"type", "message"}}` of a chat provider's error. Never raises."""
    error = _inner(anything(body))
    kind = _kind(status, error)
    return _encode({"type": "error", "error": {"type": kind.messages, "message": _message(status, error, body)}})


def _inner(body: Any) -> Any:
    """The object that tells the error; some hosts send it bare, some in a list."""
    if isinstance(body, list) and body:
        body = body[0]
    return body["error"] if isinstance(body, dict) and body.get("error") else body


def _kind(status: int, error: Any) -> Kind:
    """The provider's words, or the status where they are general: OpenAI calls most of what it refuses an
    `invalid_request_error`. Status 0, inside a stream, leaves only the words."""
    for word in (member(error, "code"), member(error, "type")):
        if isinstance(word, str) and word in _BY_WORD:
            found = _BY_WORD[word]
            if found is not _SERVER and not (found is _INVALID and status in BY_STATUS):
                return found
    if status in BY_STATUS:
        return BY_STATUS[status]
    return _INVALID if 400 <= status < 500 else _SERVER


def _message(status: int, error: Any, body: bytes | msgspec.Raw) -> str:
    message = error if isinstance(error, str) else member(error, "message") or member(error, "detail")
    if not isinstance(message, str) or not message:
        message = bytes(body)[: 4 * _LONGEST_MESSAGE].decode(errors="replace").strip()
    if not message:
        message = f"the provider answered with status {status} and an empty body"
    return message[:_LONGEST_MESSAGE]
