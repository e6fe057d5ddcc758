import json

import pytest

from farthing.wire.opening import beginning, error_of


def chat(**choice: object) -> bytes:
    return b"data: " + json.dumps({"choices": [{"index": 0, **choice}]}).encode() + b"\n\n"


def event(kind: str, **fields: object) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n".encode()


@pytest.mark.parametrize(
    ("wire", "data", "wanted"),
    [
        ("openai.chat", chat(delta={"role": "assistant", "content": ""}, finish_reason=None), "prelude"),
        ("openai.chat", b": keep-alive\n\n", "prelude"),
        ("openai.chat", b"", "prelude"),
        ("openai.chat", chat(delta={"content": "x"}), "content"),
        ("openai.chat", chat(delta={"reasoning_content": "x"}), "content"),
        ("openai.chat", chat(delta={"tool_calls": [{"index": 0}]}), "content"),
        ("openai.chat", chat(delta={}, finish_reason="stop"), "content"),
        ("openai.chat", b'data: {"error":{"message":"x"}}\n\n', "error"),
        ("openai.chat", chat(delta={"content": "x"}) + b'data: {"error":{"message":"x"}}\n\n', "content"),
        ("openai.chat", chat(delta={"content": '"error"'}), "content"),
        ("anthropic.messages", event("message_start", message={}) + event("ping"), "prelude"),
        ("anthropic.messages", event("content_block_delta", delta={}), "content"),
        ("anthropic.messages", event("error", error={"type": "overloaded_error"}), "error"),
        ("openai.responses", event("response.created", response={"error": None}), "prelude"),
        ("openai.responses", event("response.output_text.delta", delta="x"), "content"),
        ("openai.responses", event("error", code="server_error", message="x"), "error"),
        ("openai.responses", event("response.failed", response={"error": {"code": "server_error"}}), "error"),
        ("openai.embeddings", b"anything", "content"),
    ],
)  # fmt: skip
def test_how_it_begins(wire: str, data: bytes, wanted: str) -> None:
    assert beginning(wire, data) == wanted


def test_what_the_error_is_called() -> None:
    assert error_of(b'data: {"error":{"code":"a","type":"b"}}\n\n') == (
        ("a", "b"),
        b'{"error":{"code":"a","type":"b"}}',
    )
    assert error_of(event("error", error={"type": "overloaded_error"})) is not None
    assert error_of(b'data: {"error":null}\n\ndata: {"error"\n\n') is None
