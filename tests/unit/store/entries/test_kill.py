"""`kill -9` in the middle of a write: what was written is there and whole, what was dropped stays away."""

import os
import random
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path

from farthing.store import engine_for
from farthing.store.entries import Entries
from unit.store.entries.samples import NOW_US, an_entry

Opener = Callable[..., Awaitable[Entries]]


async def test_killed_gateways_leave_a_sound_cache(url: str, opened: Opener, tmp_path: Path) -> None:
    written: list[str] = []
    dropped: list[str] = []
    for round_ in range(3):
        for line in _killed(url, tmp_path, f"round{round_}"):
            what, _, entry_id = line.partition(" ")
            (written if what == "written" else dropped).append(entry_id)
    assert len(written) >= 3 * 19 and len(dropped) >= 3
    cache = await opened(flush_s=60.0)
    assert not cache.trouble
    for entry_id in dropped:
        assert await cache.read("acme", entry_id, now_us=NOW_US) is None
    stats = await cache.stats("acme")
    missing = [entry_id for entry_id in written if not await _is_whole(cache, entry_id)]
    assert missing == []
    assert stats.links == stats.entries
    with closing(engine_for(url + ".cache" if url.startswith("sqlite") else url).connect()) as connection:
        assert connection.query("SELECT entries, bytes FROM cache_sizes") == [(stats.entries, stats.bytes)]
        if url.startswith("sqlite"):
            assert connection.query("PRAGMA integrity_check") == [("ok",)]


async def _is_whole(cache: Entries, entry_id: str) -> bool:
    found = await cache.get("acme", an_entry(entry_id).exact, now_us=NOW_US)
    if found is None:
        return False
    assert found.answer == entry_id.encode() * 50
    return found.hits == 1


def _killed(url: str, folder: Path, name: str) -> list[str]:
    """The whole lines that the gateway said before it was killed."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, str(Path(__file__).with_name("killed_gateway.py")), url, name]
    with open(folder / f"{name}.out", "wb+") as out:
        with subprocess.Popen(command, stdout=out, env=environment) as gateway:
            while b"dropped" not in Path(out.name).read_bytes():
                assert gateway.poll() is None, "the gateway ended by itself"
                time.sleep(0.02)
            time.sleep(random.uniform(0.05, 0.3))
            gateway.kill()
        out.seek(0)
        return [line.decode().rstrip("\n") for line in out if line.endswith(b"\n")]
