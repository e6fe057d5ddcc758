"""Lines are taken fairly, by one at a time, and end once; on both engines."""

import threading
from contextlib import closing

import pytest

from farthing.model.batch import Line
from farthing.store import Store, open_store
from farthing.store.batch import jobs, lines, moves, shards
from farthing.store.batch.rows import among
from farthing.store.batch.taking import UNREADABLE_US
from farthing.store.engine import Connection
from farthing.store.errors import Duplicate, RowRefused
from farthing.store.sealing import Unreadable, wrapping
from unit.store.batch.samples import (
    HOUR_US,
    NOW_US,
    UNTIL_US,
    a_job,
    a_line,
    begun,
    ended,
    given,
    in_shard,
    of_shard,
    sent,
    taken,
)


def keys(found: list[Line]) -> list[tuple[str, int]]:
    return [(line.job, line.no) for line in found]


async def test_a_line_is_taken_with_what_it_says_and_only_once(connection: Connection) -> None:
    made = given(connection)
    assert [each.n for each in lines.waiting(connection, NOW_US)] == [3]
    first, second = taken(connection, 2), taken(connection, 2, "w2")
    assert keys(first) == [("job-1", 0), ("job-1", 1)] and keys(second) == [("job-1", 2)]
    assert [line.body for line in first] == [line.body for line in made[:2]]
    assert {line.holder for line in first} == {"w1"} and first[0].ready_us == UNTIL_US
    assert taken(connection) == [] and lines.waiting(connection, NOW_US) == []


async def test_what_a_dead_worker_took_may_be_taken_again(connection: Connection) -> None:
    given(connection)
    taken(connection)
    assert taken(connection, now_us=UNTIL_US - 1, holder="w2") == []
    assert lines.renew(connection, "w1", UNTIL_US + HOUR_US) == 3
    assert taken(connection, now_us=UNTIL_US, holder="w2") == []
    assert lines.holders(connection) == ["w1"]
    assert lines.free(connection, ["w1"], UNTIL_US) == 3
    assert len(taken(connection, now_us=UNTIL_US, holder="w2")) == 3


async def test_tenants_get_as_many_each(connection: Connection) -> None:
    given(connection, 40, "big", tenant="big")
    given(connection, 3, "small", tenant="small")
    given(connection, 40, "other", tenant="other")
    found = taken(connection, 30)
    count = {name: sum(line.tenant == name for line in found) for name in ("big", "small", "other")}
    assert len(found) == 30 and count["small"] == 3 and min(count["big"], count["other"]) >= 13
    assert len({taken(connection, 1, now_us=NOW_US + 1000 * at)[0].tenant for at in range(3)}) > 1
    assert {line.tenant for line in taken(connection, 5, tenant="other")} == {"other"}


async def test_priority_then_deadline(connection: Connection) -> None:
    jobs.add(connection, a_job(total=4))
    late = NOW_US + 9 * HOUR_US
    lines.add(
        connection,
        [
            a_line(0, deadline_us=late), a_line(1, deadline_us=late - 1, model="other"),
            a_line(2, priority=1, deadline_us=late + 5), a_line(3, priority=-1, deadline_us=NOW_US),
        ],
    )  # fmt: skip
    assert [line.no for line in taken(connection, 3)] == [2, 1, 0]
    assert taken(connection, model="other") == [] and [line.no for line in taken(connection, model="small")] == [3]


async def test_lines_given_back_wait_until_their_time(connection: Connection) -> None:
    given(connection)
    some = taken(connection)
    assert lines.give_back(connection, some, NOW_US + 5, NOW_US) == 3
    assert taken(connection, now_us=NOW_US + 4) == [] and len(taken(connection, now_us=NOW_US + 5, holder="w2")) == 3
    assert lines.give_back(connection, some, NOW_US, NOW_US) == 0, "they are another one's now"


async def test_settling_ends_a_line_once_and_the_job_with_its_last(connection: Connection) -> None:
    given(connection)
    some = taken(connection)
    in_shard(connection, some)
    assert lines.settle(connection, [ended(some[0]), ended(some[0]), ended(some[1], "failed", status=400)], NOW_US) == 2
    assert lines.settle(connection, [ended(some[0], "failed")], NOW_US) == 0
    job = jobs.get(connection, "job-1")
    assert job is not None and (job.done, job.failed, job.cost, job.baseline, job.state) == (1, 1, 14, 28, "running")
    assert lines.settle(connection, [ended(some[2])], NOW_US + 9) == 1
    job = jobs.get(connection, "job-1", tenant="acme")
    assert job is not None and (job.state, job.ended_us, job.ended) == ("finished", NOW_US + 9, 3)
    assert jobs.get(connection, "job-1", tenant="other") is None
    found = lines.results(connection, "job-1")
    assert [(line.no, line.state, line.status, line.answer) for line in found] == [
        (0, "done", 200, b'{"ok":true}'), (1, "failed", 400, b'{"ok":true}'), (2, "done", 200, b'{"ok":true}'),
    ]  # fmt: skip
    assert lines.get(connection, "job-1", 1) is not None and lines.get(connection, "job-1", 3) is None
    assert shards.finish(connection, "shard-1", NOW_US) == 0


async def test_a_line_that_is_sent_alone_is_its_senders(connection: Connection) -> None:
    given(connection, 1)
    (line,) = taken(connection)
    (same,) = [lines.get(connection, "job-1", 0)]
    assert same is not None
    assert begun(connection, line, "call-a")
    assert not begun(connection, same, "call-b"), "somebody else has it"
    job = jobs.get(connection, "job-1")
    assert job is not None and job.started_us == NOW_US
    (again,) = taken(connection, now_us=UNTIL_US, holder="w2")
    assert again.tries == 1
    assert begun(connection, again, "call-c", way="flex", now_us=UNTIL_US)
    assert lines.settle(connection, [ended(line, call_id="call-a")], UNTIL_US) == 1, "whichever is first"
    assert lines.settle(connection, [ended(again)], UNTIL_US) == 0


async def test_a_promoted_line_is_answered_once_and_its_shard_keeps_its_run(connection: Connection) -> None:
    given(connection, 2)
    in_shard(connection, taken(connection), held=10)
    (line, before), (_, _) = of_shard(connection, "shard-1")
    assert (line.body, before.call_id, line.call_id) == (a_line().body, "call-job-1-0-0", "call-job-1-0-0")
    assert begun(connection, line, "call-now", holder="w2", until_us=UNTIL_US)
    assert lines.settle(connection, [ended(line)], NOW_US) == 1
    found = [line for line, _ in of_shard(connection, "shard-1")]
    assert [(line.state, line.call_id) for line in found] == [("done", "call-job-1-0-0"), ("sent", "call-job-1-1-0")]
    late = found[0]
    assert lines.settle(connection, [ended(late)], NOW_US) == 0
    job = jobs.get(connection, "job-1")
    assert job is not None and job.held == 10, "what was held for the first run is free"
    assert [line.no for line, _ in of_shard(connection, "shard-1")] == [1]
    assert shards.finish(connection, "shard-1", NOW_US) == 1
    assert keys(taken(connection)) == [("job-1", 1)]


async def test_duplicates_wait_for_their_leader(connection: Connection) -> None:
    given(connection, 3, digest=b"same")
    leader, *others = taken(connection)
    assert keys(lines.follow(connection, [(others[0], ("job-1", 0))], UNTIL_US)) == [("job-1", 1)], "not sent yet"
    in_shard(connection, [leader])
    assert keys(list(lines.leaders(connection, "acme", [b"same", b"none"]).values())) == [("job-1", 0)]
    assert lines.leaders(connection, "other", [b"same"]) == {}
    assert lines.follow(connection, [(each, ("job-1", 0)) for each in others], UNTIL_US) == []
    assert taken(connection, now_us=NOW_US + 1) == []
    assert lines.settle(connection, [ended(leader), ended(others[0], call_id="call-f")], NOW_US + 2) == 2
    (last,) = taken(connection, now_us=NOW_US + 2)
    assert (last.no, last.leader, last.leader_no) == (2, "job-1", 0)


async def test_sealed_lines_are_left_to_those_who_can_read_them(connection: Connection) -> None:
    pytest.importorskip("cryptography")
    mine, other = wrapping("11" * 32), wrapping("22" * 32)
    jobs.add(connection, a_job())
    lines.add(connection, [a_line()], wrapping=mine)
    assert taken(connection, wrapping=other) == []
    assert taken(connection, wrapping=mine) == []
    later = NOW_US + UNREADABLE_US
    (line,) = taken(connection, wrapping=mine, now_us=later)
    assert line.body == a_line().body
    lines.give_back(connection, [line], 0)
    (line,) = taken(connection, wrapping=other, now_us=line.deadline_us)
    assert line.body == b""
    lines.settle(connection, [ended(line)], NOW_US, wrapping=mine)
    assert [each.answer for each in lines.results(connection, "job-1", wrapping=mine)] == [b'{"ok":true}']
    assert [each.answer for each in lines.results(connection, "job-1", wrapping=other, lenient=True)] == [b""]
    with pytest.raises(Unreadable):
        lines.results(connection, "job-1", wrapping=other)


async def test_what_cannot_be_handed_in(connection: Connection) -> None:
    given(connection, 1)
    with pytest.raises(Duplicate):
        lines.add(connection, [a_line()])
    with pytest.raises(RowRefused):
        lines.add(connection, [a_line(job="none")])
    jobs.cancel(connection, "job-1", tenant="acme", now_us=NOW_US)
    with pytest.raises(RowRefused):
        lines.add(connection, [a_line(1)])
    with pytest.raises(Duplicate):
        jobs.add(connection, a_job())


async def test_where_a_job_is(connection: Connection) -> None:
    given(connection, 5, "first", deadline_us=NOW_US + HOUR_US)
    given(connection, 2)
    assert lines.position(connection, "job-1") == (5, 2, 0)
    in_shard(connection, taken(connection, 6))
    assert lines.position(connection, "job-1") == (0, 1, 1)


async def test_how_a_line_stands(connection: Connection) -> None:
    given(connection, 1)
    (line,) = taken(connection)
    begun(connection, line, "call-a")
    with connection.transaction():
        assert lines.lock(connection, [("job-1", 0), ("job-1", 1)]) == {("job-1", 0): ("sent", "call-a")}


async def test_two_workers_never_take_the_same_line(store: Store, connection: Connection) -> None:
    for tenant in ("a", "b", "c"):
        given(connection, 60, tenant, tenant=tenant)
    found: list[tuple[str, int]] = []

    def work(name: str) -> None:
        with closing(store.engine.connect()) as mine:
            while some := taken(mine, 7, name):
                found.extend(keys(some))

    workers = [threading.Thread(target=work, args=(f"w{n}",)) for n in range(4)]
    for each in workers:
        each.start()
    for each in workers:
        each.join()
    assert len(found) == len(set(found)) == 180
    assert connection.query("SELECT count(*) FROM batch_cells WHERE n <> 0 OR bytes <> 0") == [(0,)]


def test_moves_need_no_lines(connection: Connection) -> None:
    with connection.transaction():
        assert moves.wake(connection, NOW_US, 10) == 0 and moves.lock_lines(connection, []) == {}
    assert sent(a_line()).holds == []


async def test_many_lines_begin_together(connection: Connection) -> None:
    given(connection, 4)
    some = taken(connection, 3)
    in_shard(connection, some[2:])
    started = [lines.Begun("job-1", no, "now", f"call-now-{no}") for no in range(4)]
    going = lines.begin_all(connection, started, holder="w1", until_us=UNTIL_US, now_us=NOW_US)
    assert going == {"call-now-0", "call-now-1", "call-now-2"}, "the last was not taken"
    assert lines.begin_all(connection, started, holder="w1", until_us=UNTIL_US, now_us=NOW_US) == set()


async def test_lines_are_found_by_their_keys_and_not_by_looking_through_all(sqlite_url: str) -> None:
    store = await open_store(sqlite_url)
    with closing(store.engine.connect()) as connection:
        for table in ("batch_lines", "batch_bodies", "batch_answers"):
            plan = connection.query(f"EXPLAIN QUERY PLAN SELECT * {among(table, 3)}", ["a", 1] * 3)
            assert [row[3].split(" (job")[1] for row in plan if table in row[3]] == ["=? AND no=?)"], plan
    await store.close()
