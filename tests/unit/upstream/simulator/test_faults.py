"""Each fault as a client meets it."""

import asyncio
import contextlib
import json
from typing import Any

import anthropic as anthropic_sdk
import httpx2
import openai as openai_sdk
import pytest
from anthropic import AsyncAnthropic
from openai import AsyncOpenAI

from farthing.upstream.simulator import SimulatorSettings, create_app, running
from farthing.upstream.simulator.faults import FAULTS, Faults, UnknownFault, parse

HI: Any = [{"role": "user", "content": "Tell me a long story about the sea."}]


async def chat(openai: AsyncOpenAI, fault: str, **more: Any) -> Any:
    return await openai.chat.completions.create(
        model="gpt-4o", messages=HI, extra_headers={"x-simulate-fault": fault}, **more
    )


async def messages(anthropic: AsyncAnthropic, fault: str, **more: Any) -> Any:
    return await anthropic.messages.create(
        model="claude-sonnet-4-6", max_tokens=1000, messages=HI, extra_headers={"x-simulate-fault": fault}, **more
    )


async def bill(url: str) -> list[dict[str, Any]]:
    async with httpx2.AsyncClient(verify=False) as client:
        return (await client.get(f"{url}/simulator/bill")).json()["lines"]


def test_texts_are_read() -> None:
    assert parse("429=2@3, cut-stream") == {"status-429": (2.0, 3), "cut-stream": (3, None)}
    with pytest.raises(UnknownFault, match="cut-steam"):
        parse("cut-steam")
    with pytest.raises(UnknownFault, match="no number"):
        parse("stall=1.2.3")


@pytest.mark.parametrize(
    "body",
    [
        {"metadata": {"simulate_fault": "html"}},
        {
            "messages": [
                {"role": "user", "content": "Hello [[simulate: html]] there"},
                {"role": "assistant", "content": "x"},
            ]
        },
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "[[simulate: html]]"}]}]},
        {"input": "[[simulate: html]]"},
    ],
)
def test_bodies_ask_for_faults(body: Any) -> None:
    assert Faults({}, 0).plan("", body, 1).has("html")


def test_times_bound_a_fault_by_the_request() -> None:
    faults = Faults({}, 0)
    hits = [faults.plan("500@2", {}, number, b"one").has("status-500") for number in range(4)]
    assert hits == [True, True, False, False]
    assert faults.plan("500@2", {}, 9, b"two").has("status-500")


def test_a_schedule_hits_its_share_and_is_steady() -> None:
    hits = [Faults({"status-500": 0.2}, 7).plan("", {}, number).has("status-500") for number in range(2000)]
    assert 0.17 < sum(hits) / 2000 < 0.23
    assert hits == [Faults({"status-500": 0.2}, 7).plan("", {}, number).has("status-500") for number in range(2000)]
    with pytest.raises(UnknownFault):
        create_app(SimulatorSettings(faults={"nonsense": 0.5}))


STATUSES = [400, 401, 403, 404, 408, 409, 413, 422, 429, 500, 502, 503, 504, 529]


@pytest.mark.parametrize("status", STATUSES)
async def test_openai_errors(openai: AsyncOpenAI, status: int) -> None:
    with pytest.raises(openai_sdk.APIStatusError) as failed:
        await chat(openai, str(status))
    assert failed.value.status_code == (503 if status == 529 else status)
    if status not in (502, 504):
        assert set(failed.value.body) == {"message", "type", "param", "code"}  # type: ignore[arg-type]
    if status == 429:
        assert isinstance(failed.value, openai_sdk.RateLimitError)
        assert failed.value.response.headers["retry-after"] == "1"


@pytest.mark.parametrize("status", STATUSES)
async def test_anthropic_errors(anthropic: AsyncAnthropic, status: int) -> None:
    with pytest.raises(anthropic_sdk.APIStatusError) as failed:
        await messages(anthropic, f"{status}=7")
    assert failed.value.status_code == status
    if status not in (502, 504):
        assert failed.value.body["type"] == "error"  # type: ignore[index, call-overload]
    if status == 429:
        assert failed.value.response.headers["retry-after"] == "7"
    if status == 529:
        assert isinstance(failed.value, anthropic_sdk.OverloadedError)


async def test_the_sdk_retries_until_the_fault_is_over(url: str) -> None:
    async with AsyncOpenAI(base_url=f"{url}/v1", api_key="any", max_retries=2) as client:
        assert (await chat(client, "429=0.01@2")).choices


async def test_no_quota(openai: AsyncOpenAI) -> None:
    with pytest.raises(openai_sdk.RateLimitError) as failed:
        await chat(openai, "insufficient-quota")
    assert failed.value.code == "insufficient_quota"


async def test_an_unknown_fault_is_a_mistake_of_the_test(openai: AsyncOpenAI) -> None:
    with pytest.raises(openai_sdk.BadRequestError, match="no fault is called 'nonsense'"):
        await chat(openai, "nonsense")


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("fault", ["drop", "lost-reply", "cut-stream", "wrong-length"])
async def test_connections_that_break(openai: AsyncOpenAI, url: str, fault: str, stream: bool) -> None:
    with pytest.raises(openai_sdk.APIConnectionError):
        answer = await chat(openai, fault, stream=stream)
        async for _ in answer:
            pass
    billed = await bill(url)
    assert [line["ended"] for line in billed] == ([] if fault == "drop" else ["cut"])


async def test_a_cut_stream_ends_after_so_many_deltas_and_is_billed_for_them(openai: AsyncOpenAI, url: str) -> None:
    text = ""
    with pytest.raises(openai_sdk.APIConnectionError):
        async for chunk in await chat(openai, "cut-stream=5", stream=True):
            text += chunk.choices[0].delta.content or ""
    (line,) = await bill(url)
    assert text and 0 < line["spent"]["output"] < 20 and line["spent"]["prompt"] > 0


@pytest.mark.parametrize("fault", ["truncated-body", "malformed-json", "empty-body"])
async def test_bodies_that_are_no_json(openai: AsyncOpenAI, fault: str) -> None:
    with pytest.raises(json.JSONDecodeError):
        await chat(openai, fault)


async def test_a_malformed_event(openai: AsyncOpenAI) -> None:
    with pytest.raises(json.JSONDecodeError):
        async for _ in await chat(openai, "malformed-json", stream=True):
            pass


async def test_overload_in_the_middle(openai: AsyncOpenAI, anthropic: AsyncAnthropic) -> None:
    with pytest.raises(openai_sdk.APIError, match="overloaded"):
        async for _ in await chat(openai, "overloaded-midstream", stream=True):
            pass
    with pytest.raises(anthropic_sdk.APIStatusError, match="overloaded_error"):
        async for _ in await messages(anthropic, "overloaded-midstream=2", stream=True):
            pass
    with pytest.raises(openai_sdk.APIError, match="overloaded"):
        async for event in await openai.responses.create(
            model="gpt-4o", input="Hi [[simulate: overloaded-midstream]]", stream=True
        ):
            assert event.type != "response.completed"
            if event.type == "error":
                raise openai_sdk.APIError(event.message, httpx2.Request("POST", "/"), body=None)


async def test_a_stream_without_end_is_billed_when_the_client_leaves(openai: AsyncOpenAI, url: str) -> None:
    stream = await chat(openai, "endless=0.001", stream=True)
    count = 0
    async for _ in stream:
        count += 1
        if count == 200:
            break
    await stream.close()
    for _ in range(3000):
        billed = await bill(url)
        if billed:
            break
        await asyncio.sleep(0.02)
    assert [line["ended"] for line in billed] == ["left"]


async def test_lengths_spread_and_a_stream_that_was_left_may_be_billed_to_its_end() -> None:
    async with running(SimulatorSettings(seed=5, latency=0.05, spread=0.8, bills_on=True)) as url:
        async with AsyncOpenAI(base_url=f"{url}/v1", api_key="any", max_retries=0) as client:
            for number in range(40):
                ask: Any = [{"role": "user", "content": f"Tell me of number {number}."}]
                stream = await client.chat.completions.create(
                    model="gpt-4o-mini", messages=ask, user="ann", stream=number == 0
                )
                if number == 0:
                    await anext(aiter(stream))
                    await stream.close()
        left, *others = sorted(await bill(url), key=lambda line: line["ended"] != "left")
    assert left["ended"] == "left" and left["spent"]["output"] > 20 and left["user"] == "ann"
    lengths = sorted(line["spent"]["output"] for line in others)
    assert lengths[-1] > 3 * lengths[len(lengths) // 2]


async def test_slow_first_byte_and_stall(openai: AsyncOpenAI) -> None:
    loop = asyncio.get_running_loop()
    for fault in ("slow-first-byte=0.2", "stall=0.2"):
        for stream in (False, True):
            start = loop.time()
            answer = await chat(openai, fault, stream=stream)
            if stream:
                assert [chunk async for chunk in answer]
            assert loop.time() - start >= 0.2


async def test_usage_that_lies(openai: AsyncOpenAI, anthropic: AsyncAnthropic, url: str) -> None:
    honest = (await chat(openai, "")).usage
    assert (await chat(openai, "missing-usage")).usage is None
    assert (await chat(openai, "zero-usage")).usage.total_tokens == 0
    assert (await chat(openai, "lying-usage=3")).usage.prompt_tokens == 3 * honest.prompt_tokens
    assert (await messages(anthropic, "zero-usage")).usage.input_tokens == 0
    outputs = {line["spent"]["output"] for line in await bill(url) if line["model"] == "gpt-4o"}
    assert outputs == {honest.completion_tokens}


@pytest.mark.parametrize(
    ("fault", "places"),
    [("", "empty"), ("usage-with-choices", "finish"), ("usage-twice", "finish empty"), ("missing-usage", "")],
)
async def test_where_openai_streams_say_usage(openai: AsyncOpenAI, fault: str, places: str) -> None:
    found = []
    async for chunk in await chat(openai, fault, stream=True, stream_options={"include_usage": True}):
        if chunk.usage:
            found.append("finish" if chunk.choices and chunk.choices[0].finish_reason else "empty")
    assert " ".join(found) == places


async def test_usage_everywhere(openai: AsyncOpenAI) -> None:
    chunks = [chunk async for chunk in await chat(openai, "usage-everywhere", stream=True,
                                                  stream_options={"include_usage": True})]  # fmt: skip
    assert all(chunk.usage for chunk in chunks)


@pytest.mark.parametrize("fault", ["", "usage-output-only", "usage-late", "usage-split-late"])
async def test_the_four_shapes_of_anthropic_streams(anthropic: AsyncAnthropic, fault: str) -> None:
    start, end = None, None
    async for event in await messages(anthropic, fault, stream=True):
        if event.type == "message_start":
            start = event.message.usage
        if event.type == "message_delta":
            end = event.usage
    assert start is not None and end is not None and end.output_tokens > 1
    assert (end.input_tokens is None) == (fault == "usage-output-only")
    assert (start.input_tokens == 0) == (fault == "usage-late")


async def test_a_huge_body(openai: AsyncOpenAI) -> None:
    answer = await openai.chat.completions.with_raw_response.create(
        model="gpt-4o", messages=HI, extra_headers={"x-simulate-fault": "huge-body=2"}
    )
    assert len(answer.content) > 2_000_000


async def test_every_fault_leaves_the_server_alive(url: str) -> None:
    body = {"model": "gpt-4o", "max_tokens": 50, "messages": HI}
    slow = {"endless", "slow-first-byte", "stall"}
    headers = {"authorization": "Bearer any", "anthropic-version": "2023-06-01"}
    async with httpx2.AsyncClient(verify=False, timeout=5) as client:
        for path, model in (("/v1/chat/completions", "gpt-4o"), ("/v1/messages", "claude-sonnet-4-6")):
            for name in FAULTS:
                for stream in (False, True):
                    fault = f"{name}=0.01" if name in slow else name
                    asked = {**headers, "x-simulate-fault": fault if name != "huge-body" else "huge-body=0.1"}
                    if name == "endless":
                        continue
                    with contextlib.suppress(httpx2.TransportError):
                        await client.post(url + path, json={**body, "model": model, "stream": stream}, headers=asked)
        alive = await client.post(f"{url}/v1/chat/completions", json=body, headers=headers)
    assert alive.status_code == 200


async def test_faults_by_schedule_reach_calls() -> None:
    async with (
        running(SimulatorSettings(faults={"status-500": 1.0})) as url,
        AsyncOpenAI(base_url=f"{url}/v1", api_key="any", max_retries=0) as client,
    ):
        with pytest.raises(openai_sdk.InternalServerError):
            await client.chat.completions.create(model="gpt-4o", messages=HI)


async def test_a_filter_keeps_answers_back(openai: AsyncOpenAI, anthropic: AsyncAnthropic) -> None:
    answer = await chat(openai, "content-filter")
    assert (answer.choices[0].finish_reason, answer.choices[0].message.content) == ("content_filter", "")
    assert answer.usage.prompt_tokens > 0 and answer.usage.completion_tokens == 0
    chunks = [each async for each in await chat(openai, "content-filter", stream=True)]
    assert [each.choices[0].finish_reason for each in chunks] == [None, "content_filter"]
    response = await openai.responses.create(
        model="gpt-4o", input="Hi", extra_headers={"x-simulate-fault": "content-filter"}
    )
    assert (response.status, response.incomplete_details.reason) == ("incomplete", "content_filter")  # type: ignore[union-attr]
    refused = await messages(anthropic, "content-filter")
    assert (refused.stop_reason, refused.content) == ("refusal", [])
