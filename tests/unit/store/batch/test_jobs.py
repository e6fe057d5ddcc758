"""Jobs: validated by one, cancelled with what waits, paged through, forgotten; on both engines."""

from farthing.model.batch import JobError
from farthing.store.batch import jobs, lines, shards
from farthing.store.engine import Connection
from unit.store.batch.samples import NOW_US, UNTIL_US, a_job, a_line, begun, ended, given, in_shard, taken


async def test_a_job_is_as_it_was_handed_in(connection: Connection) -> None:
    job = a_job(errors=[JobError("code", "words", 3, "model")], cap=5, webhook="https://example.com/hook")
    jobs.add(connection, job)
    assert jobs.get(connection, "job-1") == job and jobs.get(connection, "none") is None
    assert jobs.any_open(connection)


async def test_lines_wait_until_their_job_is_validated(connection: Connection) -> None:
    jobs.add(connection, a_job(state="validating", total=0))
    (job,) = jobs.unvalidated(connection, "w1", NOW_US, UNTIL_US)
    assert job.id == "job-1" and jobs.unvalidated(connection, "w2", NOW_US, UNTIL_US) == []
    lines.add(connection, [a_line(no) for no in range(3)])
    assert taken(connection) == [] and lines.waiting(connection, NOW_US) == []
    assert len(jobs.unvalidated(connection, "w2", UNTIL_US, UNTIL_US + 5)) == 1
    lines.add(connection, [a_line(no) for no in range(2)])  # the others are forgotten
    jobs.validated(connection, "job-1", 2, NOW_US)
    assert len(taken(connection)) == 2 and jobs.unvalidated(connection, "w1", UNTIL_US * 2, UNTIL_US) == []


async def test_a_job_without_lines_ends_at_once(connection: Connection) -> None:
    jobs.add(connection, a_job(state="validating", total=0))
    jobs.validated(connection, "job-1", 0, NOW_US)
    job = jobs.get(connection, "job-1")
    assert job is not None and (job.state, job.ended_us) == ("finished", NOW_US)


async def test_a_job_may_be_refused_as_a_whole(connection: Connection) -> None:
    jobs.add(connection, a_job(state="validating", total=0))
    lines.add(connection, [a_line()])
    jobs.refused(connection, "job-1", [JobError("invalid_json_line", "no JSON", 1)], NOW_US)
    job = jobs.get(connection, "job-1")
    assert job is not None and (job.state, job.errors[0].line, job.ended_us) == ("failed", 1, NOW_US)
    jobs.validated(connection, "job-1", 1, NOW_US)
    assert taken(connection) == [] and not jobs.any_open(connection)


async def test_cancel_ends_what_waits_and_what_comes_back(connection: Connection) -> None:
    given(connection, 5)
    some = taken(connection, 3)
    in_shard(connection, some[:2])
    assert jobs.cancel(connection, "job-1", tenant="other", now_us=NOW_US) is None
    job = jobs.cancel(connection, "job-1", tenant="acme", now_us=NOW_US)
    assert job is not None and (job.state, job.cancelled, job.cancelled_us) == ("cancelling", 3, NOW_US)
    assert taken(connection) == [] and lines.waiting(connection, NOW_US) == []
    assert not begun(connection, some[2], "call-x")
    assert lines.settle(connection, [ended(some[0])], NOW_US) == 1
    assert shards.finish(connection, "shard-1", NOW_US + 7) == 0
    job = jobs.get(connection, "job-1")
    assert job is not None and (job.state, job.done, job.cancelled, job.ended_us) == ("cancelled", 1, 4, NOW_US + 7)
    assert jobs.cancel(connection, "job-1", tenant="acme", now_us=NOW_US + 9) == job


async def test_a_job_of_which_nothing_was_sent_is_cancelled_at_once(connection: Connection) -> None:
    given(connection, 2)
    job = jobs.cancel(connection, "job-1", tenant="", now_us=NOW_US)
    assert job is not None and job.state == "cancelled"
    jobs.add(connection, a_job("job-2", state="validating", total=0))
    job = jobs.cancel(connection, "job-2", tenant="acme", now_us=NOW_US)
    assert job is not None and (job.state, job.cancelled_us) == ("cancelled", NOW_US)


async def test_a_job_with_lines_that_were_too_late_is_expired(connection: Connection) -> None:
    given(connection, 2)
    some = taken(connection)
    lines.settle(connection, [ended(some[0]), ended(some[1], "expired", status=0, answer=b"")], NOW_US)
    job = jobs.get(connection, "job-1")
    assert job is not None and (job.state, job.expired) == ("expired", 1)


async def test_pages_go_both_ways(connection: Connection) -> None:
    for no in range(5):
        jobs.add(connection, a_job(f"job-{no}", created_us=NOW_US + no // 2, origin="call" if no == 4 else "openai"))
    jobs.add(connection, a_job("foreign", tenant="other"))

    def ids(**options: object) -> list[str]:
        return [job.id for job in jobs.page(connection, **{"tenant": "acme", **options})]  # type: ignore[arg-type]

    assert ids() == ["job-4", "job-3", "job-2", "job-1", "job-0"]
    assert ids(after="job-3", limit=2) == ["job-2", "job-1"] and ids(before="job-1", limit=2) == ["job-3", "job-2"]
    assert ids(origins=["call"]) == ["job-4"] and ids(states=["failed"]) == [] and ids(after="none") == []
    assert len(ids(tenant="")) == 6


async def test_what_is_over_is_forgotten(connection: Connection) -> None:
    jobs.add(connection, a_job(expires_us=NOW_US + 5))
    lines.add(connection, [a_line()])
    assert jobs.expire(connection, NOW_US + 5, 10) == 0, "it has not ended"
    lines.settle(connection, [ended(line) for line in taken(connection)], NOW_US)
    assert jobs.expire(connection, NOW_US + 4, 10) == 0 and jobs.expire(connection, NOW_US + 5, 10) == 1
    job = jobs.get(connection, "job-1")
    assert job is not None and job.dropped and job.done == 1
    for table in ("batch_lines", "batch_bodies", "batch_answers"):
        assert connection.query(f"SELECT count(*) FROM {table}") == [(0,)]
    assert jobs.expire(connection, NOW_US + 5, 10) == 0
