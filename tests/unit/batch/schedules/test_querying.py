"""Rows of a query on both engines: as JSON lines, only read, and nothing said of values."""

import json
import sqlite3
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from farthing.batch.prompts.rows import InputError
from farthing.batch.schedules.querying import MANY, write_rows
from farthing.store.engine import engine_for


@pytest.fixture
def tickets(empty_url: str) -> str:
    with closing(engine_for(empty_url).connect()) as connection:
        connection.execute("CREATE TABLE tickets (id INTEGER, text TEXT, price NUMERIC)")
        connection.execute("INSERT INTO tickets VALUES (1, 'secret 7 x', 2.5), (2, NULL, 3.5)")
    return empty_url


def asked(url: str, query: str, path: Path, most: int = 100) -> list[dict[str, Any]]:
    write_rows(url, query, path, most)
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def refused(url: str, query: str, path: Path) -> str:
    with pytest.raises(InputError) as found:
        write_rows(url, query, path, 100)
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
    stopped = threading.Event()
    stopped.set()
    with pytest.raises(InputError):
        write_rows(tickets, endless, tmp_path / "rows", 10**9, stopped)


def test_a_database_that_is_not_there(tmp_path: Path) -> None:
    assert "none.db" in refused(f"sqlite:///{tmp_path}/none.db", "SELECT 1", tmp_path / "rows")
    assert not (tmp_path / "none.db").exists()
    said = refused("postgresql://u:hidden@127.0.0.1:1/x", "SELECT 1", tmp_path / "rows")
    assert "cannot be reached" in said and "hidden" not in said
