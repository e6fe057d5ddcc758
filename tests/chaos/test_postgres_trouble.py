"""A PostgreSQL server that hangs up, crashes, or is away: the log says so, calls go on, and all of them are in the ledger."""

import time
from pathlib import Path

import pytest

from chaos.conftest import Unsure, complete, config, kept_until, ledger, long
from chaos.load import Load, Provider
from hostile.conftest import sane_log
from integration.gateways import eventually, gateway
from stores import Postgres


def settings(provider: Provider, url: str, policy: str = "refuse", server: str = "") -> str:
    return config(provider, server=server, store=f'url = "{url}"\nqueue = 100\nwhen_unavailable = "{policy}"')


@pytest.mark.parametrize("workers", [pytest.param(1, marks=long), 2])
def test_sessions_that_are_ended(
    tmp_path: Path, provider: Provider, postgres: Postgres, postgres_url: str, workers: int
) -> None:  # fmt: skip
    with gateway(tmp_path, settings(provider, postgres_url, server=f"workers = {workers}")) as gate:
        load = Load(gate.url).start()
        for _ in range(6):
            load.serves(5)
            postgres.run(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND application_name = 'farthing'"
            )
            assert gate.get("/v1/farthing/report").status_code in (200, 503)
        load.serves(1)
        load.stop()
        assert load.statuses.keys() == {200}
        assert gate.get("/v1/farthing/report").status_code == 200, "a session that is gone is not used again"
    assert set(complete(ledger(postgres_url), provider, load)) == {"ok"}


@pytest.mark.parametrize("policy", [pytest.param("refuse", marks=long), "serve"])
def test_a_server_that_crashes_and_comes_back(
    tmp_path: Path, provider: Provider, postgres: Postgres, postgres_url: str, policy: str
) -> None:  # fmt: skip
    with gateway(tmp_path, settings(provider, postgres_url, policy)) as gate:
        load = Load(gate.url).start()
        load.serves(10)
        postgres.stop()
        try:
            if policy == "refuse":
                eventually(lambda: 503 in load.statuses, "calls are refused once the queue is full")
                assert gate.get("/health/ready").status_code == 503
            else:
                before = load.statuses[200]
                eventually(lambda: load.statuses[200] > before + 150, "calls are served beyond the queue")
                assert load.statuses.keys() == {200}
            for path in ("/v1/farthing/report", "/v1/farthing/calls/call-1", "/v1/farthing/keys"):
                answer = gate.get(path)
                assert answer.status_code == 503 and "postgres" not in answer.text.lower(), answer.text

            def told() -> list[str]:
                lines = [line["message"] for line in sane_log(gate.log) if line["level"] in ("warning", "error")]
                return [line for line in lines if "postgresql://" in line]

            eventually(told, "the log says which server it is")
        finally:
            postgres.start()
        eventually(lambda: gate.get("/health/ready").json() == {"status": "ok"}, "it recovers by itself")
        load.stop()
        assert gate.get("/v1/farthing/report").status_code == 200
    rows = ledger(postgres_url)
    assert set(complete([row for row in rows if row.status != 503], provider, load)) == {"ok"}


def test_killed_while_the_server_is_away(
    tmp_path: Path, provider: Provider, postgres: Postgres, postgres_url: str
) -> None:  # fmt: skip
    """What waited is in the journal's spill, prices and all."""
    with gateway(tmp_path, settings(provider, postgres_url)) as gate:
        load = Load(gate.url).start()
        load.serves(10)
        postgres.stop()
        try:
            eventually(lambda: 503 in load.statuses, "calls are refused once the queue is full")
            since = kept_until(tmp_path, load)
            gate.process.kill()
            gate.process.wait()
            unsure = Unsure(since, time.monotonic())
            load.stop()
        finally:
            postgres.start()
        gate.start()
        gate.stop()
    rows = ledger(postgres_url)
    complete([row for row in rows if row.status != 503], provider, load, unsure=unsure)


@long
def test_a_stop_while_the_server_is_away(
    tmp_path: Path, provider: Provider, postgres: Postgres, postgres_url: str
) -> None:  # fmt: skip
    with gateway(tmp_path, settings(provider, postgres_url)) as gate:
        load = Load(gate.url).start()
        load.serves(10)
        postgres.stop()
        try:
            time.sleep(0.7)
            gate.stop()
            load.stop()
        finally:
            postgres.start()
        gate.start()
        gate.stop()
    assert set(complete([row for row in ledger(postgres_url) if row.status != 503], provider, load)) == {"ok"}


def test_no_server_at_the_start(tmp_path: Path, provider: Provider) -> None:
    url = "postgresql://u:canary-password@127.0.0.1:1/x"
    with pytest.raises(AssertionError) as told, gateway(tmp_path, settings(provider, url)):
        pass
    assert "127.0.0.1:1" in str(told.value) and "check that the server runs" in str(told.value)
    assert "canary" not in str(told.value) and "Traceback" not in str(told.value)
