"""kill -9 at any moment: what had ended a second before is in the ledger once, what was under way is there as interrupted."""

import os
import random
import signal
import socket
import time
from pathlib import Path

import psutil
import pytest

from chaos.conftest import ROUNDS, complete, config, ledger
from chaos.load import Load, Provider
from integration.gateways import Gateway, eventually, gateway


def _everyone(gate: Gateway) -> list[psutil.Process]:
    gateway_process = psutil.Process(gate.pid)
    return [gateway_process, *gateway_process.children(recursive=True)]


def _kill(processes: list[psutil.Process]) -> None:
    for process in processes:
        os.kill(process.pid, signal.SIGKILL)


def _workers(gate: Gateway) -> list[psutil.Process]:
    """Without multiprocessing's own helper."""
    return [each for each in _everyone(gate)[1:] if _lives(each) and "spawn_main" in " ".join(each.cmdline())]


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
            time.sleep(random.uniform(1.3, 2.5))
            killed = time.monotonic()
            _kill(_everyone(gate))
            gate.process.wait()
            load.stop()
            gate.start()
            outcomes = complete(ledger(url), provider, load, killed=killed)
            assert outcomes["interrupted"] > 0 and outcomes["ok"] > 0, outcomes
            assert "recovered from an earlier stop" in gate.log
            assert load.statuses.keys() <= {200}
        assert gate.stop() in (0, -signal.SIGTERM)
        assert not list(Path(f"{tmp_path}/ledger.db.journal").glob("*.journal")), "a journal is left"


def test_one_worker_is_killed_and_replaced(tmp_path: Path, provider: Provider) -> None:
    with gateway(tmp_path, config(provider, server="workers = 2")) as gate:
        workers = eventually(lambda: found if len(found := _workers(gate)) == 2 else None, "there are two workers")
        load = Load(gate.url).start()
        time.sleep(1)
        busiest = max(workers, key=lambda each: len(each.net_connections()))
        killed = time.monotonic()
        _kill([busiest])
        eventually(
            lambda: len(_workers(gate)) == 2 and busiest.pid not in [each.pid for each in _workers(gate)],
            "a new worker",
        )
        eventually(lambda: "recovered from an earlier stop" in gate.log, "the new worker recovers")
        load.stop()
        assert gate.stop() in (0, -signal.SIGTERM)
    outcomes = complete(ledger(f"sqlite:///{tmp_path}/ledger.db"), provider, load, killed=killed)
    assert outcomes["interrupted"] > 0


def test_the_parent_of_workers_is_killed(tmp_path: Path, provider: Provider) -> None:
    """Its workers must not live on: they would keep the address, and nobody could stop them."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings = config(provider, server="workers = 2").replace("port = 0", f"port = {port}")
    with gateway(tmp_path, settings) as gate:
        workers = eventually(lambda: found if len(found := _workers(gate)) == 2 else None, "there are two workers")
        load = Load(gate.url).start()
        time.sleep(0.7)
        os.kill(gate.pid, signal.SIGKILL)
        gate.process.wait()
        eventually(lambda: not any(map(_lives, workers)), "workers end")
        load.stop()
        gate.start()
        assert gate.stop() in (0, -signal.SIGTERM)
    assert set(complete(ledger(f"sqlite:///{tmp_path}/ledger.db"), provider, load)) == {"ok"}
