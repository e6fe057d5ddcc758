"""PostgreSQL: one database for any number of gateways. Knows no table of the ledger.

Rows come in by COPY; sums by COPY into a table of this connection and one upsert from there, in the order of their key, so
that two gateways that add to the same cells wait for each other and never in a circle. Nothing is kept prepared, so
that a pooler may stand between.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
from psycopg import conninfo

from farthing.store.engine import Row
from farthing.store.errors import Duplicate, RowRefused, StoreError

_MIGRATION_LOCK = int.from_bytes(hashlib.sha256(b"farthing schema").digest()[:7], "big")
_ROWS_TOO_LARGE = "54000"
"""A row that no index page can hold; the driver counts it among the server's troubles."""


class PostgresEngine:
    name = "postgresql"
    types = {"blob": "BYTEA", "compact": ""}

    def __init__(self, url: str) -> None:
        self._url = url
        try:
            parts = conninfo.conninfo_to_dict(url)
        except psycopg.Error as error:
            raise StoreError(
                f"the store URL cannot be read: {_without_url(str(error), url)}; it looks like "
                "postgresql://user:password@host:5432/database, with @ : / and % in a password written as %40 %3A %2F %25"
            ) from None
        self._where = _where(parts)

    @property
    def where(self) -> str:
        return self._where

    @property
    def journal_folder(self) -> str:
        return str(Path("farthing.journal").absolute())

    def connect(self, patience_s: float = 10.0) -> "PostgresConnection":
        with _explained(self._where):
            db = psycopg.connect(
                self._url, autocommit=True, prepare_threshold=None, client_encoding="utf8",
                connect_timeout=max(2, round(patience_s)), application_name="farthing", keepalives_idle=10,
                keepalives_interval=5, keepalives_count=3, tcp_user_timeout=15_000,
            )  # fmt: skip
            try:
                return PostgresConnection(db, self._where, patience_s)
            except BaseException:
                db.close()
                raise


class PostgresConnection:
    for_update = " FOR UPDATE"
    skip_locked = " FOR UPDATE SKIP LOCKED"

    def __init__(self, db: psycopg.Connection, where: str, patience_s: float) -> None:
        self._db = db
        self._where = where
        self._staged: set[str] = set()
        encoding = db.info.parameter_status("server_encoding")
        if encoding != "UTF8":
            raise StoreError(f"the store {where} has the encoding {encoding}; make the database with ENCODING 'UTF8'")
        db.execute(f"SET lock_timeout = {round(patience_s * 1000)}")

    def query(self, sql: str, values: Sequence[object] = ()) -> list[Row]:
        with _explained(self._where):
            return self._run(sql, values).fetchall()

    def execute(self, sql: str, values: Sequence[object] = ()) -> int:
        with _explained(self._where):
            return self._run(sql, values).rowcount

    def _run(self, sql: str, values: Sequence[object] = ()) -> psycopg.Cursor:
        if not values:
            return self._db.execute(sql.encode())
        return self._db.execute(sql.replace("%", "%%").replace("?", "%s").encode(), values)

    @contextmanager
    def transaction(self, *, alone: bool = False) -> Iterator[None]:
        if self._db.info.transaction_status == psycopg.pq.TransactionStatus.IDLE:
            self._staged.clear()
        with _explained(self._where), self._db.transaction():
            if alone:
                self._run("SELECT pg_advisory_xact_lock(?)", (_MIGRATION_LOCK,))
            yield

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        with _explained(self._where), self._db.transaction():
            self._run("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            yield

    def lock(self, tables: Sequence[str]) -> None:
        self._run(f"LOCK TABLE {', '.join(tables)} IN EXCLUSIVE MODE")

    def insert(self, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        command = f"COPY {table} ({', '.join(columns)}) FROM STDIN"
        with self._db.cursor() as cursor, cursor.copy(command.encode()) as copy:
            for row in rows:
                copy.write_row(row)

    def add_up(self, table: str, key: Sequence[str], sums: Sequence[str], rows: Sequence[Row]) -> None:
        staging = f"batch_of_{table}"
        self._run(f"CREATE TEMP TABLE IF NOT EXISTS {staging} (LIKE {table}) ON COMMIT DELETE ROWS")
        if staging in self._staged:
            self._run(f"DELETE FROM {staging}")
        self._staged.add(staging)
        self.insert(staging, (*key, *sums), rows)
        columns = ", ".join((*key, *sums))
        more = ", ".join(f"{column} = {table}.{column} + excluded.{column}" for column in sums)
        self._run(
            f"INSERT INTO {table} ({columns}) SELECT {columns} FROM {staging} "
            f"ON CONFLICT ({', '.join(key)}) DO UPDATE SET {more}"
        )

    def known(self, table: str, column: str, values: Sequence[str]) -> set[str]:
        return {row[0] for row in self.query(f"SELECT {column} FROM {table} WHERE {column} = ANY(?)", (list(values),))}

    def has_table(self, name: str) -> bool:
        """Read from the catalog: a name alone is looked up in what this session remembers, and in a transaction that began
        before another session made the table it remembers that there is none."""
        return bool(self.query("SELECT 1 FROM pg_catalog.pg_class WHERE oid = to_regclass(?)", (name,)))

    def wipe(self, table: str) -> None:
        self.execute(f"VACUUM {table}")

    def close(self) -> None:
        with suppress(psycopg.Error):
            self._db.close()


def _where(parts: Mapping[str, object]) -> str:
    """The database for messages, without the password."""
    host = parts.get("host") or parts.get("hostaddr") or "localhost"
    port = f":{parts['port']}" if parts.get("port") else ""
    user = f"{parts['user']}@" if parts.get("user") else ""
    return f"postgresql://{user}{host}{port}/{parts.get('dbname') or parts.get('user') or ''}"


def _without_url(text: str, url: str) -> str:
    """The driver quotes what it could not read, which may be the password."""
    return (
        "it is not a PostgreSQL URL" if any(part in text for part in (url, *url.split("@")[:1], '"')) else text.strip()
    )


@contextmanager
def _explained(where: str) -> Iterator[None]:
    """Turn the driver's errors into the store's, which say what to do."""
    try:
        yield
    except psycopg.errors.UniqueViolation as error:
        raise Duplicate(_first_line(error)) from error
    except (psycopg.DataError, psycopg.IntegrityError, UnicodeError, OverflowError) as error:
        raise RowRefused(_first_line(error)) from error
    except psycopg.Error as error:
        if error.sqlstate == _ROWS_TOO_LARGE or "cannot adapt" in str(error):
            raise RowRefused(_first_line(error)) from error
        raise StoreError(_advice(where, error)) from error


_CURES = {
    "53100": "free space on its disk",
    "53300": "it has too many connections: raise max_connections, or put a pooler before it",
    "28P01": "check user and password in store.url",
    "28000": "check the user in store.url and the server's pg_hba.conf",
    "3D000": "make the database and the user first (createdb, createuser)",
    "42501": "grant the user the right to make and write tables in its schema",
    "3F000": "make the schema that the URL or the user's search_path names, and let the user write there",
    "25006": "it is a standby or set to read only; point store.url at the primary",
    "57P01": "the server is being shut down; it goes on when the server is back",
    "57P02": "the server crashed; it goes on when the server is back",
    "57P03": "the server is starting; it goes on when that is done",
    "55P03": "another session holds the tables; it goes on as soon as that one ends",
    "40P01": "two writers waited for each other; it is tried again",
}


def _advice(where: str, error: psycopg.Error) -> str:
    cure = _CURES.get(error.sqlstate or "", "") or _cure_of_no_connection(error)
    said = f"the store {where} failed: {_first_line(error)}"
    return f"{said}; {cure}" if cure else said


def _cure_of_no_connection(error: psycopg.Error) -> str:
    """The driver has no state for a connection that was never made, only the server's words."""
    if error.sqlstate is not None:
        return ""
    text = str(error)
    states = (
        ("28P01", "authentication failed"),
        ("28000", "pg_hba"),
        ("3D000", "does not exist"),
        ("57P03", "starting up"),
    )
    for state, words in states:
        if words in text:
            return _CURES[state]
    return "check that the server runs and that this machine can reach it"


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
