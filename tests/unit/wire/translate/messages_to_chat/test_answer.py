"""Chat completions as Messages answers."""

import json
from typing import Any

import pytest

from farthing.model.errors import UpstreamError

from ..samples import CLAUDE_ON_CHAT, ask, completion


def _message(message: dict[str, Any], finish: str = "stop", *, wants_reasoning: bool = False, **fields: Any) -> Any:
    body = json.dumps(completion(message, finish, **fields)).encode()
    return json.loads(CLAUDE_ON_CHAT.answer(body, ask(wants_reasoning=wants_reasoning)))


def _call(arguments: Any, id: str | None = "c") -> dict[str, Any]:
    return {"id": id, "type": "function", "function": {"name": "f", "arguments": arguments}}


def test_a_text() -> None:
    assert _message({"content": "Hi"}) == {
        "id": "chatcmpl-1", "type": "message", "role": "assistant", "model": "gpt-4o-2024-08-06",
        "content": [{"type": "text", "text": "Hi", "citations": None}],
        "stop_reason": "end_turn", "stop_sequence": None,
        "usage": {
            "input_tokens": 10, "cache_read_input_tokens": 5, "cache_creation_input_tokens": 3, "output_tokens": 7,
            "output_tokens_details": {"thinking_tokens": 2},
        },
    }  # fmt: skip


@pytest.mark.parametrize(
    ("finish", "message", "stop"),
    [
        ("stop", {"content": "x"}, "end_turn"), ("length", {"content": "x"}, "max_tokens"),
        ("tool_calls", {"tool_calls": [_call("{}")]}, "tool_use"), ("stop", {"tool_calls": [_call("{}")]}, "tool_use"),
        ("content_filter", {"content": "x"}, "refusal"), ("stop", {"refusal": "No."}, "refusal"),
        (None, {"content": "x"}, "end_turn"), ("eos", {"content": "x"}, "end_turn"),
    ],
)  # fmt: skip
def test_stop_reasons(finish: Any, message: dict[str, Any], stop: str) -> None:
    assert _message(message, finish)["stop_reason"] == stop


def test_a_host_that_names_the_stop_sequence() -> None:
    body = completion({"content": "x"})
    body["choices"][0]["stop_reason"] = "END"
    answer = json.loads(CLAUDE_ON_CHAT.answer(json.dumps(body).encode(), ask()))
    assert (answer["stop_reason"], answer["stop_sequence"]) == ("stop_sequence", "END")


def test_arguments_of_tools() -> None:
    calls = [_call('{"n": 12345678901234567890123}'), _call(""), _call({"a": 1}), _call(None), _call("{}", None)]
    content = _message({"tool_calls": calls}, "tool_calls")["content"]
    assert [block["input"] for block in content] == [{"n": 12345678901234567890123}, {}, {"a": 1}, {}, {}]
    assert content[4]["id"] == "chatcmpl-1_call_4"


def test_a_call_that_the_limit_cut_is_left_out() -> None:
    answer = _message({"content": "x", "tool_calls": [_call('{"a": "b')]}, "length")
    assert [block["type"] for block in answer["content"]] == ["text"]
    assert answer["stop_reason"] == "max_tokens"


@pytest.mark.parametrize(
    "message",
    [
        {"content": "x", "reasoning_content": "Hm"},
        {"content": "x", "reasoning": "Hm"},
        {
            "content": [
                {"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}]},
                {"type": "text", "text": "x"},
            ]
        },
    ],
)
def test_reasoning_is_shown_to_who_asked_for_it(message: dict[str, Any]) -> None:
    shown = _message(message, wants_reasoning=True)["content"]
    assert shown[0] == {"type": "thinking", "thinking": "Hm", "signature": ""}
    assert [block["type"] for block in _message(message)["content"]] == ["text"]


def test_usage_of_odd_hosts() -> None:
    deepseek = {
        "prompt_tokens": 100,
        "completion_tokens": 5,
        "prompt_cache_hit_tokens": 90,
        "prompt_cache_miss_tokens": 10,
    }
    usage = _message({"content": "x"}, usage=deepseek)["usage"]
    assert (usage["input_tokens"], usage["cache_read_input_tokens"]) == (10, 90)
    assert _message({"content": "x"}, usage=None)["usage"] == {
        "input_tokens": 0, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0, "output_tokens": 0,
    }  # fmt: skip
    assert _message({"content": "x"}, service_tier="priority")["usage"]["service_tier"] == "priority"


def test_an_answer_without_a_name_gets_one() -> None:
    answer = _message({"content": "x"}, id=None, model=None)
    assert answer["id"].startswith("msg_")
    assert answer["model"] == "asked"


@pytest.mark.parametrize(
    "body",
    [
        b"", b"null", b"{}", b"<html>", b"\xff", b"[" * 100_000, b'{"choices":[]}', b'{"choices":[{}]}', b'{"choices":5}',
        b'{"choices":[{"message":{"content":"\xff"}}]}', b'{"choices":[{"message":{"content":[5]}}]}',
        b'{"choices":[{"message":{"tool_calls":[{"id":"c"}]}}]}',
        b'{"choices":[{"message":{"tool_calls":[{"id":"c","function":{"name":"f","arguments":"[1]"}}]}}]}',
        b'{"choices":[{"message":{"tool_calls":[{"id":"c","function":{"name":"f","arguments":"{oops"}}]}}]}',
        b'{"choices":[{"message":{"tool_calls":[{"id":"c","function":{"name":"f","arguments":{"a":"\xff"}}}]}}]}',
    ],
)  # fmt: skip
def test_nonsense_is_the_providers_fault(body: bytes) -> None:
    with pytest.raises(UpstreamError):
        CLAUDE_ON_CHAT.answer(body, ask())
