"""Pages of jobs: whose they are, what they say, what they change."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from farthing.model.batch import Job
from farthing.store import StoreError, audit
from farthing.store.batch import jobs, lines
from farthing.store.batch.steering import SOON_S
from unit.batch.test_deferred import BODY, call, wish
from unit.batch.worked import ANSWER, work
from unit.gateway.test_pages import Site, a_site

BASE = "/v1/farthing/jobs"


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with a_site(tmp_path) as made:
        yield made


async def handed_in(site: Site, key: str = "", **fields: Any) -> Job:
    return await site.deferred.submit(call(key), BODY, wish(wait="job", **fields))


async def asked(site: Site, path: str, method: str = "GET", **more: Any) -> tuple[int, Any]:
    status, _, body = await site(method, f"{BASE}{path}", **more)
    return status, json.loads(body)


async def test_a_job_as_it_goes(site: Site) -> None:
    first, job = await handed_in(site), await handed_in(site)
    status, told = await asked(site, f"/{job.id}")
    assert status == 200 and (told["state"], told["cost_nano"], told["lines"]["total"]) == ("running", 0, 1)
    assert told["position"] is not None and told["seconds_left"] > 3000
    assert (await asked(site, f"/{job.id}/answer"))[0] == 202
    await work(site.store)
    _, told = await asked(site, f"/{job.id}")
    assert told["state"] == "finished" and told["cost_dollars"] == "0.000000002" and told["saved_nano"] == 2
    assert told["position"] is None and told["seconds_left"] is None
    _, listed = await asked(site, "?limit=1")
    assert [each["id"] for each in listed["data"]] == [job.id] and listed["after"] == job.id
    _, listed = await asked(site, f"?after={job.id}&state=finished&origin=call")
    assert [each["id"] for each in listed["data"]] == [first.id] and listed["after"] is None


async def test_an_answer_is_the_call_s_own(site: Site) -> None:
    job = await handed_in(site)
    waiting = asyncio.create_task(site("GET", f"{BASE}/{job.id}/answer?wait=5s"))
    await asyncio.sleep(0.05)
    await work(site.store)
    status, headers, body = await waiting
    assert (status, body) == (200, ANSWER) and headers["content-type"] == "application/json"
    assert headers["x-farthing-call-id"] == f"call-of-{job.id}" and headers["x-farthing-cost"] == "0.000000002"
    refused = await handed_in(site)
    await work(site.store, status=400, answer=b'{"error":{"message":"no"}}', state="failed")
    status, headers, _ = await site("GET", f"{BASE}/{refused.id}/answer")
    assert status == 400 and headers["x-should-retry"] == "false"


async def test_an_answer_that_there_is_not(site: Site) -> None:
    late = await handed_in(site)
    await work(site.store, status=0, answer=b"", state="expired")
    status, said = await asked(site, f"/{late.id}/answer")
    assert status == 504 and said["error"]["code"] == "deadline_missed"
    gone = await handed_in(site)
    assert (await asked(site, f"/{gone.id}/cancel", "POST"))[1]["state"] == "cancelled"
    status, said = await asked(site, f"/{gone.id}/answer")
    assert status == 409 and said["error"]["code"] == "cancelled"
    many = Job("job-many", "openai", "openai.chat", "default", 1, 2, state="running", total=2)
    await site.store.do(lambda connection: jobs.add(connection, many))
    assert (await asked(site, "/job-many/answer"))[0] == 400


async def _first_news(site: Site) -> None:
    """How the job stood has been sent."""
    async with asyncio.timeout(60):
        while len(site.latest) < 2:
            await asyncio.sleep(0.01)


async def test_news_come_until_the_end(site: Site) -> None:
    job = await handed_in(site)
    waiting = asyncio.create_task(site("GET", f"{BASE}/{job.id}/events"))
    await _first_news(site)
    await work(site.store)
    site.news.tell([job.id])
    status, headers, body = await asyncio.wait_for(waiting, 30)
    told = [json.loads(each.partition(b"data: ")[2]) for each in body.split(b"\n\n") if each]
    assert status == 200 and headers["content-type"] == "text/event-stream"
    assert [each["state"] for each in told] == ["running", "finished"]


async def test_news_come_on_when_the_store_was_away(site: Site) -> None:
    job, do = await handed_in(site), site.store.do
    waiting = asyncio.create_task(site("GET", f"{BASE}/{job.id}/events"))
    await _first_news(site)

    async def away(work: Any) -> Any:
        raise StoreError("the server is away")

    site.store.do = away  # type: ignore[method-assign]
    site.news.tell([job.id])
    await asyncio.sleep(0.1)
    site.store.do = do  # type: ignore[method-assign]
    await work(site.store)
    site.news.tell([job.id])
    status, _, body = await asyncio.wait_for(waiting, 30)
    assert status == 200 and body.count(b"event: job") == 2 and b'"finished"' in body


async def test_a_job_is_promoted(site: Site) -> None:
    job = await handed_in(site)
    status, told = await asked(site, f"/{job.id}/promote", "POST")
    assert status == 200 and told["promoted"] == 1
    line = await site.store.do(lambda connection: lines.get(connection, job.id, 0))
    assert line is not None and line.deadline_us <= time.time_ns() // 1000 + SOON_S * 1e6
    waiting = await site.store.do(lambda connection: lines.waiting(connection, time.time_ns() // 1000))
    assert sum(each.n for each in waiting) == 1
    assert (await asked(site, f"/{job.id}/promote", "POST"))[1]["promoted"] == 0
    assert len(await work(site.store)) == 1
    assert not await site.store.do(lambda connection: lines.waiting(connection, time.time_ns() // 1000))


async def test_who_ended_a_job_or_hurried_it_is_kept(site: Site) -> None:
    editor = await site.add("editor", role="editor")
    job = await handed_in(site)
    for what in ("promote", "promote", "cancel", "cancel"):  # the second time there is nothing to do
        assert (await asked(site, f"/{job.id}/{what}", "POST", key=editor))[0] == 200
    found = await site.store.do(lambda connection: audit.entries(connection, kind="job"))
    assert [(each.target, each.what, each.tenant, each.detail) for each in found] == [
        (job.id, "cancelled", "default", {"open_lines": 1}), (job.id, "promoted", "default", {"lines": 1}),
    ]  # fmt: skip
    assert all(each.who.startswith("key editor (") for each in found)


async def test_whose_jobs_they_are(site: Site) -> None:
    mine, other = await site.add("mine"), await site.add("other")
    viewer, editor = await site.add("viewer", role="viewer"), await site.add("editor", role="editor")
    foreign = await site.add("foreign", role="admin", tenant="b")
    job = await handed_in(site, "key-mine")
    for key, sees in ((mine, True), (other, False), (viewer, True), (editor, True), (foreign, False)):
        status, _ = await asked(site, f"/{job.id}", key=key)
        assert status == (200 if sees else 404)
        for more in ("/answer", "/events") if not sees else ("/answer",):
            assert (await asked(site, f"/{job.id}{more}", key=key))[0] == (202 if sees else 404)
        _, listed = await asked(site, "", key=key)
        assert len(listed["data"]) == sees
    for key, may in ((other, 404), (viewer, 404), (foreign, 404), (editor, 200), (mine, 200)):
        for what in ("promote", "cancel"):
            assert (await asked(site, f"/{job.id}/{what}", "POST", key=key))[0] == may
    assert (await asked(site, f"/{job.id}"))[0] == 401


@pytest.mark.parametrize("query", ["?limit=0", "?limit=x", "?limit=" + "9" * 40, "?state=odd", "?origin=odd"])
async def test_queries_that_cannot_be_used(site: Site, query: str) -> None:
    assert (await asked(site, query))[0] == 400
    job = await handed_in(site)
    assert (await asked(site, f"/{job.id}/answer?wait=soon"))[0] == 400
