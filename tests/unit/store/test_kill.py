"""`kill -9` at any moment: what was committed is there once, what was under way is known, no row is torn."""

import os
import random
import subprocess
import sys
import time
from pathlib import Path

from farthing.store import open_store, recover


async def test_killed_writers_leave_a_whole_ledger(url: str, tmp_path: Path) -> None:
    folder = tmp_path / "journals"
    opened: set[str] = set()
    committed: set[str] = set()
    for round_ in range(4):
        for line in _killed(url, folder, f"round{round_}"):
            what, _, call_id = line.partition(" ")
            (opened if what == "opened" else committed).add(call_id)
    assert committed and len(opened) > len(committed)
    store = await open_store(url)
    assert await store.check() == []
    found = await recover(folder, store)
    assert found.interrupted and not found.settled and not found.refused
    assert await store.check() == []
    outcomes = {}
    before = None
    while page := await store.calls(limit=10_000, before=before):
        outcomes.update({row.id: row.outcome for row in page})
        before = (page[-1].started_us, page[-1].id)
    assert {call_id for call_id in committed if outcomes.get(call_id) != "ok"} == set()
    assert opened - outcomes.keys() == set()
    assert sum(row.calls for row in await store.report("day")) == len(outcomes)
    assert list(folder.glob("*.journal")) == []
    await store.close()


def _killed(url: str, folder: Path, name: str) -> list[str]:
    """The whole lines that the writer said before it was killed."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, str(Path(__file__).with_name("killed_writer.py")), url, str(folder), name]
    with open(folder.parent / f"{name}.out", "wb+") as out:
        with subprocess.Popen(command, stdout=out, env=environment) as writer:
            while b"committed" not in Path(out.name).read_bytes():
                assert writer.poll() is None, "the writer ended by itself"
                time.sleep(0.02)
            time.sleep(random.uniform(0, 0.1))
            writer.kill()
        out.seek(0)
        return [line.decode().rstrip("\n") for line in out if line.endswith(b"\n")]
