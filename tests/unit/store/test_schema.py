"""Tables are made once, however many start, and a store of a later version is left alone."""

import asyncio

import pytest

from farthing.store import NewerSchema, Store, engine_for, open_store
from farthing.store.engine import Connection
from farthing.store.schema import ATTEMPT_COLUMNS, CALL_COLUMNS, VERSION, version_of


async def test_many_that_start_at_once_make_the_tables_once(url: str) -> None:
    stores = await asyncio.gather(*(open_store(url) for _ in range(6)))
    for store in stores:
        assert await store.check() == []
        await store.close()
    connection = engine_for(url).connect()
    assert connection.query("SELECT n FROM marks WHERE name = 'schema'") == [(VERSION,)]
    connection.close()


async def test_a_later_version_is_refused_in_words(store: Store, connection: Connection, url: str) -> None:
    connection.execute("UPDATE marks SET n = n + 1 WHERE name = 'schema'")
    with pytest.raises(NewerSchema, match=f"schema version {VERSION + 1}, and this Farthing knows {VERSION}.*Upgrade"):
        await open_store(url)


async def test_an_empty_store_has_version_0(url: str) -> None:
    connection = engine_for(url).connect()
    assert version_of(engine_for(url), connection) == 0
    connection.close()


async def test_the_columns_that_the_code_names_are_those_of_the_tables(store: Store, connection: Connection) -> None:
    for table, columns in (("calls", CALL_COLUMNS), ("attempts", ATTEMPT_COLUMNS)):
        assert connection.query(f"SELECT {', '.join(columns)} FROM {table}") == []
        every = connection.query(f"SELECT count(*) FROM (SELECT * FROM {table}) AS t")
        assert every == [(0,)]
