"""The openai SDK's chat completions through the gateway: each style of use works, and each call is booked exactly."""

import asyncio
import json

import pytest
from openai.types.chat import ChatCompletion, ChatCompletionMessageFunctionToolCall
from pydantic import BaseModel

from integration import rates
from integration.callers import AsyncCaller, Caller
from integration.gateways import Gateway
from integration.ledger import booked
from integration.media import png, wav
from integration.upstreams import Simulator

MODEL = "gpt-4o-mini"
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


class Ticket(BaseModel):
    title: str
    urgent: bool
    hours: int


def asked(text: str) -> list:
    return [{"role": "user", "content": text}]


def test_plain(caller: Caller, open_gateway: Gateway) -> None:
    answer = caller.openai.chat.completions.create(model=MODEL, messages=asked("Tell me about ships."))
    assert answer.choices[0].message.content
    assert answer.model == "gpt-4o-mini-2024-07-18"
    record = booked(open_gateway, caller, rates.of_chat(MODEL, answer.usage))
    assert record["wire"] == "openai.chat"
    assert (record["model_asked"], record["model"], record["provider"]) == (MODEL, MODEL, "openai")
    assert (record["in_tokens"], record["out_tokens"]) == (answer.usage.prompt_tokens, answer.usage.completion_tokens)
    assert not record["stream"]


async def test_plain_async(acaller: AsyncCaller, open_gateway: Gateway) -> None:
    answer = await acaller.openai.chat.completions.create(model=MODEL, messages=asked("Tell me about sails."))
    booked(open_gateway, acaller, rates.of_chat(MODEL, answer.usage))


def test_the_costs_headers(caller: Caller, provider: Simulator) -> None:
    raw = caller.openai.chat.completions.with_raw_response.create(model=MODEL, messages=asked("And about anchors?"))
    answer = raw.parse()
    cost = rates.of_chat(MODEL, answer.usage)
    assert raw.headers["x-farthing-cost"] == f"0.{cost:09d}"
    assert raw.headers["x-farthing-saved"] == "0.000000000"
    assert raw.headers["x-farthing-model"] == MODEL
    assert raw.headers["x-farthing-cache"] == "none"
    assert raw.headers["x-farthing-call-id"].startswith("call-")
    assert answer._request_id == raw.headers["x-request-id"], "the provider's own id reaches the client"
    assert int(raw.headers["x-ratelimit-limit-requests"]) > int(raw.headers["x-ratelimit-remaining-requests"]) >= 0
    assert {"x-ratelimit-reset-requests", "x-ratelimit-limit-tokens", "x-ratelimit-reset-tokens"} <= set(raw.headers)


def test_stream_with_usage(caller: Caller, open_gateway: Gateway) -> None:
    question = asked("What is a harbour?")
    plain = caller.openai.chat.completions.create(model=MODEL, messages=question)
    plain_cost = rates.of_chat(MODEL, plain.usage)
    booked(open_gateway, caller, plain_cost)
    with caller.openai.chat.completions.create(
        model=MODEL, messages=question, stream=True, stream_options={"include_usage": True}
    ) as stream:
        chunks = list(stream)
    said = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert said == plain.choices[0].message.content
    assert chunks[-1].choices == [] and chunks[-1].usage == plain.usage
    record = booked(open_gateway, caller, plain_cost)
    assert record["stream"]
    assert record["attempts"][0]["first_byte_us"] > 0
    assert {"x-farthing-call-id", "x-farthing-model", "x-farthing-cache"} <= set(caller.last.headers)
    assert "x-farthing-cost" not in caller.last.headers, "it is not known yet when the headers leave"


def test_a_stream_that_did_not_ask_for_usage_shows_none_and_is_booked_exactly(
    caller: Caller, open_gateway: Gateway, provider: Simulator
) -> None:
    with caller.openai.chat.completions.create(model=MODEL, messages=asked("What is a pier?"), stream=True) as stream:
        chunks = list(stream)
    assert all(chunk.choices and chunk.usage is None for chunk in chunks)
    assert chunks[-1].choices[0].finish_reason == "stop"
    spent = provider.line(chunks[0].id)["spent"]
    booked(open_gateway, caller, rates.nano(MODEL, input=spent["prompt"], output=spent["output"]))


async def test_stream_async(acaller: AsyncCaller, open_gateway: Gateway) -> None:
    stream = await acaller.openai.chat.completions.create(
        model=MODEL, messages=asked("What is a mast?"), stream=True, stream_options={"include_usage": True}
    )
    async with stream:
        chunks = [chunk async for chunk in stream]
    booked(open_gateway, acaller, rates.of_chat(MODEL, chunks[-1].usage))


def test_streaming_response_of_the_sdk(caller: Caller, open_gateway: Gateway) -> None:
    with caller.openai.chat.completions.with_streaming_response.create(
        model=MODEL, messages=asked("What is a keel?")
    ) as response:
        answer = response.parse()
    booked(open_gateway, caller, rates.of_chat(MODEL, answer.usage))


def test_stream_helper(caller: Caller, open_gateway: Gateway) -> None:
    with caller.openai.chat.completions.stream(
        model=MODEL, messages=asked("What is a hull?"), stream_options={"include_usage": True}
    ) as stream:
        kinds = {event.type for event in stream}
        final = stream.get_final_completion()
    assert {"chunk", "content.delta", "content.done"} <= kinds
    booked(open_gateway, caller, rates.of_chat(MODEL, final.usage))


async def test_stream_helper_async_with_a_schema(acaller: AsyncCaller, open_gateway: Gateway) -> None:
    async with acaller.openai.chat.completions.stream(
        model=MODEL, messages=asked("Make a ticket."), response_format=Ticket, stream_options={"include_usage": True}
    ) as stream:
        async for _ in stream:
            pass
        final = await stream.get_final_completion()
    assert isinstance(final.choices[0].message.parsed, Ticket)
    booked(open_gateway, acaller, rates.of_chat(MODEL, final.usage))


def test_structured_output(caller: Caller, open_gateway: Gateway) -> None:
    answer = caller.openai.chat.completions.parse(
        model=MODEL, messages=asked("Make a ticket of: the printer burns, 3 hours."), response_format=Ticket
    )
    assert isinstance(answer.choices[0].message.parsed, Ticket)
    booked(open_gateway, caller, rates.of_chat(MODEL, answer.usage))


async def test_structured_output_async(acaller: AsyncCaller, open_gateway: Gateway) -> None:
    answer = await acaller.openai.chat.completions.parse(
        model=MODEL, messages=asked("Make a ticket of: no paper."), response_format=Ticket
    )
    assert isinstance(answer.choices[0].message.parsed, Ticket)
    booked(open_gateway, acaller, rates.of_chat(MODEL, answer.usage))


def test_an_agents_loop_with_parallel_tools(caller: Caller, open_gateway: Gateway) -> None:
    messages = asked("Compare the weather in Paris and in Rome.")
    first = caller.openai.chat.completions.create(model=MODEL, messages=messages, tools=[WEATHER])
    calls = first.choices[0].message.tool_calls or []
    assert first.choices[0].finish_reason == "tool_calls"
    assert [json.loads(_function(call).arguments)["city"] for call in calls] == ["Paris", "Rome"]
    booked(open_gateway, caller, rates.of_chat(MODEL, first.usage))

    messages.append(first.choices[0].message)
    messages += [{"role": "tool", "tool_call_id": call.id, "content": f"{call.id}: 21 C"} for call in calls]
    second = caller.openai.chat.completions.create(model=MODEL, messages=messages, tools=[WEATHER])
    assert second.choices[0].finish_reason == "stop"
    assert all(call.id in (second.choices[0].message.content or "") for call in calls)
    booked(open_gateway, caller, rates.of_chat(MODEL, second.usage))


def test_streamed_parallel_tools(caller: Caller, open_gateway: Gateway) -> None:
    with caller.openai.chat.completions.stream(
        model=MODEL, messages=asked("Compare the weather in Oslo and in Bergen."), tools=[WEATHER],
        stream_options={"include_usage": True},
    ) as stream:  # fmt: skip
        done = [event for event in stream if event.type == "tool_calls.function.arguments.done"]
        final = stream.get_final_completion()
    assert [json.loads(event.arguments)["city"] for event in done] == ["Oslo", "Bergen"]
    assert len(final.choices[0].message.tool_calls or []) == 2
    booked(open_gateway, caller, rates.of_chat(MODEL, final.usage))


async def test_an_agents_loop_async_one_tool_at_a_time(acaller: AsyncCaller, open_gateway: Gateway) -> None:
    messages = asked("What is the weather in Lyon and in Nice?")
    first = await acaller.openai.chat.completions.create(
        model=MODEL, messages=messages, tools=[WEATHER], parallel_tool_calls=False
    )
    calls = first.choices[0].message.tool_calls or []
    assert len(calls) == 1
    messages += [first.choices[0].message, {"role": "tool", "tool_call_id": calls[0].id, "content": "rain"}]
    second = await acaller.openai.chat.completions.create(model=MODEL, messages=messages, tools=[WEATHER])
    assert "rain" in (second.choices[0].message.content or "")
    booked(open_gateway, acaller, rates.of_chat(MODEL, second.usage))


def test_images(caller: Caller, open_gateway: Gateway) -> None:
    picture = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{png()}", "detail": "low"}}
    answer = caller.openai.chat.completions.create(
        model="gpt-4o",
        messages=[{"role": "user", "content": [{"type": "text", "text": "What colour is this?"}, picture]}],
    )
    assert answer.usage.prompt_tokens > 85, "the provider saw the picture"
    booked(open_gateway, caller, rates.of_chat("gpt-4o", answer.usage))


def test_audio(caller: Caller, open_gateway: Gateway) -> None:
    sound = {"type": "input_audio", "input_audio": {"data": wav(2.0), "format": "wav"}}
    answer = caller.openai.chat.completions.create(
        model="gpt-4o-audio-preview",
        messages=[{"role": "user", "content": [{"type": "text", "text": "What do you hear?"}, sound]}],
    )
    assert answer.usage.prompt_tokens_details.audio_tokens > 0
    record = booked(open_gateway, caller, rates.of_chat("gpt-4o-audio-preview", answer.usage))
    assert {line["unit"] for line in record["attempts"][0]["lines"]} == {"uncached_in", "audio_in", "out"}


def test_reasoning(caller: Caller, open_gateway: Gateway) -> None:
    little, much = (_thought(caller, effort) for effort in ("minimal", "high"))
    assert little.usage.completion_tokens_details.reasoning_tokens == 0
    assert much.usage.completion_tokens_details.reasoning_tokens > 0
    record = booked(open_gateway, caller, rates.of_chat("gpt-5-mini", much.usage))
    usage = record["attempts"][0]["usage"]
    assert usage["reasoning"] == much.usage.completion_tokens_details.reasoning_tokens
    assert usage["out"] == much.usage.completion_tokens, "reasoning is a part of the output, and billed once"


def test_cached_prompts(caller: Caller, open_gateway: Gateway) -> None:
    long = asked("Here is the handbook. " + " ".join(f"Rule {n}: keep the deck clean." for n in range(400)))
    answers = [caller.openai.chat.completions.create(model="gpt-4.1", messages=long) for _ in range(2)]
    assert answers[0].usage.prompt_tokens_details.cached_tokens == 0
    assert answers[1].usage.prompt_tokens_details.cached_tokens > 1024
    record = booked(open_gateway, caller, rates.of_chat("gpt-4.1", answers[1].usage))
    assert record["cached_tokens"] == answers[1].usage.prompt_tokens_details.cached_tokens


def test_several_choices(caller: Caller, open_gateway: Gateway) -> None:
    answer = caller.openai.chat.completions.create(model=MODEL, messages=asked("A name for a boat, shortly."), n=3)
    assert len(answer.choices) == 3
    booked(open_gateway, caller, rates.of_chat(MODEL, answer.usage))


def test_a_model_under_a_name_of_the_settings(caller: Caller, open_gateway: Gateway) -> None:
    answer = caller.openai.chat.completions.create(model="house-model", messages=asked("What is a rope?"))
    record = booked(open_gateway, caller, rates.of_chat(MODEL, answer.usage))
    assert (record["model_asked"], record["model"], record["deployment"]) == ("house-model", MODEL, "house-model")
    assert record["decisions"], "it says what the name means here"


def test_a_model_of_a_named_provider(caller: Caller, open_gateway: Gateway) -> None:
    answer = caller.openai.chat.completions.create(model=f"openai/{MODEL}", messages=asked("What is a knot?"))
    record = booked(open_gateway, caller, rates.of_chat(MODEL, answer.usage))
    assert (record["model_asked"], record["model"]) == (f"openai/{MODEL}", MODEL)


@pytest.mark.parametrize("style", ["user", "metadata", "safety"])
def test_tags_of_the_body(caller: Caller, open_gateway: Gateway, style: str) -> None:
    fields = {
        "user": {"user": "ada"},
        "metadata": {"metadata": {"user": "ada", "feature": "search", "ticket": "77"}},
        "safety": {"safety_identifier": "ada"},
    }
    caller.openai.chat.completions.create(model=MODEL, messages=asked("Who am I?"), **fields[style])
    record = open_gateway.call(caller.call_id)
    assert record["user"] == "ada"
    if style == "metadata":
        assert (record["feature"], record["tags"]) == ("search", {"ticket": "77"})


def test_tags_of_headers_go_first(caller: Caller, open_gateway: Gateway) -> None:
    caller.openai.chat.completions.create(
        model=MODEL, messages=asked("Who are we?"), user="ada", metadata={"team": "deck", "project": "refit"},
        extra_headers={
            "x-farthing-user": "grace", "x-farthing-team": "engine", "x-farthing-feature": "chat",
            "x-farthing-task": "small-talk", "x-farthing-transaction": "order-9", "x-farthing-tag-ship": "Argo",
        },
    )  # fmt: skip
    record = open_gateway.call(caller.call_id)
    fields = ("user", "team", "project", "feature", "task", "transaction")
    assert [record[name] for name in fields] == ["grace", "engine", "refit", "chat", "small-talk", "order-9"]
    assert record["tags"] == {"ship": "Argo"}


async def test_many_calls_at_once_are_told_apart(acaller: AsyncCaller, open_gateway: Gateway) -> None:
    raws = await asyncio.gather(
        *(
            acaller.openai.chat.completions.with_raw_response.create(
                model=MODEL, messages=asked(f"Ship {n}?" + "!" * n)
            )
            for n in range(20)
        )
    )
    costs = {raw.headers["x-farthing-call-id"]: rates.of_chat(MODEL, raw.parse().usage) for raw in raws}
    assert len(costs) == 20
    assert {call_id: open_gateway.call(call_id)["cost"] for call_id in costs} == costs


def _thought(caller: Caller, effort: str) -> ChatCompletion:
    return caller.openai.chat.completions.create(
        model="gpt-5-mini",
        messages=asked("How many piers has the harbour?"),
        reasoning_effort=effort,
        max_completion_tokens=9000,
        verbosity="low",
    )


def _function(call: object):
    assert isinstance(call, ChatCompletionMessageFunctionToolCall)
    return call.function
