"""What can happen to a server: away, back, sessions ended, a wrong password, another encoding."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from farthing.store import Journal, Ledger, StoreError, engine_for, open_store
from farthing.store.engine import Connection
from stores import Postgres
from unit.store.samples import morning


async def _soon(true: Callable[[], object], patience_s: float = 60.0) -> None:
    until = time.monotonic() + patience_s
    while not true():
        assert time.monotonic() < until, "it did not happen"
        await asyncio.sleep(0.02)


_END_SESSIONS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'farthing' AND pid <> pg_backend_pid()"


async def test_ended_sessions_are_made_again(postgres: Postgres, postgres_url: str, tmp_path: Path) -> None:
    store = await open_store(postgres_url)
    journal = Journal(tmp_path / "journals")
    ledger = Ledger(store, journal, flush_s=0.01)
    for seed in range(12):
        for call in morning(100, seed):
            ledger.put(call)
        if seed % 3 == 0:
            postgres.run(_END_SESSIONS)
        await asyncio.sleep(0.02)
    assert await ledger.flush(60)
    await ledger.close()
    journal.end()
    rows = await _insist(store.report, "day")
    assert sum(row.calls for row in rows) == 1200
    assert await store.check() == []
    await store.close()


async def _insist(ask: Callable[..., object], *values: object) -> list:  # type: ignore[type-arg]
    """A session that ended while it was idle fails once."""
    for _ in range(6):
        try:
            return await ask(*values)  # type: ignore[misc,no-any-return]
        except StoreError as error:
            assert "postgresql://" in error.message
    raise AssertionError("the store did not come back")


async def test_a_server_that_crashes_and_comes_back(postgres: Postgres, postgres_url: str, tmp_path: Path) -> None:
    store = await open_store(postgres_url)
    journal = Journal(tmp_path / "journals")
    ledger = Ledger(store, journal, flush_s=0.02)
    for call in morning(200):
        ledger.put(call)
    assert await ledger.flush()
    postgres.stop()
    try:
        for call in morning(200, seed=8):
            ledger.put(call)
        await _soon(lambda: "200 calls wait, they are safe on disk too" in ledger.trouble)
        with pytest.raises(StoreError, match="failed"):
            await store.keys()
    finally:
        postgres.start()
    assert await ledger.flush(30), ledger.trouble
    assert not journal.spill_path.exists()
    await ledger.close()
    journal.end()
    assert sum(row.calls for row in await _insist(store.report, "day")) == 400
    assert await store.check() == []
    await store.close()


async def test_no_server_is_said_with_what_to_check() -> None:
    with pytest.raises(
        StoreError, match=r"postgresql://ana@127\.0\.0\.1:1/db failed.*check that the server runs"
    ) as caught:
        await open_store("postgresql://ana:hunter2@127.0.0.1:1/db")
    assert "hunter2" not in str(caught.value)


async def test_a_database_that_is_not_there_is_said(postgres: Postgres) -> None:
    with pytest.raises(StoreError, match="make the database and the user first"):
        await open_store(postgres.uri.replace("/postgres?", "/nowhere?"))


async def test_another_encoding_is_refused(postgres: Postgres) -> None:
    postgres.run("CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'")
    with pytest.raises(StoreError, match="ENCODING 'UTF8'"):
        await open_store(postgres.uri.replace("/postgres?", "/latin?"))


async def test_a_user_without_rights_is_told_what_to_grant(postgres: Postgres) -> None:
    postgres.run("CREATE ROLE poor LOGIN")
    postgres.run("CREATE SCHEMA rich")
    poor = postgres.url("rich").replace("//postgres:@", "//poor@")
    with pytest.raises(StoreError, match="let the user write there"):
        await open_store(poor)
    postgres.run("GRANT USAGE ON SCHEMA rich TO poor")
    with pytest.raises(StoreError, match="grant the user the right"):
        await open_store(poor)


def test_a_table_that_another_session_made_meanwhile_is_seen(postgres: Postgres) -> None:
    """Two gateways that start at once on an empty database: the second waits for the first, and makes nothing again."""
    schema = postgres.empty()
    engine = engine_for(postgres.url(schema))
    with closing(engine.connect()) as first, closing(engine.connect()) as second:
        assert not second.has_table("made")
        with ThreadPoolExecutor(1) as pool:
            with first.transaction(alone=True):
                first.execute("CREATE TABLE made (n BIGINT)")
                seen = pool.submit(_seen_alone, second)
                waiting = "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'advisory'"
                while not postgres.run(waiting):
                    time.sleep(0.01)
            assert seen.result(30)
    postgres.drop(schema)


def _seen_alone(connection: Connection) -> bool:
    with connection.transaction(alone=True):
        return connection.has_table("made")
