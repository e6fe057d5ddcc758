"""The official SDKs read translated answers and streams as they read their own provider's."""

import json
from typing import Any

import anthropic
import openai
import pydantic
import pytest
from anthropic.types import Message, RawMessageStreamEvent
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from .replay import serve
from .samples import (
    CHAT_ON_CLAUDE,
    CLAUDE_ON_CHAT,
    ask,
    chat_stream,
    claude_message,
    claude_stream,
    completion,
    payloads,
)  # fmt: skip

TOOLS = [
    {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Zürich 🌦", "days": 3}},
    {"type": "tool_use", "id": "toolu_2", "name": "time", "input": {}},
]
BLOCKS = [
    {"type": "thinking", "thinking": 'I "wonder"…', "signature": "c2ln"},
    {"type": "text", "text": "Let me look.\n"},
    *TOOLS,
]
CALLS = [
    {
        "id": "call_1",
        "type": "function",
        "function": {"name": "weather", "arguments": '{"city": "Zürich 🌦", "days": 3}'},
    },
    {"id": "call_2", "type": "function", "function": {"name": "time", "arguments": "{}"}},
]
SAID = {"content": "Let me look.\n", "tool_calls": CALLS}
CLAUDE_TOOLS: Any = [{"name": "weather", "input_schema": {"type": "object"}}]
CHAT_TOOLS: Any = [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}]


def _openai(url: str) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(
        api_key="k", base_url=url, max_retries=0, http_client=openai.DefaultAsyncHttpxClient(verify=False)
    )


def _anthropic(url: str) -> anthropic.AsyncAnthropic:
    return anthropic.AsyncAnthropic(
        api_key="k", base_url=url, max_retries=0, http_client=anthropic.DefaultAsyncHttpxClient(verify=False)
    )


def _claude_behind(body: bytes) -> tuple[int, str, bytes]:
    sent = json.loads(CHAT_ON_CLAUDE.request(body, ask(), "claude-opus-5"))
    if not sent.get("stream"):
        answer = json.dumps(claude_message(BLOCKS, "tool_use")).encode()
        return 200, "application/json", CHAT_ON_CLAUDE.answer(answer, ask())
    translator = CHAT_ON_CLAUDE.stream(ask())
    return 200, "text/event-stream", translator.feed(claude_stream(BLOCKS, "tool_use")) + translator.finish()


def _chat_behind(body: bytes) -> tuple[int, str, bytes]:
    said = ask()
    sent = json.loads(CLAUDE_ON_CHAT.request(body, said, "gpt-5"))
    if not sent.get("stream"):
        answer = json.dumps(completion({**SAID, "reasoning_content": "Hm"}, "tool_calls")).encode()
        return 200, "application/json", CLAUDE_ON_CHAT.answer(answer, said)
    translator = CLAUDE_ON_CHAT.stream(said)
    stream = chat_stream({**SAID, "reasoning_content": "Hm"}, "tool_calls")
    return 200, "text/event-stream", translator.feed(stream) + translator.finish()


async def test_the_openai_sdk_reads_a_claude() -> None:
    async with serve(_claude_behind) as url, _openai(url) as client:
        answer = await client.chat.completions.create(
            model="m", messages=[{"role": "user", "content": "Hi"}], tools=CHAT_TOOLS
        )
    message = answer.choices[0].message
    assert message.content == "Let me look.\n"
    assert message.model_extra == {"reasoning_content": 'I "wonder"…'}
    assert [(c.id, c.function.name, json.loads(c.function.arguments)) for c in message.tool_calls] == [
        (block["id"], block["name"], block["input"]) for block in TOOLS
    ]
    assert answer.choices[0].finish_reason == "tool_calls"
    usage = answer.usage
    assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == (18, 7, 25)
    assert (usage.prompt_tokens_details.cached_tokens, usage.prompt_tokens_details.cache_write_tokens) == (5, 3)


@pytest.mark.parametrize("piece", [1000, 7])
async def test_the_openai_streaming_helper_puts_a_claude_together(piece: int) -> None:
    async with serve(_claude_behind, piece) as url, _openai(url) as client:
        stream = client.chat.completions.stream(
            model="m", messages=[{"role": "user", "content": "Hi"}], stream_options={"include_usage": True}
        )
        async with stream as events:
            kinds = [event.type async for event in events]
            answer = await events.get_final_completion()
    message = answer.choices[0].message
    assert message.content == "Let me look.\n"
    assert [(c.id, c.function.name, json.loads(c.function.arguments)) for c in message.tool_calls] == [
        (block["id"], block["name"], block["input"]) for block in TOOLS
    ]
    assert kinds.count("tool_calls.function.arguments.done") == 2
    assert answer.choices[0].finish_reason == "tool_calls"
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (18, 7)


async def test_the_anthropic_sdk_reads_a_chat_model() -> None:
    async with serve(_chat_behind) as url, _anthropic(url) as client:
        answer = await client.messages.create(
            model="m", max_tokens=5000, messages=[{"role": "user", "content": "Hi"}], tools=CLAUDE_TOOLS
        )
    assert [block.type for block in answer.content] == ["text", "tool_use", "tool_use"]
    assert answer.content[0].text == "Let me look.\n"
    assert [(b.id, b.name, b.input) for b in answer.content[1:]] == [
        (call["id"], call["function"]["name"], json.loads(call["function"]["arguments"])) for call in CALLS
    ]
    assert answer.stop_reason == "tool_use"
    usage = answer.usage
    assert (usage.input_tokens, usage.cache_read_input_tokens, usage.cache_creation_input_tokens) == (10, 5, 3)
    assert (usage.output_tokens, usage.output_tokens_details.thinking_tokens) == (7, 2)


@pytest.mark.parametrize("piece", [1000, 7])
async def test_the_anthropic_streaming_helper_puts_a_chat_model_together(piece: int) -> None:
    async with serve(_chat_behind, piece) as url, _anthropic(url) as client:
        stream = client.messages.stream(
            model="m", max_tokens=5000, messages=[{"role": "user", "content": "Hi"}], tools=CLAUDE_TOOLS,
            thinking={"type": "adaptive"},
        )  # fmt: skip
        async with stream as events:
            kinds = [event.type async for event in events]
            answer = await events.get_final_message()
    assert [block.type for block in answer.content] == ["thinking", "text", "tool_use", "tool_use"]
    assert answer.content[0].thinking == "Hm"
    assert answer.content[1].text == "Let me look.\n"
    assert [(b.id, b.name, b.input) for b in answer.content[2:]] == [
        (call["id"], call["function"]["name"], json.loads(call["function"]["arguments"])) for call in CALLS
    ]
    assert kinds.count("content_block_stop") == 4
    assert answer.stop_reason == "tool_use"
    usage = answer.usage
    assert (usage.input_tokens, usage.cache_read_input_tokens, usage.cache_creation_input_tokens) == (10, 5, 3)
    assert usage.output_tokens == 7


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, openai.BadRequestError), (401, openai.AuthenticationError), (403, openai.PermissionDeniedError),
        (404, openai.NotFoundError), (429, openai.RateLimitError), (529, openai.InternalServerError),
    ],
)  # fmt: skip
async def test_the_openai_sdk_raises_its_own_errors(status: int, error: type[openai.APIStatusError]) -> None:
    theirs = {"type": "error", "error": {"type": "x_error", "message": "No."}, "request_id": "req_1"}
    body = CHAT_ON_CLAUDE.error(status, json.dumps(theirs).encode())
    async with serve(lambda _: (status, "application/json", body)) as url, _openai(url) as client:
        with pytest.raises(error, match=r"No\.") as raised:
            await client.chat.completions.create(model="m", messages=[])
    assert raised.value.type


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, anthropic.BadRequestError), (401, anthropic.AuthenticationError), (403, anthropic.PermissionDeniedError),
        (404, anthropic.NotFoundError), (429, anthropic.RateLimitError), (500, anthropic.InternalServerError),
    ],
)  # fmt: skip
async def test_the_anthropic_sdk_raises_its_own_errors(status: int, error: type[anthropic.APIStatusError]) -> None:
    body = CLAUDE_ON_CHAT.error(status, b'{"error": {"message": "No.", "type": "x", "param": null, "code": null}}')
    async with serve(lambda _: (status, "application/json", body)) as url, _anthropic(url) as client:
        with pytest.raises(error, match=r"No\."):
            await client.messages.create(model="m", max_tokens=5, messages=[])


async def test_an_error_inside_a_claude_stream_is_raised_by_the_openai_sdk() -> None:
    source = claude_stream(BLOCKS)[:900].rsplit(b"\n\n", 1)[0] + b"\n\n"
    source += b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Busy."}}\n\n'
    body = CHAT_ON_CLAUDE.stream(ask()).feed(source)
    async with serve(lambda _: (200, "text/event-stream", body)) as url, _openai(url) as client:
        stream = await client.chat.completions.create(model="m", messages=[], stream=True)
        with pytest.raises(openai.APIError, match="Busy") as raised:
            async for _ in stream:
                pass
    assert raised.value.code == "overloaded"


async def test_an_error_inside_a_chat_stream_is_raised_by_the_anthropic_sdk() -> None:
    source = chat_stream(SAID)[:900].rsplit(b"\n\n", 1)[0] + b"\n\n"
    source += b'data: {"error":{"message":"Slow down.","type":"requests","code":"rate_limit_exceeded"}}\n\n'
    body = CLAUDE_ON_CHAT.stream(ask()).feed(source)
    async with serve(lambda _: (200, "text/event-stream", body)) as url, _anthropic(url) as client:
        stream = await client.messages.create(model="m", max_tokens=5, messages=[], stream=True)
        with pytest.raises(anthropic.APIStatusError, match="Slow down"):
            async for _ in stream:
                pass


def test_answers_and_events_are_valid_in_the_strict_types_of_the_sdks() -> None:
    answer = CHAT_ON_CLAUDE.answer(json.dumps(claude_message(BLOCKS, "refusal")).encode(), ask())
    ChatCompletion.model_validate_json(answer)
    Message.model_validate_json(CLAUDE_ON_CHAT.answer(json.dumps(completion(SAID)).encode(), ask()))
    for event in payloads(CHAT_ON_CLAUDE.stream(ask()).feed(claude_stream(BLOCKS))):
        if event != "[DONE]":
            ChatCompletionChunk.model_validate(event)
    events: pydantic.TypeAdapter[Any] = pydantic.TypeAdapter(RawMessageStreamEvent)
    for event in payloads(CLAUDE_ON_CHAT.stream(ask(wants_reasoning=True)).feed(chat_stream(SAID))):
        events.validate_python(event)
