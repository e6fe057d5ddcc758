"""Files in parts, sealed or not; on both engines."""

import pytest

from farthing.model.batch import File
from farthing.store.batch import files
from farthing.store.engine import Connection
from farthing.store.errors import Duplicate, RowRefused
from farthing.store.sealing import Unreadable, wrapping
from unit.store.batch.samples import NOW_US


def made(connection: Connection, id: str = "file-1", **changes: object) -> File:
    file = File(id, "acme", "batch", "in.jsonl", NOW_US, **changes)  # type: ignore[arg-type]
    files.create(connection, file)
    return file


async def test_a_file_is_what_was_put_into_it(connection: Connection) -> None:
    made(connection)
    data = bytes(range(256)) * 5000
    files.append(connection, "file-1", data)
    files.append(connection, "file-1", b"")
    files.append(connection, "file-1", b"end")
    assert files.page(connection, tenant="acme") == [], "it is not finished"
    done = files.finish(connection, "file-1", expires_us=NOW_US + 9)
    assert done is not None and (done.bytes, done.parts, done.ready, done.expires_us) == (
        len(data) + 3,
        3,
        True,
        NOW_US + 9,
    )
    assert b"".join(files.parts(connection, "file-1")) == data + b"end"
    assert (
        files.info(connection, "file-1", tenant="other") is None and files.stored(connection, "acme") == len(data) + 3
    )
    with pytest.raises(RowRefused):
        files.append(connection, "file-1", b"more")
    with pytest.raises(Duplicate):
        made(connection)


async def test_a_sealed_file_opens_with_its_key_alone(connection: Connection) -> None:
    pytest.importorskip("cryptography")
    key = wrapping("11" * 32)
    made(connection)
    files.append(connection, "file-1", b"secret", wrapping=key)
    assert list(files.parts(connection, "file-1", wrapping=key)) == [b"secret"]
    with pytest.raises(Unreadable):
        files.part(connection, "file-1", 0)
    assert b"secret" not in bytes(connection.query("SELECT data FROM batch_file_parts")[0][0])


async def test_pages_and_ends(connection: Connection) -> None:
    for no in range(4):
        made(connection, f"file-{no}", ready=True, expires_us=NOW_US + no)
    made(connection, "file-9", ready=False)
    assert [file.id for file in files.page(connection, tenant="acme", after="file-3", limit=2)] == ["file-2", "file-1"]
    assert [file.id for file in files.page(connection, tenant="acme", newest_first=False, limit=1)] == ["file-0"]
    assert (
        files.page(connection, tenant="acme", purposes=["vision"])
        == []
        == files.page(connection, tenant="x", after="no")
    )
    assert not files.delete(connection, "file-0", tenant="other") and files.delete(connection, "file-0", tenant="acme")
    assert files.expire(connection, NOW_US + 2, 10) == 2
    assert [file.id for file in files.page(connection, tenant="acme")] == ["file-3"]
