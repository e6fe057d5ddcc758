"""Files as jobs: their cost before, what is made of them, whose they are, and what became of their lines."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from farthing.model.batch import Job, Line
from farthing.store.batch import files, jobs, lines
from unit.batch.worked import ANSWER
from unit.gateway.batch_site import BOUNDARY, form
from unit.gateway.test_pages import Site, a_site

BASE = "/v1/farthing/jobs"
ROWS = [
    {"custom_id": f"row-{n}", "method": "POST", "url": "/v1/chat/completions", "row": {"n": n},
     "body": {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": f"say {n}"}]}}
    for n in range(3)
]  # fmt: skip


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with a_site(tmp_path) as made:
        for name in ("a", "b", "boss"):
            await made.add(name, role="admin" if name == "boss" else "")
        yield made


async def asked(
    site: Site, method: str, path: str, body: Any = None, key: str = "fk-a", **more: str
) -> tuple[int, Any]:
    content = b"" if body is None else json.dumps(body).encode()
    status, _, said = await site(method, f"{BASE}{path}", key=key, body=content, **more)
    return status, json.loads(said)


async def uploaded(site: Site, key: str = "fk-a") -> str:
    data = form("\n".join(map(json.dumps, ROWS)).encode())
    kind = f"multipart/form-data; boundary={BOUNDARY}"
    _, _, said = await site("POST", "/v1/files", key=key, body=data, content_type=kind)
    found: str = json.loads(said)["id"]
    return found


async def handed_in(site: Site, **more: Any) -> Job:
    wanted = {"input_file_id": await uploaded(site), "format": "openai.chat", **more}
    status, said = await asked(site, "POST", "", wanted)
    assert status == 201, said
    job = await site.store.do(lambda c: jobs.get(c, said["id"]))
    assert job is not None
    return job


async def ended(site: Site, job: Job) -> None:
    """As the worker would: the lines are there and have their answers."""

    def work(connection: Any) -> None:
        made = [Line(job.id, n, f"row-{n}", "default", "m", job.deadline_us, 2, body=b"{}") for n in range(3)]
        lines.add(connection, made)
        jobs.validated(connection, job.id, 3, 1)
        ends = [lines.Ended(job.id, n, "", "done", 200, ANSWER, 0, 0) for n in range(3)]
        lines.settle(connection, ends, 2)

    await site.store.do(work)


async def test_what_it_will_cost_is_told_before(site: Site) -> None:
    groups = [{"model": "gpt-4o-mini", "requests": 10, "in_tokens": 1000, "most_in_tokens": 1600, "max_output": 50}]
    status, said = await asked(site, "POST", "/quote", {"groups": groups})
    assert status == 200 and said["requests"] == 10 and 0 < said["batch"] < said["at_once"] <= said["most"]
    status, said = await asked(site, "POST", "/quote", {"groups": [{"model": "who/knows", "requests": 1}]})
    assert status == 200 and said["batch"] is None and said["unpriced"] == ["who/knows"]


@pytest.mark.parametrize(
    "group",
    [{"model": ""}, {"requests": 0}, {"in_tokens": -1}, {"choices": 0}, {"max_output": 10**30}, {"in_tokens": 10**18}, {"model": 7}],
)  # fmt: skip
async def test_groups_that_are_none_are_refused(site: Site, group: dict[str, Any]) -> None:
    status, _ = await asked(site, "POST", "/quote", {"groups": [{"model": "m", "requests": 1, **group}]})
    assert status == 400
    assert (await asked(site, "POST", "/quote", {"groups": []}))[0] == 400


async def test_a_job_is_as_it_was_asked_for(site: Site) -> None:
    job = await handed_in(site, deadline="6h", name="tickets", priority=7, max_cost_nano=5)
    assert (job.origin, job.state, job.name, job.priority, job.cap) == ("file", "validating", "tickets", 7, 5)
    assert job.deadline_us - job.created_us == 6 * 3600 * 10**6 and job.key_id == "key-a"
    file = await site.store.do(lambda c: files.info(c, job.input_file))
    assert file is not None and file.expires_us == job.expires_us
    status, said = await asked(site, "GET", f"/{job.id}")
    assert status == 200 and said["errors"] == [] and said["dropped"] is False


async def test_the_same_request_is_the_same_job(site: Site) -> None:
    wanted = {"input_file_id": await uploaded(site), "format": "openai.chat"}
    first = await asked(site, "POST", "", wanted, idempotency_key="k")
    again = await asked(site, "POST", "", wanted, idempotency_key="k")
    assert first[1]["id"] == again[1]["id"] and again[0] == 201
    status, _ = await asked(site, "POST", "", {**wanted, "input_file_id": await uploaded(site)}, idempotency_key="k")
    assert status == 400


@pytest.mark.parametrize(
    "more",
    [{"format": "openai.nothing"}, {"deadline": "soon"}, {"deadline": "1s"}, {"deadline": "90d"}, {"priority": 101}, {"name": "a\nb"},
     {"input_file_id": "file-none"}, {"max_cost_nano": -1}, {"max_cost_nano": 10**30}],
)  # fmt: skip
async def test_what_cannot_be_is_refused(site: Site, more: dict[str, Any]) -> None:
    wanted = {"input_file_id": await uploaded(site), "format": "openai.chat", **more}
    assert (await asked(site, "POST", "", wanted))[0] == 400


async def test_results_have_their_rows_and_begin_where_they_are_asked_to(site: Site) -> None:
    job = await handed_in(site)
    await ended(site, job)
    status, headers, said = await site("GET", f"{BASE}/{job.id}/results", key="fk-a")
    found = [json.loads(each) for each in said.splitlines()]
    assert status == 200 and headers["content-type"] == "application/x-ndjson"
    assert [each["row"] for each in found] == [{"n": n} for n in range(3)]
    assert found[0]["answer"] == json.loads(ANSWER) and found[0]["cost_nano"] == 0 and found[0]["state"] == "done"
    _, _, said = await site("GET", f"{BASE}/{job.id}/results?after=1", key="fk-a")
    assert [json.loads(each)["row"] for each in said.splitlines()] == [{"n": 2}]
    assert (await asked(site, "GET", f"/{job.id}/results?after=x"))[0] == 400


async def test_jobs_and_files_are_their_key_s_own(site: Site) -> None:
    job = await handed_in(site)
    for path in (f"/{job.id}", f"/{job.id}/results"):
        assert (await asked(site, "GET", path, key="fk-b"))[0] == 404
    assert (await site("GET", f"{BASE}/{job.id}/results", key="fk-boss"))[0] == 200
    wanted = {"input_file_id": await uploaded(site), "format": "openai.chat"}
    assert (await asked(site, "POST", "", wanted, key="fk-b"))[0] == 400
    assert (await asked(site, "GET", "/job-none/results"))[0] == 404
