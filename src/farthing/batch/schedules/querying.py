"""Writes the rows of a query into a file of JSON lines, so that they are handed in as any file of rows is.

The database is only read: SQLite's file is opened so that it cannot be changed, PostgreSQL is asked in a transaction that may
not write. Rows come a thousand at a time. What a database says of a query is told on; what it says of values is not, as
that may show them.
"""

import importlib
import sqlite3
import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec

from farthing.batch.prompts.rows import InputError

MOST_S = 600
"""Seconds that a query may take."""
MANY = 1000
_STEPS = 100_000
"""Of SQLite's machine between two looks at the clock."""
_OF_THE_QUERY = ("42", "3D", "08", "28", "57")
"""Classes of PostgreSQL's errors whose words are about the query or the server, and of no value: syntax and rights, a database
that is not there, connections, passwords, time that is over."""
_encode = msgspec.json.Encoder(enc_hook=str).encode
Rows = Generator[Sequence[Any], None, None]
"""The names of the columns, then the rows."""


def write_rows(database: str, query: str, path: Path, most: int, stopped: threading.Event | None = None) -> None:
    """The rows of the query, but for those after `most`. `database` is an address as `store.url` is one; whoever sets
    `stopped` waits for them no longer. Raises InputError, OSError."""
    until = time.monotonic() + MOST_S

    def is_over() -> bool:
        return time.monotonic() > until or (stopped is not None and stopped.is_set())

    ask = _of_sqlite if database.startswith("sqlite:") else _of_postgres
    rows = ask(database, query, is_over)
    with closing(rows), path.open("wb") as file:
        names = _checked(next(rows))
        for values in islice(rows, most):
            file.write(_encode(dict(zip(names, values, strict=True))) + b"\n")


def _checked(names: Sequence[str]) -> Sequence[str]:
    twice = next((name for place, name in enumerate(names) if name in names[:place]), None)
    if twice is not None:
        raise InputError(f"the query gives two columns {twice!r}; name one of them with AS")
    return names


def _of_sqlite(database: str, query: str, is_over: Callable[[], bool]) -> Rows:
    path = database.removeprefix("sqlite:///")
    said = True
    try:
        with closing(sqlite3.connect(f"file:{quote(path)}?mode=ro", uri=True)) as db:
            db.execute("PRAGMA query_only = ON")
            db.set_progress_handler(is_over, _STEPS)
            cursor = db.execute(query)
            said = False  # from here on an error may show a value
            yield from _of_cursor(cursor, is_over)
    except sqlite3.Error as error:
        why = f"{error}" if said else type(error).__name__
        raise InputError(f"the query cannot be asked of {Path(path).name}: {why}") from None


def _of_postgres(database: str, query: str, is_over: Callable[[], bool]) -> Rows:
    try:
        psycopg = importlib.import_module("psycopg")
    except ImportError as missing:
        raise InputError(
            f"PostgreSQL needs the driver, which is not installed ({missing}): pip install 'farthing[postgres]'"
        ) from None
    try:
        with psycopg.connect(database, connect_timeout=10, application_name="farthing") as db:
            db.read_only = True
            db.execute(f"SET LOCAL statement_timeout = '{MOST_S}s'")
            with db.cursor(name="farthing_rows") as cursor:
                cursor.itersize = MANY
                cursor.execute(query)
                yield from _of_cursor(cursor, is_over)
    except psycopg.Error as error:
        raise InputError(f"the query cannot be asked: {_said(error)}") from None


def _of_cursor(cursor: Any, is_over: Callable[[], bool]) -> Rows:
    if cursor.description is None:
        raise InputError("the query gives no rows: write one that begins with SELECT or WITH")
    yield [column[0] for column in cursor.description]
    while some := cursor.fetchmany(MANY):
        if is_over():
            raise InputError("the query takes too long, or nobody waits for it any more")
        yield from some


def _said(error: Any) -> str:
    """In one line, without any value and without an address's password."""
    state = error.sqlstate or ""
    if state.startswith(_OF_THE_QUERY):
        return str(error.diag.message_primary)
    if not state and type(error).__name__ == "OperationalError":
        return "the server cannot be reached"
    return f"{type(error).__name__}" + (f" ({state})" if state else "")
