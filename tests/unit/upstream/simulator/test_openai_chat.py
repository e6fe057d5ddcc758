"""Chat completions, judged by OpenAI's own SDK."""

import asyncio
import base64
import io
import json
import wave
from typing import Any

import httpx2
import openai as sdk
import pytest
from openai import AsyncOpenAI, OpenAI
from pydantic import BaseModel

WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
            "additionalProperties": False,
        },
    },
}
PIXEL = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def user(text: Any) -> Any:
    return [{"role": "user", "content": text}]


async def test_counts_a_prompt_as_the_recipe_says(openai: AsyncOpenAI) -> None:
    answer = await openai.chat.completions.create(model="gpt-4o-mini", messages=user("Tell me about ships."))
    assert answer.model == "gpt-4o-mini-2024-07-18"
    assert answer.usage is not None
    assert answer.usage.prompt_tokens == 5 + 4 + 3
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    assert answer.choices[0].finish_reason == "stop"


async def test_equal_requests_get_equal_answers(openai: AsyncOpenAI) -> None:
    async def ask(model: str) -> str | None:
        answer = await openai.chat.completions.create(model=model, messages=user("Plan a picnic."))
        return answer.choices[0].message.content

    assert await ask("gpt-4o") == await ask("gpt-4o")
    assert await ask("gpt-4o") != await ask("gpt-4.1")


async def test_a_stream_says_what_the_plain_answer_says(openai: AsyncOpenAI) -> None:
    plain = await openai.chat.completions.create(model="gpt-4o", messages=user("Plan a picnic."))
    text, usage = "", None
    async for chunk in await openai.chat.completions.create(
        model="gpt-4o", messages=user("Plan a picnic."), stream=True, stream_options={"include_usage": True}
    ):
        usage = chunk.usage or usage
        text += "".join(choice.delta.content or "" for choice in chunk.choices)
    assert text == plain.choices[0].message.content
    assert usage == plain.usage


async def test_no_usage_in_a_stream_that_does_not_ask(openai: AsyncOpenAI) -> None:
    chunks = [
        chunk async for chunk in await openai.chat.completions.create(model="gpt-4o", messages=user("Hi"), stream=True)
    ]
    assert all(chunk.usage is None and chunk.choices for chunk in chunks)


async def test_the_synchronous_client_and_its_stream(url: str) -> None:
    def ask() -> tuple[str | None, str]:
        with OpenAI(base_url=f"{url}/v1", api_key="any") as client:
            plain = client.chat.completions.create(model="gpt-4o", messages=user("Hello there"))
            with client.chat.completions.stream(model="gpt-4o", messages=user("Hello there")) as stream:
                return plain.choices[0].message.content, stream.get_final_completion().choices[0].message.content or ""

    plain, streamed = await asyncio.to_thread(ask)
    assert plain == streamed


async def test_parallel_tool_calls_and_their_results(openai: AsyncOpenAI) -> None:
    messages = user("What is the weather in Paris and in Rome?")
    answer = await openai.chat.completions.create(model="gpt-4o", messages=messages, tools=[WEATHER])
    calls = answer.choices[0].message.tool_calls
    assert answer.choices[0].finish_reason == "tool_calls" and calls is not None
    assert [json.loads(call.function.arguments) for call in calls if call.type == "function"] == [
        {"city": "Paris"},
        {"city": "Rome"},
    ]
    messages = [*messages, answer.choices[0].message.to_dict()]
    messages += [
        {"role": "tool", "tool_call_id": call.id, "content": f"{20 + at} degrees"} for at, call in enumerate(calls)
    ]
    final = await openai.chat.completions.create(model="gpt-4o", messages=messages, tools=[WEATHER])
    assert final.choices[0].finish_reason == "stop"
    assert "20 degrees" in str(final.choices[0].message.content) and "21 degrees" in str(
        final.choices[0].message.content
    )


async def test_streamed_tool_calls_add_up(openai: AsyncOpenAI) -> None:
    messages = user("What is the weather in Paris and in Rome?")
    plain = await openai.chat.completions.create(model="gpt-4o", messages=messages, tools=[WEATHER])
    async with openai.chat.completions.stream(model="gpt-4o", messages=messages, tools=[WEATHER]) as stream:
        final = await stream.get_final_completion()
    arguments = [[call.function.arguments for call in one.choices[0].message.tool_calls or [] if call.type == "function"]
                 for one in (plain, final)]  # fmt: skip
    assert arguments[0] == arguments[1] and len(arguments[0]) == 2


@pytest.mark.parametrize(
    ("choice", "calls"), [("none", 0), ("required", 1), ({"type": "function", "function": {"name": "get_weather"}}, 1)]
)
async def test_tool_choice(openai: AsyncOpenAI, choice: Any, calls: int) -> None:
    answer = await openai.chat.completions.create(
        model="gpt-4o", messages=user("Good morning."), tools=[WEATHER], tool_choice=choice
    )
    assert len(answer.choices[0].message.tool_calls or []) == calls


async def test_one_call_where_parallel_calls_are_off(openai: AsyncOpenAI) -> None:
    answer = await openai.chat.completions.create(
        model="gpt-4o",
        messages=user("What is the weather in Paris and in Rome?"),
        tools=[WEATHER],
        parallel_tool_calls=False,
    )
    assert len(answer.choices[0].message.tool_calls or []) == 1


class Invoice(BaseModel):
    number: str
    total: float
    positions: list[str]
    paid: bool


async def test_structured_output_is_parsed(openai: AsyncOpenAI) -> None:
    answer = await openai.chat.completions.parse(
        model="gpt-4o", messages=user("Read this invoice"), response_format=Invoice
    )
    assert isinstance(answer.choices[0].message.parsed, Invoice)


async def test_json_mode(openai: AsyncOpenAI) -> None:
    answer = await openai.chat.completions.create(
        model="gpt-4o", messages=user("Anything as JSON"), response_format={"type": "json_object"}
    )
    assert isinstance(json.loads(answer.choices[0].message.content or ""), dict)


async def test_limits_stop_the_text(openai: AsyncOpenAI) -> None:
    cut = await openai.chat.completions.create(model="gpt-4o", messages=user("Plan a picnic."), max_tokens=7)
    assert cut.choices[0].finish_reason == "length"
    assert cut.usage is not None and cut.usage.completion_tokens == 7
    stopped = await openai.chat.completions.create(model="gpt-4o", messages=user("Plan a picnic."), stop=[" "])
    assert stopped.choices[0].finish_reason == "stop" and " " not in str(stopped.choices[0].message.content)


async def test_choices_are_told_apart_and_all_billed(openai: AsyncOpenAI) -> None:
    one = await openai.chat.completions.create(model="gpt-4o", messages=user("Plan a picnic."))
    three = await openai.chat.completions.create(model="gpt-4o", messages=user("Plan a picnic."), n=3)
    assert len({choice.message.content for choice in three.choices}) == 3
    assert one.usage is not None and three.usage is not None
    assert three.usage.completion_tokens > one.usage.completion_tokens
    assert three.usage.prompt_tokens == one.usage.prompt_tokens


async def test_reasoning_is_a_part_of_the_output(openai: AsyncOpenAI) -> None:
    async def reasoning(effort: Any) -> int:
        answer = await openai.chat.completions.create(model="gpt-5", messages=user("Think."), reasoning_effort=effort)
        assert answer.usage is not None and answer.usage.completion_tokens_details is not None
        spent = answer.usage.completion_tokens_details.reasoning_tokens or 0
        assert spent < answer.usage.completion_tokens
        return spent

    assert await reasoning("minimal") == 0 < await reasoning("low") < await reasoning("high")


async def test_a_limit_can_be_used_up_by_reasoning_alone(openai: AsyncOpenAI) -> None:
    answer = await openai.chat.completions.create(
        model="gpt-5", messages=user("Think."), reasoning_effort="high", max_completion_tokens=20
    )
    assert (answer.choices[0].finish_reason, answer.choices[0].message.content) == ("length", "")
    assert answer.usage is not None and answer.usage.completion_tokens == 20


async def test_images_and_audio_are_counted(openai: AsyncOpenAI) -> None:
    async def prompt(model: str, part: Any) -> Any:
        answer = await openai.chat.completions.create(
            model=model, messages=user([{"type": "text", "text": "Look."}, part])
        )
        return answer.usage

    image = {"type": "image_url", "image_url": {"url": PIXEL}}
    assert (await prompt("gpt-4o", image)).prompt_tokens == 4 + 3 + 2 + 85 + 170
    assert (
        await prompt("gpt-4o", {**image, "image_url": {"url": PIXEL, "detail": "low"}})
    ).prompt_tokens == 4 + 3 + 2 + 85
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", ""))
        sound.writeframes(bytes(2 * 8000))
    second = base64.b64encode(file.getvalue()).decode()
    audio = {"type": "input_audio", "input_audio": {"data": second, "format": "wav"}}
    usage = await prompt("gpt-4o-audio-preview", audio)
    assert usage.prompt_tokens_details.audio_tokens == 10
    assert usage.prompt_tokens == 4 + 3 + 2 + 10


async def test_deepseek_tells_hits_and_misses(openai: AsyncOpenAI) -> None:
    words = " ".join(f"word{number}" for number in range(400))
    for hits in (False, True):
        answer = await openai.chat.completions.create(model="deepseek-chat", messages=user(words))
        assert answer.usage is not None and answer.usage.model_extra is not None
        hit, miss = (answer.usage.model_extra[f"prompt_cache_{kind}_tokens"] for kind in ("hit", "miss"))
        assert (hit > 0) is hits and hit % 64 == 0 and hit + miss == answer.usage.prompt_tokens


async def test_service_tiers_come_back_as_they_served(openai: AsyncOpenAI) -> None:
    for asked, served in (("auto", "default"), ("flex", "flex"), ("priority", "priority"), ("fast", "priority")):
        answer = await openai.chat.completions.create(
            model="gpt-5", messages=user("Hi"), extra_body={"service_tier": asked}
        )
        assert answer.service_tier == served


@pytest.mark.parametrize(
    ("change", "error", "param"),
    [
        ({"messages": []}, sdk.BadRequestError, "messages"),
        ({"messages": [{"role": "pirate", "content": "x"}]}, sdk.BadRequestError, "messages[0].role"),
        (
            {"messages": [{"role": "tool", "content": "x", "tool_call_id": "1"}]},
            sdk.BadRequestError,
            "messages.[0].role",
        ),
        ({"model": "gpt-9"}, sdk.NotFoundError, None),
        ({"max_tokens": 0}, sdk.BadRequestError, "max_tokens"),
        ({"max_tokens": 10**6}, sdk.BadRequestError, "max_tokens"),
        ({"model": "gpt-5", "max_tokens": 10}, sdk.BadRequestError, "max_tokens"),
        ({"model": "text-embedding-3-small"}, sdk.NotFoundError, "model"),
        ({"stop": list("abcde")}, sdk.BadRequestError, "stop"),
        ({"messages": [{"role": "user", "content": "word " * 130_000}]}, sdk.BadRequestError, "messages"),
    ],
)
async def test_refusals(openai: AsyncOpenAI, change: Any, error: type[sdk.APIStatusError], param: str | None) -> None:
    with pytest.raises(error) as refused:
        await openai.chat.completions.create(**{"model": "gpt-4o", "messages": user("Hi"), **change})
    assert refused.value.param == param
    assert refused.value.request_id


async def test_a_key_is_needed(url: str) -> None:
    async with httpx2.AsyncClient(verify=False) as client:
        refused = await client.get(f"{url}/v1/models")
    assert refused.status_code == 401 and "API key" in refused.json()["error"]["message"]


async def test_a_call_without_an_answer_of_its_tool_is_refused(openai: AsyncOpenAI) -> None:
    call = {"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}
    messages: Any = [*user("Weather?"), {"role": "assistant", "tool_calls": [call]}, *user("And?")]
    with pytest.raises(sdk.BadRequestError, match="call_1"):
        await openai.chat.completions.create(model="gpt-4o", messages=messages)


async def test_models(openai: AsyncOpenAI) -> None:
    assert "gpt-4o-mini" in [model.id async for model in openai.models.list()]
    assert (await openai.models.retrieve("gpt-5")).owned_by == "openai"
    with pytest.raises(sdk.NotFoundError):
        await openai.models.retrieve("claude-haiku-4-5")


async def test_azure_paths_name_the_deployment(url: str) -> None:
    async with sdk.AsyncAzureOpenAI(azure_endpoint=url, api_key="any", api_version="2024-10-21") as client:
        answer = await client.chat.completions.create(model="gpt-4o", messages=user("Hi"))
    assert answer.model == "gpt-4o-2024-08-06"
