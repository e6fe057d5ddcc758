"""What Mistral has of its own: jobs with a model, input files and a time-out."""

from typing import Any

import pytest

from farthing.model.batch import Shard
from farthing.upstream.batches.api import Created
from unit.upstream.batches.conftest import World
from unit.upstream.batches.scripts import asked, scripted_api

JOB = {
    "id": "b0e1c7f2-1111-4222-8333-444455556666", "object": "batch", "input_files": ["f1"], "metadata": {"a": "b"},
    "endpoint": "/v1/chat/completions", "model": "mistral-small-latest", "output_file": "f2", "error_file": "f3",
    "errors": [{"message": "something", "count": 2}], "status": "SUCCESS", "created_at": 1711471533,
    "total_requests": 10, "completed_requests": 9, "succeeded_requests": 8, "failed_requests": 1,
    "started_at": 1711471538, "completed_at": 1711493163,
}  # fmt: skip
SHARD = Shard("s-1", "mistral", "d", "mistral-small-latest", "openai.chat", lines=10, remote_id=str(JOB["id"]))


async def test_what_is_sent() -> None:
    file = {"id": "f1", "object": "file", "bytes": 3, "created_at": 1, "filename": "x", "purpose": "batch"}
    async with scripted_api("mistral", file, JOB) as (api, server):
        data = api.encode([("s-1-1", b"{}")], SHARD.wire, SHARD.model, "s-1")
        assert b'\r\n\r\n{"custom_id":"s-1-1","body":{}}\n\r\n--' in data
        assert await api.create(SHARD, data) == Created(str(JOB["id"]), "f1", (1711471533 + 86_400) * 1_000_000)
    assert asked(server.requests[1]) == {
        "input_files": ["f1"], "endpoint": "/v1/chat/completions", "model": "mistral-small-latest", "timeout_hours": 24,
        "metadata": {"farthing_shard": "s-1"},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "state"),
    [
        ({}, "ended"),
        ({"status": "QUEUED", "output_file": None, "error_file": None, "errors": None}, "running"),
        ({"status": "RUNNING"}, "running"),
        ({"status": "CANCELLATION_REQUESTED"}, "running"),
        ({"status": "TIMEOUT_EXCEEDED"}, "ended"),
        ({"status": "CANCELLED"}, "ended"),
        ({"status": "FAILED", "output_file": None, "error_file": None}, "failed"),
        ({"status": "FAILED"}, "ended"),
        ({"status": "NAPPING", "created_at": 99_999_999_999}, "unknown"),
    ],
)
async def test_a_documented_job_is_read(changed: dict[str, Any], state: str) -> None:
    async with scripted_api("mistral", {**JOB, **changed}) as (api, _):
        look = await api.look(SHARD)
    assert (look.state, look.done, look.total, look.remote_file) == (state, 9, 10, "f1")


async def test_a_job_that_fails_its_validation(world: World) -> None:
    api = world.api("mistral", "batch-fail")
    shard = await world.create(api, world.shard("mistral"))
    world.pass_seconds(10)
    look = await api.look(shard)
    assert look.state == "failed" and look.errors


async def test_the_list_is_read_page_by_page(world: World) -> None:
    old = await world.create(world.api("mistral"), world.shard("mistral", 1, "shard-old"))
    for at in range(110):
        await world.create(world.api("mistral"), world.shard("mistral", 1, f"shard-{at}"))
    found = await world.api("mistral").find(old)
    assert isinstance(found, Created) and found.remote_id == old.remote_id
