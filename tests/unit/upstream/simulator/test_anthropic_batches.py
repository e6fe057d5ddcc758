"""Message batches, judged by Anthropic's own SDK; the clock is the test's."""

from typing import Any

import anthropic as sdk
import pytest
from anthropic import AsyncAnthropic

from farthing.upstream.simulator import SimulatorSettings


@pytest.fixture
def settings() -> SimulatorSettings:
    return SimulatorSettings(batch_seconds=100)


def request(name: str, text: str = "Hi", **more: Any) -> Any:
    messages = [{"role": "user", "content": text}]
    return {"custom_id": name, "params": {"model": "claude-sonnet-4-6", "max_tokens": 50, "messages": messages, **more}}


async def results(anthropic: AsyncAnthropic, batch: Any) -> dict[str, Any]:
    return {row.custom_id: row.result async for row in await anthropic.messages.batches.results(batch.id)}


async def test_a_batch_from_start_to_end(anthropic: AsyncAnthropic, clock: Any) -> None:
    batches = anthropic.messages.batches
    requests = [request(f"n{at}") for at in range(9)] + [request("bad", max_tokens=-1)]
    batch = await batches.create(requests=requests)
    assert batch.processing_status == "in_progress"
    clock.pass_seconds(60)
    now = await batches.retrieve(batch.id)
    assert (now.request_counts.processing, now.request_counts.succeeded) == (10, 0)
    with pytest.raises(sdk.AnthropicError):
        await batches.results(batch.id)
    clock.pass_seconds(40)
    now = await batches.retrieve(batch.id)
    assert now.processing_status == "ended" and now.ended_at is not None
    assert (now.request_counts.succeeded, now.request_counts.errored) == (9, 1)
    found = await results(anthropic, batch)
    assert found["n1"].message.usage.service_tier == "batch"
    assert found["bad"].error.error.type == "invalid_request_error"
    assert (await batches.delete(batch.id)).type == "message_batch_deleted"
    with pytest.raises(sdk.NotFoundError):
        await batches.retrieve(batch.id)


async def test_a_cancelled_batch_keeps_what_was_done(anthropic: AsyncAnthropic, clock: Any) -> None:
    batch = await anthropic.messages.batches.create(requests=[request(f"n{at}") for at in range(10)])
    clock.pass_seconds(50)
    assert (await anthropic.messages.batches.cancel(batch.id)).processing_status == "canceling"
    with pytest.raises(sdk.BadRequestError):
        await anthropic.messages.batches.delete(batch.id)
    clock.pass_seconds(5)
    now = await anthropic.messages.batches.retrieve(batch.id)
    assert (now.request_counts.succeeded, now.request_counts.canceled) == (5, 5)
    assert (
        sorted(result.type for result in (await results(anthropic, batch)).values())
        == ["canceled"] * 5 + ["succeeded"] * 5
    )


async def test_an_expired_batch(anthropic: AsyncAnthropic, clock: Any) -> None:
    batch = await anthropic.messages.batches.create(
        requests=[request(f"n{at}") for at in range(10)], extra_headers={"x-simulate-fault": "batch-expire=0.4"}
    )
    clock.pass_seconds(100)
    now = await anthropic.messages.batches.retrieve(batch.id)
    assert (now.request_counts.succeeded, now.request_counts.expired) == (4, 6)


async def test_lists_are_paged_newest_first(anthropic: AsyncAnthropic) -> None:
    made = [(await anthropic.messages.batches.create(requests=[request("a")])).id for _ in range(5)]
    assert [batch.id async for batch in anthropic.messages.batches.list(limit=2)] == made[::-1]
    before = await anthropic.messages.batches.list(before_id=made[1], limit=2)
    assert [batch.id for batch in before.data] == [made[3], made[2]]


@pytest.mark.parametrize(
    "requests", [[], [request("a"), request("a")], [request("white space")], [{"custom_id": "a"}], [request("x" * 65)]]
)
async def test_refusals(anthropic: AsyncAnthropic, requests: Any) -> None:
    with pytest.raises(sdk.BadRequestError, match="requests"):
        await anthropic.messages.batches.create(requests=requests)
