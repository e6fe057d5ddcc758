"""Lines come out of their file all or not at all, on both engines, whoever is cancelled, comes late or dies in the middle."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from farthing.batch.intake import CHUNK
from farthing.model.batch import File, Job, Line
from farthing.store.batch import files, jobs, lines
from unit.gateway.batch_site import BatchSite, batch_site, chat, jsonl
from unit.store.batch.samples import of_shard

HOUR_US = 3_600_000_000


class Time:
    now_us = 10**15

    def __call__(self) -> int:
        self.now_us += 1
        return self.now_us


@pytest.fixture
def clock() -> Time:
    return Time()


@pytest.fixture
async def site(tmp_path: Path, url: str, clock: Time) -> AsyncIterator[BatchSite]:
    async with batch_site(tmp_path, url, sealed=True, now_us=clock, max_requests=5000) as made:
        yield made


async def waiting(site: BatchSite, job: str) -> list[Line]:
    return await site.store.do(
        lambda connection: lines.results(connection, job, -1, 10**6, ("waiting",), wrapping=site.sealed, bodies=True)
    )


async def test_lines_are_as_they_were_handed_in(site: BatchSite) -> None:
    count = 2 * CHUNK + 7
    requests = [
        chat(f"é{number}", "x" * (number % 50), **({"temperature": 0} if number % 2 else {})) for number in range(count)
    ]
    batch = (await site.batch(jsonl(*requests), metadata={"name": "nightly"})).json
    await site.take_in()
    job = await site.job(batch["id"])
    assert (job.state, job.total, job.name, job.failed) == ("running", count, "nightly", 0)
    found = await waiting(site, job.id)
    assert [(line.no, line.custom_id, json.loads(line.body)) for line in found] == [
        (number, each["custom_id"], each["body"]) for number, each in enumerate(requests)
    ]
    assert {line.model for line in found} == {"gpt-5-mini"} and {line.deadline_us for line in found} == {
        job.deadline_us
    }
    assert all(line.size == len(line.body) and bool(line.digest) == (line.no % 2 == 1) for line in found)
    alike = {line.digest for line in found if line.no % 2}
    assert len(alike) == 25, "the same question is one digest"


async def test_who_dies_in_the_middle_has_done_nothing(site: BatchSite, clock: Time) -> None:
    batch = (await site.batch(jsonl(*(chat(f"{number}") for number in range(40))))).json
    now_us = clock()
    (job,) = await site.store.do(lambda connection: jobs.unvalidated(connection, "dead", now_us, now_us + HOUR_US))
    half = [Line(job.id, number, "old", job.tenant, "m", job.deadline_us, 2, body=b"{}") for number in range(20)]
    await site.store.do(lambda connection: lines.add(connection, half))
    await site.take_in()
    assert (await site.job(batch["id"])).state == "validating", "it is still held"
    assert await site.store.do(lambda connection: lines.waiting(connection, now_us)) == []
    clock.now_us += 2 * HOUR_US
    await site.take_in()
    assert (await site.job(batch["id"])).state == "running"
    assert [line.custom_id for line in await waiting(site, batch["id"])] == [f"{number}" for number in range(40)]


async def test_who_is_late_changes_nothing_any_more(site: BatchSite, clock: Time) -> None:
    batch = (await site.batch(jsonl(chat("a"), chat("b")))).json
    now_us = clock()
    (job,) = await site.store.do(lambda connection: jobs.unvalidated(connection, "me", now_us, now_us + 1))
    clock.now_us += 10
    other = clock()
    await site.store.do(lambda connection: jobs.unvalidated(connection, "other", other, other + HOUR_US))
    assert not await site.store.do(lambda connection: jobs.hold(connection, job.id, "me", other + HOUR_US))
    assert await site.store.do(lambda connection: jobs.hold(connection, job.id, "other", other + HOUR_US))
    await site.intake.take_in(job)
    assert await waiting(site, batch["id"]) == [] and (await site.job(batch["id"])).state == "validating"


async def test_cancelled_while_it_is_taken_in(site: BatchSite, clock: Time) -> None:
    batch = (await site.batch(jsonl(*(chat(f"{number}") for number in range(10))))).json
    now_us = clock()
    (job,) = await site.store.do(lambda connection: jobs.unvalidated(connection, "me", now_us, now_us + HOUR_US))
    await site("POST", f"/v1/batches/{batch['id']}/cancel")
    await site.intake.take_in(job)
    assert (await site.job(batch["id"])).state == "cancelled" and await site.kept("batch_lines") == 0


async def test_two_gateways_take_in_each_job_once(site: BatchSite) -> None:
    ids = [(await site.batch(jsonl(*(chat(f"{number}") for number in range(20))))).json["id"] for _ in range(6)]
    await asyncio.gather(*(site.take_in() for _ in range(3)))
    for each in ids:
        assert (await site.job(each)).total == 20 and len(await waiting(site, each)) == 20


async def test_a_file_that_is_gone_or_cannot_be_read(site: BatchSite, tmp_path: Path) -> None:
    gone = (await site.batch(jsonl(chat("a")))).json
    await site("DELETE", f"/v1/files/{gone['input_file_id']}")
    unreadable = (await site.batch(jsonl(chat("a")))).json
    await site.store.do(lambda connection: connection.execute("UPDATE batch_file_parts SET mark = 7"))
    await site.take_in()
    for batch in (gone, unreadable):
        job = await site.job(batch["id"])
        assert job.state == "failed" and "input file" in job.errors[0].message


async def test_refused_lines_end_with_the_opening_of_their_job(site: BatchSite) -> None:
    count = CHUNK + 20
    batch = (await site.batch(jsonl(*(chat(f"{number}", stream=True) for number in range(count))))).json
    await site.take_in()
    job = await site.job(batch["id"])
    assert (job.state, job.failed, job.cost) == ("finished", count, 0)
    assert await site.store.do(lambda connection: lines.waiting(connection, site.now_us())) == []


async def test_what_a_client_deletes_is_gone(site: BatchSite) -> None:
    await site.batch(jsonl(chat("a"), chat("b")))
    await site.take_in()
    await site.work(lambda line: ("done", 200, b"{}") if line.custom_id == "a" else ("failed", 400, b"{}"))
    ((job_id,),) = await site.store.do(lambda connection: connection.query("SELECT id FROM batch_jobs"))
    await site.store.do(lambda connection: lines.forget_texts(connection, job_id, ("done",)))
    assert await site.kept("batch_answers") == await site.kept("batch_bodies") == 1
    await site.store.do(lambda connection: jobs.delete(connection, job_id))
    assert await site.kept("batch_answers") == await site.kept("batch_bodies") == 0
    assert await site.store.do(lambda connection: jobs.page(connection, tenant="default")) == []
    assert await site.store.do(lambda connection: jobs.expire(connection, site.now_us(), 10)) == 1
    assert (
        await site.store.do(lambda connection: jobs.page(connection, tenant="")) == []
        and await site.kept("batch_lines") == 0
    )


async def test_lines_stay_while_one_of_them_is_with_a_provider(site: BatchSite) -> None:
    """It was answered otherwise, and its batch comes back later: that is booked to the line."""
    batch = (await site.batch(jsonl(chat("a")))).json
    await site.take_in()
    await site.work(lambda line: ("done", 200, b"{}"))

    def sent(connection: Any) -> None:
        row = ("c9", "s1", 0, batch["id"], 0, "{}")
        connection.execute("INSERT INTO batch_sent (call_id, shard, place, job, no, sent) VALUES (?,?,?,?,?,?)", row)

    await site.store.do(sent)
    await site.store.do(lambda connection: jobs.delete(connection, batch["id"]))
    assert await site.store.do(lambda connection: jobs.expire(connection, site.now_us(), 10)) == 0
    assert len(await site.store.do(lambda connection: of_shard(connection, "s1"))) == 1
    await site.store.do(lambda connection: connection.execute("DELETE FROM batch_sent"))
    assert await site.store.do(lambda connection: jobs.expire(connection, site.now_us(), 10)) == 1


async def test_pages_of_one_key(site: BatchSite) -> None:
    def work(connection: Any) -> tuple[list[str], list[str], File | None]:
        for number, key in enumerate(("k1", "k2", "k1")):
            jobs.add(connection, Job(f"j{number}", "openai", "openai.chat", "t", number, 9, key))
            files.create(connection, File(f"f{number}", "t", f"p{number}", "", number, key, bytes=5))
            done = files.finish(connection, f"f{number}", expires_us=7 * number)
        mine = [job.id for job in jobs.page(connection, tenant="t", key_id="k1")]
        return (
            mine,
            [file.id for file in files.page(connection, tenant="t", key_id="k1", purposes=("p0", "p1", "p2"))],
            done,
        )

    mine, my_files, done = await site.store.do(work)
    assert mine == ["j2", "j0"] and my_files == ["f2", "f0"]
    assert done is not None and (done.bytes, done.expires_us, done.ready) == (5, 14, True)
