"""`kill -9` at any moment of a student's making, and a disk that is full: no half version, none twice, none lost."""

import os
import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from farthing.selfhost.students.life import Life
from farthing.steps.student.artefact import unpack
from farthing.steps.student.step import Student
from farthing.store import open_store
from farthing.store.students import Students
from unit.selfhost.students import killed_school
from unit.selfhost.students.killed_school import SCOPES


async def test_what_was_killed_leaves_whole_versions_and_the_next_one_goes_on(url: str, tmp_path: Path) -> None:
    for round_ in range(3):
        run_and_kill(url, tmp_path / f"{round_}.out")
    store = await open_store(url)
    kept = Students(store)
    versions = await kept.versions(tenant="acme")
    assert {each.scope for each in versions} <= set(SCOPES) and versions
    for scope in SCOPES:
        numbers = [each.version for each in versions if each.scope == scope]
        assert numbers == sorted(set(numbers), reverse=True)
        states = Counter(each.state for each in versions if each.scope == scope)
        assert states["serving"] <= 1 and states["shadow"] <= 1
    for each in versions:
        facts, _ = unpack(await kept.weights("acme", each.scope, each.version) or b"")
        assert facts.pairs == 240
    life = Life(kept, None, None, now_us=lambda: 1)  # type: ignore[arg-type]  # nothing is audited
    await life.start(Student(life, None, lambda call, model: False), keeps=False)
    live = {place[1:] for place in life._pupils}
    assert live == {(each.scope, each.version) for each in versions if each.state in ("serving", "shadow")}
    await store.close()


def run_and_kill(url: str, out: Path) -> None:
    """Killed somewhere in its second round or later, so that there is something to lose."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    with open(out, "wb") as said:
        command = [sys.executable, killed_school.__file__, url]
        with subprocess.Popen(command, stdout=said, env=environment) as school:
            while b"promoted" not in out.read_bytes():
                assert school.poll() is None, "it ended by itself"
                time.sleep(0.02)
            time.sleep(random.uniform(0, 1))
            school.kill()


FULL = """
import asyncio, os, resource, signal, sys
from farthing.store import StoreError, open_store
from farthing.store.students import Students

async def main(url, file):
    store = await open_store(url)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    most = os.path.getsize(file) + 1_000_000
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    try:
        await Students(store).add("acme", "template:x", "{}", os.urandom(4_000_000), state="shadow", teacher="big", why="")
    except StoreError as error:
        print("told:", error.message)
    print([each.version for each in await Students(store).versions()])

asyncio.run(main(*sys.argv[1:]))
"""


async def test_a_disk_that_is_full_loses_the_new_version_and_no_other(sqlite_url: str) -> None:
    file = sqlite_url.removeprefix("sqlite:///")
    store = await open_store(sqlite_url)
    kept = Students(store)
    await kept.add("acme", "template:x", "{}", b"first", state="shadow", teacher="big", why="")
    assert await kept.promote("acme", "template:x", 1, "by hand")
    await store.close()
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", FULL, sqlite_url, file], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0 and "Traceback" not in done.stderr, done.stderr
    assert "told:" in done.stdout and "[1]" in done.stdout, done.stdout
    store = await open_store(sqlite_url)
    kept = Students(store)
    (version,) = await kept.versions()
    assert version.state == "serving" and await kept.weights("acme", "template:x", 1) == b"first"
    assert await kept.add("acme", "template:x", "{}", b"next", state="shadow", teacher="big", why="") == 2
    await store.close()
