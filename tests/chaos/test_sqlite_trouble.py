"""A SQLite file that cannot be written for a while: the log says why, calls go on or are refused by policy, and then all of
them are in the ledger."""

import os
import resource
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from chaos.conftest import Unsure, complete, config, kept_until, ledger, long
from chaos.load import Load, Provider
from hostile.conftest import sane_log
from integration.gateways import Gateway, eventually, gateway

SMALL = 'url = "sqlite:///ledger.db"\nqueue = 100\nwhen_unavailable = "{policy}"'


@contextmanager
def a_disk(folder: Path, megabytes: int) -> Iterator[Path]:
    """A disk of that size."""
    disk = folder / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("no file system can be mounted here")
    try:
        yield disk
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    with a_disk(tmp_path, 12) as disk:
        yield disk


def fill(disk: Path) -> Path:
    """Take all that is left of the disk."""
    hog = disk / "hog"
    with open(hog, "wb", buffering=0) as file:
        for size in (65536, 4096, 512, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                continue
    return hog


def trouble_is_told(gate: Gateway, *words: str) -> None:
    def told() -> bool:
        lines = [line["message"] for line in sane_log(gate.log) if line["level"] in ("warning", "error")]
        return any(all(word in line for word in words) for line in lines)

    eventually(told, f"the log says {words}")


@pytest.mark.parametrize("policy", ["refuse", "serve"])
def test_a_full_disk(small_disk: Path, provider: Provider, policy: str) -> None:
    with gateway(small_disk, config(provider, store=SMALL.format(policy=policy))) as gate:
        load = Load(gate.url).start()
        load.serves(20)
        assert load.statuses.keys() == {200}
        hog = fill(small_disk)
        eventually(lambda: "Free space" in gate.log, "the log says what is wrong")
        trouble_is_told(gate, "ledger.db", "cannot grow", "Free space")
        if policy == "refuse":
            eventually(lambda: 503 in load.statuses, "calls are refused once the queue is full")
            refused = gate.get("/health/ready")
            assert refused.status_code == 503 and str(small_disk) not in refused.text
        else:
            before = load.statuses[200]
            eventually(lambda: load.statuses[200] > before + 150, "calls are served beyond the queue")
            assert load.statuses.keys() == {200}
            assert gate.get("/health/ready").json() == {"status": "ledger delayed"}
        assert "farthing_ledger_delayed 1.0" in gate.get("/metrics").text
        hog.unlink()
        eventually(lambda: gate.get("/health/ready").json() == {"status": "ok"}, "it recovers by itself")
        seen = load.statuses[200]
        eventually(lambda: load.statuses[200] > seen + 10, "calls go on")
        load.stop()
        gate.stop()
        rows = ledger(f"sqlite:///{small_disk}/ledger.db")
        assert load.statuses.keys() <= {200, 503}
        served = [row for row in rows if row.status != 503]
        assert set(complete(served, provider, load)) == {"ok"}


@long
def test_killed_on_a_full_disk(small_disk: Path, provider: Provider) -> None:
    """What waited in memory is lost with its price, but not the knowledge that it took place."""
    with gateway(small_disk, config(provider, store=SMALL.format(policy="refuse"))) as gate:
        load = Load(gate.url).start()
        load.serves(20)
        since = kept_until(small_disk, load)
        hog = fill(small_disk)
        eventually(lambda: 503 in load.statuses, "calls are refused")
        gate.process.kill()
        gate.process.wait()
        unsure = Unsure(since, time.monotonic())
        load.stop()
        hog.unlink()
        gate.start()
        gate.stop()
        rows = ledger(f"sqlite:///{small_disk}/ledger.db")
        complete([row for row in rows if row.status != 503], provider, load, unsure=unsure)


@long
def test_files_that_may_not_grow(tmp_path: Path, provider: Provider) -> None:
    """A limit on the size of files, as some hosts have it."""
    with gateway(tmp_path, config(provider, store=SMALL.format(policy="refuse"))) as gate:
        load = Load(gate.url).start()
        load.serves(20)
        resource.prlimit(gate.pid, resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
        eventually(lambda: 503 in load.statuses, "calls are refused")
        trouble_is_told(gate, "ledger.db")
        resource.prlimit(gate.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        eventually(lambda: gate.get("/health/ready").json() == {"status": "ok"}, "it recovers by itself")
        load.stop()
    rows = ledger(f"sqlite:///{tmp_path}/ledger.db")
    assert set(complete([row for row in rows if row.status != 503], provider, load)) == {"ok"}


def test_a_read_only_disk_at_the_start(small_disk: Path, provider: Provider) -> None:
    with gateway(small_disk, config(provider)) as gate:
        gate.stop()
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    done = gate.farthing("up", check=False)
    assert done.returncode not in (0, None)
    assert "ledger.db" in done.stderr and "read" in done.stderr and "Traceback" not in done.stderr, done.stderr


def test_a_store_that_is_locked(tmp_path: Path, provider: Provider) -> None:
    with gateway(tmp_path, config(provider)) as gate:
        load = Load(gate.url).start()
        load.serves(10)
        with closing(sqlite3.connect(tmp_path / "ledger.db", isolation_level=None, timeout=60)) as other:
            other.execute("BEGIN IMMEDIATE")
            delayed = {"status": "ledger delayed"}
            eventually(lambda: gate.get("/health/ready").json() == delayed, "it is held up")
            trouble_is_told(gate, "held by another process")
            other.execute("ROLLBACK")
        eventually(lambda: gate.get("/health/ready").json() == {"status": "ok"}, "it recovers by itself")
        load.stop()
        assert load.statuses.keys() == {200}
    assert set(complete(ledger(f"sqlite:///{tmp_path}/ledger.db"), provider, load)) == {"ok"}


def test_a_store_that_is_deleted(tmp_path: Path, provider: Provider) -> None:
    """What was in it is gone; from then on nothing may go into the file that nobody sees any more."""
    with gateway(tmp_path, config(provider)) as gate:
        key = gate.farthing("keys", "create", "k").stdout.strip()
        eventually(lambda: gate.get("/v1/models").status_code == 401, "keys are asked for")
        load = Load(gate.url, key=key).start()
        load.serves(20)
        for file in tmp_path.glob("ledger.db*"):
            if file.is_file():
                file.unlink()
        deleted = time.monotonic()
        eventually(lambda: (tmp_path / "ledger.db").exists(), "it is made again")
        trouble_is_told(gate, "ledger.db", "deleted")
        time.sleep(4)  # longer than keys are remembered without a look into the store
        assert gate.get("/v1/models").status_code == 401, "a gateway that had keys must not become open"
        load.stop()
        assert load.statuses.keys() == {200}
        gate.stop()
    rows = ledger(f"sqlite:///{tmp_path}/ledger.db")
    users = {row.user for row in rows}
    lost = [user for user in load.ended if load.begun[user] > deleted and user not in users]
    assert not lost, f"{len(lost)} calls went into a file that is not there"
    assert len(users) == len(rows)


def test_the_journals_folder_is_deleted(tmp_path: Path, provider: Provider) -> None:
    with gateway(tmp_path, config(provider)) as gate:
        load = Load(gate.url).start()
        load.serves(10)
        shutil.rmtree(tmp_path / "ledger.db.journal")
        load.serves(20)
        load.stop()
        assert load.statuses.keys() == {200}
        gate.stop()
        assert "Traceback" not in gate.log
        gate.start()
    assert set(complete(ledger(f"sqlite:///{tmp_path}/ledger.db"), provider, load)) == {"ok"}


def test_a_clock_that_steps_back(tmp_path: Path, provider: Provider) -> None:
    shim = tmp_path / "shim"
    shim.mkdir()
    shift = tmp_path / "shift"
    shift.write_text("0")
    (shim / "sitecustomize.py").write_text(
        "import os, time\n"
        "_time, _ns, _file = time.time, time.time_ns, os.environ['CLOCK_SHIFT']\n"
        "def _shift():\n"
        "    with open(_file) as file:\n"
        "        return float(file.read() or 0)\n"
        "time.time = lambda: _time() + _shift()\n"
        "time.time_ns = lambda: _ns() + int(_shift() * 1e9)\n"
    )
    env = {"PYTHONPATH": str(shim), "CLOCK_SHIFT": str(shift)}
    with gateway(tmp_path, config(provider), env=env, cold=True) as gate:
        key = gate.farthing("keys", "create", "k", "--rpm", "100000", "--tpm", "10000000").stdout.strip()
        eventually(lambda: gate.get("/v1/models", key).status_code == 200, "the key is known")
        load = Load(gate.url, key=key).start()
        for seconds in ("-7200", "0", "-86400", "-2000000000", "90000"):
            load.serves(10)
            (tmp_path / "new").write_text(seconds)
            os.replace(tmp_path / "new", shift)
        load.serves(10)
        load.stop()
        assert load.statuses.keys() == {200}, load.statuses
        assert not [line for line in sane_log(gate.log) if line["level"] == "error"]
    assert set(complete(ledger(f"sqlite:///{tmp_path}/ledger.db"), provider, load)) == {"ok"}


def test_two_gateways_with_one_store(tmp_path: Path, provider: Provider) -> None:
    settings = config(provider)
    with gateway(tmp_path, settings) as first:
        second = Gateway(tmp_path / "farthing.toml")
        try:
            second.start()
            loads = [Load(each.url, clients=4, name=name).start() for each, name in ((first, "a"), (second, "b"))]
            for load in loads:
                load.serves(20)
            since = kept_until(tmp_path, *loads)
            first.process.kill()
            first.process.wait()
            unsure = Unsure(since, time.monotonic())
            loads[0].stop()
            first.start()  # takes over its own journal, and leaves that of the living one alone
            loads.append(Load(first.url, clients=4, name="c").start())
            loads[-1].serves(10)
            for load in loads:
                load.stop()
        finally:
            second.close()
    outcomes = complete(ledger(f"sqlite:///{tmp_path}/ledger.db"), provider, *loads, unsure=unsure)
    assert outcomes["interrupted"] > 0 and outcomes.keys() <= {"ok", "interrupted"}
    assert all(load.statuses.keys() == {200} for load in loads)
