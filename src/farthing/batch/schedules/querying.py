"""Writes the rows of a query into a file of JSON lines, so that they are handed in as any file of rows is.

The database is only read: SQLite's file is opened so that it cannot be changed, PostgreSQL is asked in a transaction that may
not write. Rows come a thousand at a time. A query ends when its time is over or nobody waits for it, wherever it is then: SQLite
looks itself; PostgreSQL is told to stop, the time that is left goes with each thousand rows, and where it does not
answer its connection is cut. What a database says of a query is told on; what it says of values is not, as
that may show them.
"""

import importlib
import os
import socket
import sqlite3
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
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
LOOK_S = 0.2
"""Between two looks at whether a query of PostgreSQL is over."""
GRACE_S = 2.0
"""For PostgreSQL to answer that it stopped."""
_OF_THE_QUERY = ("42", "3D", "08", "28", "57")
"""Classes of PostgreSQL's errors whose words are about the query or the server, and of no value: syntax and rights, a database
that is not there, connections, passwords, time that is over."""
_encode = msgspec.json.Encoder(enc_hook=str).encode
Rows = Generator[Sequence[Any], None, None]
"""The names of the columns, then the rows."""


class Patience:
    """How long a query is waited for: `most_s` seconds from now, or until somebody stops."""

    def __init__(self, most_s: float = MOST_S) -> None:
        self._most_s = most_s
        self._until = time.monotonic() + most_s
        self._stopped = threading.Event()

    def stop(self) -> None:
        """Nobody waits any longer."""
        self._stopped.set()

    @property
    def left_s(self) -> float:
        return self._until - time.monotonic()

    @property
    def is_over(self) -> bool:
        return self._stopped.is_set() or self.left_s <= 0

    @property
    def why(self) -> str:
        if self._stopped.is_set():
            return "nobody waits for the query any more"
        return f"the query takes longer than {self._most_s:g} seconds"


def write_rows(database: str, query: str, path: Path, most: int, patience: Patience) -> None:
    """The rows of the query, but for those after `most`. `database` is an address as `store.url` is one. Raises InputError,
    OSError."""
    ask = _of_sqlite if database.startswith("sqlite:") else _of_postgres
    try:
        with closing(ask(database, query, patience)) as rows, path.open("wb") as file:
            names = _checked(next(rows))
            for values in islice(rows, most):
                file.write(_encode(dict(zip(names, values, strict=True))) + b"\n")
    except InputError:
        if patience.is_over:
            raise InputError(patience.why) from None
        raise


def _checked(names: Sequence[str]) -> Sequence[str]:
    twice = next((name for place, name in enumerate(names) if name in names[:place]), None)
    if twice is not None:
        raise InputError(f"the query gives two columns {twice!r}; name one of them with AS")
    return names


def _of_sqlite(database: str, query: str, patience: Patience) -> Rows:
    path = database.removeprefix("sqlite:///")
    said = True
    try:
        with closing(sqlite3.connect(f"file:{quote(path)}?mode=ro", uri=True)) as db:
            db.execute("PRAGMA query_only = ON")
            db.set_progress_handler(lambda: patience.is_over, _STEPS)
            cursor = db.execute(query)
            said = False  # from here on an error may show a value
            yield from _of_cursor(cursor, patience, lambda: None)
    except sqlite3.Error as error:
        why = f"{error}" if said else type(error).__name__
        raise InputError(f"the query cannot be asked of {Path(path).name}: {why}") from None


def _of_postgres(database: str, query: str, patience: Patience) -> Rows:
    try:
        psycopg = importlib.import_module("psycopg")
    except ImportError as missing:
        raise InputError(
            f"PostgreSQL needs the driver, which is not installed ({missing}): pip install 'farthing[postgres]'"
        ) from None
    try:
        connection = psycopg.connect(database, connect_timeout=10, application_name="farthing")
        with _ended(connection, patience), connection as db:
            db.read_only = True

            def bound() -> None:
                """The server counts for each statement; this one has what is left of all."""
                db.execute(f"SET LOCAL statement_timeout = {max(1, round(patience.left_s * 1000))}")

            bound()
            with db.cursor(name="farthing_rows") as cursor:
                cursor.itersize = MANY
                cursor.execute(query)
                yield from _of_cursor(cursor, patience, bound)
    except psycopg.Error as error:
        raise InputError(f"the query cannot be asked: {_said(error)}") from None


@contextmanager
def _ended(connection: Any, patience: Patience) -> Iterator[None]:
    """Ends what the connection waits for when patience is over."""
    done = threading.Event()

    def watch() -> None:
        while not done.wait(LOOK_S):
            if patience.is_over:
                # beside, since a server that does not answer may not answer this, either
                threading.Thread(target=_cancel, args=(connection,), daemon=True).start()
                if not done.wait(GRACE_S):
                    _cut(connection)
                return

    watching = threading.Thread(target=watch, name="end of a query", daemon=True)
    watching.start()
    try:
        yield
    finally:
        done.set()
        watching.join()


def _cancel(connection: Any) -> None:
    with suppress(Exception):  # whatever it is: the connection is cut next
        connection.cancel_safe(timeout=GRACE_S)


def _cut(connection: Any) -> None:
    with suppress(Exception), socket.socket(fileno=os.dup(connection.fileno())) as wire:  # it may be closed by now
        wire.shutdown(socket.SHUT_RDWR)


def _of_cursor(cursor: Any, patience: Patience, bound: Callable[[], None]) -> Rows:
    """`bound` is called before more rows are waited for."""
    if cursor.description is None:
        raise InputError("the query gives no rows: write one that begins with SELECT or WITH")
    yield [column[0] for column in cursor.description]
    while True:
        if patience.is_over:
            raise InputError(patience.why)
        bound()
        some = cursor.fetchmany(MANY)
        if not some:
            return
        yield from some


def _said(error: Any) -> str:
    """In one line, without any value and without an address's password."""
    state = error.sqlstate or ""
    if state.startswith(_OF_THE_QUERY):
        return str(error.diag.message_primary)
    if not state and type(error).__name__ == "OperationalError":
        return "the server cannot be reached"
    return f"{type(error).__name__}" + (f" ({state})" if state else "")
