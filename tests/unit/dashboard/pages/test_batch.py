"""The pages on work that can wait: figures as the report has them, who sees what, no prompt, and what is done there."""

import csv
import io
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from browser import waiting as sample
from farthing.dashboard.batch.lines import error_of
from farthing.finops import waiting
from farthing.settings import BatchSettings, Settings
from farthing.store import Store
from farthing.store.audit import entries
from farthing.store.batch import jobs
from unit.dashboard.visitors import Place, Sketches, a_place

JOB = "/batch/jobs/batch_tickets_monday"


async def filled(store: Store) -> None:
    await sample.fill(store, time.time_ns() // 1000)


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with a_place(
        tmp_path, Settings(batch=BatchSettings(worker=False)), before=filled, studio=Sketches()
    ) as place:
        yield place


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


async def test_figures_are_those_of_the_report(place: Place) -> None:
    visitor, now = place.visitor(), place.now_us()
    text = await visitor.open("/batch?period=7d")
    found = await place.store.do(
        lambda each: waiting.read(each, now - 7 * 86_400_000_000, now + 1, now, tenant="default")
    )
    assert f">{found.queue.waiting:,}" in text and f"{found.queue.late} lines are late" in text
    ways = rows(await visitor.open("/batch/csv/ways?period=7d"))
    assert [(row["way"], int(row["lines"])) for row in ways] == [
        (waiting.WAYS[row.way], row.lines) for row in found.ways
    ]
    (saved,) = rows(await visitor.open("/batch/csv/saved?period=7d"))
    assert (saved["lever"], saved["twice"]) == ("batching", "0.004000000")
    assert {row["tenant"] for row in rows(await visitor.open("/batch/csv/tenants"))} == {"default", "other shop"}
    left = rows(await visitor.open("/batch/csv/left"))
    assert sum(int(row["lines"]) for row in left) == found.queue.waiting
    assert [row["provider"] for row in rows(await visitor.open("/batch/csv/speeds"))] == ["openai", "openai"]
    shards = {row["batch"]: row["said"] for row in rows(await visitor.open("/batch/csv/shards"))}
    assert shards["batch_s-stuck"] == "in_progress" and shards["batch_s-monday"] == "completed"


async def test_jobs_say_how_far_they_are(place: Place) -> None:
    visitor = place.visitor()
    text = await visitor.open("/batch")
    assert "&lt;b onmouseover" in text and "<b onmouseover" not in text and "job-call-0" not in text
    found = {row["job"]: row for row in rows(await visitor.open("/batch/csv/jobs"))}
    tonight = found["batch_tickets_tonight"]
    assert (tonight["state"], tonight["progress"], tonight["cost"]) == ("running", "0.3", "1.200000000")
    assert found["job-late"]["state"] == "late" and found["batch_refused"]["state"] == "failed"
    assert " to " in tonight["expected"] and found["batch_tickets_monday"]["expected"].startswith("ended ")
    calls = rows(await visitor.open("/batch/csv/jobs?jobs=calls"))
    assert len(calls) == 6 and {row["job"][:9] for row in calls} == {"job-call-"}


async def test_a_job_shows_its_errors_and_no_prompt(place: Place) -> None:
    visitor = place.visitor()
    text = await visitor.open(JOB)
    assert "context_length_exceeded" in text and "secret" not in text and "/calls/call-s-monday-0" in text
    errors = rows(await visitor.open(f"{JOB}/csv/errors"))
    assert [(row["status"], row["error"], row["lines"]) for row in errors] == [
        ("400", "context_length_exceeded", "12"), ("429", "rate_limit_error", "3"),
    ]  # fmt: skip
    assert sum(int(row["lines"]) for row in rows(await visitor.open(f"{JOB}/csv/parts"))) == 400
    assert len(rows(await visitor.open(f"{JOB}/csv/answered"))) == 385
    refused = await visitor.open("/batch/jobs/batch_refused")
    assert "invalid_json_line" in refused and "not parseable" not in refused
    await visitor.open("/batch/jobs/none", 404)
    await visitor.open("/batch/jobs/batch_elsewhere", 404)
    assert "60" in await visitor.open("/batch/jobs/batch_elsewhere?tenant=other+shop")


def test_only_codes_are_taken_from_an_error() -> None:
    assert error_of(b'{"error": {"type": "overloaded_error", "message": "x"}}') == "overloaded_error"
    assert error_of(b'{"type": "error", "error": {"type": "a b c"}}') == ""
    for odd in (b"", b"{", b"[1]", b'"x"', b'{"error": 7}', b'{"error": {"code": 5, "type": null}}', b"\xff"):
        assert error_of(odd) == ""


async def test_jobs_are_cancelled_and_promoted_by_editors(place: Place) -> None:
    nudged: list[str] = []
    object.__setattr__(place.sources, "nudge", nudged.append)
    viewer = place.visitor(await place.add_key("looks", role="viewer"))
    editor = place.visitor(await place.add_key("edits", role="editor"))
    text = await viewer.open("/batch")
    assert "Promote" not in text and "The queue by tenant" not in text and "Batches at providers" in text
    assert (await viewer.post("/batch/cancel", id="job-late")).status_code == 403
    await place.visitor(await place.add_key("own")).open("/batch", 403)
    said = await editor.send("/batch", "/batch/promote", id="batch_tickets_tonight")
    assert "700 lines of job batch_tickets_tonight are due in" in said.text
    page = "/batch/jobs/batch_tickets_tonight"
    said = await editor.send(page, f"{page}/cancel", id="batch_tickets_tonight")
    assert "is being cancelled: 400 lines are with a provider" in said.text
    job = await place.store.do(lambda connection: jobs.get(connection, "batch_tickets_tonight"))
    assert job is not None and (job.state, job.cancelled) == ("cancelling", 300)
    assert nudged == ["batch_tickets_tonight"] * 2
    noted = await place.store.do(lambda connection: entries(connection, kind="job"))
    assert [(each.what, each.target) for each in noted] == [("cancelled", job.id), ("promoted", job.id)]
    ended = await editor.send("/batch", "/batch/cancel", id="batch_tickets_monday")
    assert ended.status_code == 400 and "has ended" in ended.text
    other = await editor.send("/batch", "/batch/promote", id="batch_elsewhere")
    assert other.status_code == 404


async def test_an_empty_page_says_how_to_begin(tmp_path: Path) -> None:
    async with a_place(tmp_path, studio=Sketches()) as place:
        text = await place.visitor().open("/batch")
        assert "x-farthing-deadline: 6h" in text and "Deadlines met" not in text
