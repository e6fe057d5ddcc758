"""Tables are made once, however many start, and a store of a later version is left alone."""

import asyncio
from contextlib import closing

import msgspec
import pytest

from farthing.model.record import Record
from farthing.store import NewerSchema, Store, engine_for, open_store
from farthing.store.engine import Connection
from farthing.store.rollups import VIEWS, cells_from_rows, count_bins
from farthing.store.rows import attempt_row, call_row, saving_rows
from farthing.store.schema import (
    ATTEMPT_COLUMNS,
    CALL_COLUMNS,
    HISTOGRAM_KEY,
    SAVING_COLUMNS,
    VERSION,
    migrate,
    version_of,
)
from unit.store.samples import morning

NEW_IN_2 = ("tier", "template", "session", "arms", "request_bytes")


async def test_many_that_start_at_once_make_the_tables_once(empty_url: str) -> None:
    stores = await asyncio.gather(*(open_store(empty_url) for _ in range(6)))
    for store in stores:
        assert await store.check() == []
        await store.close()
    connection = engine_for(empty_url).connect()
    assert connection.query("SELECT n FROM marks WHERE name = 'schema'") == [(VERSION,)]
    connection.close()


async def test_a_later_version_is_refused_in_words(store: Store, connection: Connection, url: str) -> None:
    connection.execute("UPDATE marks SET n = n + 1 WHERE name = 'schema'")
    with pytest.raises(NewerSchema, match=f"schema version {VERSION + 1}, and this Farthing knows {VERSION}.*Upgrade"):
        await open_store(url)


async def test_an_empty_store_has_version_0(empty_url: str) -> None:
    connection = engine_for(empty_url).connect()
    assert version_of(engine_for(empty_url), connection) == 0
    connection.close()


async def test_the_columns_that_the_code_names_are_those_of_the_tables(store: Store, connection: Connection) -> None:
    for table, columns in (("calls", CALL_COLUMNS), ("attempts", ATTEMPT_COLUMNS)):
        assert connection.query(f"SELECT {', '.join(columns)} FROM {table}") == []
        every = connection.query(f"SELECT count(*) FROM (SELECT * FROM {table}) AS t")
        assert every == [(0,)]


async def test_a_store_of_the_first_version_is_upgraded_and_loses_nothing(empty_url: str) -> None:
    """What an upgraded store holds is what it would hold had it always been of this version."""
    calls = [
        msgspec.structs.replace(call, tier="", template="", session="", arms={}, request_bytes=0)
        for call in morning(120)
    ]
    former = tuple(column for column in CALL_COLUMNS if column not in NEW_IN_2)
    engine = engine_for(empty_url)
    with closing(engine.connect()) as connection:
        migrate(engine, connection, 1)
        with connection.transaction():
            connection.insert("calls", former, [call_row(call)[: len(former)] for call in calls])
            connection.insert(
                "attempts", ATTEMPT_COLUMNS, [attempt_row(call.id, each) for call in calls for each in call.attempts]
            )
            connection.insert("savings", SAVING_COLUMNS, [row for call in calls for row in saving_rows(call)])
            for view in FIRST_VIEWS:
                connection.execute(f"INSERT INTO rollups {cells_from_rows(view)}")
            bins_ = [(*key, n) for key, n in sorted(count_bins(map(_bin_columns, calls)).items())]
            connection.insert("histograms", (*HISTOGRAM_KEY, "n"), bins_)
            connection.execute(
                "INSERT INTO keys (id, name, hash, tenant, tags, pinned, models, requests_per_minute, tokens_per_minute, "
                "admin, created_us, expires_us, revoked_us) VALUES ('k', 'n', ?, 'default', '{}', '[]', '[]', 0, 0, 0, 1, "
                "0, 0)",
                (b"h" * 32,),
            )
    store = await open_store(empty_url)
    assert await store.check() == []
    assert await store.call(calls[7].id) == calls[7]
    assert sum(row.calls for row in await store.report("task,model")) == 120
    assert [(row.key, row.calls) for row in await store.report("tier")] == [("", 120)]
    (key,) = await store.keys()
    assert (key.substitute, key.region) == (None, "")
    more = morning(20, seed=8)
    await store.write(more)
    assert await store.check() == []
    await store.close()


FIRST_VIEWS = [view for view in VIEWS if "tier" not in view.dims and view.dims not in ("task_model", "user_month")]


def _bin_columns(call: Record) -> tuple[object, ...]:
    return (
        call.started_us, call.tenant, call.model, call.outcome, call.first_byte_us, call.duration_us, call.cost_state, call.cost,
    )  # fmt: skip
