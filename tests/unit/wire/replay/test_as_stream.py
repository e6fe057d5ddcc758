"""Any whole answer as a stream: the SDKs' own accumulators make the same answer of it again."""

import json
from typing import Any

import anthropic
import httpx2
import msgspec
import openai
import pytest

from farthing.model.call import Ask
from farthing.wire.replay import as_stream

TOOL = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": '{"at": "sky"}'}}
CHAT = {
    "id": "chatcmpl-7", "object": "chat.completion", "created": 5, "model": "gpt-4o-mini",
    "choices": [
        {"index": 0, "finish_reason": "tool_calls", "logprobs": None,
         "message": {"role": "assistant", "content": None, "refusal": None, "tool_calls": [TOOL]}},
        {"index": 1, "finish_reason": "length", "logprobs": None,
         "message": {"role": "assistant", "content": "blue", "refusal": None}},
    ],
    "usage": {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7},
}  # fmt: skip
MESSAGE = {
    "id": "msg_7", "type": "message", "role": "assistant", "model": "claude-haiku-4-5", "stop_reason": "tool_use",
    "stop_sequence": None,
    "content": [{"type": "text", "text": "I look."}, {"type": "tool_use", "id": "t1", "name": "look", "input": {"at": "sky"}}],
    "usage": {"input_tokens": 3, "output_tokens": 4},
}  # fmt: skip
RESPONSE = {
    "id": "resp_7", "object": "response", "created_at": 5, "model": "gpt-4o-mini", "status": "incomplete",
    "incomplete_details": {"reason": "max_output_tokens"}, "parallel_tool_calls": True, "tool_choice": "auto", "tools": [],
    "output": [
        {"type": "function_call", "id": "f1", "call_id": "c1", "name": "look", "arguments": '{"at":"sky"}', "status": "completed"},
        {"type": "message", "id": "m1", "role": "assistant", "status": "completed",
         "content": [{"type": "refusal", "refusal": "no"}, {"type": "output_text", "text": "blue", "annotations": []}]},
    ],
    "usage": {"input_tokens": 3, "output_tokens": 4, "total_tokens": 7,
              "input_tokens_details": {"cached_tokens": 0}, "output_tokens_details": {"reasoning_tokens": 0}},
}  # fmt: skip


def serving(stream: bytes) -> httpx2.Client:
    def answer(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=stream)

    return httpx2.Client(transport=httpx2.MockTransport(answer))


def test_chat_with_tools_and_two_choices() -> None:
    told = as_stream("openai.chat", msgspec.json.encode(CHAT), Ask("gpt-4o-mini", stream=True))
    with openai.OpenAI(api_key="any", base_url="http://here/v1", http_client=serving(told)) as client:
        chunks = list(client.chat.completions.create(model="m", messages=[], stream=True))
    assert chunks[0].choices[0].delta.tool_calls[0].function.arguments == TOOL["function"]["arguments"]  # type: ignore[index,union-attr]
    ends = [choice.finish_reason for chunk in chunks for choice in chunk.choices if choice.finish_reason]
    assert ends == ["tool_calls", "length"]
    assert chunks[-1].usage is not None and chunks[-1].usage.total_tokens == 7
    assert told.endswith(b"data: [DONE]\n\n")


def test_chat_hides_usage_that_was_not_asked_for() -> None:
    told = as_stream("openai.chat", msgspec.json.encode(CHAT), Ask("m", stream=True, wants_usage=False))
    assert b"usage" not in told


def test_messages_with_a_tool() -> None:
    told = as_stream("anthropic.messages", msgspec.json.encode(MESSAGE), Ask("m", stream=True))
    client = anthropic.Anthropic(api_key="any", base_url="http://here", http_client=serving(told))
    with client, client.messages.stream(model="m", messages=[], max_tokens=5) as stream:
        final = stream.get_final_message()
    said = final.to_dict()
    assert {name: said[name] for name in ("id", "content", "stop_reason")} == {
        name: MESSAGE[name] for name in ("id", "content", "stop_reason")
    }
    assert final.usage.output_tokens == 4


def test_responses_with_a_function_call_and_a_refusal() -> None:
    told = as_stream("openai.responses", msgspec.json.encode(RESPONSE), Ask("m", stream=True))
    with openai.OpenAI(api_key="any", base_url="http://here/v1", http_client=serving(told)) as client:
        events = list(client.responses.create(model="m", input="x", stream=True))
    assert events[-1].type == "response.incomplete"
    assert events[-1].response.output[0].arguments == '{"at":"sky"}'
    kinds = [event.type for event in events]
    assert "response.function_call_arguments.done" in kinds and "response.refusal.done" in kinds


@pytest.mark.parametrize("whole", [b"", b"[]", b"nonsense", b"[" * 100_000])
def test_what_is_no_answer_is_said(whole: bytes) -> None:
    for format in ("openai.chat", "anthropic.messages", "openai.responses"):
        with pytest.raises(ValueError):
            as_stream(format, whole, Ask("m", stream=True))


def test_nothing_is_left_out() -> None:
    odd: dict[str, Any] = {**CHAT, "citations": ["a"], "choices": [{**CHAT["choices"][1], "own": 1}]}  # type: ignore[index,dict-item]
    told = as_stream("openai.chat", msgspec.json.encode(odd), Ask("m", stream=True))
    chunks = [json.loads(line[6:]) for line in told.decode().split("\n\n")[:-2]]
    assert chunks[0]["citations"] == ["a"] and chunks[1]["choices"][0]["own"] == 1
