"""What OpenAI, Azure and Groq have of their own: validation that fails late, enqueued tokens, two files."""

import json
from typing import Any

import pytest

from farthing.model.batch import Shard
from farthing.upstream.batches.api import Created, Refused
from farthing.upstream.simulator import SimulatorSettings
from unit.upstream.batches.conftest import World, results
from unit.upstream.batches.scripts import asked, scripted_api

FAILS = {
    "batch-fail": "token_limit_exceeded", "batch-fail-invalid-json-line": "invalid_json_line",
    "batch-fail-duplicate-custom-id": "duplicate_custom_id", "batch-fail-url-mismatch": "url_mismatch",
    "batch-fail-model-mismatch": "model_mismatch", "batch-fail-empty-file": "empty_file",
    "batch-fail-too-many-tasks": "too_many_tasks",
}  # fmt: skip
BATCH = {
    "id": "batch_abc123", "object": "batch", "endpoint": "/v1/chat/completions", "errors": None,
    "input_file_id": "file-abc123", "completion_window": "24h", "status": "completed", "output_file_id": "file-cvaTdG",
    "error_file_id": "file-HOWS94", "created_at": 1711471533, "in_progress_at": 1711471538, "expires_at": 1711557933,
    "finalizing_at": 1711493133, "completed_at": 1711493163, "failed_at": None, "expired_at": None, "cancelling_at": None,
    "cancelled_at": None, "request_counts": {"total": 100, "completed": 95, "failed": 5},
    "metadata": {"customer_id": "user_123456789"},
}  # fmt: skip
SHARD = Shard("s-1", "openai", "d", "gpt-4o-mini", "openai.chat", lines=100, remote_id="batch_abc123")


@pytest.mark.parametrize(("fault", "code"), FAILS.items())
async def test_validation_that_fails_after_creation(world: World, fault: str, code: str) -> None:
    api = world.api("openai", fault)
    shard = await world.create(api, world.shard("openai"))
    assert (await api.look(shard)).state == "running"
    world.pass_seconds(10)
    look = await api.look(shard)
    assert look.state == "failed" and [error.code for error in look.errors] == [code]
    assert isinstance(await world.api("openai").find(shard), Created)
    world.pass_seconds(100)
    assert await world.bill() == []


@pytest.mark.parametrize("settings", [SimulatorSettings(batch_seconds=100, batch_enqueued_tokens={"": 1200})])
async def test_the_limit_of_enqueued_tokens_is_learned(world: World) -> None:
    api = world.api("openai")
    first = await world.create(api, world.shard("openai", 15, "shard-1"))
    other = await world.create(api, world.shard("openai", 15, "shard-2", tokens=900))
    world.pass_seconds(10)
    assert (await api.look(first)).state == "running" and api.limits_for("gpt-4o-mini").tokens == 0
    look = await api.look(other)
    assert look.state == "failed" and look.errors[0].code == "token_limit_exceeded"
    assert api.limits_for("gpt-4o-mini").tokens == 1200 and api.limits_for("gpt-4o").tokens == 0
    world.pass_seconds(100)  # the first one is over
    third = await world.create(api, world.shard("openai", 15, "shard-3"))
    world.pass_seconds(100)
    assert len(await results(api, third)) == 15
    world.pass_seconds(90_000)
    assert api.limits_for("gpt-4o-mini").tokens == 0


@pytest.mark.parametrize("fault", ["batch-empty-error-file", "batch-missing-error-file"])
async def test_an_error_file_that_is_not_there(world: World, fault: str) -> None:
    api = world.api("openai", fault)
    texts = ("[[simulate: 500]]",) if "missing" in fault else ()
    shard = await world.create(api, world.shard("openai", 5), *texts)
    world.pass_seconds(100)
    look = await api.look(shard)
    assert (look.state, look.error_file) == ("ended", "")
    assert len(await results(api, shard, look)) == (4 if texts else 5)


async def test_all_lines_failed_leaves_no_output_file(world: World) -> None:
    api = world.api("openai")
    shard = await world.create(api, world.shard("openai", 1), "[[simulate: 500]]")
    world.pass_seconds(100)
    look = await api.look(shard)
    assert (look.state, look.output_file, look.done) == ("ended", "", 1) and look.error_file
    assert [result.status for result in (await results(api, shard, look)).values()] == [500]


async def test_a_file_that_is_gone_does_not_hide_the_other(world: World) -> None:
    api = world.api("openai")
    shard = await world.create(api, world.shard("openai", 2), "[[simulate: 500]]")
    world.pass_seconds(100)
    look = await api.look(shard)
    await api.forget(Shard("x", "openai", "d", "m", "openai.chat", output_file=look.output_file))
    got = []
    with pytest.raises(Refused) as refused:
        async for result in api.results(shard, look):
            got.append(result.status)
    assert refused.value.status == 404 and got == [500]


async def test_the_list_is_read_page_by_page(world: World) -> None:
    api = world.api("openai")
    old = await world.create(api, world.shard("openai", 1, "shard-old"))
    for at in range(120):
        await world.create(api, world.shard("openai", 1, f"shard-{at}"))
    new = world.api("openai")
    found = await new.find(old)
    assert isinstance(found, Created) and found.remote_id == old.remote_id


@pytest.mark.parametrize(
    ("kind", "wire", "url"),
    [
        ("openai", "openai.chat", "/v1/chat/completions"),
        ("openai", "openai.responses", "/v1/responses"),
        ("openai", "openai.embeddings", "/v1/embeddings"),
        ("azure", "openai.chat", "/chat/completions"),
        ("azure", "openai.responses", "/responses"),
        ("groq", "openai.chat", "/v1/chat/completions"),
    ],
)
async def test_what_is_sent(kind: str, wire: str, url: str) -> None:
    shard = Shard("s-1", kind, "d", "gpt-4o-mini", wire, lines=1)
    file = {"id": "file-1", "object": "file", "bytes": 3, "purpose": "batch", "filename": "x", "status": "processed"}
    async with scripted_api(kind, file, BATCH) as (api, server):
        data = api.encode([("s-1-1", b'{\r\n"model": "m"\n}')], wire, "m", "s-1")
        created = await api.create(shard, data)
    assert created == Created("batch_abc123", "file-abc123", 1711557933000000)
    upload, create = server.requests
    head, _, form = upload.partition(b"\r\n\r\n")
    assert (
        b"multipart/form-data; boundary=" in head and b'filename="s-1.jsonl"' in form and b"\r\n\r\nbatch\r\n" in form
    )
    rows = [row for row in form.split(b"\r\n") if row.startswith(b"{")]
    assert [json.loads(row) for row in b"\n".join(rows).splitlines()] == [
        {"custom_id": "s-1-1", "method": "POST", "url": url, "body": {"model": "m"}}
    ]
    assert asked(create) == {
        "input_file_id": "file-1", "endpoint": url, "completion_window": "24h", "metadata": {"farthing_shard": "s-1"}
    }  # fmt: skip


async def test_where_azure_has_it() -> None:
    file = {"id": "file-1", "status": "pending"}
    ready = {"id": "file-1", "status": "processed"}
    shard = Shard("s-1", "azure", "d", "gpt-4o-mini", "openai.chat", lines=1)
    async with scripted_api("azure", file, ready, BATCH, api_version="2024-10-21") as (api, server):
        await api.create(shard, api.encode([], "openai.chat", "m", "s-1"))
    lines = [request.split(b"\r\n")[0].decode() for request in server.requests]
    assert lines == [
        "POST /openai/files?api-version=2024-10-21 HTTP/1.1", "GET /openai/files/file-1?api-version=2024-10-21 HTTP/1.1",
        "POST /openai/batches?api-version=2024-10-21 HTTP/1.1",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "state"),
    [
        ({}, "ended"),
        ({"status": "in_progress", "output_file_id": None, "error_file_id": None}, "running"),
        ({"status": "expired", "error_file_id": ""}, "ended"),
        ({"status": "failed", "output_file_id": None, "error_file_id": None}, "failed"),
        ({"status": "failed", "output_file_id": None, "error_file_id": ""}, "failed"),
        ({"status": "failed"}, "ended"),
        ({"status": "hibernating", "expires_at": 99_999_999_999}, "unknown"),
    ],
)
async def test_a_documented_batch_is_read(changed: dict[str, Any], state: str) -> None:
    async with scripted_api("openai", {**BATCH, **changed}) as (api, _):
        look = await api.look(SHARD)
    assert (look.state, look.done, look.total) == (state, 100, 100)
    assert look.remote_file == "file-abc123" and look.word == {**BATCH, **changed}["status"]


@pytest.mark.parametrize("expires_at", [-5, 10**30])
async def test_a_window_that_cannot_be_one_is_none(expires_at: int) -> None:
    async with scripted_api("openai", {**BATCH, "status": "hibernating", "expires_at": expires_at}) as (api, _):
        look = await api.look(SHARD)
    assert (look.state, look.window_end_us) == ("unknown", SHARD.window_end_us)


async def test_a_batch_of_which_little_is_said_is_read() -> None:
    bare = {"id": "b", "status": "validating", "request_counts": None, "errors": {"data": None}, "expires_at": None}
    async with scripted_api("openai", bare) as (api, _):
        look = await api.look(SHARD)
    assert (look.state, look.done, look.total, look.errors, look.window_end_us) == ("running", 0, 0, [], 0)
