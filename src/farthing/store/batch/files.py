"""Files: what clients upload, and what waits to be fetched, in parts of a mebibyte that are wrapped for the disk.

A file is there for others once it is finished. Each function is one transaction, or a part of the caller's. An empty tenant
is all of them.
"""

from collections.abc import Iterator, Sequence

from farthing.model.batch import File
from farthing.store.batch.rows import PLAIN, marks
from farthing.store.engine import Connection, Row
from farthing.store.errors import Duplicate, RowRefused
from farthing.store.schema_batch import FILE_COLUMNS
from farthing.store.sealing import Unreadable, Wrapping

PART = 1 << 20
"""Bytes of a part; only the last one of what was appended may have fewer."""
FILES = ", ".join(FILE_COLUMNS)


def create(connection: Connection, file: File) -> None:
    """Raises Duplicate if it is there."""
    row = (
        file.id, file.tenant, file.purpose, file.name, file.created_us, file.key_id, file.bytes, 0, int(file.ready), file.expires_us,
    )  # fmt: skip
    done = connection.execute(
        f"INSERT INTO batch_files ({FILES}) VALUES ({marks(len(row), '?')}) ON CONFLICT (id) DO NOTHING", row
    )
    if done <= 0:
        raise Duplicate(f"file {file.id} is there already")


def append(connection: Connection, file_id: str, data: bytes, *, wrapping: Wrapping = PLAIN) -> None:
    """Add bytes to its end. Raises RowRefused where there is no such file, or it is finished."""
    with connection.transaction():
        rows = connection.query(
            f"SELECT parts FROM batch_files WHERE id = ? AND ready = 0{connection.for_update}", (file_id,)
        )
        if not rows:
            raise RowRefused(f"file {file_id} takes no more")
        first = int(rows[0][0])
        pieces = [data[start : start + PART] for start in range(0, len(data), PART)]
        if pieces:
            connection.insert(
                "batch_file_parts", ("file", "no", "mark", "data"),
                [
                    (file_id, first + no, wrapping.mark, wrapping.wrap(piece, "file", file_id, str(first + no)))
                    for no, piece in enumerate(pieces)
                ],
            )  # fmt: skip
        connection.execute(
            "UPDATE batch_files SET bytes = bytes + ?, parts = parts + ? WHERE id = ?",
            (len(data), len(pieces), file_id),
        )


def finish(connection: Connection, file_id: str, *, expires_us: int = 0) -> File | None:
    """All of it is there. It is kept until `expires_us`; 0: as was said at its beginning."""
    connection.execute(
        "UPDATE batch_files SET ready = 1, expires_us = CASE WHEN ? > 0 THEN ? ELSE expires_us END WHERE id = ?",
        (expires_us, expires_us, file_id),
    )
    return info(connection, file_id)


def info(connection: Connection, file_id: str, *, tenant: str = "") -> File | None:
    rows = connection.query(f"SELECT {FILES} FROM batch_files WHERE id = ?", (file_id,))
    file = _file(rows[0]) if rows else None
    return file if file is not None and tenant in ("", file.tenant) else None


def part(connection: Connection, file_id: str, no: int, *, wrapping: Wrapping = PLAIN) -> bytes | None:
    """One part; None after the last. Raises Unreadable."""
    rows = connection.query("SELECT mark, data FROM batch_file_parts WHERE file = ? AND no = ?", (file_id, no))
    if not rows:
        return None
    mark, data = int(rows[0][0]), bytes(rows[0][1])
    if mark not in (0, wrapping.mark):
        raise Unreadable("sealed with another key")
    return (wrapping if mark == wrapping.mark else PLAIN).unwrap(data, "file", file_id, str(no))


def parts(connection: Connection, file_id: str, *, wrapping: Wrapping = PLAIN) -> Iterator[bytes]:
    """All of it, a part at a time, read as it is asked for. Raises Unreadable."""
    no = 0
    while (piece := part(connection, file_id, no, wrapping=wrapping)) is not None:
        yield piece
        no += 1


def delete(connection: Connection, file_id: str, *, tenant: str = "") -> bool:
    """Whether the tenant had one of that name."""
    with connection.transaction():
        if info(connection, file_id, tenant=tenant) is None:
            return False
        connection.execute("DELETE FROM batch_file_parts WHERE file = ?", (file_id,))
        return connection.execute("DELETE FROM batch_files WHERE id = ?", (file_id,)) > 0


def page(
    connection: Connection,
    *,
    tenant: str,
    purposes: Sequence[str] = (),
    key_id: str = "",
    after: str = "",
    limit: int = 20,
    newest_first: bool = True,
) -> list[File]:
    """Finished files, those that follow the file `after`. `key_id`: what this key uploaded."""
    where, values = ["ready = 1"], list[object]()
    for name, value in (("tenant", tenant), ("key_id", key_id)):
        if value:
            where.append(f"{name} = ?")
            values.append(value)
    if purposes:
        where.append(f"purpose IN ({marks(len(purposes), '?')})")
        values += purposes
    if after:
        found = connection.query("SELECT created_us FROM batch_files WHERE id = ?", (after,))
        if not found:
            return []
        where.append(f"(created_us, id) {'<' if newest_first else '>'} (?, ?)")
        values += [found[0][0], after]
    order = "DESC" if newest_first else "ASC"
    rows = connection.query(
        f"SELECT {FILES} FROM batch_files WHERE {' AND '.join(where)} ORDER BY created_us {order}, id {order} LIMIT ?",
        (*values, limit),
    )
    return [_file(row) for row in rows]


def stored(connection: Connection, tenant: str) -> int:
    """Bytes of all files of a tenant."""
    rows = connection.query(
        "SELECT CAST(coalesce(sum(bytes), 0) AS BIGINT) FROM batch_files WHERE tenant = ?", (tenant,)
    )  # fmt: skip
    return int(rows[0][0])


def expire(connection: Connection, now_us: int, limit: int) -> int:
    """Delete files whose time is over; how many."""
    rows = connection.query(
        "SELECT id FROM batch_files WHERE expires_us > 0 AND expires_us <= ? ORDER BY expires_us LIMIT ?",
        (now_us, limit),
    )
    return sum(delete(connection, row[0]) for row in rows)


def _file(row: Row) -> File:
    id_, tenant, purpose, name, created_us, key_id, size, count, ready, expires_us = row
    return File(id_, tenant, purpose, name, created_us, key_id, size, count, bool(ready), expires_us)
