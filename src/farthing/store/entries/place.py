"""Where the cache's entries are, and how a connection to them is made. What is there may be thrown away at any time.

A file that is damaged is moved aside and begun anew; one that was moved or deleted while it was in use is noticed.
"""

import fcntl
import logging
import os
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

from farthing.store.engine import Connection, Engine, engine_for
from farthing.store.entries import schema
from farthing.store.errors import StoreError

SUFFIX = ".cache"
_ASIDE = ".damaged"
_CORRUPT, _NOT_A_DATABASE = 11, 26
"""SQLite's result codes."""
_PAGES = 2000
"""Of 8 KB, given back at a time."""
_SIDE_FILES = ("-wal", "-shm")

log = logging.getLogger(__name__)


class Place(Protocol):
    """Where entries are. Its methods block."""

    local: bool
    """Whether a read is a matter of microseconds, with no network in between."""

    @property
    def where(self) -> str:
        """For messages, without a password."""

    def connect(self, patience_s: float) -> Connection:
        """A connection to tables of this version. Raises StoreError."""

    def mend(self, error: StoreError) -> bool:
        """Begin anew if `error` says that what is there is damaged; True if it was, and connecting again can help."""

    def gone(self, connection: Connection) -> bool:
        """Whether the connection reads something that is no longer the cache."""

    def tidy(self, connection: Connection, *, everything: bool = False) -> None:
        """Give back space that dropped entries leave: some of it, or all."""


def place_for(ledger_url: str) -> Place:
    """A file beside the ledger's, or tables of their own in the ledger's database. Raises StoreError for a URL that
    names no store."""
    engine = engine_for(ledger_url)
    if engine.name == "sqlite":
        return FilePlace(engine_for(ledger_url + SUFFIX))
    return ServerPlace(engine)


class ServerPlace:
    local = False

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @property
    def where(self) -> str:
        return self._engine.where

    def connect(self, patience_s: float) -> Connection:
        connection = self._engine.connect(patience_s)
        return _with_tables(self._engine, connection)

    def mend(self, error: StoreError) -> bool:
        return False

    def gone(self, connection: Connection) -> bool:
        return False

    def tidy(self, connection: Connection, *, everything: bool = False) -> None:
        """The server does it."""


class FilePlace:
    local = True

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._path = engine.where
        self._files: weakref.WeakKeyDictionary[Connection, tuple[int, int]] = weakref.WeakKeyDictionary()
        self._turn = threading.Lock()

    @property
    def where(self) -> str:
        return self._path

    def connect(self, patience_s: float) -> Connection:
        with self._turn:
            self._make_private()
            file = _identity(self._path)
            connection = _with_tables(self._engine, self._engine.connect(patience_s), self._set_up)
            self._files[connection] = file
            return connection

    def _make_private(self) -> None:
        """Questions and answers are for nobody else's eyes, so the file belongs to its user alone from the start.

        A file that is there is not opened: closing it would end the locks that SQLite holds on it in this process, and
        the next process to leave would take itself for the last one and delete the log that this one writes to.
        """
        with suppress(OSError):  # connecting says it better
            Path(self._path).parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(self._path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))

    @staticmethod
    def _set_up(connection: Connection) -> None:
        connection.execute("PRAGMA secure_delete=ON")  # what is purged is to be gone, not only unlinked
        if not connection.has_table("cache_marks"):
            connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
            connection.execute("VACUUM")  # on an empty file; without it the setting would be ignored

    def gone(self, connection: Connection) -> bool:
        return self._files.get(connection) != _identity(self._path)

    def mend(self, error: StoreError) -> bool:
        if not _says_damaged(error):
            return False
        with self._turn, _one_process(self._path):
            if self._damaged():
                self._move_aside()
        return True

    def _damaged(self) -> bool:
        """Another process may have begun anew already: look at the file that is there now."""
        try:
            connection = self._engine.connect(1.0)
        except StoreError as error:
            return _says_damaged(error)
        try:
            return connection.query("PRAGMA quick_check(1)") != [("ok",)]
        except StoreError as error:
            return _says_damaged(error)
        finally:
            connection.close()

    def _move_aside(self) -> None:
        aside = self._path + _ASIDE
        try:
            os.replace(self._path, aside)
            for suffix in _SIDE_FILES:
                with suppress(FileNotFoundError):
                    os.unlink(self._path + suffix)
        except OSError as error:
            raise StoreError(f"the cache {self._path} is damaged and cannot be moved aside: {error}") from error
        log.warning("the cache %s is damaged; it begins anew, and what it was is now %s", self._path, aside)

    def tidy(self, connection: Connection, *, everything: bool = False) -> None:
        if everything:
            connection.execute("VACUUM")
            connection.query("PRAGMA wal_checkpoint(TRUNCATE)")  # what was purged is not to stay in the log
            return
        with connection.transaction():
            for _ in range(min(_PAGES, connection.query("PRAGMA freelist_count")[0][0])):
                connection.execute("PRAGMA incremental_vacuum(1)")  # the driver takes one step, which is one page


def _with_tables(engine: Engine, connection: Connection, set_up: "_SetUp | None" = None) -> Connection:
    try:
        if set_up is not None:
            set_up(connection)
        if schema.prepare(engine, connection):
            log.warning("the cache in %s was of another version of Farthing; it begins anew", engine.where)
        return connection
    except BaseException:
        connection.close()
        raise


class _SetUp(Protocol):
    def __call__(self, connection: Connection, /) -> None: ...


def _says_damaged(error: StoreError) -> bool:
    return getattr(error.__cause__, "sqlite_errorcode", 0) & 0xFF in (_CORRUPT, _NOT_A_DATABASE)


def _identity(path: str) -> tuple[int, int]:
    try:
        found = os.stat(path)
    except OSError:
        return (0, 0)
    return found.st_dev, found.st_ino


@contextmanager
def _one_process(path: str) -> Iterator[None]:
    """Only one process at a time moves a damaged file."""
    try:
        handle = os.open(path + ".lock", os.O_CREAT | os.O_RDWR, 0o600)
    except OSError as error:
        raise StoreError(f"the cache {path} is damaged and cannot be moved aside: {error}") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
