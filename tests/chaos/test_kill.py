"""kill -9 at any moment: what had ended a second before is in the ledger once, what was under way is there as interrupted."""

import os
import random
import signal
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from chaos.conftest import ROUNDS, Unsure, complete, config, kept_until, ledger
from chaos.load import Load, Provider
from integration.gateways import Gateway, eventually, gateway
from ports import free_port


def _everyone(gate: Gateway) -> list[psutil.Process]:
    gateway_process = psutil.Process(gate.pid)
    return [gateway_process, *gateway_process.children(recursive=True)]


def _kill(processes: list[psutil.Process]) -> None:
    for process in processes:
        os.kill(process.pid, signal.SIGKILL)


def _workers(gate: Gateway) -> list[psutil.Process]:
    """Without multiprocessing's own helper."""
    return [each for each in _everyone(gate)[1:] if _lives(each) and _is_worker(each)]


def _is_worker(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return "spawn_main" in " ".join(process.cmdline())
    return False


def _lives(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("_round", range(ROUNDS))
def test_killed_under_load(tmp_path: Path, provider: Provider, workers: int, _round: int) -> None:
    url = f"sqlite:///{tmp_path}/ledger.db"
    with gateway(tmp_path, config(provider, server=f"workers = {workers}")) as gate:
        for again in range(2):
            load = Load(gate.url, name=f"{again}-").start()
            load.serves(random.randrange(10, 200))
            since = kept_until(tmp_path, load)
            _kill(_everyone(gate))
            gate.process.wait()
            unsure = Unsure(since, time.monotonic())
            load.stop()
            gate.start()
            outcomes = complete(ledger(url), provider, load, unsure=unsure)
            assert outcomes["interrupted"] > 0 and outcomes["ok"] > 0, outcomes
            eventually(lambda: "recovered from an earlier stop" in gate.log, "it says what it recovered")
            assert load.statuses.keys() <= {200}
        assert gate.stop() in (0, -signal.SIGTERM)
        assert not list(Path(f"{tmp_path}/ledger.db.journal").glob("*.journal")), "a journal is left"


def test_one_worker_is_killed_and_replaced(tmp_path: Path, provider: Provider) -> None:
    with gateway(tmp_path, config(provider, server="workers = 2")) as gate:
        workers = eventually(lambda: found if len(found := _workers(gate)) == 2 else None, "there are two workers")
        load = Load(gate.url).start()
        load.serves(20)
        busiest = max(workers, key=lambda each: len(each.net_connections()))
        since = kept_until(tmp_path, load)
        _kill([busiest])
        eventually(lambda: not _lives(busiest), "it is dead")
        unsure = Unsure(since, time.monotonic())
        eventually(
            lambda: len(_workers(gate)) == 2 and busiest.pid not in [each.pid for each in _workers(gate)],
            "a new worker",
        )
        eventually(lambda: "recovered from an earlier stop" in gate.log, "the new worker recovers")
        load.stop()
        assert gate.stop() in (0, -signal.SIGTERM)
    outcomes = complete(ledger(f"sqlite:///{tmp_path}/ledger.db"), provider, load, unsure=unsure)
    assert outcomes["interrupted"] > 0


def test_the_parent_of_workers_is_killed(tmp_path: Path, provider: Provider) -> None:
    """Its workers must not live on: they would keep the address, and nobody could stop them."""
    settings = config(provider, server="workers = 2").replace("port = 0", f"port = {free_port()}")
    with gateway(tmp_path, settings) as gate:
        workers = eventually(lambda: found if len(found := _workers(gate)) == 2 else None, "there are two workers")
        load = Load(gate.url).start()
        load.serves(20)
        os.kill(gate.pid, signal.SIGKILL)
        gate.process.wait()
        eventually(lambda: not any(map(_lives, workers)), "workers end")
        load.stop()
        gate.start()
        assert gate.stop() in (0, -signal.SIGTERM)
    assert set(complete(ledger(f"sqlite:///{tmp_path}/ledger.db"), provider, load)) == {"ok"}
