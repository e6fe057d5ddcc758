"""Shards: all or nothing is written before a provider is asked, and what comes of it; on both engines."""

import msgspec
import pytest

from farthing.model.budget import Budget
from farthing.model.windows import window_at
from farthing.store import Store, leases
from farthing.store.batch import holds, jobs, known, lines, shards
from farthing.store.batch.holds import HoldRefused
from farthing.store.budgets import Budgets
from farthing.store.engine import Connection
from farthing.store.errors import Duplicate
from unit.store.batch.samples import (
    HOUR_US,
    NOW_US,
    UNTIL_US,
    a_job,
    a_line,
    a_shard,
    ended,
    given,
    in_shard,
    of_shard,
    sent,
    taken,
)


async def test_a_shard_is_looked_at_by_one_until_it_is_settled(connection: Connection) -> None:
    given(connection)
    made = in_shard(connection, taken(connection))
    assert (made.state, made.lines, made.holder) == ("intent", 3, "w1")
    assert shards.get(connection, "shard-1") == made and shards.get(connection, "none") is None
    assert shards.due(connection, NOW_US, "w2", UNTIL_US, 5) == [], "its sender is still at it"
    shards.uploaded(connection, "shard-1", "file-1")
    shards.created(connection, "shard-1", "batch-1", "file-1", UNTIL_US, NOW_US + 5)
    assert shards.due(connection, NOW_US + 4, "w2", UNTIL_US, 5) == []
    (found,) = shards.due(connection, NOW_US + 5, "w2", UNTIL_US, 5)
    assert (found.remote_id, found.state, found.holder) == ("batch-1", "running", "w2")
    assert shards.due(connection, NOW_US + 6, "w3", UNTIL_US, 5) == []
    assert shards.renew(connection, "w2", UNTIL_US + 9, []) == 0, "what its holder has lost sight of is free in time"
    assert shards.renew(connection, "w2", UNTIL_US + 9, ["shard-1", "shard-2"]) == 1
    found.state, found.output_file, found.looks = "ended", "file-2", 1
    stranger = msgspec.structs.replace(found, holder="w3")
    assert not shards.looked(connection, stranger) and shards.looked(connection, found, keep=True)
    assert lines.free(connection, ["w2"], NOW_US) == 1
    (again,) = shards.due(connection, NOW_US + 7, "w3", UNTIL_US, 5)
    assert (again.state, again.output_file) == ("ended", "file-2") and shards.looked(connection, again)
    assert [shard.id for shard in shards.open_(connection)] == ["shard-1"] and known.any_running(connection)
    assert shards.finish(connection, "shard-1", NOW_US) == 3
    assert shards.open_(connection) == [] and not known.any_running(connection)
    assert [each.state for each in shards.page(connection)] == ["settled"]


async def test_all_of_a_shard_or_nothing(connection: Connection) -> None:
    given(connection)
    some = taken(connection)
    jobs.cancel(connection, "job-1", tenant="acme", now_us=NOW_US)
    given(connection, 1, "job-2")
    other = taken(connection)
    before = [msgspec.structs.replace(line) for line in other]
    with pytest.raises(shards.LinesGone) as gone:
        in_shard(connection, [*some, *other])
    assert gone.value.keys == [("job-1", 0), ("job-1", 1), ("job-1", 2)]
    assert shards.get(connection, "shard-1") is None
    in_shard(connection, other)
    with pytest.raises(Duplicate):
        in_shard(connection, [], "shard-1")
    with pytest.raises(shards.LinesGone):
        in_shard(connection, before, "shard-2")


async def test_lines_of_a_shard_that_was_never_created_wait_as_if_nothing_had_been(connection: Connection) -> None:
    given(connection)
    in_shard(connection, taken(connection), held=5)
    assert shards.abandon(connection, "shard-1", "refused", NOW_US, NOW_US + 3) == 3
    found = shards.get(connection, "shard-1")
    assert found is not None and (found.state, found.error) == ("failed", "refused")
    assert taken(connection) == []
    assert [line.tries for line in taken(connection, now_us=NOW_US + 3)] == [0, 0, 0]
    job = jobs.get(connection, "job-1")
    assert job is not None and job.held == 0


async def test_a_jobs_cap_holds(connection: Connection) -> None:
    jobs.add(connection, a_job(total=3, cap=25))
    lines.add(connection, [a_line(no) for no in range(3)])
    some = taken(connection)
    with pytest.raises(HoldRefused) as refused:
        in_shard(connection, some, held=10)
    assert (refused.value.budget, refused.value.job) == ("", "job-1")
    in_shard(connection, some[:2], held=10)
    with pytest.raises(HoldRefused):
        in_shard(connection, some[2:], "shard-2", held=6)
    lines.settle(connection, [ended(line) for line in some[:2]], NOW_US)
    in_shard(connection, some[2:], "shard-2", held=6)


async def test_what_budgets_hold_for_lines(store: Store, connection: Connection) -> None:
    budget = Budget("b", 100, tenant="acme")
    await Budgets(store).put(budget)
    window = window_at(budget.period, NOW_US)
    want = leases.Want("b", "", window.id, window.from_us, (), 100, 1, 1, 1, 0)
    given(connection)
    some = taken(connection)
    in_shard(connection, some[:2], held=40, budget="b")
    assert holds.held(connection) == {("b", "", window.id): 80}
    (_, first), _ = of_shard(connection, "shard-1")
    assert first.holds[0].window == window.id, "the window of now"
    with pytest.raises(HoldRefused) as refused:
        in_shard(connection, some[2:], "shard-2", held=40, budget="b")
    assert refused.value.budget == "b" and shards.get(connection, "shard-2") is None
    assert [row[:2] for row in leases.contended(connection, NOW_US - 1)] == [("b", "")]
    assert leases.lost(connection, NOW_US + 10_000 * HOUR_US) == [], "it outlives every gateway"
    assert lines.give_back(connection, [some[0]], 0, NOW_US) == 1
    assert leases.state(connection, want, NOW_US).left == 60
    assert shards.finish(connection, "shard-1", NOW_US) == 1 and holds.held(connection) == {}
    assert leases.state(connection, want, NOW_US).left == 100


async def test_a_budget_that_is_gone_holds_nothing(connection: Connection) -> None:
    given(connection, 1)
    in_shard(connection, taken(connection), held=40, budget="gone")
    assert holds.held(connection) == {}
    ((_, found),) = of_shard(connection, "shard-1")
    assert found.holds == []


async def test_a_line_of_a_late_shard_may_go_into_another(connection: Connection) -> None:
    given(connection, 1)
    in_shard(connection, taken(connection))
    ((line, _),) = of_shard(connection, "shard-1")
    shards.intend(connection, a_shard("shard-2"), [(line, sent(line, "call-2"))], "w1", UNTIL_US, NOW_US)
    assert shards.finish(connection, "shard-1", NOW_US) == 0, "it is with the other one"
    assert shards.finish(connection, "shard-2", NOW_US) == 1
