"""SQLite: one file, one writer at a time, readers never wait (WAL). Knows no table of the ledger.

A commit is in the operating system's hands when it returns, so it survives `kill -9`; after a power loss the last
commits may be gone, the file stays whole (synchronous=NORMAL).
"""

import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from itertools import chain
from pathlib import Path

from farthing.store.engine import Row
from farthing.store.errors import Duplicate, RowRefused, StoreError

_ROWS = 250
"""Rows of one INSERT."""

_WIPE_MS = 100
"""Other writers wait while readers are waited for, so not for long."""

_LOOK_S = 0.5
"""How long a reader may go on with a file that was deleted; a writer never does."""

_VALUES = 500
"""Values of one IN (...); every build of SQLite takes at least 999."""


class SqliteEngine:
    name = "sqlite"
    types = {"blob": "BLOB", "compact": "WITHOUT ROWID"}

    def __init__(self, path: str) -> None:
        self.path = os.path.abspath(path)

    @property
    def where(self) -> str:
        return self.path

    @property
    def journal_folder(self) -> str:
        return self.path + ".journal"

    def connect(self, patience_s: float = 10.0) -> "SqliteConnection":
        with _explained(self.path):
            Path(self.path).parent.mkdir(parents=True, exist_ok=True)
            return SqliteConnection(self.path, patience_s)


class SqliteConnection:
    for_update = skip_locked = ""
    """A transaction has the whole file."""

    def __init__(self, path: str, patience_s: float) -> None:
        self._path = path
        self._db = sqlite3.connect(path, timeout=patience_s, isolation_level=None, check_same_thread=False)
        try:
            self._db.execute("PRAGMA page_size=8192")  # a third less to copy at each commit than with 4 KB
            _use_wal(self._db, patience_s)
            self._db.execute("PRAGMA wal_autocheckpoint=2000")
            self._db.execute("PRAGMA synchronous=NORMAL")
            self._db.execute("PRAGMA cache_size=-4000")
            self._db.execute(
                "PRAGMA secure_delete=ON"
            )  # what was deleted is overwritten; not every build does by itself
            self._place = _place(path)
            self._looked_at = time.monotonic()
            self._most_values = self._db.getlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER)
        except BaseException:
            self._db.close()
            raise

    def query(self, sql: str, values: Sequence[object] = ()) -> list[Row]:
        """Calls from the cache pay for this: whether the file is still there is looked at now and then, not each time."""
        now = time.monotonic()
        try:
            if now > self._looked_at + _LOOK_S:
                self._check_place()
                self._looked_at = now
            return self._db.execute(sql, values).fetchall()
        except _DRIVERS as error:
            raise _translated(self._path, error) from error

    def execute(self, sql: str, values: Sequence[object] = ()) -> int:
        with _explained(self._path):
            return self._db.execute(sql, values).rowcount

    def transaction(self, *, alone: bool = False) -> AbstractContextManager[None]:
        """Immediate: it waits for its turn to write at the start, so that it cannot fail for that in the middle. There
        is never more than one, and parts of it."""
        return self._part() if self._db.in_transaction else self._between("BEGIN IMMEDIATE")

    def snapshot(self) -> AbstractContextManager[None]:
        return self._between("BEGIN")

    def lock(self, tables: Sequence[str]) -> None:
        """The transaction has the whole file."""

    @contextmanager
    def _between(self, begin: str) -> Iterator[None]:
        with _explained(self._path):
            self._check_place()
            self._db.execute(begin)
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                self._give_up()
                raise

    @contextmanager
    def _part(self) -> Iterator[None]:
        with _explained(self._path):
            self._db.execute("SAVEPOINT part")
            try:
                yield
            except BaseException:
                if self._db.in_transaction:
                    with suppress(sqlite3.Error):
                        self._db.execute("ROLLBACK TO part")
                        self._db.execute("RELEASE part")
                raise
            self._db.execute("RELEASE part")

    def _check_place(self) -> None:
        """SQLite goes on with a file that was deleted, and all that it writes is lost. Raises StoreError."""
        if not self._db.in_transaction and _place(self._path) != self._place:
            raise StoreError(
                f"the store {self._path} was deleted, moved or replaced while it was in use. What was in it is where it was "
                "moved to, if anywhere; from now on the file of this name is used, and made if there is none"
            )

    def _give_up(self) -> None:
        """Roll back, unless SQLite did it itself (a full disk) or cannot any more; then closing will."""
        if self._db.in_transaction:
            with suppress(sqlite3.Error):
                self._db.execute("ROLLBACK")

    def insert(self, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        self._many(f"INSERT INTO {table} ({','.join(columns)}) VALUES ", "", len(columns), rows)

    def add_up(self, table: str, key: Sequence[str], sums: Sequence[str], rows: Sequence[Row]) -> None:
        more = ",".join(f"{column}={column}+excluded.{column}" for column in sums)
        self._many(
            f"INSERT INTO {table} ({','.join((*key, *sums))}) VALUES ",
            f" ON CONFLICT ({','.join(key)}) DO UPDATE SET {more}",
            len(key) + len(sums),
            rows,
        )

    def _many(self, head: str, tail: str, width: int, rows: Sequence[Row]) -> None:
        """Many rows a statement: the driver lets go of Python's lock once a statement, and getting it back from a busy
        event loop costs more than the row."""
        one = f"({','.join('?' * width)})"
        size = min(_ROWS, self._most_values // width)
        whole = len(rows) // size * size
        if whole:
            sql = head + ",".join([one] * size) + tail
            for start in range(0, whole, size):
                self._db.execute(sql, list(chain.from_iterable(rows[start : start + size])))
        self._db.executemany(head + one + tail, rows[whole:])

    def known(self, table: str, column: str, values: Sequence[str]) -> set[str]:
        found: set[str] = set()
        for start in range(0, len(values), _VALUES):
            some = values[start : start + _VALUES]
            marks = ",".join("?" * len(some))
            found.update(
                row[0] for row in self.query(f"SELECT {column} FROM {table} WHERE {column} IN ({marks})", some)
            )
        return found

    def has_table(self, name: str) -> bool:
        return bool(self.query("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (name,)))

    def wipe(self, table: str) -> None:
        """What the log still has of it goes with the log; where somebody reads just now, when the log is next written over."""
        ((patience_ms,),) = self.query("PRAGMA busy_timeout")
        self.query(f"PRAGMA busy_timeout={_WIPE_MS}")
        try:
            self.query("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            self.query(f"PRAGMA busy_timeout={patience_ms}")

    def close(self) -> None:
        with suppress(sqlite3.Error):
            self._db.close()


def _place(path: str) -> tuple[int, int]:
    """Which file it is, whatever its name."""
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return (0, 0)
    return (found.st_dev, found.st_ino)


def _use_wal(db: sqlite3.Connection, patience_s: float) -> None:
    """Switch to WAL. SQLite does not wait by itself where another process switches at this moment."""
    until = time.monotonic() + patience_s
    while True:
        try:
            db.execute("PRAGMA journal_mode=WAL").fetchone()
            return
        except sqlite3.OperationalError as busy:
            if "locked" not in str(busy) or time.monotonic() > until:
                raise
            time.sleep(0.02)


class _explained:
    """Turn the driver's errors into the store's, which say what to do."""

    __slots__ = ("_path",)

    def __init__(self, path: str) -> None:
        self._path = path

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, _DRIVERS):
            raise _translated(self._path, error) from error


_DRIVERS = (sqlite3.Error, OSError, OverflowError, UnicodeError)


def _translated(path: str, error: Exception) -> Exception:
    if isinstance(error, sqlite3.IntegrityError):
        return Duplicate(str(error)) if "UNIQUE" in str(error) else RowRefused(str(error))
    if isinstance(error, (sqlite3.DataError, OverflowError, UnicodeError)):
        return RowRefused(str(error))
    if isinstance(error, (sqlite3.InterfaceError, sqlite3.ProgrammingError)):
        if "binding" in str(error):
            return RowRefused(str(error))
        return StoreError(f"the store {path} failed: {error}")
    return StoreError(_advice(path, error))


def _advice(path: str, error: Exception) -> str:
    text = str(error)
    folder = os.path.dirname(path)
    if "full" in text:
        return f"the store {path} cannot grow: {text}. Free space on the disk of {folder}"
    if "readonly" in text:
        return (
            f"the store {path} is read-only for this user: {text}. Allow writing to the file and to its folder {folder}"
        )
    if "locked" in text or "busy" in text:
        return f"the store {path} is held by another process: {text}. It goes on as soon as that process lets go"
    if "not a database" in text or "malformed" in text:
        return f"the store {path} is not a sound SQLite file: {text}. Move it away, or restore it from a copy"
    if "unable to open" in text or isinstance(error, PermissionError):
        return f"the store {path} cannot be opened: {text}. Check that {folder} is a folder that this user may write to"
    return f"the store {path} failed: {text}"
