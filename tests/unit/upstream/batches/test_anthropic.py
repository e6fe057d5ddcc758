"""What Anthropic has of its own: no name, no metadata; counts and custom_ids tell whose a batch is, once it has ended."""

import json
from typing import Any

import pytest

from farthing.model.batch import Shard
from farthing.upstream.batches.api import Created, Maybe, Unsure
from unit.upstream.batches.conftest import LAG_S, World
from unit.upstream.batches.scripts import asked, scripted_api

BATCH = {
    "id": "msgbatch_013Zva2CMHLNnXjNJJKqJ2EF", "type": "message_batch", "processing_status": "ended",
    "request_counts": {"processing": 0, "succeeded": 50, "errored": 30, "canceled": 10, "expired": 10},
    "ended_at": "2024-08-20T18:37:24.100435Z", "created_at": "2024-08-20T18:37:24.100435Z",
    "expires_at": "2024-08-21T18:37:24.100435Z", "archived_at": None, "cancel_initiated_at": None,
    "results_url": "https://elsewhere.example/v1/messages/batches/msgbatch_013Zva2CMHLNnXjNJJKqJ2EF/results",
}  # fmt: skip
ROWS = b"""{"custom_id":"s-1-a","result":{"type":"succeeded","message":{"id":"msg_014","type":"message"}}}
{"custom_id":"s-1-b","result":{"type":"errored","error":{"type":"error","error":{"type":"invalid_request_error","message":"x"}}}}
{"custom_id":"s-1-c","result":{"type":"errored","error":{"type":"overloaded_error","message":"x"}}}

{"custom_id":"s-1-d","result":{"type":"expired"}}\r
{"custom_id":"s-1-e","result":{"type":"canceled"}}
{"custom_id":"s-1-f","result":{"type":"succeeded","message":null}}
{"custom_id":"s-1-g"}
{"custom_id":"s-1-h","result":{"type":"errored","error":null}}"""
SHARD = Shard("s-1", "anthropic", "d", "claude", "anthropic.messages", lines=100, remote_id=str(BATCH["id"]))


async def test_a_batch_of_as_many_requests_may_be_it_until_it_ends(world: World) -> None:
    """Then its results say whose it is; nothing is created meanwhile."""
    await world.create(world.api("anthropic"), world.shard("anthropic", 5, "other"))
    shard = world.shard("anthropic", 5)
    api = world.api("anthropic")
    for _ in range(3):
        seen = await api.find(shard)
        assert isinstance(seen, Maybe) and "whose it is at its end" in seen.why
        world.pass_seconds(LAG_S)
    world.pass_seconds(100)
    assert await api.find(shard) is None


async def test_other_shards_are_not_it(world: World) -> None:
    one = await world.create(world.api("anthropic"), world.shard("anthropic", 5, "one"))
    api, shard = world.api("anthropic"), world.shard("anthropic", 5)
    assert isinstance(await api.find(shard, [one.remote_id]), Maybe)
    world.pass_seconds(LAG_S)
    assert await api.find(shard, [one.remote_id]) is None
    with pytest.raises(Unsure):
        await world.create(world.api("anthropic", "batch-lost-reply"), shard)
    assert isinstance(await api.find(shard, [one.remote_id]), Maybe)
    world.pass_seconds(100)
    assert isinstance(await api.find(shard, [one.remote_id]), Created)


async def test_batches_of_before_the_intent_are_not_looked_at(world: World) -> None:
    await world.create(world.api("anthropic"), world.shard("anthropic", 5, "old"))
    world.pass_seconds(3600)
    api, shard = world.api("anthropic"), world.shard("anthropic", 5)
    await api.find(shard)
    world.pass_seconds(LAG_S)
    assert await api.find(shard) is None


async def test_what_is_sent() -> None:
    async with scripted_api("anthropic", BATCH) as (api, server):
        data = api.encode([("s-1-1", b'{\n"a": 1}'), ("s-1-2", b"{}")], SHARD.wire, "m", "s-1")
        assert await api.create(SHARD, data) == Created(str(BATCH["id"]), "", 1724265444100435)
    (request,) = server.requests
    assert request.startswith(b"POST /v1/messages/batches HTTP/1.1") and b"\r\nanthropic-version: 2023-06-01" in request
    assert asked(request) == {
        "requests": [{"custom_id": "s-1-1", "params": {"a": 1}}, {"custom_id": "s-1-2", "params": {}}]
    }
    assert json.loads(api.encode([], SHARD.wire, "m")) == {"requests": []}


async def test_a_documented_batch_and_its_results_are_read() -> None:
    async with scripted_api("anthropic", BATCH, ROWS) as (api, server):
        look = await api.look(SHARD)
        assert (look.state, look.word, look.done, look.total) == ("ended", "ended", 100, 100)
        got: dict[str, Any] = {one.custom_id[-1]: one async for one in api.results(SHARD, look)}
    assert {name: (one.status, one.error_code) for name, one in got.items()} == {
        "a": (200, ""), "b": (400, "invalid_request_error"), "c": (529, "overloaded_error"), "d": (0, "batch_expired"),
        "e": (0, "batch_cancelled"), "f": (0, "no_status"), "h": (500, ""),
    }  # fmt: skip
    assert json.loads(got["a"].body) == {"id": "msg_014", "type": "message"}
    assert json.loads(got["b"].body)["error"]["type"] == "invalid_request_error"
    assert server.requests[1].startswith(b"GET /v1/messages/batches/msgbatch_013Zva2CMHLNnXjNJJKqJ2EF/results ")


@pytest.mark.parametrize(
    ("changed", "state"),
    [
        ({"processing_status": "in_progress", "results_url": None}, "running"),
        ({"processing_status": "canceling", "results_url": None}, "running"),
        ({"processing_status": "cancelling", "results_url": None}, "running"),
        ({"processing_status": "paused", "expires_at": "2199-01-01T00:00:00Z"}, "unknown"),
        ({"processing_status": "paused"}, "ended"),
        ({"processing_status": "paused", "results_url": None}, "failed"),
    ],
)
async def test_states(changed: dict[str, Any], state: str) -> None:
    async with scripted_api("anthropic", {**BATCH, **changed}) as (api, _):
        assert (await api.look(SHARD)).state == state
