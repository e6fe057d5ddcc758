"""The anthropic SDK's Messages through the gateway: each style of use works, and each call is booked exactly."""

import pytest
from pydantic import BaseModel

from integration import rates
from integration.callers import AsyncCaller, Caller
from integration.gateways import Gateway
from integration.ledger import booked
from integration.media import png
from integration.upstreams import Simulator

MODEL = "claude-haiku-4-5"
WEATHER = {
    "name": "get_weather",
    "description": "The weather in a city.",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


class Ticket(BaseModel):
    title: str
    urgent: bool


def asked(text: str) -> list:
    return [{"role": "user", "content": text}]


def test_plain(caller: Caller, open_gateway: Gateway) -> None:
    answer = caller.anthropic.messages.create(
        model=MODEL, max_tokens=500, system="Be brief.", messages=asked("What is a gale?")
    )
    assert answer.content[0].text
    record = booked(open_gateway, caller, rates.of_message(MODEL, answer.usage))
    assert (record["wire"], record["provider"], record["model"]) == ("anthropic.messages", "anthropic", MODEL)


async def test_plain_async(acaller: AsyncCaller, open_gateway: Gateway) -> None:
    answer = await acaller.anthropic.messages.create(model=MODEL, max_tokens=500, messages=asked("What is a squall?"))
    booked(open_gateway, acaller, rates.of_message(MODEL, answer.usage))


def test_the_costs_headers(caller: Caller) -> None:
    raw = caller.anthropic.messages.with_raw_response.create(model=MODEL, max_tokens=99, messages=asked("A swell?"))
    answer = raw.parse()
    assert raw.headers["x-farthing-cost"] == f"0.{rates.of_message(MODEL, answer.usage):09d}"
    assert raw.headers["x-farthing-model"] == MODEL
    assert raw.headers["x-farthing-call-id"].startswith("call-")
    assert raw.headers["request-id"] == answer._request_id, "the provider's own id reaches the client"
    assert {"anthropic-ratelimit-requests-remaining", "anthropic-ratelimit-tokens-reset"} <= set(raw.headers)


def test_stream_costs_what_plain_costs(caller: Caller, open_gateway: Gateway) -> None:
    question = asked("What is a tide?")
    plain = caller.anthropic.messages.create(model=MODEL, max_tokens=500, messages=question)
    cost = rates.of_message(MODEL, plain.usage)
    booked(open_gateway, caller, cost)
    with caller.anthropic.messages.create(model=MODEL, max_tokens=500, messages=question, stream=True) as stream:
        events = list(stream)
    said = "".join(event.delta.text for event in events if event.type == "content_block_delta")
    assert said == plain.content[0].text
    assert events[-1].type == "message_stop"
    assert booked(open_gateway, caller, cost)["stream"]


async def test_stream_async(acaller: AsyncCaller, open_gateway: Gateway, provider: Simulator) -> None:
    stream = await acaller.anthropic.messages.create(
        model=MODEL, max_tokens=500, messages=asked("What is a reef?"), stream=True
    )
    async with stream:
        events = [event async for event in stream]
    spent = provider.line(events[0].message.id)["spent"]
    booked(open_gateway, acaller, rates.nano(MODEL, input=spent["prompt"], output=spent["output"]))


def test_stream_helper(caller: Caller, open_gateway: Gateway) -> None:
    with caller.anthropic.messages.stream(model=MODEL, max_tokens=500, messages=asked("What is a cape?")) as stream:
        said = "".join(stream.text_stream)
        final = stream.get_final_message()
    assert said == final.content[0].text
    booked(open_gateway, caller, rates.of_message(MODEL, final.usage))


async def test_stream_helper_async(acaller: AsyncCaller, open_gateway: Gateway) -> None:
    async with acaller.anthropic.messages.stream(model=MODEL, max_tokens=500, messages=asked("A bay?")) as stream:
        final = await stream.get_final_message()
    booked(open_gateway, acaller, rates.of_message(MODEL, final.usage))


def test_structured_output(caller: Caller, open_gateway: Gateway) -> None:
    answer = caller.anthropic.messages.parse(
        model="claude-sonnet-5", max_tokens=500, messages=asked("A ticket: fire."), output_format=Ticket
    )
    assert isinstance(answer.parsed_output, Ticket)
    booked(open_gateway, caller, rates.of_message("claude-sonnet-5", answer.usage))


def test_an_agents_loop_with_parallel_tools(caller: Caller, open_gateway: Gateway) -> None:
    messages = asked("Compare the weather in Paris and in Rome.")
    first = caller.anthropic.messages.create(model=MODEL, max_tokens=500, messages=messages, tools=[WEATHER])
    uses = [block for block in first.content if block.type == "tool_use"]
    assert first.stop_reason == "tool_use"
    assert [use.input["city"] for use in uses] == ["Paris", "Rome"]
    booked(open_gateway, caller, rates.of_message(MODEL, first.usage))

    results = [{"type": "tool_result", "tool_use_id": use.id, "content": f"{use.input['city']}: rain"} for use in uses]
    messages += [{"role": "assistant", "content": first.content}, {"role": "user", "content": results}]
    second = caller.anthropic.messages.create(model=MODEL, max_tokens=500, messages=messages, tools=[WEATHER])
    assert "Paris: rain" in second.content[0].text and "Rome: rain" in second.content[0].text
    booked(open_gateway, caller, rates.of_message(MODEL, second.usage))


async def test_an_agents_loop_async_and_streamed(acaller: AsyncCaller, open_gateway: Gateway) -> None:
    messages = asked("What is the weather in Oslo?")
    async with acaller.anthropic.messages.stream(
        model=MODEL, max_tokens=500, messages=messages, tools=[WEATHER]
    ) as stream:
        first = await stream.get_final_message()
    use = next(block for block in first.content if block.type == "tool_use")
    assert use.input["city"]
    booked(open_gateway, acaller, rates.of_message(MODEL, first.usage))
    result = {"type": "tool_result", "tool_use_id": use.id, "content": [{"type": "text", "text": "snow"}]}
    messages += [{"role": "assistant", "content": first.content}, {"role": "user", "content": [result]}]
    async with acaller.anthropic.messages.stream(
        model=MODEL, max_tokens=500, messages=messages, tools=[WEATHER]
    ) as stream:
        second = await stream.get_final_message()
    assert "snow" in second.content[0].text
    booked(open_gateway, acaller, rates.of_message(MODEL, second.usage))


@pytest.mark.parametrize("stream", [False, True])
def test_thinking(caller: Caller, open_gateway: Gateway, stream: bool) -> None:
    request: dict = {
        "model": MODEL,
        "max_tokens": 4000,
        "thinking": {"type": "enabled", "budget_tokens": 1024},
        "messages": asked("How long is the coast?"),
    }
    if stream:
        with caller.anthropic.messages.stream(**request) as manager:
            answer = manager.get_final_message()
    else:
        answer = caller.anthropic.messages.create(**request)
    assert [block.type for block in answer.content] == ["thinking", "text"]
    assert answer.content[0].signature
    record = booked(open_gateway, caller, rates.of_message(MODEL, answer.usage))
    assert record["attempts"][0]["usage"]["reasoning"] > 0


def test_images(caller: Caller, open_gateway: Gateway) -> None:
    picture = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": png(400, 400)}}
    content = [picture, {"type": "text", "text": "What is this?"}]
    answer = caller.anthropic.messages.create(
        model=MODEL, max_tokens=99, messages=[{"role": "user", "content": content}]
    )
    assert answer.usage.input_tokens > 200, "the provider saw the picture"
    booked(open_gateway, caller, rates.of_message(MODEL, answer.usage))


@pytest.mark.parametrize("ttl", ["5m", "1h"])
def test_cache_marks(caller: Caller, open_gateway: Gateway, ttl: str) -> None:
    handbook = f"The handbook ({ttl}). " + " ".join(f"Rule {n}: keep the deck clean." for n in range(300))
    system = [{"type": "text", "text": handbook, "cache_control": {"type": "ephemeral", "ttl": ttl}}]
    costs, usages = [], []
    for _ in range(2):
        answer = caller.anthropic.messages.create(
            model="claude-sonnet-5", max_tokens=99, system=system, messages=asked("Which rules are there?")
        )
        usages.append(answer.usage)
        costs.append(rates.of_message("claude-sonnet-5", answer.usage))
        booked(open_gateway, caller, costs[-1])
    assert usages[0].cache_creation_input_tokens > 1024
    assert usages[1].cache_read_input_tokens == usages[0].cache_creation_input_tokens
    assert costs[1] < costs[0]


@pytest.mark.parametrize("style", ["plain", "json"])
def test_tags_of_metadata(caller: Caller, open_gateway: Gateway, style: str) -> None:
    user = "ada" if style == "plain" else '{"device_id": "d1", "account_uuid": "a2", "session_id": "s3"}'
    caller.anthropic.messages.create(
        model=MODEL, max_tokens=50, messages=asked("Who am I?"), metadata={"user_id": user},
        extra_headers={"x-farthing-team": "deck"},
    )  # fmt: skip
    record = open_gateway.call(caller.call_id)
    assert record["team"] == "deck"
    assert record["user"]
    if style == "plain":
        assert record["user"] == "ada"


def test_counting_tokens_is_free(caller: Caller, open_gateway: Gateway) -> None:
    question = {"model": MODEL, "system": "Be brief.", "messages": asked("How many tokens are these?")}
    counted = caller.anthropic.messages.count_tokens(**question, tools=[WEATHER])
    assert counted.input_tokens > 300
    assert caller.last.headers["x-farthing-cost"] == "0.000000000"
    record = open_gateway.call(caller.call_id)
    assert (record["wire"], record["cost"], record["outcome"]) == ("anthropic.count_tokens", 0, "ok")
    answer = caller.anthropic.messages.create(**question, max_tokens=50, tools=[WEATHER])
    assert answer.usage.input_tokens == counted.input_tokens


async def test_counting_tokens_async(acaller: AsyncCaller) -> None:
    counted = await acaller.anthropic.messages.count_tokens(model=MODEL, messages=asked("And these?"))
    assert counted.input_tokens > 0


def test_beta_features_reach_the_provider(caller: Caller, open_gateway: Gateway) -> None:
    answer = caller.anthropic.beta.messages.create(
        model=MODEL, max_tokens=50, messages=asked("A beta?"), betas=["context-1m-2025-08-07"]
    )
    booked(open_gateway, caller, rates.of_message(MODEL, answer.usage))
