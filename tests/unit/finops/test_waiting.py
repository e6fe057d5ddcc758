"""What is told of work that can wait, on both engines: the queue from sums, ends by way, the lever."""

import json

from farthing.finops.waiting import Span, plain, read
from farthing.model.arms import BATCHING
from farthing.model.batch import Job, Line
from farthing.model.record import Record, Saving
from farthing.store import Store
from farthing.store.batch import jobs, lines
from farthing.store.engine import Connection
from farthing.store.rollups import DAY_US
from unit.store.batch.samples import begun

NOW_US = 20_000 * DAY_US + DAY_US // 2
HOUR_US = 3_600_000_000


def handed_in(
    connection: Connection, name: str, count: int, *, tenant: str = "default", due_us: int = NOW_US + HOUR_US, came_us: int = NOW_US
) -> None:  # fmt: skip
    job = Job(name, "file", "openai.chat", tenant, came_us, due_us, state="running", total=count)
    jobs.add(connection, job)
    lines.add(connection, [Line(name, no, f"c-{no}", tenant, "m", due_us, 2, body=b"{}") for no in range(count)])


def sent(connection: Connection, count: int, way: str, tenant: str = "default") -> list[Line]:
    some = lines.take(connection, now_us=NOW_US, holder="g", until_us=NOW_US + DAY_US, limit=count, tenant=tenant)
    for line in some:
        assert begun(connection, line, f"{line.job}/{line.no}", way=way, now_us=NOW_US)  # type: ignore[arg-type]
    return some


def end(connection: Connection, some: list[Line], state: str, at_us: int) -> None:
    lines.settle(
        connection, [lines.Ended(each.job, each.no, each.call_id, state, 200, b"{}", 5, 10) for each in some], at_us  # type: ignore[arg-type]
    )  # fmt: skip


def count(spans: list[Span]) -> dict[str, int]:
    return {each.label: each.lines for each in spans if each.lines}


def test_an_empty_queue_is_told_as_such(connection: Connection) -> None:
    found = read(connection, 0, NOW_US + DAY_US, NOW_US)
    assert not found.is_used and found.met_share is None and found.queue.due_us is None and not found.tenants
    assert json.dumps(plain(found))


def test_the_queue_by_tenant_age_and_time_left(connection: Connection) -> None:
    handed_in(connection, "j-1", 5, came_us=NOW_US - 2 * HOUR_US)
    handed_in(connection, "j-2", 2, tenant="other", due_us=NOW_US - HOUR_US, came_us=NOW_US - 26 * HOUR_US)
    sent(connection, 2, "now")
    found = read(connection, NOW_US - DAY_US, NOW_US + DAY_US, NOW_US)
    assert [(each.tenant, each.waiting, each.away, each.late) for each in found.tenants] == [
        ("default", 3, 2, 0), ("other", 2, 0, 2),
    ]  # fmt: skip
    whole = found.queue
    assert (whole.waiting, whole.away, whole.late, whole.jobs, whole.due_us) == (5, 2, 2, 2, NOW_US - HOUR_US)
    assert whole.oldest_us is not None and 0 <= NOW_US - 26 * HOUR_US - whole.oldest_us <= 8_000_000
    assert count(found.ages) == {"under 6 hours": 3, "over 24 hours": 2}
    assert count(found.left) == {"due now or late": 2, "within 1 hour": 3}
    own = read(connection, NOW_US - DAY_US, NOW_US + DAY_US, NOW_US, tenant="other")
    assert own.queue.waiting == 2 and len(own.tenants) == 1


def test_ends_are_told_by_way_with_the_share_of_deadlines_met(connection: Connection) -> None:
    handed_in(connection, "j-1", 4)
    end(connection, sent(connection, 2, "batch"), "done", NOW_US + 10)
    end(connection, sent(connection, 1, "now"), "failed", NOW_US + 20)
    end(connection, sent(connection, 1, "now"), "expired", NOW_US + 2 * HOUR_US)
    found = read(connection, NOW_US, NOW_US + DAY_US, NOW_US)
    assert [(row.way, row.lines, row.answered, row.failed, row.expired, row.met) for row in found.ways] == [
        ("batch", 2, 2, 0, 0, 2), ("now", 2, 0, 1, 1, 1),
    ]  # fmt: skip
    assert (found.ended, found.met, found.met_share) == (4, 3, 0.75)
    assert found.ways[0].mean_wait_us == 10 and (found.ways[0].cost, found.ways[0].baseline) == (10, 20)
    assert plain(found)["deadlines_met_share"] == 0.75 and not read(connection, 0, NOW_US - DAY_US, NOW_US).ways


async def test_what_waiting_saved_is_the_levers(store: Store) -> None:
    saved = Record("c-1", NOW_US, "openai.chat", cost=50, baseline=100, savings=[Saving(BATCHING, 100, 50)])
    twice = Record("c-2", NOW_US, "openai.chat", cost=50, baseline=0, savings=[Saving(BATCHING, 0, 0, overhead=50)])
    await store.write([saved, twice])
    found = await store.do(lambda connection: read(connection, NOW_US, NOW_US + DAY_US, NOW_US))
    lever = found.lever
    assert (lever.before, lever.after, lever.overhead, lever.saved) == (100, 50, 50, 0) and found.is_used
