"""What a database engine must do for the store, and which one a URL means. No SQL of the ledger is here.

`sqlite.py` and `postgres.py` implement it. All of it blocks; `store.py` and the ledger's thread keep it off the event
loop. SQL is written once, with `?` for parameters.
"""

import importlib
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol, cast
from urllib.parse import unquote, urlsplit

from farthing.store.errors import StoreError

Row = tuple[Any, ...]


class Connection(Protocol):
    """One connection; used by one thread at a time. Its methods raise StoreError, RowRefused or Duplicate."""

    for_update: str
    """Ends a SELECT whose rows nobody else may change until the end of the transaction."""
    skip_locked: str
    """The same, but rows that somebody else keeps so are left out."""

    def query(self, sql: str, values: Sequence[object] = ()) -> list[Row]:
        """All rows of one statement."""

    def execute(self, sql: str, values: Sequence[object] = ()) -> int:
        """Run one statement; how many rows it changed."""

    def transaction(self, *, alone: bool = False) -> AbstractContextManager[None]:
        """All or nothing of what is done inside. One inside another is a part of it: if it fails, and whoever is around
        it goes on, only that part is undone. `alone` keeps every other writer of schema out until the end."""

    def snapshot(self) -> AbstractContextManager[None]:
        """Every query inside sees the store as it was at the first one; writers are not held up."""

    def lock(self, tables: Sequence[str]) -> None:
        """Keep other writers out of these tables until the end of the transaction."""

    def insert(self, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        """Add rows, in bulk; only inside a transaction. Raises Duplicate if a key is there."""

    def add_up(self, table: str, key: Sequence[str], sums: Sequence[str], rows: Sequence[Row]) -> None:
        """Add each row (key first, then sums) onto the row with its key, in bulk; only inside a transaction."""

    def known(self, table: str, column: str, values: Sequence[str]) -> set[str]:
        """Which of `values` the column holds."""

    def has_table(self, name: str) -> bool: ...

    def wipe(self, table: str) -> None:
        """Have what was deleted from it leave the disk too, as far as the engine can; not inside a transaction."""

    def close(self) -> None: ...


class Engine(Protocol):
    """Where the store lives and how to reach it."""

    name: str
    """sqlite or postgresql."""
    types: dict[str, str]
    """What the schema's own words mean here: blob, compact."""

    @property
    def where(self) -> str:
        """The file or URL for messages, without a password."""

    @property
    def journal_folder(self) -> str:
        """Where this engine's gateways keep their journals unless the settings say otherwise; always on local disk."""

    def connect(self, patience_s: float = 10.0) -> Connection:
        """A new connection. Waits up to `patience_s` where another writer holds the store. Raises StoreError."""


def engine_for(url: str) -> Engine:
    """The engine that a URL names. Raises StoreError with the two forms that it may have."""
    scheme, mark, rest = url.partition("://")
    if not mark:
        raise StoreError(f"store URL {_shown(url)!r} has no scheme; {_FORMS}")
    if scheme == "sqlite":
        return cast(Engine, _module("farthing.store.sqlite").SqliteEngine(_sqlite_path(url, rest)))
    if scheme in ("postgresql", "postgres"):
        return cast(Engine, _postgres_module().PostgresEngine(url))
    raise StoreError(f"store URL begins with {scheme!r}, which no engine speaks; {_FORMS}")


_FORMS = "write sqlite:///farthing.db (a file), sqlite:////var/lib/farthing.db or postgresql://user@host/database"


def _sqlite_path(url: str, rest: str) -> str:
    if not rest.startswith("/"):
        raise StoreError(
            f"store URL {url!r} names a host, and SQLite is a file: sqlite:///farthing.db is a file in the folder where "
            "the gateway starts, sqlite:////var/lib/farthing.db an absolute path"
        )
    path = unquote(rest[1:])
    if not path or path.endswith("/") or "?" in path or "\0" in path:
        raise StoreError(f"store URL {url!r} does not name a file; write for example sqlite:///farthing.db")
    return path


def _postgres_module() -> Any:
    try:
        return _module("farthing.store.postgres")
    except ImportError as missing:
        raise StoreError(
            f"PostgreSQL needs the driver, which is not installed ({missing}): pip install 'farthing[postgres]'"
        ) from None


def _module(name: str) -> Any:
    """An engine's module, read only when a URL asks for it: the core runs without PostgreSQL's driver."""
    return importlib.import_module(name)


def _shown(url: str) -> str:
    """A URL without whatever may be a password in it."""
    parts = urlsplit(url)
    if "@" not in url:
        return url
    return f"{parts.scheme}://…@{url.rpartition('@')[2]}" if parts.scheme else f"…@{url.rpartition('@')[2]}"
