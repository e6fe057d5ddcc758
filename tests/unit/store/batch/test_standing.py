"""How the queue stands, on both engines."""

from farthing.store.batch import jobs, lines, shards, standing
from farthing.store.engine import Connection
from unit.store.batch.samples import HOUR_US, NOW_US, a_job, ended, given, in_shard, of_shard, taken


def test_what_waits_and_what_is_open_is_summed_by_tenant(connection: Connection) -> None:
    given(connection, 3)
    given(connection, 2, "job-2", tenant="other")
    in_shard(connection, taken(connection, 1, tenant="acme"), held=5)
    assert {(each.tenant, each.n) for each in standing.cells(connection)} == {("acme", 2), ("other", 2)}
    assert [each.n for each in standing.cells(connection, "other")] == [2]
    total, oldest_us, due_us = standing.totals(connection)
    assert total == 4 and NOW_US - 8_000_000 <= oldest_us <= NOW_US < due_us <= NOW_US + 24 * HOUR_US
    found = standing.open_jobs(connection, NOW_US)
    assert [(each.tenant, each.jobs, each.lines, each.late) for each in found] == [
        ("acme", 1, 3, 0),
        ("other", 1, 2, 0),
    ]
    assert found[0].held == 5 and found[0].due_us == NOW_US + 24 * HOUR_US
    assert [each.late for each in standing.open_jobs(connection, NOW_US + 25 * HOUR_US, "acme")] == [3]
    assert standing.totals(connection)[0] == 4


def test_an_empty_queue_has_nothing(connection: Connection) -> None:
    assert standing.totals(connection) == (0, 0, 0)
    assert standing.cells(connection) == standing.open_jobs(connection, NOW_US) == standing.away(connection) == []
    assert standing.version(connection, "acme") == (0, 0, 0)


def test_shards_are_told_by_provider_and_by_job(connection: Connection) -> None:
    given(connection, 2)
    given(connection, 1, "job-2")
    in_shard(connection, [line for line in taken(connection) if line.job == "job-1"])
    shards.created(connection, "shard-1", "batch_1", "file_1", NOW_US + HOUR_US, NOW_US)
    assert [(each.provider, each.shards, each.lines) for each in standing.away(connection)] == [("openai", 1, 2)]
    assert [each.id for each in standing.shards_lately(connection, 5)] == ["shard-1"]
    assert [each.id for each in standing.shards_of(connection, "job-1", 5)] == ["shard-1"]
    assert standing.shards_of(connection, "job-2", 5) == []
    assert standing.places(connection, 0) == [("openai", "small-1")]
    for line, _ in of_shard(connection, "shard-1"):
        lines.settle(connection, [ended(line)], NOW_US)
    shards.finish(connection, "shard-1", NOW_US)
    assert standing.away(connection) == []
    assert [each.state for each in standing.shards_lately(connection, 5)] == ["settled"]


def test_the_lines_of_a_job_are_counted_by_how_they_stand(connection: Connection) -> None:
    given(connection, 3)
    one, two, _ = taken(connection)
    in_shard(connection, [one, two])
    line, _ = of_shard(connection, "shard-1")[1]
    lines.settle(connection, [ended(line, "failed", status=400)], NOW_US)
    assert sorted(standing.parts_of(connection, "job-1")) == [
        ("failed", "batch", 400, 1), ("sent", "batch", 0, 1), ("waiting", "", 0, 1),
    ]  # fmt: skip


def test_single_calls_are_no_batches(connection: Connection) -> None:
    for number, origin in enumerate(("openai", "call", "file")):
        jobs.add(connection, a_job(f"job-{number}", origin=origin, created_us=NOW_US + number))
    assert [job.id for job in standing.handed_in(connection, "acme", 10)] == ["job-2", "job-0"]
    assert [job.id for job in standing.handed_in(connection, "acme", 1)] == ["job-2"]
    assert standing.handed_in(connection, "other", 10) == []
    before = standing.version(connection, "acme")
    given(connection, 1, "job-9")
    assert standing.version(connection, "acme") != before
