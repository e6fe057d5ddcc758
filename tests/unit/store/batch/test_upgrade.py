"""A queue that an earlier version left behind is worked on: its lines end, and its sums hold."""

from contextlib import closing

import pytest

from farthing.store import engine_for, open_store
from farthing.store.batch import jobs, shards
from farthing.store.batch.settling import Ended, settle
from farthing.store.schema import MIGRATIONS, migrate
from farthing.store.schema_batch import BATCH_TABLES
from unit.store.batch.samples import NOW_US, given, in_shard, taken

FIRST = MIGRATIONS.index(BATCH_TABLES) + 1
"""The version that has a queue for the first time."""


@pytest.mark.parametrize("version", [FIRST - 1, FIRST, FIRST + 1, FIRST + 4])
async def test_lines_of_an_earlier_version(url: str, version: int) -> None:
    engine = engine_for(url)
    with closing(engine.connect()) as connection:
        migrate(engine, connection, version)
        if version >= FIRST:
            given(connection, 3)
            in_shard(connection, taken(connection, 1))
    store = await open_store(url)
    if version < FIRST:
        await store.do(lambda connection: given(connection, 3))
    left = await store.do(lambda connection: taken(connection))
    assert len(left) == (3 if version < FIRST else 2)
    ended = [Ended(line.job, line.no, f"call-{line.no}", "done", 200, b"{}", 1, 2) for line in left]
    await store.do(lambda connection: settle(connection, ended, NOW_US))
    if version >= FIRST:
        await store.do(lambda connection: shards.finish(connection, "shard-1", NOW_US))
        last = await store.do(lambda connection: taken(connection))
        ended = [Ended(line.job, line.no, "call-last", "done", 200, b"{}", 1, 2) for line in last]
        await store.do(lambda connection: settle(connection, ended, NOW_US))
    job = await store.do(lambda connection: jobs.get(connection, "job-1"))
    assert job is not None and (job.state, job.done, job.cost, job.held) == ("finished", 3, 3, 0)
    assert await store.check() == []
    await store.close()
