"""What befalls batches of every kind: how long they take, and each fault that can be asked for."""

import json
import statistics
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import openai as sdk
import pytest
from openai import AsyncAzureOpenAI, AsyncOpenAI

from farthing.upstream.simulator import SimulatorSettings
from farthing.upstream.simulator.anthropic_messages import AnthropicMessages
from farthing.upstream.simulator.batches import Line, Lines, listed, progress
from farthing.upstream.simulator.faults import Plan
from farthing.upstream.simulator.openai_chat import OpenAIChat
from farthing.upstream.simulator.provider import Provider
from farthing.upstream.simulator.settings import Turnround
from farthing.upstream.simulator.wire import Wire

CHAT = "/v1/chat/completions"


@pytest.fixture
def settings() -> SimulatorSettings:
    return SimulatorSettings(batch_seconds=100)


@pytest.fixture
async def azure(url: str) -> AsyncIterator[AsyncAzureOpenAI]:
    async with AsyncAzureOpenAI(azure_endpoint=url, api_key="any", api_version="2024-10-21", max_retries=0) as client:
        yield client


def line(name: str, url: str = CHAT, text: str = "Hi") -> dict[str, Any]:
    body = {"model": "gpt-4o-mini", "max_tokens": 20, "messages": [{"role": "user", "content": text}]}
    return {"custom_id": name, "method": "POST", "url": url, "body": body}


async def submit(client: AsyncOpenAI, *lines: Any, fault: str = "", endpoint: str = CHAT) -> Any:
    data = "\n".join(json.dumps(one) for one in lines)
    file = await client.files.create(file=("in.jsonl", data.encode()), purpose="batch")
    return await client.batches.create(
        input_file_id=file.id, endpoint=endpoint, completion_window="24h",  # type: ignore[arg-type]
        extra_headers={"x-simulate-fault": fault} if fault else {},
    )  # fmt: skip


def test_turnround_is_a_distribution_by_model() -> None:
    settings = SimulatorSettings(
        batch_seconds=5, batch_turnround={"slow": Turnround(420, 3600), "": Turnround(60, 60, stuck=0.25)}
    )
    slow = [progress(settings, "slow", number, Plan(), 0.0).seconds for number in range(2000)]
    assert 380 < statistics.median(slow) < 460
    assert 3000 < statistics.quantiles(slow, n=10)[8] < 4300
    other = [progress(settings, "other", number, Plan(), 0.0) for number in range(2000)]
    assert {made.seconds for made in other} == {60.0}
    assert 0.2 < sum(made.plan.has("batch-stuck") for made in other) / 2000 < 0.3
    assert progress(SimulatorSettings(batch_seconds=5), "slow", 1, Plan(), 0.0).seconds == 5


def test_lists_lag() -> None:
    settings = SimulatorSettings(batch_list_lag=3)
    made = progress(settings, "m", 1, Plan(), 100.0)
    assert not listed(settings, made, 102) and listed(settings, made, 103)
    slower = progress(settings, "m", 1, Plan({"batch-list-lag": 9.0}), 100.0)
    assert not listed(settings, slower, 108) and listed(settings, slower, 109)


@pytest.mark.parametrize("name", ["batch-lost-reply", "batch-late-500", "batch-late-504", "batch-no-json"])
async def test_a_batch_is_there_although_the_reply_is_lost(openai: AsyncOpenAI, name: str) -> None:
    with pytest.raises((sdk.APIError, json.JSONDecodeError)):
        await submit(openai, line("a"), fault=name)
    assert len((await openai.batches.list()).data) == 1


async def test_a_batch_that_is_refused_is_not_there(openai: AsyncOpenAI) -> None:
    for name in ("batch-refuse-429", "batch-refuse-500", "batch-refuse-413"):
        with pytest.raises(sdk.APIStatusError):
            await submit(openai, line("a"), fault=name)
    assert (await openai.batches.list()).data == []


async def test_the_bill_has_each_line_once_whether_anyone_looks_or_not(
    url: str, openai: AsyncOpenAI, clock: Any
) -> None:  # fmt: skip
    batch = await submit(openai, *(line(f"n{at}") for at in range(5)), line("bad", text="[[simulate: 500]]"))
    clock.pass_seconds(100)
    async with httpx2.AsyncClient() as web:
        bill = (await web.get(f"{url}/simulator/bill")).json()
    assert sorted(one["custom_id"] for one in bill["lines"]) == [f"n{at}" for at in range(5)]
    assert {(one["tier"], one["batch"]) for one in bill["lines"]} == {("batch", batch.id)}
    assert bill["totals"]["gpt-4o-mini"]["requests"] == 5
    now = await openai.batches.retrieve(batch.id)
    assert now.usage is not None and now.usage.output_tokens == bill["totals"]["gpt-4o-mini"]["output"]


@pytest.mark.parametrize("settings", [SimulatorSettings(batch_seconds=100, batch_enqueued_tokens={"gpt-4o-mini": 100})])
async def test_enqueued_tokens_count_over_all_batches_of_a_customer(openai: AsyncOpenAI, clock: Any) -> None:
    made = [await submit(openai, line("a")), await submit(openai, line("a")), await submit(openai, line("a"))]
    other = await submit(openai.with_options(api_key="other"), line("a"))
    clock.pass_seconds(20)
    seen = [(await openai.batches.retrieve(batch.id)).status for batch in made]
    assert seen == ["in_progress", "in_progress", "failed"]
    assert (await openai.with_options(api_key="other").batches.retrieve(other.id)).status == "in_progress"
    clock.pass_seconds(100)
    again = await submit(openai, line("a"))
    clock.pass_seconds(100)
    assert (await openai.batches.retrieve(again.id)).status == "completed"


@pytest.mark.parametrize(
    "settings", [SimulatorSettings(batch_seconds=100, seed=3, line_faults={"status-500": 0.3, "status-429": 0.2})]
)
async def test_lines_fail_by_chance(openai: AsyncOpenAI, clock: Any) -> None:
    batch = await submit(openai, *(line(f"n{at}") for at in range(100)))
    clock.pass_seconds(100)
    now = await openai.batches.retrieve(batch.id)
    assert now.request_counts is not None and 30 < now.request_counts.failed < 65
    assert now.error_file_id is not None
    rows = (await openai.files.content(now.error_file_id)).text.splitlines()
    assert {json.loads(row)["response"]["status_code"] for row in rows} == {429, 500}


async def test_azure_has_it_at_its_own_place(azure: AsyncAzureOpenAI, url: str, clock: Any) -> None:
    async with AsyncOpenAI(base_url=f"{url}/openai/v1", api_key="any", max_retries=0) as later:
        for client in (azure, later):
            batch = await submit(client, line("a", "/chat/completions"), endpoint="/chat/completions")
            clock.pass_seconds(100)
            now = await client.batches.retrieve(batch.id)
            assert now.status == "completed" and now.output_file_id is not None
            row = json.loads((await client.files.content(now.output_file_id)).text)
            assert row["response"]["status_code"] == 200
    assert len((await azure.batches.list()).data) == 2
    stuck = await submit(azure, line("a"), fault="batch-stuck")
    clock.pass_seconds(10 * 86_400)
    assert (await azure.batches.retrieve(stuck.id)).status == "validating"


@pytest.mark.parametrize(
    ("wire", "path", "model"),
    [
        (OpenAIChat(), "/v1/batches", "gpt-4o-mini"), (AnthropicMessages(), "/v1/messages/batches", "claude-haiku-4-5")
    ],
)  # fmt: skip
async def test_quick_answers_are_answers(wire: Wire, path: str, model: str) -> None:
    def body(**more: Any) -> dict[str, Any]:
        return {"model": model, "max_tokens": 30, "messages": [{"role": "user", "content": "Tell me all."}], **more}

    bodies = [
        body(), body(temperature=0), body(messages=[]), body(model="none"), body(max_tokens=0), body(tools=[]),
        body(messages=[{"role": "user", "content": [{"type": "text", "text": "Hi"}]}]), body(stream=True),
    ]  # fmt: skip
    seen = []
    for quick in (True, False):
        provider = Provider(SimulatorSettings(batch_quick=quick), lambda: 0.0)
        lines = Lines(provider, wire, "k", path, "b", [Line(str(at), each) for at, each in enumerate(bodies)], Plan())
        worked = lines.all
        await lines.advance(1.0)
        seen.append([one.status for one in worked])
        assert len(provider.bill.lines) == lines.good == 4
        first = json.loads(bytes(worked[0].answer))
        told = first["usage"].get("output_tokens") or first["usage"].get("completion_tokens")
        assert told == provider.bill.lines[0].spent["output"] > 0
        assert first.keys() >= {"id", "model", "usage"} and first["id"] == provider.bill.lines[0].id
    assert seen[0] == seen[1]
