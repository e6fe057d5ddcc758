"""Rows of a query on both engines: as JSON lines, only read, and nothing said of values."""

import json
import socket
import sqlite3
import threading
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from farthing.batch.prompts.rows import InputError
from farthing.batch.schedules.querying import MANY, Patience, write_rows
from farthing.store.engine import engine_for


@pytest.fixture
def tickets(empty_url: str) -> str:
    with closing(engine_for(empty_url).connect()) as connection:
        connection.execute("CREATE TABLE tickets (id INTEGER, text TEXT, price NUMERIC)")
        connection.execute("INSERT INTO tickets VALUES (1, 'secret 7 x', 2.5), (2, NULL, 3.5)")
    return empty_url


def asked(url: str, query: str, path: Path, most: int = 100) -> list[dict[str, Any]]:
    write_rows(url, query, path, most, Patience())
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def refused(url: str, query: str, path: Path) -> str:
    with pytest.raises(InputError) as found:
        write_rows(url, query, path, 100, Patience())
    return str(found.value)


def test_rows_come_with_the_names_of_their_columns(tickets: str, tmp_path: Path) -> None:
    path = tmp_path / "rows"
    assert asked(tickets, "SELECT id, text AS words FROM tickets ORDER BY id", path) == [
        {"id": 1, "words": "secret 7 x"},
        {"id": 2, "words": None},
    ]
    (row,) = asked(tickets, "SELECT price, '50%' AS share FROM tickets WHERE id = 1", path)
    assert float(row["price"]) == 2.5 and row["share"] == "50%"
    assert asked(tickets, "SELECT id FROM tickets WHERE id > 2", path) == []


def test_no_more_rows_than_wanted_are_written(tickets: str, tmp_path: Path) -> None:
    many = f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {3 * MANY}) SELECT i FROM n"
    assert [row["i"] for row in asked(tickets, many, tmp_path / "rows", 2 * MANY + 1)] == list(range(1, 2 * MANY + 2))


@pytest.mark.parametrize(
    "query", ["DELETE FROM tickets", "DROP TABLE tickets", "UPDATE tickets SET id = 1 RETURNING id", ""]
)
def test_nothing_is_changed(tickets: str, tmp_path: Path, query: str) -> None:
    assert refused(tickets, query, tmp_path / "rows")
    assert len(asked(tickets, "SELECT * FROM tickets", tmp_path / "rows")) == 2


def test_a_mistake_is_told_without_values(tickets: str, tmp_path: Path) -> None:
    path = tmp_path / "rows"
    assert "tikets" in refused(tickets, "SELECT * FROM tikets", path)
    assert "two columns 'id'" in refused(tickets, "SELECT id, id FROM tickets", path)
    if tickets.startswith("postgresql"):
        said = refused(tickets, "SELECT CAST(text AS INTEGER) FROM tickets", path)
        assert "InvalidTextRepresentation" in said and "secret" not in said


def test_a_value_that_cannot_be_read_is_not_shown(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "odd.db")) as db:
        db.execute("CREATE TABLE odd (a TEXT)")
        db.execute("INSERT INTO odd VALUES (CAST(X'736563726574ff' AS TEXT))")
        db.commit()
    assert "secret" not in refused(f"sqlite:///{tmp_path}/odd.db", "SELECT a FROM odd", tmp_path / "rows")


def test_whoever_waits_no_longer_ends_it(tickets: str, tmp_path: Path) -> None:
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n"
    patience = Patience()
    patience.stop()
    with pytest.raises(InputError, match="nobody waits"):
        write_rows(tickets, endless, tmp_path / "rows", 10**9, patience)


def endless_first(tickets: str) -> str:
    """A query that never gives its first row."""
    if tickets.startswith("postgresql"):
        return "SELECT pg_sleep(100000)"
    return "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n WHERE i < 0"


def test_a_query_that_never_gives_a_row_ends_with_its_time(tickets: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"longer than 0.3 seconds"):
        write_rows(tickets, endless_first(tickets), tmp_path / "rows", 10, Patience(0.3))


def test_the_time_is_that_of_the_whole_query(postgres_url: str, tmp_path: Path) -> None:
    """No thousand rows take long, for which PostgreSQL counts by itself."""
    slow = "SELECT i, CASE WHEN i % 500 = 0 THEN pg_sleep(0.2) END FROM generate_series(1, 1000000) i"
    with pytest.raises(InputError, match="longer than 1 seconds"):
        write_rows(postgres_url, slow, tmp_path / "rows", 10**9, Patience(1.0))


def test_it_ends_where_it_is_when_nobody_waits_for_it_any_more(tickets: str, tmp_path: Path) -> None:
    patience = Patience()
    timer = threading.Timer(0.3, patience.stop)
    timer.start()
    with pytest.raises(InputError, match="nobody waits"):
        write_rows(tickets, endless_first(tickets), tmp_path / "rows", 10, patience)
    timer.join()


def test_a_server_that_answers_nothing_any_more_is_left(postgres_url: str, tmp_path: Path) -> None:
    """Everything goes through until the query, then nothing does, also not that it shall stop."""
    conninfo = pytest.importorskip("psycopg").conninfo
    said = conninfo.conninfo_to_dict(postgres_url)
    with Deaf(f"{said['host']}/.s.PGSQL.{said.get('port', 5432)}", b"pg_sleep") as deaf:
        through = conninfo.make_conninfo(**{**said, "host": "127.0.0.1", "port": deaf.port})
        with pytest.raises(InputError, match=r"longer than 0.5 seconds"):
            write_rows(through, endless_first(postgres_url), tmp_path / "rows", 10, Patience(0.5))


class Deaf:
    """A way to a server that leads nowhere from the moment on at which a client says `word`."""

    def __init__(self, server: str, word: bytes) -> None:
        self._server, self._word = server, word
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self._is_deaf = False
        self._open: list[socket.socket] = []

    def __enter__(self) -> "Deaf":
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        for each in [self._listening, *self._open]:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                server = socket.socket(socket.AF_UNIX)
                self._open += [client, server]
                server.connect(self._server)
                for one, other in ((client, server), (server, client)):
                    threading.Thread(target=self._pass_on, args=(one, other), daemon=True).start()

    def _pass_on(self, one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while data := one.recv(65_536):
                self._is_deaf = self._is_deaf or self._word in data
                if not self._is_deaf:
                    other.sendall(data)


def test_a_database_that_is_not_there(tmp_path: Path) -> None:
    assert "none.db" in refused(f"sqlite:///{tmp_path}/none.db", "SELECT 1", tmp_path / "rows")
    assert not (tmp_path / "none.db").exists()
    said = refused("postgresql://u:hidden@127.0.0.1:1/x", "SELECT 1", tmp_path / "rows")
    assert "cannot be reached" in said and "hidden" not in said
