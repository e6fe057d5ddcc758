"""Messages, judged by Anthropic's own SDK."""

import asyncio
from typing import Any

import anthropic as sdk
import pytest
from anthropic import Anthropic, AsyncAnthropic
from pydantic import BaseModel

WEATHER: Any = {
    "name": "get_weather",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


def user(content: Any) -> Any:
    return [{"role": "user", "content": content}]


def ask(text: Any, **more: Any) -> Any:
    return {"model": "claude-sonnet-4-6", "max_tokens": 1000, "messages": user(text), **more}


async def test_an_answer(anthropic: AsyncAnthropic) -> None:
    answer = await anthropic.messages.create(**ask("Tell me about ships."))
    assert answer.model == "claude-sonnet-4-6"
    assert answer.stop_reason == "end_turn" and answer.content[0].type == "text"
    assert answer.usage.input_tokens > 5 and answer.usage.output_tokens > 5
    assert answer.usage.service_tier == "standard"


async def test_count_tokens_agrees_with_the_call(anthropic: AsyncAnthropic) -> None:
    request = ask("Weather in Rome?", tools=[WEATHER], system="Be kind.")
    answer = await anthropic.messages.create(**request)
    del request["max_tokens"]
    assert (await anthropic.messages.count_tokens(**request)).input_tokens == answer.usage.input_tokens


async def test_a_stream_says_what_the_plain_answer_says(anthropic: AsyncAnthropic) -> None:
    plain = await anthropic.messages.create(**ask("Plan a picnic."))
    async with anthropic.messages.stream(**ask("Plan a picnic.")) as stream:
        final = await stream.get_final_message()
    assert [block.to_dict() for block in final.content] == [block.to_dict() for block in plain.content]
    assert final.usage == plain.usage
    assert final.stop_reason == plain.stop_reason


async def test_the_synchronous_client_and_its_stream(url: str) -> None:
    def talk() -> tuple[str, str]:
        with Anthropic(base_url=url, api_key="any") as client:
            plain = client.messages.create(**ask("Hello there"))
            with client.messages.stream(**ask("Hello there")) as stream:
                return plain.content[0].text, stream.get_final_text()  # type: ignore[union-attr]

    plain, streamed = await asyncio.to_thread(talk)
    assert plain == streamed


async def test_parallel_tool_calls_and_their_results(anthropic: AsyncAnthropic) -> None:
    request = ask("What is the weather in Paris and in Rome?", tools=[WEATHER])
    answer = await anthropic.messages.create(**request)
    assert answer.stop_reason == "tool_use"
    uses = [block for block in answer.content if block.type == "tool_use"]
    assert [use.input for use in uses] == [{"city": "Paris"}, {"city": "Rome"}]
    results = [{"type": "tool_result", "tool_use_id": use.id, "content": f"{use.input['city']}: mild"} for use in uses]
    request["messages"] = [*request["messages"], {"role": "assistant", "content": answer.content}, *user(results)]
    final = await anthropic.messages.create(**request)
    assert final.stop_reason == "end_turn" and final.content[0].type == "text"
    assert "Paris: mild" in final.content[0].text and "Rome: mild" in final.content[0].text


async def test_streamed_tool_input_adds_up(anthropic: AsyncAnthropic) -> None:
    async with anthropic.messages.stream(**ask("Weather in Paris and in Rome?", tools=[WEATHER])) as stream:
        final = await stream.get_final_message()
    assert [block.input for block in final.content if block.type == "tool_use"] == [{"city": "Paris"}, {"city": "Rome"}]


@pytest.mark.parametrize(("choice", "uses"), [("none", 0), ("any", 1), ("tool", 1), ("auto", 0)])
async def test_tool_choice(anthropic: AsyncAnthropic, choice: str, uses: int) -> None:
    wanted = {"type": choice, **({"name": "get_weather"} if choice == "tool" else {})}
    answer = await anthropic.messages.create(**ask("Good morning.", tools=[WEATHER], tool_choice=wanted))
    assert sum(block.type == "tool_use" for block in answer.content) == uses


class Invoice(BaseModel):
    number: str
    total: float


async def test_structured_output_is_parsed(anthropic: AsyncAnthropic) -> None:
    answer = await anthropic.messages.parse(**ask("Read this invoice."), output_format=Invoice)
    assert isinstance(answer.parsed_output, Invoice)


@pytest.mark.parametrize("thinking", [{"type": "enabled", "budget_tokens": 1024}, {"type": "adaptive"}])
async def test_thinking(anthropic: AsyncAnthropic, thinking: Any) -> None:
    request = ask("Think.", thinking=thinking, max_tokens=4000, output_config={"effort": "high"})
    answer = await anthropic.messages.create(**request)
    assert [block.type for block in answer.content] == ["thinking", "text"]
    assert answer.usage.output_tokens_details is not None
    assert 0 < answer.usage.output_tokens_details.thinking_tokens < answer.usage.output_tokens
    async with anthropic.messages.stream(**request) as stream:
        final = await stream.get_final_message()
    assert final.usage.output_tokens == answer.usage.output_tokens


async def test_limits_stop_the_text(anthropic: AsyncAnthropic) -> None:
    cut = await anthropic.messages.create(**ask("Plan a picnic.", max_tokens=7))
    assert (cut.stop_reason, cut.usage.output_tokens) == ("max_tokens", 7)
    stopped = await anthropic.messages.create(**ask("Plan a picnic.", stop_sequences=[" "]))
    assert (stopped.stop_reason, stopped.stop_sequence) == ("stop_sequence", " ")


async def test_images_are_counted_by_their_area(anthropic: AsyncAnthropic) -> None:
    gif = "R0lGODlh7gLuAg=="  # the head of a picture of 750 x 750
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/gif", "data": gif}}
    text = {"type": "text", "text": "Look."}
    counts = [
        (await anthropic.messages.count_tokens(model="claude-sonnet-4-6", messages=user(parts))).input_tokens
        for parts in ([text], [image, text])
    ]
    assert counts[1] - counts[0] == 750


async def test_geography_and_speed_come_back(anthropic: AsyncAnthropic) -> None:
    answer = await anthropic.messages.create(**ask("Hi", model="claude-opus-4-6", inference_geo="us", speed="fast"))
    assert (answer.usage.inference_geo, answer.usage.speed) == ("us", "fast")


@pytest.mark.parametrize(
    ("change", "error", "text"),
    [
        ({"messages": []}, sdk.BadRequestError, "at least one message"),
        ({"model": "gpt-4o"}, sdk.NotFoundError, "model: gpt-4o"),
        ({"max_tokens": 0}, sdk.BadRequestError, "max_tokens"),
        ({"max_tokens": 10**6, "timeout": 30}, sdk.BadRequestError, "maximum allowed"),
        ({"thinking": {"type": "enabled", "budget_tokens": 10}}, sdk.BadRequestError, "1024"),
        ({"thinking": {"type": "enabled", "budget_tokens": 5000}}, sdk.BadRequestError, "must be greater"),
        ({"messages": [{"role": "user", "content": ""}]}, sdk.BadRequestError, "non-empty"),
        ({"messages": [{"role": "user", "content": "word " * 900_000}]}, sdk.BadRequestError, "too long"),
        ({"tools": [{"name": "a"}]}, sdk.BadRequestError, "input_schema"),
        (
            {"messages": [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t"}]}]},
            sdk.BadRequestError,
            "tool_use_id",
        ),
    ],
)
async def test_refusals(anthropic: AsyncAnthropic, change: Any, error: type[sdk.APIStatusError], text: str) -> None:
    with pytest.raises(error, match=text) as refused:
        await anthropic.messages.create(**ask("Hi", **change))
    assert refused.value.request_id


async def test_a_tool_use_without_its_result_is_refused(anthropic: AsyncAnthropic) -> None:
    use = {"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": {}}
    messages = [*user("Weather?"), {"role": "assistant", "content": [use]}, *user("And?")]
    with pytest.raises(sdk.BadRequestError, match="toolu_1"):
        await anthropic.messages.create(**ask("", messages=messages))


async def test_models(anthropic: AsyncAnthropic) -> None:
    assert "claude-opus-4-5-20251101" in [model.id async for model in anthropic.models.list()]
    assert (await anthropic.models.retrieve("claude-haiku-4-5")).max_tokens == 64_000
    with pytest.raises(sdk.NotFoundError):
        await anthropic.models.retrieve("gpt-4o")
