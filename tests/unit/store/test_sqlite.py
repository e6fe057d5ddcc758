"""What can happen to a file: no folder, no right, no space, another writer, another content."""

import asyncio
import os
import shutil
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from farthing.model.errors import Unavailable
from farthing.store import Journal, Ledger, StoreError, open_store
from unit.store.samples import a_record, morning


async def _soon(true: Callable[[], object], patience_s: float = 60.0) -> None:
    until = time.monotonic() + patience_s
    while not true():
        assert time.monotonic() < until, "it did not happen"
        await asyncio.sleep(0.02)


async def test_a_missing_folder_is_made(tmp_path: Path) -> None:
    store = await open_store(f"sqlite:///{tmp_path}/new/deep/farthing.db")
    await store.close()
    assert (tmp_path / "new/deep/farthing.db").exists()


@pytest.mark.parametrize(
    ("path", "said"),
    [("file/farthing.db", "cannot be opened|failed"), ("folder", "cannot be opened"), ("text", "not a sound")],
)
async def test_a_path_that_is_no_store_is_explained(tmp_path: Path, path: str, said: str) -> None:
    (tmp_path / "file").write_text("a file, not a folder")
    (tmp_path / "folder").mkdir()
    (tmp_path / "text").write_text("no database, but long enough that SQLite looks at its header" * 100)
    with pytest.raises(StoreError, match=said):
        await open_store(f"sqlite:///{tmp_path}/{path}")


async def test_a_file_without_the_right_to_write_is_explained() -> None:
    """As a user who owns nothing there, since the superuser may write everywhere."""
    folder = Path(tempfile.mkdtemp(prefix="farthing-"))
    store = await open_store(f"sqlite:///{folder}/farthing.db")
    await store.close()
    folder.chmod(0o555)
    (folder / "farthing.db").chmod(0o444)
    superuser = os.geteuid() == 0
    try:
        if superuser:
            os.seteuid(65534)
        with pytest.raises(StoreError, match=rf"{folder}.*(read-only|may write to)"):
            other = await open_store(f"sqlite:///{folder}/farthing.db")
            try:
                await other.write([a_record()])
            finally:
                await other.close()
    finally:
        if superuser:
            os.seteuid(0)
        folder.chmod(0o755)
        shutil.rmtree(folder)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "farthing", folder]).returncode:
        pytest.skip("a small disk needs the right to mount one")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


async def test_a_full_disk_is_said_and_passes(small_disk: Path, tmp_path: Path) -> None:
    store = await open_store(f"sqlite:///{small_disk}/farthing.db")
    journal = Journal(tmp_path / "journals")
    ledger = Ledger(store, journal, flush_s=0.02)
    for call in morning(100):
        ledger.put(call)
    assert await ledger.flush()
    _fill(small_disk)
    for call in morning(3000, seed=8):
        ledger.put(call)
    await _soon(lambda: "Free space" in ledger.trouble and "safe on disk too" in ledger.trouble)
    (small_disk / "filler").unlink()
    assert await ledger.flush(120)
    assert ledger.written == 3100
    assert await store.check() == []
    await ledger.close()
    journal.end()
    await store.close()


async def test_a_full_disk_for_store_and_journal_loses_nothing_either(small_disk: Path) -> None:
    store = await open_store(f"sqlite:///{small_disk}/farthing.db")
    journal = Journal(store.engine.journal_folder)
    ledger = Ledger(store, journal, flush_s=0.02)
    _fill(small_disk)
    for call in morning(3000):
        ledger.put(call)
    await _soon(lambda: "in memory only" in ledger.trouble)
    with pytest.raises(Unavailable, match="cannot note the call"):
        for call in morning(2000):
            journal.open(call)
    for call in morning(2000):
        journal.close(call.id)
    (small_disk / "filler").unlink()
    assert await ledger.flush(120)
    assert await store.check() == []
    await ledger.close()
    assert ledger.lost == 0
    journal.end()
    await store.close()


def _fill(folder: Path) -> None:
    with open(folder / "filler", "wb", buffering=0) as file:
        try:
            while file.write(b"x" * 4096):
                pass
        except OSError:
            pass


async def test_a_disk_that_turns_read_only_is_said_and_passes(small_disk: Path, tmp_path: Path) -> None:
    store = await open_store(f"sqlite:///{small_disk}/farthing.db")
    await store.close()
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    journal = Journal(tmp_path / "journals")
    ledger = Ledger(store, journal, flush_s=0.02)
    ledger.put(a_record())
    await _soon(lambda: ledger.trouble)
    assert "read-only" in ledger.trouble or "may write to" in ledger.trouble
    subprocess.run(["mount", "-o", "remount,rw", small_disk], check=True)
    assert await ledger.flush(60)
    await ledger.close()
    journal.end()


async def test_a_locked_file_is_said_and_passes(tmp_path: Path) -> None:
    store = await open_store(f"sqlite:///{tmp_path}/farthing.db")
    journal = Journal(tmp_path / "journals")
    ledger = Ledger(store, journal, flush_s=0.02)
    with closing(sqlite3.connect(tmp_path / "farthing.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        ledger.put(a_record())
        await _soon(lambda: "held by another process" in ledger.trouble)
        other.execute("ROLLBACK")
    assert await ledger.flush(60)
    assert await store.call("call-1") == a_record()
    await ledger.close()
    journal.end()
    await store.close()


async def test_a_file_that_was_deleted_is_not_written_any_more(tmp_path: Path) -> None:
    store = await open_store(f"sqlite:///{tmp_path}/gone.db")
    with closing(store.connect()) as connection:
        for file in tmp_path.glob("gone.db*"):
            file.unlink()
        with pytest.raises(StoreError, match="deleted, moved or replaced"), connection.transaction():
            pass
    assert await store.calls() == [], "a new connection finds tables again"
    await store.close()
