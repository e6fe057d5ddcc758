"""Sums of how lines ended, on both engines."""

from farthing.store.batch import jobs, lines
from farthing.store.batch.ends import Ends, ends
from farthing.store.engine import Connection
from farthing.store.rollups import DAY_US
from unit.store.batch.samples import HOUR_US, NOW_US, begun, ended, given, in_shard, of_shard, taken


def test_each_line_is_summed_once_by_way_end_and_deadline(connection: Connection) -> None:
    given(connection, 4)
    one, two, three, four = taken(connection)
    in_shard(connection, [one, two])
    runs = {line.no: line for line, _ in of_shard(connection, "shard-1")}
    assert begun(connection, three, "c-3")
    after = NOW_US + HOUR_US
    lines.settle(connection, [ended(runs[0]), ended(runs[1], "failed", status=400)], after)
    lines.settle(connection, [ended(runs[0])], after)  # again: nothing
    late_us = NOW_US + 25 * HOUR_US
    lines.settle(connection, [ended(three, call_id="c-3"), ended(four, cost=0)], late_us)
    assert ends(connection, NOW_US, late_us + 1) == [
        Ends("", "done", True, 1, 25 * HOUR_US, 0, 14),
        Ends("batch", "done", False, 1, HOUR_US, 7, 14),
        Ends("batch", "failed", False, 1, HOUR_US, 7, 14),
        Ends("now", "done", True, 1, 25 * HOUR_US, 7, 14),
    ]
    assert [each.met for each in ends(connection)] == [False, True, True, False]
    assert ends(connection, late_us + DAY_US) == [] and ends(connection, tenant="other") == []
    assert ends(connection, tenant="acme") == ends(connection)


def test_a_hurried_line_is_held_to_what_its_client_was_told(connection: Connection) -> None:
    (line,) = given(connection, 1, deadline_us=NOW_US + 1)
    (line,) = taken(connection)
    lines.settle(connection, [ended(line)], NOW_US + HOUR_US)
    assert [each.late for each in ends(connection)] == [False]


def test_expired_lines_missed_it_and_cancelled_ones_had_none(connection: Connection) -> None:
    given(connection, 1)
    given(connection, 2, "job-2")
    (line,) = (each for each in taken(connection) if each.job == "job-1")
    lines.settle(connection, [ended(line, "expired")], NOW_US + HOUR_US)
    jobs.cancel(connection, "job-2", tenant="acme", now_us=NOW_US)
    assert [(each.state, each.n, each.met) for each in ends(connection)] == [("expired", 1, False)]
