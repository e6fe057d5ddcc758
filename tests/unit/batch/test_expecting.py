"""When jobs are expected to have ended, on both engines."""

from farthing.batch.expecting import expected
from farthing.batch.turnround import PRIOR_90_S, PRIOR_MEDIAN_S
from farthing.model.batch import Job, Line, Sent, Shard
from farthing.store.batch import jobs, lines, shards
from farthing.store.engine import Connection
from unit.store.batch.samples import begun

NOW_US = 1_790_000_000_000_000
DAY_US = 86_400_000_000


def handed_in(
    connection: Connection, name: str = "j-1", *, deadline_us: int = NOW_US + DAY_US, ready_us: int = 0
) -> Job:
    job = Job(name, "file", "openai.chat", "default", NOW_US, deadline_us, state="running", total=1)
    jobs.add(connection, job)
    lines.add(connection, [Line(name, 0, "c", "default", "m", deadline_us, 2, body=b"{}", ready_us=ready_us)])
    return job


def sent(connection: Connection, shard: str, at_us: int) -> None:
    (line,) = lines.take(connection, now_us=at_us, holder="g", until_us=at_us + DAY_US, limit=1)
    made = Shard(shard, "openai", "d", "m", "openai.chat", lines=1, created_us=at_us)
    shards.intend(connection, made, [(line, Sent(call_id=f"call-{shard}"))], "g", at_us + DAY_US, at_us)
    shards.created(connection, shard, f"remote-{shard}", "", at_us + DAY_US, at_us)


def seconds(connection: Connection, job: Job, now_us: int = NOW_US) -> tuple[float, float]:
    found = expected(connection, job, now_us)
    assert found is not None
    return (found.likely_us - now_us) / 1e6, (found.sure_us - now_us) / 1e6


def test_a_line_that_waits_goes_by_what_is_published(connection: Connection) -> None:
    likely, sure = seconds(connection, handed_in(connection))
    assert abs(likely / PRIOR_MEDIAN_S - 1) < 0.2 and abs(sure / PRIOR_90_S - 1) < 0.2


def test_a_line_that_must_wait_is_later(connection: Connection) -> None:
    likely, _ = seconds(connection, handed_in(connection, ready_us=NOW_US + 7_200_000_000))
    assert likely > 7200


def test_nothing_is_expected_after_its_deadline(connection: Connection) -> None:
    assert seconds(connection, handed_in(connection, deadline_us=NOW_US + 60_000_000)) == (60.0, 60.0)


def test_a_batch_that_is_away_goes_by_how_long_it_has_been(connection: Connection) -> None:
    job = handed_in(connection)
    sent(connection, "s-1", NOW_US)
    fresh, _ = seconds(connection, job)
    later, _ = seconds(connection, job, NOW_US + 3_600_000_000)
    assert later > fresh  # the longer it is away, the longer it will be


def test_a_line_that_is_sent_alone_is_back_soon(connection: Connection) -> None:
    job = handed_in(connection)
    (line,) = lines.take(connection, now_us=NOW_US, holder="g", until_us=NOW_US + DAY_US, limit=1)
    begun(connection, line, "c-1", now_us=NOW_US)
    assert seconds(connection, job) == (10.0, 30.0)


def test_what_has_ended_is_not_expected(connection: Connection) -> None:
    job = handed_in(connection)
    ended = jobs.cancel(connection, job.id, tenant="default", now_us=NOW_US)
    assert ended is not None and expected(connection, ended, NOW_US) is None
