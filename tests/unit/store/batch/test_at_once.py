"""Gateways that work one queue at the same time, with budgets, cancellations and leases that are renewed: nobody waits in a
circle, and in the end every line has ended once; on both engines."""

import random
import threading
from contextlib import closing

from farthing.model.batch import Hold, Line, Sent
from farthing.model.budget import Budget
from farthing.model.charge import Charge
from farthing.store import Store, writing
from farthing.store.batch import holds, jobs, lines, shards
from farthing.store.budgets import Budgets
from farthing.store.engine import Connection
from unit.store.batch.samples import NOW_US, UNTIL_US, a_shard, given, taken
from unit.store.samples import a_record

WORKERS = 3
JOBS = 12
LINES = 20


async def test_gateways_work_one_queue(store: Store, connection: Connection) -> None:
    await Budgets(store).put(Budget("b", 10**9, tenant="*", window="total"))
    for number in range(JOBS):
        given(connection, LINES, f"job-{number:02}", tenant=f"tenant-{number % 3}")
    failed: list[BaseException] = []
    settled: list[int] = []

    def work(name: str) -> None:
        dice = random.Random(name)
        try:
            with closing(store.engine.connect()) as mine:
                while some := taken(mine, dice.randrange(1, 9), name):
                    settled.append(_worked(mine, some, name, dice))
        except BaseException as error:
            failed.append(error)

    def disturb() -> None:
        try:
            with closing(store.engine.connect()) as mine:
                for number in range(0, JOBS, 4):
                    jobs.cancel(mine, f"job-{number:02}", tenant="", now_us=NOW_US)
                    for name in range(WORKERS):
                        lines.renew(mine, f"w{name}", UNTIL_US + number)
                    lines.waiting(mine, NOW_US)
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(f"w{n}",)) for n in range(WORKERS)] + [
        threading.Thread(target=disturb)
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert failed == []
    found = [jobs.get(connection, f"job-{number:02}") for number in range(JOBS)]
    assert all(job is not None and job.ended == LINES and job.ended_us and not job.held for job in found)
    assert sum(job.done for job in found if job is not None) == sum(settled)
    assert connection.query("SELECT count(*) FROM calls") == [(sum(settled),)]
    assert holds.held(connection) == {} and lines.waiting(connection, NOW_US) == []


def _worked(connection: Connection, some: list[Line], name: str, dice: random.Random) -> int:
    """Send them as a shard, settle most, put the rest back; how many were settled."""
    shard = f"{name}-{dice.getrandbits(60)}"
    pairs = [
        (line, Sent(f"{shard}-{line.job}-{line.no}", held=5, holds=[Hold("b", line.tenant, "total", 5)]))
        for line in some
    ]
    try:
        shards.intend(connection, a_shard(shard), pairs, name, UNTIL_US, NOW_US)
    except shards.LinesGone:
        lines.give_back(connection, some, NOW_US, NOW_US)
        return 0
    done = some[: dice.randrange(1, len(some) + 1)]
    with connection.transaction():
        lines.lock(connection, [(line.job, line.no) for line in done])
        writing.write(
            connection, [a_record(line.call_id, charges=[Charge("b", line.tenant, "total", "", 3)]) for line in done]
        )
        count = lines.settle(
            connection,
            [lines.Ended(line.job, line.no, line.call_id, "done", 200, b"answer", 1, 2) for line in done],
            NOW_US,
        )
    assert count == len(done)
    shards.finish(connection, shard, NOW_US)
    return count
