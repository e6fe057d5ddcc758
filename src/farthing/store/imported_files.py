"""How far each file of logs is read, so that an import goes on where it was broken off and reads nothing twice.

A file is known by digests of its head and of what lies before the place that was reached: the same file under another name
is the same, one that has grown goes on, another one of the same name begins anew. Knows nothing of formats.
"""

from collections.abc import Callable

import msgspec

from farthing.store.engine import Connection, Row
from farthing.store.schema_past import FILE_COLUMNS


class ImportedFile(msgspec.Struct):
    """One file. Places count bytes of the unpacked file."""

    id: str
    name: str
    format: str
    mapping: str
    """Which column says what, as JSON; empty where the format says it."""
    texts: str
    """keep, hash or drop."""
    head_bytes: int
    head: str
    """Digest of the first `head_bytes`."""
    tail: str = ""
    """Digest of what lies right before `place`."""
    place: int = 0
    line: int = 0
    lines: int = 0
    """Rows that were read; they are calls, known ones, bad ones or passed over."""
    calls: int = 0
    known: int = 0
    """Calls that the store had already."""
    bad: int = 0
    passed_over: int = 0
    ended: bool = False
    """It was read to its end; should it have grown since, reading goes on."""
    begun_us: int = 0
    at_us: int = 0


def save(connection: Connection, file: ImportedFile) -> None:
    """As a part of the caller's transaction, together with the calls that were read until there."""
    connection.execute("DELETE FROM imported_files WHERE id = ?", (file.id,))
    connection.insert(
        "imported_files",
        FILE_COLUMNS,
        [(*msgspec.structs.astuple(file)[:15], int(file.ended), file.begun_us, file.at_us)],
    )


def find(connection: Connection, head_of: Callable[[int], str]) -> ImportedFile | None:
    """The file whose head it is; `head_of` digests as many bytes as it is asked. The furthest, if several."""
    heads: dict[int, str] = {}
    for each in every(connection):
        if each.head_bytes not in heads:
            heads[each.head_bytes] = head_of(each.head_bytes)
        if heads[each.head_bytes] == each.head:
            return each
    return None


def every(connection: Connection) -> list[ImportedFile]:
    """All files, those that were read furthest first."""
    rows = connection.query(f"SELECT {', '.join(FILE_COLUMNS)} FROM imported_files ORDER BY place DESC, id")
    return [_file_of(row) for row in rows]


def _file_of(row: Row) -> ImportedFile:
    named = dict(zip(FILE_COLUMNS, row, strict=True))
    return msgspec.convert({**named, "ended": bool(named["ended"])}, ImportedFile)
