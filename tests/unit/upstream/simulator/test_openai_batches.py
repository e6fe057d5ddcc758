"""Files and batches, judged by OpenAI's own SDK; the clock is the test's."""

import json
from typing import Any

import openai as sdk
import pytest
from openai import AsyncOpenAI

from farthing.upstream.simulator import SimulatorSettings

CHAT = "/v1/chat/completions"


@pytest.fixture
def settings() -> SimulatorSettings:
    return SimulatorSettings(batch_seconds=100)


def line(name: str, text: str = "Hi", **more: Any) -> dict[str, Any]:
    body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": text}]}
    return {"custom_id": name, "method": "POST", "url": CHAT, "body": body, **more}


async def submit(openai: AsyncOpenAI, *lines: Any, **more: Any) -> Any:
    data = "\n".join(one if isinstance(one, str) else json.dumps(one) for one in lines)
    file = await openai.files.create(file=("in.jsonl", data.encode()), purpose="batch")
    return await openai.batches.create(
        **{"input_file_id": file.id, "endpoint": CHAT, "completion_window": "24h", **more}
    )


async def rows(openai: AsyncOpenAI, file: str | None) -> list[Any]:
    assert file is not None
    return [json.loads(row) for row in (await openai.files.content(file)).text.splitlines()]


async def test_a_batch_from_start_to_end(openai: AsyncOpenAI, clock: Any) -> None:
    batch = await submit(openai, *(line(f"n{at}") for at in range(10)), metadata={"job": "7"})
    assert (batch.status, batch.metadata) == ("validating", {"job": "7"})
    seen = []
    for _ in range(4):
        clock.pass_seconds(25)
        now = await openai.batches.retrieve(batch.id)
        seen.append((now.status, now.request_counts and now.request_counts.completed))
    assert seen == [("in_progress", 1), ("in_progress", 5), ("in_progress", 8), ("completed", 10)]
    assert now.error_file_id is None and now.completed_at == now.created_at + 100
    output = await rows(openai, now.output_file_id)
    assert {row["custom_id"] for row in output} == {f"n{at}" for at in range(10)}
    assert [row["custom_id"] for row in output] != [f"n{at}" for at in range(10)]
    usages = [row["response"]["body"]["usage"] for row in output]
    assert now.usage is not None and now.usage.total_tokens == sum(usage["total_tokens"] for usage in usages)


async def test_lines_fail_alone(openai: AsyncOpenAI, clock: Any) -> None:
    fault = line("busy", "Hello [[simulate: 429]]")
    wrong = line("wrong")
    wrong["body"]["max_tokens"] = -1
    batch = await submit(openai, line("good"), fault, wrong)
    clock.pass_seconds(100)
    now = await openai.batches.retrieve(batch.id)
    assert now.request_counts is not None
    assert (now.request_counts.completed, now.request_counts.failed) == (1, 2)
    errors = await rows(openai, now.error_file_id)
    assert {row["custom_id"]: row["response"]["status_code"] for row in errors} == {"busy": 429, "wrong": 400}
    assert all(row["error"] is None for row in errors)


async def test_all_lines_failed_leaves_no_output(openai: AsyncOpenAI, clock: Any) -> None:
    batch = await submit(openai, line("busy", "[[simulate: 500]]"))
    clock.pass_seconds(100)
    now = await openai.batches.retrieve(batch.id)
    assert (now.status, now.output_file_id) == ("completed", None) and now.error_file_id


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ([line("a"), line("a")], "duplicate_custom_id"),
        ([line("a"), "{no json"], "invalid_json_line"),
        ([line("a", url="/v1/embeddings")], "url_mismatch"),
        ([line("a"), line("b", body={"model": "gpt-4o", "messages": []})], "model_mismatch"),
        ([line("a", method="GET")], "missing_required_parameter"),
        ([" "], "empty_file"),
    ],
)
async def test_validation_fails_later(openai: AsyncOpenAI, clock: Any, lines: Any, code: str) -> None:
    batch = await submit(openai, *lines)
    assert batch.status == "validating"
    clock.pass_seconds(10)
    now = await openai.batches.retrieve(batch.id)
    assert now.status == "failed" and now.errors is not None and now.errors.data
    assert now.errors.data[0].code == code
    assert now.request_counts is not None and now.request_counts.total == 0


async def test_a_cancelled_batch_keeps_what_was_done(openai: AsyncOpenAI, clock: Any) -> None:
    batch = await submit(openai, *(line(f"n{at}") for at in range(10)))
    clock.pass_seconds(50)
    assert (await openai.batches.cancel(batch.id)).status == "cancelling"
    clock.pass_seconds(5)
    now = await openai.batches.retrieve(batch.id)
    assert now.status == "cancelled" and len(await rows(openai, now.output_file_id)) == 5
    with pytest.raises(sdk.ConflictError):
        await openai.batches.cancel(batch.id)


async def test_an_expired_batch_has_partial_output(openai: AsyncOpenAI, clock: Any) -> None:
    batch = await submit(openai, *(line(f"n{at}") for at in range(10)), metadata={"simulate_fault": "batch-expire=0.3"})
    clock.pass_seconds(100)
    now = await openai.batches.retrieve(batch.id)
    assert now.status == "expired" and len(await rows(openai, now.output_file_id)) == 3
    late = await rows(openai, now.error_file_id)
    assert len(late) == 7 and late[0]["response"] is None and late[0]["error"]["code"] == "batch_expired"


async def test_faults_of_batches(openai: AsyncOpenAI, clock: Any) -> None:
    failed = await submit(openai, line("a"), metadata={"simulate_fault": "batch-fail"})
    stuck = await submit(openai, line("a"), metadata={"simulate_fault": "batch-stuck"})
    empty = await submit(openai, line("a"), metadata={"simulate_fault": "batch-empty-error-file"})
    with pytest.raises(sdk.APIConnectionError):
        await submit(openai, line("a"), metadata={"simulate_fault": "lost-reply"})
    clock.pass_seconds(100)
    assert len((await openai.batches.list()).data) == 4
    assert (await openai.batches.retrieve(failed.id)).errors.data[0].code == "token_limit_exceeded"  # type: ignore[union-attr, index]
    assert (await openai.batches.retrieve(stuck.id)).status == "validating"
    assert (await openai.batches.retrieve(empty.id)).error_file_id == ""
    clock.pass_seconds(86_400)
    assert (await openai.batches.retrieve(stuck.id)).status == "expired"


@pytest.mark.parametrize("wire", ["/v1/responses", "/v1/embeddings"])
async def test_other_endpoints(openai: AsyncOpenAI, clock: Any, wire: str) -> None:
    body = {"model": "gpt-4o" if "resp" in wire else "text-embedding-3-small", "input": "Hi"}
    batch = await submit(openai, line("a", url=wire, body=body), endpoint=wire)
    clock.pass_seconds(100)
    now = await openai.batches.retrieve(batch.id)
    assert (await rows(openai, now.output_file_id))[0]["response"]["status_code"] == 200


async def test_lists_are_paged_newest_first(openai: AsyncOpenAI) -> None:
    made = [(await submit(openai, line("a"))).id for _ in range(5)]
    assert [batch.id async for batch in openai.batches.list(limit=2)] == made[::-1]


async def test_files(openai: AsyncOpenAI, clock: Any) -> None:
    file = await openai.files.create(file=("in.jsonl", b"a\r\n\r\nb--c"), purpose="batch")
    assert (file.bytes, file.filename) == (9, "in.jsonl")
    assert (await openai.files.content(file.id)).content == b"a\r\n\r\nb--c"
    assert [one.id async for one in openai.files.list()] == [file.id]
    with pytest.raises(sdk.NotFoundError):
        await openai.with_options(api_key="another").files.retrieve(file.id)
    assert (await openai.files.delete(file.id)).deleted
    with pytest.raises(sdk.BadRequestError):
        await openai.files.create(file=("in.txt", b"a"), purpose="batch")
    other = await openai.files.create(file=("in.jsonl", b"a"), purpose="batch")
    clock.pass_seconds(31 * 86_400)
    with pytest.raises(sdk.NotFoundError):
        await openai.files.retrieve(other.id)


async def test_refusals(openai: AsyncOpenAI) -> None:
    for more in ({"endpoint": "/v1/songs"}, {"completion_window": "1h"}):
        with pytest.raises(sdk.BadRequestError):
            await submit(openai, line("a"), **more)
    with pytest.raises(sdk.NotFoundError):
        await submit(openai, line("a"), input_file_id="file-none")
    with pytest.raises(sdk.NotFoundError):
        await openai.batches.retrieve("batch_none")
