import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.wire.filtered import begins_filtered, is_filtered

CHAT, MESSAGES, RESPONSES = "openai.chat", "anthropic.messages", "openai.responses"


def chat(finish: str | None = "content_filter", **message: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish}]}


def chunk(finish: str | None = None, **delta: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


def stream(*events: Any) -> bytes:
    return b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events)


@pytest.mark.parametrize(
    ("wire", "answer"),
    [
        (CHAT, chat(content="", refusal=None)),
        (CHAT, chat(content=None)),
        (CHAT, chat()),
        (CHAT, {"choices": [{"index": 0, "finish_reason": "content_filter", "content_filter_results": {"hate": {}}}]}),
        (CHAT, chat("content_filter: PROHIBITED_CONTENT")),
        (CHAT, chat("SAFETY", content="")),
        (MESSAGES, {"type": "message", "content": [], "stop_reason": "refusal"}),
        (MESSAGES, {"type": "message", "content": [{"type": "text", "text": ""}], "stop_reason": "refusal"}),
        (MESSAGES, {"content": [{"type": "thinking", "thinking": "hm", "signature": "x"}], "stop_reason": "refusal"}),
        (RESPONSES, {"status": "incomplete", "incomplete_details": {"reason": "content_filter"}, "output": []}),
    ],
)
def test_what_was_kept_back(wire: str, answer: dict[str, Any]) -> None:
    assert is_filtered(wire, json.dumps(answer).encode())


@pytest.mark.parametrize(
    ("wire", "answer"),
    [
        (CHAT, chat("stop", content="")),
        (CHAT, chat(content="It begins")),
        (CHAT, chat("stop", content=None, refusal="I cannot help with that.")),
        (CHAT, chat("stop", content='Say "finish_reason": "content_filter"')),
        (CHAT, {"choices": [chat(content="")["choices"][0], chat("stop", content="an answer")["choices"][0]]}),
        (CHAT, {"choices": [chat(content="")["choices"][0], chat("stop", content="")["choices"][0]]}),
        (MESSAGES, {"content": [{"type": "text", "text": "It begins"}], "stop_reason": "refusal"}),
        (MESSAGES, {"content": [{"type": "tool_use", "id": "t", "name": "f", "input": {}}], "stop_reason": "refusal"}),
        (MESSAGES, {"content": [], "stop_reason": "end_turn"}),
        (RESPONSES, {"incomplete_details": {"reason": "max_output_tokens"}, "output": []}),
        (
            RESPONSES,
            {
                "incomplete_details": {"reason": "content_filter"},
                "output": [{"type": "message", "content": [{"type": "output_text", "text": "It begins"}]}],
            },
        ),
        ("openai.embeddings", chat(content="")),
    ],
)
def test_what_is_an_answer(wire: str, answer: dict[str, Any]) -> None:
    assert not is_filtered(wire, json.dumps(answer).encode())


def test_streams_that_say_nothing_else() -> None:
    assert begins_filtered(CHAT, stream(chunk(role="assistant", content=""), chunk("content_filter")))
    assert begins_filtered(
        MESSAGES,
        stream(
            {"type": "message_start", "message": {"id": "m", "content": [], "stop_reason": None}},
            {"type": "message_delta", "delta": {"stop_reason": "refusal"}},
        ),
    )
    assert begins_filtered(
        RESPONSES,
        stream(
            {"type": "response.created", "response": {"output": [], "incomplete_details": None}},
            {"type": "response.incomplete", "response": {"incomplete_details": {"reason": "content_filter"}}},
        ),
    )


def test_streams_that_said_something() -> None:
    assert not begins_filtered(CHAT, stream(chunk(content="It"), chunk("content_filter")))
    assert not begins_filtered(CHAT, stream(chunk(role="assistant"), chunk("stop")))
    assert not begins_filtered(CHAT, stream(chunk(tool_calls=[{"index": 0}]), chunk("content_filter")))
    assert not begins_filtered(
        MESSAGES,
        stream(
            {"type": "content_block_start", "content_block": {"type": "tool_use", "id": "t", "name": "f"}},
            {"type": "message_delta", "delta": {"stop_reason": "refusal"}},
        ),
    )
    assert not begins_filtered(CHAT, b'data: {"choices":[{"finish_reason":"content_filter"')


@given(
    st.sampled_from((CHAT, MESSAGES, RESPONSES)),
    st.recursive(
        st.none() | st.booleans() | st.text(max_size=4) | st.sampled_from(("content_filter", "refusal")),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    (
                        "choices",
                        "finish_reason",
                        "stop_reason",
                        "reason",
                        "incomplete_details",
                        "delta",
                        "message",
                        "content",
                        "output",
                        "response",
                        "type",
                    )
                ),
                inner,
                max_size=3,
            )
        ),
        max_leaves=12,
    ),
)
def test_nothing_that_a_provider_says_breaks_it(wire: str, value: Any) -> None:
    data = json.dumps(value).encode()
    is_filtered(wire, data)
    begins_filtered(wire, b"data: " + data + b"\n\n")
