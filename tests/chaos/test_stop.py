"""SIGTERM: streams under way are finished, within the grace; nothing is lost either way."""

import json
import select
import signal
import time
from pathlib import Path

import pytest

from chaos.conftest import complete, config, ledger, long
from chaos.load import Load, Provider
from hostile.raw import Line, request
from integration.gateways import eventually, gateway

ENDED = (0, -signal.SIGTERM)
"""Exit statuses of an orderly end; uvicorn passes the signal on once all is closed."""


@pytest.mark.parametrize(
    ("workers", "how"),
    [(1, signal.SIGTERM), (2, signal.SIGTERM), (1, signal.SIGINT), pytest.param(2, signal.SIGINT, marks=long)],
)
def test_a_stop_finishes_what_is_under_way(
    tmp_path: Path, provider: Provider, workers: int, how: signal.Signals
) -> None:
    provider.stream_s = 1.0
    settings = config(provider, server=f"workers = {workers}").replace("shutdown_grace_s = 5", "shutdown_grace_s = 50")
    with gateway(tmp_path, settings, cold=True) as gate:
        load = Load(gate.url, clients=8).start()
        load.serves(20)
        status = gate.stop(how)
        load.stop()
        assert status in ENDED and "Traceback" not in gate.log
    rows = ledger(f"sqlite:///{tmp_path}/ledger.db")
    outcomes = complete(rows, provider, load)
    assert set(outcomes) == {"ok"}, outcomes
    never_taken = {user for user in load.cut if user not in {row.user for row in rows}}
    assert load.cut == never_taken, "an answer was cut"


@pytest.mark.parametrize("workers", [pytest.param(1, marks=long), 2])
def test_streams_that_outlast_the_grace(tmp_path: Path, provider: Provider, workers: int) -> None:
    provider.stream_s = 600.0
    settings = config(provider, server=f"workers = {workers}").replace("shutdown_grace_s = 5", "shutdown_grace_s = 1")
    with gateway(tmp_path, settings) as gate:
        key = gate.farthing("keys", "create", "limited", "--rpm", "1000", "--tpm", "100000").stdout.strip()
        eventually(lambda: gate.get("/v1/models", key).status_code == 200, "the key is known")
        streams = [_stream(gate.url, key, number) for number in range(5)]
        assert all(stream.begins() for stream in streams), "all are under way"
        assert gate.stop() in ENDED
        for stream in streams:
            stream.close()
    rows = ledger(f"sqlite:///{tmp_path}/ledger.db")
    assert complete(rows, provider) == {"left": 5}, [(row.outcome, row.error) for row in rows]
    assert all(row.cost_state == "estimated" for row in rows)


def test_no_grace_at_all(tmp_path: Path, provider: Provider) -> None:
    provider.stream_s = 600.0
    settings = config(provider).replace("shutdown_grace_s = 5", "shutdown_grace_s = 0")
    with gateway(tmp_path, settings) as gate:
        stream = _stream(gate.url, "", 1)
        assert stream.begins(), "it is under way"
        assert gate.stop() in ENDED
        stream.close()
    assert complete(ledger(f"sqlite:///{tmp_path}/ledger.db"), provider) == {"left": 1}


def test_a_client_that_takes_nothing_does_not_lose_its_call(tmp_path: Path, provider: Provider) -> None:
    """Its stream waits for it when the gateway stops."""
    settings = config(provider).replace("shutdown_grace_s = 5", "shutdown_grace_s = 1")
    provider.burst = 40_000
    with gateway(tmp_path, settings) as gate:
        stream = _stream(gate.url, "", 1)
        assert select.select([stream.socket], [], [], 60)[0], "it is under way"
        assert gate.stop() in ENDED
        stream.close()
    assert sum(complete(ledger(f"sqlite:///{tmp_path}/ledger.db"), provider).values()) == 1


def test_two_stops(tmp_path: Path, provider: Provider) -> None:
    """Ctrl-C twice: whoever is in a hurry waits for nothing, and loses no call that had ended."""
    provider.stream_s = 600.0
    settings = config(provider).replace("shutdown_grace_s = 5", "shutdown_grace_s = 600")
    with gateway(tmp_path, settings) as gate:
        load = Load(gate.url, clients=3).start()
        eventually(lambda: len(provider.seen) == 6, "each client has a stream under way")

        def ended() -> bool:
            """A signal that comes before the one before it was seen is none: it is sent again."""
            gate.process.send_signal(signal.SIGINT)
            time.sleep(0.4)
            return gate.process.poll() is not None

        eventually(ended, "it ends")
        gate.stop()
        load.stop()
        gate.start()
    outcomes = complete(ledger(f"sqlite:///{tmp_path}/ledger.db"), provider, load)
    assert outcomes["ok"] == len(load.ended)


def _stream(url: str, key: str, number: int) -> Line:
    body = {
        "model": "gpt-4o-mini",
        "stream": True,
        "user": f"{number}",
        "messages": [{"role": "user", "content": "hi"}],
    }
    head = {"authorization": f"Bearer {key}"} if key else {}
    made = Line(url)
    made.send(request(json.dumps(body).encode(), **head))
    return made
