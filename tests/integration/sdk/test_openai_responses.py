"""The openai SDK's responses through the gateway: each style of use works, and each call is booked exactly."""

import json

import openai
import pytest
from pydantic import BaseModel

from integration import rates
from integration.callers import AsyncCaller, Caller
from integration.gateways import Gateway
from integration.ledger import booked
from integration.media import png

MODEL = "gpt-4.1-mini"
WEATHER = {
    "type": "function",
    "name": "get_weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


class Port(BaseModel):
    name: str
    berths: int


def test_plain(caller: Caller, open_gateway: Gateway) -> None:
    answer = caller.openai.responses.create(model=MODEL, instructions="Be brief.", input="What is ballast?")
    assert answer.output_text
    record = booked(open_gateway, caller, rates.of_response(MODEL, answer.usage))
    assert record["wire"] == "openai.responses"


async def test_plain_async(acaller: AsyncCaller, open_gateway: Gateway) -> None:
    answer = await acaller.openai.responses.create(model=MODEL, input="What is a buoy?")
    booked(open_gateway, acaller, rates.of_response(MODEL, answer.usage))


def test_the_costs_headers(caller: Caller) -> None:
    raw = caller.openai.responses.with_raw_response.create(model=MODEL, input="What is a bow?")
    assert raw.headers["x-farthing-cost"] == f"0.{rates.of_response(MODEL, raw.parse().usage):09d}"


def test_stream_costs_what_plain_costs(caller: Caller, open_gateway: Gateway) -> None:
    plain = caller.openai.responses.create(model=MODEL, input="What is a stern?")
    cost = rates.of_response(MODEL, plain.usage)
    booked(open_gateway, caller, cost)
    with caller.openai.responses.create(model=MODEL, input="What is a stern?", stream=True) as stream:
        events = list(stream)
    assert events[-1].type == "response.completed"
    assert events[-1].response.output_text == plain.output_text
    assert events[-1].response.usage == plain.usage, "a response's usage is always told"
    booked(open_gateway, caller, cost)


def test_stream_helper(caller: Caller, open_gateway: Gateway) -> None:
    with caller.openai.responses.stream(model=MODEL, input="What is a rudder?") as stream:
        kinds = {event.type for event in stream}
        final = stream.get_final_response()
    assert {"response.created", "response.output_text.delta", "response.completed"} <= kinds
    booked(open_gateway, caller, rates.of_response(MODEL, final.usage))


async def test_stream_helper_async_with_a_schema(acaller: AsyncCaller, open_gateway: Gateway) -> None:
    async with acaller.openai.responses.stream(model=MODEL, input="Name a port.", text_format=Port) as stream:
        async for _ in stream:
            pass
        final = await stream.get_final_response()
    assert isinstance(final.output_parsed, Port)
    booked(open_gateway, acaller, rates.of_response(MODEL, final.usage))


def test_structured_output(caller: Caller, open_gateway: Gateway) -> None:
    answer = caller.openai.responses.parse(model=MODEL, input="Name another port.", text_format=Port)
    assert isinstance(answer.output_parsed, Port)
    booked(open_gateway, caller, rates.of_response(MODEL, answer.usage))


def test_an_agents_loop_with_parallel_tools(caller: Caller, open_gateway: Gateway) -> None:
    items: list = [{"role": "user", "content": "Compare the weather in Paris and in Rome."}]
    first = caller.openai.responses.create(model=MODEL, input=items, tools=[WEATHER])
    calls = [item for item in first.output if item.type == "function_call"]
    assert [json.loads(call.arguments)["city"] for call in calls] == ["Paris", "Rome"]
    booked(open_gateway, caller, rates.of_response(MODEL, first.usage))

    items += first.output
    items += [
        {"type": "function_call_output", "call_id": call.call_id, "output": f"{n} C"} for n, call in enumerate(calls)
    ]
    second = caller.openai.responses.create(model=MODEL, input=items, tools=[WEATHER])
    assert "0 C" in second.output_text and "1 C" in second.output_text
    booked(open_gateway, caller, rates.of_response(MODEL, second.usage))


def test_a_conversation_that_the_provider_keeps(caller: Caller, open_gateway: Gateway) -> None:
    first = caller.openai.responses.create(model=MODEL, input="My ship is called Argo.")
    second = caller.openai.responses.create(
        model=MODEL, input="What is she called?", previous_response_id=first.id, store=False
    )
    assert second.usage.input_tokens > first.usage.input_tokens
    booked(open_gateway, caller, rates.of_response(MODEL, second.usage))


def test_images(caller: Caller, open_gateway: Gateway) -> None:
    picture = {"type": "input_image", "image_url": f"data:image/png;base64,{png()}", "detail": "low"}
    content = [{"type": "input_text", "text": "What is this?"}, picture]
    answer = caller.openai.responses.create(model="gpt-4o", input=[{"role": "user", "content": content}])
    booked(open_gateway, caller, rates.of_response("gpt-4o", answer.usage))


def test_reasoning(caller: Caller, open_gateway: Gateway) -> None:
    answer = caller.openai.responses.create(
        model="gpt-5-mini", input="How deep is the harbour?", reasoning={"effort": "high", "summary": "auto"}
    )
    assert answer.usage.output_tokens_details.reasoning_tokens > 0
    assert answer.output[0].type == "reasoning"
    booked(open_gateway, caller, rates.of_response("gpt-5-mini", answer.usage))


def test_an_answer_cut_by_its_limit_is_booked(caller: Caller, open_gateway: Gateway) -> None:
    answer = caller.openai.responses.create(model=MODEL, input="Tell all about ropes in detail.", max_output_tokens=16)
    assert answer.status == "incomplete"
    booked(open_gateway, caller, rates.of_response(MODEL, answer.usage))


@pytest.mark.parametrize("model", ["claude-haiku-4-5", "deepseek-chat"])
def test_a_provider_without_responses_is_a_clear_400(caller: Caller, open_gateway: Gateway, model: str) -> None:
    with pytest.raises(openai.BadRequestError, match="does not serve /v1/responses") as refused:
        caller.openai.responses.create(model=model, input="Hello?")
    assert refused.value.code == "cannot_translate"
    record = open_gateway.call(caller.call_id)
    assert (record["status"], record["outcome"], record["cost"], record["attempts"]) == (400, "error", 0, [])
