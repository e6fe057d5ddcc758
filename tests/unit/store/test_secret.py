"""A secret is made once, whoever asks first, and an older store's salt stays the one it was."""

import asyncio
from contextlib import closing

from farthing.store import Store, engine_for, open_store
from farthing.store.schema import MIGRATIONS, migrate
from farthing.store.schema_access import ACCESS_TABLES
from farthing.store.secret import secret
from farthing.store.shares import Shares


async def test_all_who_ask_at_once_get_the_same(store: Store) -> None:
    found = await asyncio.gather(*(store.do(lambda each: secret(each, "pages")) for _ in range(8)))
    assert len(set(found)) == 1 and len(found[0]) == 64


async def test_each_name_has_its_own(store: Store) -> None:
    assert await store.do(lambda each: secret(each, "one")) != await store.do(lambda each: secret(each, "other"))


async def test_the_salt_of_an_older_store_stays(empty_url: str) -> None:
    engine = engine_for(empty_url)
    with closing(engine.connect()) as connection:
        migrate(engine, connection, MIGRATIONS.index(ACCESS_TABLES))
        connection.execute("INSERT INTO hold_out_salt (no, salt) VALUES (0, 'as it was')")
    store = await open_store(empty_url)
    assert await Shares(store).salt() == "as it was"
    await store.close()
