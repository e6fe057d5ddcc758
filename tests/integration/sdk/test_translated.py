"""Clients of one format served by models of the other: the openai SDK by Claude, the anthropic SDK by GPT and DeepSeek.

What is booked is what the provider itself charges, at the provider's rates.
"""

import json
from typing import Any

import anthropic
import openai
import pytest
from pydantic import BaseModel

from integration import rates
from integration.callers import AsyncCaller, Caller
from integration.gateways import Gateway
from integration.ledger import booked
from integration.media import png, wav
from integration.upstreams import Simulator

CLAUDE, GPT = "claude-haiku-4-5", "gpt-4o-mini"
CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
CHAT_TOOL: Any = {
    "type": "function",
    "function": {"name": "get_weather", "description": "Weather.", "parameters": CITY},
}
CLAUDE_TOOL: Any = {"name": "get_weather", "description": "Weather.", "input_schema": CITY}


class Ticket(BaseModel):
    title: str
    urgent: bool


def asked(text: str) -> list:
    return [{"role": "user", "content": text}]


def charged(provider: Simulator, model: str) -> int:
    """What the provider charges for its last call."""
    spent: Any = provider.last_line()["spent"]
    cached, w5m, w1h = spent["cache_read"], spent["w5m"], spent["w1h"]
    plain = spent["prompt"] - cached - w5m - w1h
    return rates.nano(model, input=plain, cached=cached, w5m=w5m, w1h=w1h, output=spent["output"])


# The openai SDK, served by Claude.


def test_chat_plain(caller: Caller, open_gateway: Gateway, provider: Simulator) -> None:
    answer = caller.openai.chat.completions.create(
        model=CLAUDE, messages=[{"role": "system", "content": "Be brief."}, *asked("What is a fjord?")], max_tokens=300
    )
    assert answer.choices[0].message.content
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage.prompt_tokens + answer.usage.completion_tokens == answer.usage.total_tokens
    cost = rates.nano(CLAUDE, input=answer.usage.prompt_tokens, output=answer.usage.completion_tokens)
    assert cost == charged(provider, CLAUDE)
    record = booked(open_gateway, caller, cost)
    assert (record["wire"], record["provider"], record["model"]) == ("openai.chat", "anthropic", CLAUDE)


async def test_chat_plain_async_without_a_limit(
    acaller: AsyncCaller, open_gateway: Gateway, provider: Simulator
) -> None:
    """Messages must have `max_tokens`; a chat client need not send one."""
    await acaller.openai.chat.completions.create(model=CLAUDE, messages=asked("What is a strait?"))
    booked(open_gateway, acaller, charged(provider, CLAUDE))


@pytest.mark.parametrize("wanted", [True, False])
def test_chat_stream(caller: Caller, open_gateway: Gateway, provider: Simulator, wanted: bool) -> None:
    question = {"model": CLAUDE, "messages": asked("What is a lagoon?"), "max_tokens": 300}
    plain = caller.openai.chat.completions.create(**question)
    options = {"stream_options": {"include_usage": True}} if wanted else {}
    with caller.openai.chat.completions.create(**question, **options, stream=True) as stream:
        chunks = list(stream)
    said = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert said == plain.choices[0].message.content
    assert next(chunk.choices[0].finish_reason for chunk in reversed(chunks) if chunk.choices) == "stop"
    if wanted:
        assert chunks[-1].usage == plain.usage
    else:
        assert all(chunk.usage is None and chunk.choices for chunk in chunks)
    booked(open_gateway, caller, charged(provider, CLAUDE))


async def test_chat_stream_helper_async(acaller: AsyncCaller, open_gateway: Gateway, provider: Simulator) -> None:
    async with acaller.openai.chat.completions.stream(
        model=CLAUDE, messages=asked("What is an isthmus?"), stream_options={"include_usage": True}
    ) as stream:
        final = await stream.get_final_completion()
    assert final.choices[0].message.content
    booked(open_gateway, acaller, charged(provider, CLAUDE))


@pytest.mark.parametrize("stream", [False, True])
def test_chat_agents_loop(caller: Caller, open_gateway: Gateway, provider: Simulator, stream: bool) -> None:
    messages = asked("Compare the weather in Paris and in Rome.")
    first = _chat(caller, messages, stream)
    message = first.choices[0].message
    assert first.choices[0].finish_reason == "tool_calls"
    assert [json.loads(call.function.arguments)["city"] for call in message.tool_calls] == ["Paris", "Rome"]
    booked(open_gateway, caller, charged(provider, CLAUDE))
    messages.append(message.model_dump(exclude_none=True, exclude={"parsed"}))
    messages += [
        {"role": "tool", "tool_call_id": call.id, "content": f"{n} C"} for n, call in enumerate(message.tool_calls)
    ]
    for call in messages[1]["tool_calls"]:
        call["function"].pop("parsed_arguments", None)
        call.pop("index", None)
    second = _chat(caller, messages, stream)
    assert "0 C" in second.choices[0].message.content and "1 C" in second.choices[0].message.content
    booked(open_gateway, caller, charged(provider, CLAUDE))


def _chat(caller: Caller, messages: list, stream: bool) -> Any:
    if not stream:
        return caller.openai.chat.completions.create(model=CLAUDE, messages=messages, tools=[CHAT_TOOL])
    with caller.openai.chat.completions.stream(model=CLAUDE, messages=messages, tools=[CHAT_TOOL]) as events:
        return events.get_final_completion()


def test_chat_forced_and_single_tool(caller: Caller, provider: Simulator) -> None:
    answer = caller.openai.chat.completions.create(
        model=CLAUDE, messages=asked("Hello in Paris and Rome."), tools=[CHAT_TOOL], parallel_tool_calls=False,
        tool_choice={"type": "function", "function": {"name": "get_weather"}},
    )  # fmt: skip
    assert len(answer.choices[0].message.tool_calls) == 1


def test_chat_structured_output(caller: Caller, open_gateway: Gateway, provider: Simulator) -> None:
    answer = caller.openai.chat.completions.parse(
        model="claude-sonnet-5", messages=asked("A ticket: fire."), response_format=Ticket
    )
    assert isinstance(answer.choices[0].message.parsed, Ticket)
    booked(open_gateway, caller, charged(provider, "claude-sonnet-5"))


def test_chat_image(caller: Caller, open_gateway: Gateway, provider: Simulator) -> None:
    picture = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{png(400, 400)}"}}
    content: Any = [{"type": "text", "text": "What is this?"}, picture]
    answer = caller.openai.chat.completions.create(model=CLAUDE, messages=[{"role": "user", "content": content}])
    assert answer.usage.prompt_tokens > 200, "Claude saw the picture"
    booked(open_gateway, caller, charged(provider, CLAUDE))


def test_chat_what_claude_cannot_do_is_a_clear_400(caller: Caller) -> None:
    sound = {"type": "input_audio", "input_audio": {"data": wav(0.1), "format": "wav"}}
    with pytest.raises(openai.BadRequestError, match="input_audio") as refused:
        caller.openai.chat.completions.create(model=CLAUDE, messages=[{"role": "user", "content": [sound]}])
    assert refused.value.code == "cannot_translate"
    with pytest.raises(openai.BadRequestError, match="n"):
        caller.openai.chat.completions.create(model=CLAUDE, messages=asked("Hi"), n=2)
    with pytest.raises(openai.BadRequestError, match="logprobs"):
        caller.openai.chat.completions.create(model=CLAUDE, messages=asked("Hi"), logprobs=True)


@pytest.mark.parametrize(
    ("status", "raised"),
    [
        (400, openai.BadRequestError), (401, openai.AuthenticationError), (403, openai.PermissionDeniedError),
        (404, openai.NotFoundError), (413, openai.APIStatusError), (429, openai.RateLimitError),
        (500, openai.InternalServerError), (529, openai.InternalServerError),
    ],
)  # fmt: skip
@pytest.mark.parametrize("stream", [False, True])
def test_chat_errors_of_claude(caller: Caller, status: int, raised: type, stream: bool) -> None:
    with pytest.raises(raised) as found:
        caller.openai.chat.completions.create(
            model=CLAUDE, messages=asked(f"Hi [[simulate: status-{status}=3]]"), stream=stream
        )
    error: Any = found.value
    assert error.status_code == status
    assert error.body["message"] and error.type
    if status == 429:
        assert error.response.headers["retry-after"] == "3"


def test_chat_stream_of_claude_that_is_cut(caller: Caller, open_gateway: Gateway) -> None:
    for fault in ("cut-stream=3", "overloaded-midstream=3"):
        with pytest.raises(openai.APIError):
            list(
                caller.openai.chat.completions.create(
                    model=CLAUDE, messages=asked(f"A wreck? [[simulate: {fault}]]"), stream=True
                )
            )
        record = open_gateway.call(caller.call_id)
        assert (record["outcome"], record["cost_state"]) == ("broken", "unknown")


def test_chat_client_that_leaves_claude(caller: Caller, open_gateway: Gateway) -> None:
    stream = caller.openai.chat.completions.create(
        model=CLAUDE, messages=asked("Without end? [[simulate: endless=0.005]]"), stream=True
    )
    for seen, _ in enumerate(stream):
        if seen == 8:
            break
    stream.close()
    record = open_gateway.call(caller.call_id)
    assert (record["outcome"], record["cost_state"]) == ("left", "estimated")
    assert record["cost"] > 0


def test_chat_breakpoints_warm_claudes_cache(caller: Caller, open_gateway: Gateway, provider: Simulator) -> None:
    handbook = "The chat handbook. " + " ".join(f"Rule {n}: keep the deck clean." for n in range(300))
    part = {"type": "text", "text": handbook, "prompt_cache_breakpoint": {"mode": "explicit"}}
    messages: Any = [{"role": "system", "content": [part]}, *asked("Which rules?")]
    for turn in range(2):
        answer = caller.openai.chat.completions.create(model="claude-sonnet-5", messages=messages, max_tokens=50)
        spent: Any = provider.last_line()["spent"]
        assert (spent["cache_read"] if turn else spent["w5m"]) > 1024
        assert answer.usage.prompt_tokens == spent["prompt"]
        assert answer.usage.prompt_tokens_details.cached_tokens == spent["cache_read"]
        booked(open_gateway, caller, charged(provider, "claude-sonnet-5"))


# The anthropic SDK, served by an OpenAI-compatible model.


@pytest.mark.parametrize("model", [GPT, "deepseek-chat"])
def test_message_plain(caller: Caller, open_gateway: Gateway, provider: Simulator, model: str) -> None:
    answer = caller.anthropic.messages.create(
        model=model, max_tokens=300, system="Be brief.", messages=asked("What is an atoll?"), stop_sequences=["@@"]
    )
    assert answer.content[0].text
    assert (answer.type, answer.role, answer.stop_reason) == ("message", "assistant", "end_turn")
    spent: Any = provider.last_line()["spent"]
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (spent["prompt"], spent["output"])
    if model == GPT:
        booked(open_gateway, caller, charged(provider, GPT))
    else:
        record = open_gateway.call(caller.call_id)
        assert record["provider"] == "deepseek" and record["cost"] > 0 and record["cost_state"] == "computed"


@pytest.mark.parametrize("model", [GPT, "deepseek-chat"])
def test_message_stream(caller: Caller, open_gateway: Gateway, provider: Simulator, model: str) -> None:
    question: Any = {"model": model, "max_tokens": 300, "messages": asked("What is a delta?")}
    plain = caller.anthropic.messages.create(**question)
    plain_cost = open_gateway.call(caller.call_id)["cost"]
    with caller.anthropic.messages.stream(**question) as stream:
        said = "".join(stream.text_stream)
        final = stream.get_final_message()
    assert said == final.content[0].text == plain.content[0].text
    assert final.stop_reason == "end_turn"
    assert final.usage.output_tokens == plain.usage.output_tokens
    booked(open_gateway, caller, plain_cost)


async def test_message_stream_async_raw_events(acaller: AsyncCaller, provider: Simulator) -> None:
    stream = await acaller.anthropic.messages.create(
        model=GPT, max_tokens=300, messages=asked("What is a bight?"), stream=True
    )
    async with stream:
        kinds = [event.type async for event in stream]
    assert kinds[0] == "message_start" and kinds[-2:] == ["message_delta", "message_stop"]
    assert kinds.count("content_block_start") == kinds.count("content_block_stop") == 1


@pytest.mark.parametrize("stream", [False, True])
def test_message_agents_loop(caller: Caller, open_gateway: Gateway, provider: Simulator, stream: bool) -> None:
    messages = asked("Compare the weather in Paris and in Rome.")
    first = _message(caller, messages, stream)
    uses = [block for block in first.content if block.type == "tool_use"]
    assert first.stop_reason == "tool_use"
    assert [use.input["city"] for use in uses] == ["Paris", "Rome"]
    booked(open_gateway, caller, charged(provider, GPT))
    results = [{"type": "tool_result", "tool_use_id": use.id, "content": f"{n} C"} for n, use in enumerate(uses)]
    messages += [{"role": "assistant", "content": first.content}, {"role": "user", "content": results}]
    second = _message(caller, messages, stream)
    assert "0 C" in second.content[0].text and "1 C" in second.content[0].text
    booked(open_gateway, caller, charged(provider, GPT))


def _message(caller: Caller, messages: list, stream: bool) -> Any:
    question: Any = {"model": GPT, "max_tokens": 300, "messages": messages, "tools": [CLAUDE_TOOL]}
    if not stream:
        return caller.anthropic.messages.create(**question)
    with caller.anthropic.messages.stream(**question) as events:
        return events.get_final_message()


def test_message_structured_output(caller: Caller, open_gateway: Gateway, provider: Simulator) -> None:
    answer = caller.anthropic.messages.parse(
        model=GPT, max_tokens=300, messages=asked("A ticket: fire."), output_format=Ticket
    )
    assert isinstance(answer.parsed_output, Ticket)
    booked(open_gateway, caller, charged(provider, GPT))


def test_message_image(caller: Caller, open_gateway: Gateway, provider: Simulator) -> None:
    picture = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": png()}}
    content: Any = [picture, {"type": "text", "text": "What is this?"}]
    answer = caller.anthropic.messages.create(
        model="gpt-4o", max_tokens=99, messages=[{"role": "user", "content": content}]
    )
    assert answer.usage.input_tokens > 85
    booked(open_gateway, caller, charged(provider, "gpt-4o"))


def test_message_thinking_of_another_model(caller: Caller, open_gateway: Gateway, provider: Simulator) -> None:
    with caller.anthropic.messages.stream(
        model="gpt-5-mini",
        max_tokens=4000,
        messages=asked("How long?"),
        thinking={"type": "enabled", "budget_tokens": 1024},
    ) as stream:
        final = stream.get_final_message()
    assert final.content[-1].type == "text"
    booked(open_gateway, caller, charged(provider, "gpt-5-mini"))
    assert provider.last_line()["spent"]["reasoning"] > 0


def test_message_shows_the_reasoning_of_deepseek(caller: Caller) -> None:
    answer = caller.anthropic.messages.create(
        model="deepseek-reasoner", max_tokens=4000, messages=asked("How long?"),
        thinking={"type": "enabled", "budget_tokens": 1024},
    )  # fmt: skip
    assert [block.type for block in answer.content] == ["thinking", "text"]


def test_message_what_gpt_cannot_do_is_a_clear_400(caller: Caller) -> None:
    search: Any = {"type": "web_search_20250305", "name": "web_search"}
    with pytest.raises(anthropic.BadRequestError, match="web_search"):
        caller.anthropic.messages.create(model=GPT, max_tokens=9, messages=asked("Hi"), tools=[search])
    with pytest.raises(anthropic.BadRequestError, match="top_k"):
        caller.anthropic.messages.create(model=GPT, max_tokens=9, messages=asked("Hi"), extra_body={"top_k": 5})
    with pytest.raises(anthropic.BadRequestError, match="count_tokens"):
        caller.anthropic.messages.count_tokens(model=GPT, messages=asked("Hi"))


@pytest.mark.parametrize(
    ("status", "raised", "kind"),
    [
        (400, anthropic.BadRequestError, "invalid_request_error"),
        (401, anthropic.AuthenticationError, "authentication_error"),
        (403, anthropic.PermissionDeniedError, "permission_error"),
        (404, anthropic.NotFoundError, "not_found_error"),
        (413, anthropic.ContentTooLargeError, "request_too_large"),
        (429, anthropic.RateLimitError, "rate_limit_error"),
        (500, anthropic.InternalServerError, "api_error"),
        (503, anthropic.ServiceUnavailableError, "api_error"),
    ],
)
def test_message_errors_of_gpt(caller: Caller, status: int, raised: type, kind: str) -> None:
    with pytest.raises(raised) as found:
        caller.anthropic.messages.create(model=GPT, max_tokens=9, messages=asked(f"Hi [[simulate: status-{status}]]"))
    error: Any = found.value
    assert (error.status_code, error.type) == (status, kind)
    assert error.body["error"]["message"]


def test_message_stream_of_gpt_that_is_cut(caller: Caller, open_gateway: Gateway) -> None:
    for fault in ("cut-stream=3", "overloaded-midstream=3"):
        with (
            pytest.raises(anthropic.APIError),
            caller.anthropic.messages.stream(
                model=GPT, max_tokens=99, messages=asked(f"A wreck? [[simulate: {fault}]]")
            ) as stream,
        ):
            stream.get_final_message()
        record = open_gateway.call(caller.call_id)
        assert (record["outcome"], record["cost_state"]) == ("broken", "unknown")
