"""Three gateways on one store and the simulated provider behind them, each a process of its own, and the provider's bill.

The bill is the truth: tokens that the simulator counted, priced here from a table of our own. Knows nothing of scenes.
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
import urllib.request
from collections import defaultdict
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import msgspec

from farthing.store import open_store
from farthing.store.budgets import Budgets, Standing
from farthing.upstream.simulator import SimulatorSettings
from harness.harness import free_port, start, stop, wait_for

HERE = Path(__file__).resolve().parent
GATEWAYS = 3
RATES = {"gpt-4o-mini": (150, 75, 600), "gpt-5-nano": (50, 5, 400), "gpt-4.1-nano": (0, 0, 0)}
"""Nano-dollars of a token: input, input that a cache held, output."""
CONFIG = """
[server]
port = {port}
shutdown_grace_s = 5
[store]
url = "{store}"
journal = "{folder}/journals"
[logs]
level = "warning"
[providers.openai]
base_url = "http://127.0.0.1:{provider}/v1"
api_key = "k"
drain = {drain}
[providers.gone]
kind = "openai"
base_url = "http://127.0.0.1:9/v1"
api_key = "k"
[[prices.contracts]]
provider = "openai"
models = ["gpt-4.1-nano"]
rates = {{ input = 0, output = 0 }}
[models.gratis]
provider = "gone"
model = "gpt-4.1-nano"
fallbacks = ["gpt-4o-mini"]
"""


class Stage:
    """See the module. Closed by the stack."""

    def __init__(
        self, stack: ExitStack, store: str, budgets: str, provider: SimulatorSettings, ahead_s: tuple[float, ...] = (0.0,) * 3,
        *, drain: bool = False,
    ) -> None:  # fmt: skip
        self.folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="farthing-budgets-")))
        self.store = store or f"sqlite:///{self.folder}/farthing.db"
        self.provider = free_port()
        self.ports = [free_port() for _ in range(GATEWAYS)]
        self._ahead_s = ahead_s
        self._log = stack.enter_context(tempfile.NamedTemporaryFile())  # noqa: SIM115
        self._processes: dict[int, subprocess.Popen[bytes]] = {}
        settings = msgspec.json.encode(provider).decode()
        self._start_one(self.provider, [str(HERE / "provider.py"), str(self.provider), settings])
        stack.callback(self.close)
        for number, port in enumerate(self.ports):
            (self.folder / f"{number}.toml").write_text(
                CONFIG.format(
                    port=port, store=self.store, folder=self.folder, provider=self.provider, drain=f"{drain}".lower()
                )
                + budgets
            )  # fmt: skip
        self.up(0)  # alone: it makes the tables
        for number in range(1, GATEWAYS):
            self._launch(number)
        for port in self.ports:
            wait_for(port, self._processes[port], "a gateway")

    def up(self, number: int) -> None:
        """Start a gateway; what a former one left is taken over."""
        self._launch(number)
        wait_for(self.ports[number], self._processes[self.ports[number]], "a gateway")

    def kill(self, number: int) -> None:
        process = self._processes[self.ports[number]]
        process.kill()
        process.wait()

    def pause(self, number: int) -> None:
        os.kill(self._processes[self.ports[number]].pid, signal.SIGSTOP)

    def resume(self, number: int) -> None:
        os.kill(self._processes[self.ports[number]].pid, signal.SIGCONT)

    def end(self) -> None:
        """Stop the gateways as an operator would."""
        for port in self.ports:
            stop(self._processes[port])

    def lines(self) -> list[dict[str, Any]]:
        """The provider's bill, call by call."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.provider}/simulator/bill", timeout=30) as answer:
            found: list[dict[str, Any]] = json.load(answer)["lines"]
            return found

    def bill(self) -> dict[str, int]:
        """Nano-dollars by the `user` of the requests."""
        return billed(self.lines())

    def books(self) -> list[Standing]:
        """What our store says of each budget."""

        async def read() -> list[Standing]:
            store = await open_store(self.store)
            try:
                kept = Budgets(store)
                now = await store.do(lambda connection: connection.query("SELECT max(from_us) FROM budget_balances"))
                return await kept.standings(await kept.every(), int(now[0][0] or 0), 20_000)
            finally:
                await store.close()

        return asyncio.run(read())

    def log(self) -> str:
        """What gateways and provider complained of."""
        return Path(self._log.name).read_text(errors="replace")

    def close(self) -> None:
        for process in self._processes.values():
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                stop(process)

    def _launch(self, number: int) -> None:
        config = str(self.folder / f"{number}.toml")
        self._start_one(
            self.ports[number],
            [str(HERE / "gateway.py"), str(self._ahead_s[number]), "up", "--config", config],
            wait=False,
        )

    def _start_one(self, port: int, command: list[str], *, wait: bool = True) -> None:
        self._processes[port] = start([sys.executable, *command], self._log, self.folder)
        if wait:
            wait_for(port, self._processes[port], command[0])


def billed(lines: list[dict[str, Any]]) -> dict[str, int]:
    """Nano-dollars of these lines of a bill, by the `user` of the requests."""
    found: dict[str, int] = defaultdict(int)
    for line in lines:
        spent = line["spent"]
        plain, cached, out = RATES[line["model"]]
        fresh = spent["prompt"] - spent["cache_read"]
        found[line["user"]] += fresh * plain + spent["cache_read"] * cached + spent["output"] * out
    return found
