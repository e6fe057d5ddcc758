"""Batch jobs as Mistral documents them; the clock is the test's."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from farthing.upstream.simulator import SimulatorSettings


@pytest.fixture
def settings() -> SimulatorSettings:
    return SimulatorSettings(batch_seconds=100)


@pytest.fixture
async def web(url: str) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(base_url=f"{url}/v1", headers={"authorization": "Bearer any"}) as client:
        yield client


async def submit(web: httpx2.AsyncClient, *names: str, rows: str = "", fault: str = "", **more: Any) -> dict[str, Any]:
    lines = [
        json.dumps({"custom_id": name, "body": {"max_tokens": 20, "messages": [{"role": "user", "content": name}]}})
        for name in names
    ]
    files = {"file": ("in.jsonl", (rows or "\n".join(lines)).encode())}
    file = (await web.post("/files", data={"purpose": "batch"}, files=files)).json()
    asked = {"input_files": [file["id"]], "endpoint": "/v1/chat/completions", "model": "gpt-4o-mini", **more}
    answer = await web.post("/batch/jobs", json=asked, headers={"x-simulate-fault": fault} if fault else {})
    made: dict[str, Any] = answer.json()
    return made


async def test_a_job_from_start_to_end(web: httpx2.AsyncClient, clock: Any) -> None:
    job = await submit(web, "a", "b", "[[simulate: 500]]", metadata={"job": "7"})
    assert (job["status"], job["metadata"]) == ("QUEUED", {"job": "7"})
    clock.pass_seconds(50)
    assert (await web.get(f"/batch/jobs/{job['id']}")).json()["status"] == "RUNNING"
    clock.pass_seconds(50)
    now = (await web.get(f"/batch/jobs/{job['id']}")).json()
    assert now["status"] == "SUCCESS"
    assert (now["completed_requests"], now["succeeded_requests"], now["failed_requests"]) == (3, 2, 1)
    output = (await web.get(f"/files/{now['output_file']}/content")).text.splitlines()
    assert {json.loads(row)["custom_id"] for row in output} == {"a", "b"}
    failed = json.loads((await web.get(f"/files/{now['error_file']}/content")).text)
    assert failed["response"]["status_code"] == 500


async def test_cancelled_and_timed_out(web: httpx2.AsyncClient, clock: Any) -> None:
    job, late = await submit(web, "a", "b"), await submit(web, "a", fault="batch-stuck", timeout_hours=1)
    clock.pass_seconds(50)
    assert (await web.post(f"/batch/jobs/{job['id']}/cancel")).json()["status"] == "CANCELLATION_REQUESTED"
    clock.pass_seconds(5)
    assert (await web.get(f"/batch/jobs/{job['id']}")).json()["status"] == "CANCELLED"
    clock.pass_seconds(3600)
    assert (await web.get(f"/batch/jobs/{late['id']}")).json()["status"] == "TIMEOUT_EXCEEDED"


@pytest.mark.parametrize("rows", ["{no json", '{"custom_id": 1, "body": {}}', " ", '{"custom_id":"a","body":{}}\n' * 2])
async def test_input_that_cannot_be_used_fails_later(web: httpx2.AsyncClient, clock: Any, rows: str) -> None:
    job = await submit(web, rows=rows)
    assert job["status"] == "QUEUED"
    clock.pass_seconds(10)
    now = (await web.get(f"/batch/jobs/{job['id']}")).json()
    assert now["status"] == "FAILED" and now["errors"] and now["output_file"] is None


async def test_lists_are_paged_and_filtered(web: httpx2.AsyncClient, clock: Any) -> None:
    first = await submit(web, "a")
    clock.pass_seconds(1000)
    made = [(await submit(web, "a"))["id"] for _ in range(3)]
    listed = (await web.get("/batch/jobs", params={"page_size": 2})).json()
    assert [one["id"] for one in listed["data"]] == made[:0:-1] and listed["total"] == 4
    second = (await web.get("/batch/jobs", params={"page_size": 2, "page": 1})).json()
    assert [one["id"] for one in second["data"]] == [made[0], first["id"]]
    since = (await web.get("/batch/jobs", params={"created_after": "2025-10-09T09:00:00Z"})).json()
    assert since["total"] == 3
    assert (await web.get("/batch/jobs", params={"page": "x"})).status_code == 422


async def test_refusals(web: httpx2.AsyncClient) -> None:
    assert (await web.post("/batch/jobs", json={"model": "m"})).status_code == 422
    assert (await web.get("/batch/jobs/none")).status_code == 404
    assert "error" in await submit(web, "a", endpoint="/v1/songs")
