"""Requests that a few words answer, and those that ask for more."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.wire.plainly import more_than

CHAT = {"model": "big", "messages": [{"role": "user", "content": "Is it late?"}]}
RESPONSES = {"model": "big", "input": "Is it late?"}
MESSAGES = {"model": "big", "max_tokens": 9, "messages": [{"role": "user", "content": "Is it late?"}]}


def more(format: str, request: dict[str, Any], most: int | None = None, words: str = "yes") -> str:
    return more_than(words, format, json.dumps(request).encode(), most)


@pytest.mark.parametrize(
    ("format", "request_"),
    [
        ("openai.chat", CHAT | {"temperature": 0, "logprobs": None, "store": False, "tools": [], "stop": ["\n"]}),
        ("openai.chat", CHAT | {"stop": "\n", "seed": 3, "stream_options": {"include_usage": True}}),
        ("openai.responses", RESPONSES | {"text": {"format": {"type": "text"}}, "background": False}),
        ("openai.responses", RESPONSES | {"input": [{"role": "user", "content": "?"}]}),
        ("anthropic.messages", MESSAGES | {"system": "Say yes or no.", "stop_sequences": []}),
    ],
)
def test_plain_requests_are_answered_by_words(format: str, request_: dict[str, Any]) -> None:
    assert not more(format, request_)


@pytest.mark.parametrize(
    ("format", "request_", "what"),
    [
        ("openai.chat", CHAT | {"logprobs": True}, "logprobs"),
        ("openai.chat", CHAT | {"top_logprobs": 3}, "top_logprobs"),
        ("openai.chat", CHAT | {"web_search_options": {"user_location": None}}, "web_search_options"),
        ("openai.responses", RESPONSES | {"store": True}, "store"),
        ("openai.chat", CHAT | {"logit_bias": {"9": 100}}, "logit_bias"),
        ("openai.chat", CHAT | {"stop": ["e", "x"]}, "stop"),
        (
            "openai.chat",
            CHAT | {"messages": [*MESSAGES["messages"], {"role": "assistant", "content": "y"}]},
            "said before",
        ),  # type: ignore[misc]
        ("openai.responses", RESPONSES | {"include": ["message.output_text.logprobs"]}, "include"),
        ("openai.responses", RESPONSES | {"background": True}, "background"),
        ("openai.responses", RESPONSES | {"conversation": "conv_1"}, "conversation"),
        ("anthropic.messages", MESSAGES | {"container": "c"}, "container"),
        ("anthropic.messages", MESSAGES | {"stop_sequences": ["es"]}, "stop"),
        ("openai.chat", CHAT | {"stop": 3}, "cannot be read"),
    ],
)
def test_what_only_a_model_can_give_is_named(format: str, request_: dict[str, Any], what: str) -> None:
    assert what in more(format, request_)


def test_words_that_would_have_been_cut_are_no_answer() -> None:
    assert more("openai.chat", CHAT, 1, '{"way": "track"}') == "fewer tokens"
    assert more("openai.chat", CHAT, 1, "A") == "fewer tokens", "the end is a token, too"
    assert not more("openai.chat", CHAT, 5, "positive")


@given(st.binary(max_size=200))
def test_it_never_raises(body: bytes) -> None:
    assert isinstance(more_than("yes", "openai.chat", body, None), str)
