"""Responses, judged by OpenAI's own SDK."""

from typing import Any

import openai as sdk
import pytest
from openai import AsyncOpenAI
from pydantic import BaseModel

WEATHER: Any = {
    "type": "function",
    "name": "get_weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    "strict": True,
}


async def test_an_answer(openai: AsyncOpenAI) -> None:
    answer = await openai.responses.create(model="gpt-4o-mini", input="Tell me about ships.", instructions="Be brief.")
    assert (answer.status, answer.model) == ("completed", "gpt-4o-mini-2024-07-18")
    assert answer.output_text and answer.usage is not None
    assert answer.usage.total_tokens == answer.usage.input_tokens + answer.usage.output_tokens


async def test_a_stream_says_what_the_plain_answer_says(openai: AsyncOpenAI) -> None:
    plain = await openai.responses.create(model="gpt-5-mini", input="Plan a picnic.", reasoning={"summary": "auto"})
    numbers = []
    async with openai.responses.stream(
        model="gpt-5-mini", input="Plan a picnic.", reasoning={"summary": "auto"}
    ) as stream:
        async for event in stream:
            numbers.append(event.sequence_number)
        final = await stream.get_final_response()
    assert numbers == list(range(len(numbers)))
    assert final.output_text == plain.output_text and final.usage == plain.usage
    assert [item.type for item in final.output] == ["reasoning", "message"]


async def test_tools_and_the_conversation_that_is_kept(openai: AsyncOpenAI) -> None:
    first = await openai.responses.create(model="gpt-4o", input="Weather in Oslo please", tools=[WEATHER])
    (call,) = first.output
    assert call.type == "function_call" and call.arguments == '{"city":"Oslo"}'
    result: Any = {"type": "function_call_output", "call_id": call.call_id, "output": "rain"}
    second = await openai.responses.create(
        model="gpt-4o", input=[result], previous_response_id=first.id, tools=[WEATHER]
    )
    assert "rain" in second.output_text
    assert second.usage is not None and first.usage is not None
    assert second.usage.input_tokens > first.usage.input_tokens
    assert (await openai.responses.retrieve(first.id)).id == first.id
    await openai.responses.delete(first.id)
    with pytest.raises(sdk.NotFoundError):
        await openai.responses.retrieve(first.id)


async def test_streamed_tool_calls(openai: AsyncOpenAI) -> None:
    async with openai.responses.stream(model="gpt-4o", input="Weather in Oslo and in Rome?", tools=[WEATHER]) as stream:
        final = await stream.get_final_response()
    assert [item.arguments for item in final.output if item.type == "function_call"] == [
        '{"city":"Oslo"}',
        '{"city":"Rome"}',
    ]


class Invoice(BaseModel):
    number: str
    total: float


async def test_structured_output_is_parsed(openai: AsyncOpenAI) -> None:
    answer = await openai.responses.parse(model="gpt-4o", input="Read this invoice.", text_format=Invoice)
    assert isinstance(answer.output_parsed, Invoice)


async def test_an_answer_that_is_cut_is_incomplete(openai: AsyncOpenAI) -> None:
    request: Any = {"model": "gpt-4o", "input": "Plan a picnic.", "max_output_tokens": 16}
    answer = await openai.responses.create(**request)
    assert answer.status == "incomplete" and answer.incomplete_details is not None
    assert answer.incomplete_details.reason == "max_output_tokens"
    assert answer.usage is not None and answer.usage.output_tokens == 16
    events = [event.type async for event in await openai.responses.create(**request, stream=True)]
    assert events[-1] == "response.incomplete"


async def test_input_tokens(openai: AsyncOpenAI) -> None:
    counted = await openai.responses.input_tokens.count(model="gpt-4o", input="Plan a picnic.")
    answer = await openai.responses.create(model="gpt-4o", input="Plan a picnic.")
    assert answer.usage is not None and counted.input_tokens == answer.usage.input_tokens


async def test_cache_writes_are_split_by_their_ttl(openai: AsyncOpenAI) -> None:
    prompt = " ".join(f"word{number}" for number in range(800))
    request: Any = {
        "model": "gpt-5.6-luna",
        "input": prompt,
        "prompt_cache_options": {"mode": "implicit", "ttl": "12h"},
    }
    first, second = [(await openai.responses.create(**request)).usage for _ in range(2)]
    assert first is not None and second is not None
    split = first.input_tokens_details.cache_write_tokens_details
    assert (
        split is not None
        and split.ttl_12h_tokens == first.input_tokens == first.input_tokens_details.cache_write_tokens
    )
    assert second.input_tokens_details.cached_tokens == first.input_tokens
    assert second.input_tokens_details.cache_write_tokens == 0


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"model": "gpt-9"}, sdk.NotFoundError),
        ({"max_output_tokens": 3}, sdk.BadRequestError),
        ({"previous_response_id": "resp_none"}, sdk.BadRequestError),
        ({"input": [{"type": "function_call_output", "call_id": "c", "output": "x"}]}, sdk.BadRequestError),
        ({"input": [{"role": "user", "content": [{"type": "smell"}]}]}, sdk.BadRequestError),
    ],
)
async def test_refusals(openai: AsyncOpenAI, change: Any, error: type[sdk.APIStatusError]) -> None:
    with pytest.raises(error):
        await openai.responses.create(**{"model": "gpt-4o", "input": "Hi", **change})
