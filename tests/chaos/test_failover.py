"""Three deployments, one killed, one answering 429, one ten times slower, under load: no call fails before its first byte.
The large drill is a benchmark."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx2

from chaos.conftest import ledger
from chaos.load import Load
from integration.gateways import Gateway, eventually, gateway, settings_text
from ports import free_port
from warm import Process, warm

MODEL = "gpt-4o-mini"
AS_USUAL, SLOW, REFUSING = ("--latency", "0.05"), ("--latency", "0.5"), ("--fault", "status-429=1")


class Host:
    """A simulated provider in a process of its own, on a port that stays the same."""

    def __init__(self) -> None:
        self.port = free_port()
        self.process: Process | None = None

    def start(self, *how: str) -> None:
        self.kill()
        self.process = warm().start(["farthing", "simulate", "--port", str(self.port), *how], Path("/"), {})
        eventually(self.billed_or_none, "the host listens")

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def billed_or_none(self) -> bool:
        with suppress(httpx2.TransportError):
            self.billed()
            return True
        return False

    def billed(self) -> int:
        totals = httpx2.get(f"http://127.0.0.1:{self.port}/simulator/bill", timeout=60, verify=False).json()["totals"]
        return sum(total["requests"] for total in totals.values())


@contextmanager
def hosts() -> Iterator[list[Host]]:
    made = [Host() for _ in range(3)]
    try:
        for host, how in zip(made, (AS_USUAL, AS_USUAL, SLOW), strict=True):
            host.start(*how)
        yield made
    finally:
        for host in made:
            host.kill()


def config(made: list[Host]) -> str:
    providers = "".join(
        f'[providers.host{number}]\nkind = "openai"\nbase_url = "http://127.0.0.1:{host.port}/v1"\napi_key = "k"\n'
        for number, host in enumerate(made)
    )
    places = "".join(f'[[models."{MODEL}".deployments]]\nprovider = "host{number}"\n' for number in range(3))
    return settings_text(providers=providers + "[balance]\nopen_s = 1\n", more=places)


def states(gate: Gateway) -> dict[str, Any]:
    return {each["provider"]: each for each in gate.get("/v1/farthing/status").json()["data"]}


def test_one_killed_one_refusing_one_slow(tmp_path: Path) -> None:
    with hosts() as made, gateway(tmp_path, config(made)) as gate:
        load = Load(gate.url, clients=8).start()
        load.serves(40)
        made[0].kill()
        load.serves(20)
        made[1].start(*REFUSING)
        load.serves(20)
        for host in ("host0", "host1"):  # one that refuses is asked once a second, and looks well for that moment
            eventually(lambda host=host: states(gate)[host]["state"] != "closed", f"{host} is left alone")
        made[0].start(*AS_USUAL)
        eventually(lambda: made[0].billed() >= 5, "calls go there again")
        load.stop()
        # A stream that was open on a host that was killed ends early; nothing else fails.
        assert load.statuses.keys() == {200}, load.statuses
        assert all(each["in_flight"] == 0 for each in states(gate).values())
        assert gate.stop() in (0, -15)
    rows = ledger(f"sqlite:///{tmp_path}/ledger.db")
    assert {row.status for row in rows} == {200}
    assert {row.outcome for row in rows} <= {"ok", "broken"}
    assert len(load.cut) <= sum(row.outcome == "broken" for row in rows) <= 3 * 8
