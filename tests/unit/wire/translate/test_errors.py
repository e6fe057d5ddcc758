"""Error bodies of providers in the other format."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from .samples import CHAT_ON_CLAUDE, CLAUDE_ON_CHAT


def _claude_error(kind: str, message: str = "No.") -> bytes:
    return json.dumps({"type": "error", "error": {"type": kind, "message": message}, "request_id": "r"}).encode()


def _chat_error(**fields: Any) -> bytes:
    return json.dumps({"error": {"message": "No.", "type": None, "param": None, "code": None, **fields}}).encode()


@pytest.mark.parametrize(
    ("status", "kind", "type_", "code"),
    [
        (400, "invalid_request_error", "invalid_request_error", None),
        (401, "authentication_error", "authentication_error", "invalid_api_key"),
        (400, "billing_error", "insufficient_quota", "insufficient_quota"),
        (403, "permission_error", "permission_error", None),
        (404, "not_found_error", "not_found_error", None),
        (413, "request_too_large", "invalid_request_error", "request_too_large"),
        (429, "rate_limit_error", "rate_limit_error", "rate_limit_exceeded"),
        (500, "api_error", "server_error", None),
        (504, "timeout_error", "timeout_error", "timeout"),
        (529, "overloaded_error", "server_error", "overloaded"),
        (429, "novel_error", "rate_limit_error", "rate_limit_exceeded"),
        (418, "novel_error", "invalid_request_error", None),
    ],
)
def test_errors_of_claude(status: int, kind: str, type_: str, code: str | None) -> None:
    assert json.loads(CHAT_ON_CLAUDE.error(status, _claude_error(kind))) == {
        "error": {"message": "No.", "type": type_, "param": None, "code": code}
    }


@pytest.mark.parametrize(
    ("status", "fields", "kind"),
    [
        (400, {"type": "invalid_request_error", "code": "context_length_exceeded"}, "invalid_request_error"),
        (401, {"type": "invalid_request_error", "code": "invalid_api_key"}, "authentication_error"),
        (403, {}, "permission_error"),
        (403, {"type": "invalid_request_error", "code": "unsupported_country"}, "permission_error"),
        (404, {"code": "model_not_found"}, "not_found_error"),
        (404, {"type": "invalid_request_error", "code": "model_not_found"}, "not_found_error"),
        (413, {}, "request_too_large"),
        (429, {"type": "requests", "code": "rate_limit_exceeded"}, "rate_limit_error"),
        (429, {"type": "insufficient_quota", "code": "insufficient_quota"}, "billing_error"),
        (500, {"type": "server_error"}, "api_error"),
        (503, {"type": "server_error"}, "api_error"),
        (529, {"type": "server_error"}, "overloaded_error"),
    ],
)
def test_errors_of_chat_providers(status: int, fields: dict[str, Any], kind: str) -> None:
    assert json.loads(CLAUDE_ON_CHAT.error(status, _chat_error(**fields))) == {
        "type": "error",
        "error": {"type": kind, "message": "No."},
    }


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"error": "plain"}', "plain"), (b'[{"error": {"message": "listed"}}]', "listed"),
        (b'{"detail": "detailed"}', "detailed"), (b'{"message": "bare"}', "bare"), (b"<h1>Bad gateway</h1>", "<h1>Bad gateway</h1>"),
        (b"", "the provider answered with status 502 and an empty body"), (b"\xff\xfe", "��"),
    ],
)  # fmt: skip
def test_the_message_is_found_wherever_it_is(body: bytes, message: str) -> None:
    assert json.loads(CLAUDE_ON_CHAT.error(502, body))["error"]["message"] == message
    assert json.loads(CHAT_ON_CLAUDE.error(502, body))["error"]["message"] == message


@given(
    st.integers(0, 600), st.binary(max_size=60) | st.sampled_from([b"[" * 100_000, b'{"error":{"message":"\\ud800"}}'])
)
def test_any_body_becomes_an_error(status: int, body: bytes) -> None:
    assert json.loads(CHAT_ON_CLAUDE.error(status, body))["error"]["message"]
    assert json.loads(CLAUDE_ON_CHAT.error(status, body))["error"]["message"]


def test_long_pages_are_cut() -> None:
    assert len(CHAT_ON_CLAUDE.error(502, b"x" * 1_000_000)) < 5000
