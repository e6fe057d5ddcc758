"""The simulator and the gateway, each a process of its own, and a client that sends calls and notes what it got."""

import asyncio
import json
import multiprocessing
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import aiohttp

from farthing.upstream.simulator import SimulatorSettings, serve
from harness.harness import Running, free_port, running
from harness.subjects import FARTHING
from learn.workload import FLAGSHIP, JUDGE, MID, OTHER_TENANT, SMALL, SPEAKS_UP, TENANT, Ask, Truth

AT_ONCE = 12
JUDGE_ERRORS, JUDGE_BIAS = 0.03, 0.05
CONFIG = """
[server]
port = {port}
[store]
url = "sqlite:///{folder}/farthing.db"
[logs]
level = "warning"
[providers.openai]
base_url = "{upstream}/v1"
api_key = "k"
[providers.anthropic]
base_url = "{upstream}/v1"
api_key = "k"
[routing]
small = ["{small}"]
mid = ["{mid}"]
flagship = ["{flagship}"]
judge = "{judge}"
quality_floor = {floor}
changes = "apply"
shadow_percent = {shadow}
watch_percent = {watch}
shadow_dollars_a_day = "1000"
hold_out_percent = 2
"""


@dataclass(frozen=True)
class Said:
    """One call as its client saw it."""

    ask: Ask
    at_us: int
    id: str
    model: str
    tier: str
    task: str
    """That the gateway took it for."""
    right: bool
    flagship_right: bool

    @property
    def difference(self) -> int:
        return int(self.right) - int(self.flagship_right)


class Stage:
    """See the module. `skills` are those of the simulator's models."""

    def __init__(
        self, stack: ExitStack, folder: Path, skills: Mapping[str, Mapping[str, float]], seed: int, floor: float,
        shadow: float, watch: float,
    ) -> None:  # fmt: skip
        self.truth = Truth(seed, skills)
        self.ledger = folder / "farthing.db"
        self.failed: list[str] = []
        simulated = free_port()
        self.simulator = f"http://127.0.0.1:{simulated}"
        stack.enter_context(_simulator(simulated, skills, seed))
        port = free_port()
        config = folder / "farthing.toml"
        config.write_text(
            CONFIG.format(
                port=port, folder=folder, upstream=self.simulator, small=SMALL, mid=MID, flagship=FLAGSHIP, judge=JUDGE,
                floor=floor, shadow=shadow, watch=watch,
            )
        )  # fmt: skip
        self._keys = {tenant: _key(config, tenant) for tenant in (TENANT, OTHER_TENANT)}
        self._admin = _key(config, TENANT, "--admin")
        self.url = f"http://127.0.0.1:{port}"
        command = [*FARTHING, "up", "--config", str(config)]
        self.gateway: Running = stack.enter_context(running("farthing", command, port, folder=folder))

    async def send(self, calls: Iterator[Ask], count: int) -> list[Said]:
        """The next `count` calls, a dozen at once; those that failed are noted and left out."""
        said: list[Said] = []
        waiting = islice(calls, count)
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(30)) as web:

            async def work() -> None:
                for ask in waiting:
                    one = await self._one(web, ask)
                    if one is not None:
                        said.append(one)

            await asyncio.gather(*(work() for _ in range(AT_ONCE)))
        return said

    async def shift(self, **shifts: float) -> None:
        """Make models of the simulator better or worse; names with _ for - and . stand for themselves."""
        async with (
            aiohttp.ClientSession() as web,
            web.post(f"{self.simulator}/simulator/skills", json=shifts) as answer,
        ):
            answer.raise_for_status()

    async def bill(self) -> dict[str, dict[str, int]]:
        async with aiohttp.ClientSession() as web, web.get(f"{self.simulator}/simulator/bill") as answer:
            totals: dict[str, dict[str, int]] = (await answer.json())["totals"]
            return totals

    async def history(self) -> list[dict[str, Any]]:
        """Versions of the table, with what each changed."""
        headers = {"authorization": f"Bearer {self._admin}"}
        url = f"{self.url}/v1/farthing/routes/history?limit=1000"
        async with aiohttp.ClientSession() as web, web.get(url, headers=headers) as answer:
            found: dict[str, Any] = await answer.json()
            return next(iter(found.values())) if isinstance(found, dict) else found

    async def _one(self, web: aiohttp.ClientSession, ask: Ask) -> Said | None:
        headers = {**ask.headers, "authorization": f"Bearer {self._keys[ask.tenant]}"}
        at_us = time.time_ns() // 1000
        try:
            async with web.post(self.url + ask.path, json=ask.body, headers=headers) as answer:
                body = await answer.read()
                if answer.status != 200:
                    self.failed.append(f"{answer.status} {body[:200]!r}")
                    return None
                route, call_id = answer.headers["x-farthing-route"], answer.headers["x-farthing-call-id"]
        except aiohttp.ClientError as error:
            self.failed.append(repr(error))
            return None
        model, tier, task = (part.partition("=")[2] or part for part in route.split("; "))
        right = self.truth.is_right(ask, _text(json.loads(body), ask))
        if ask.says < SPEAKS_UP:
            await self._speak(web, headers, call_id, good=right != ask.lies)
        return Said(ask, at_us, call_id, model, tier, task, right, self.truth.flagship_is_right(ask))

    async def _speak(self, web: aiohttp.ClientSession, headers: dict[str, str], call_id: str, *, good: bool) -> None:
        said = {"call_id": call_id, "verdict": "good" if good else "bad"}
        async with web.post(f"{self.url}/v1/farthing/feedback", json=said, headers=headers) as answer:
            if answer.status != 200:
                self.failed.append(f"feedback: {answer.status} {(await answer.read())[:200]!r}")


def _text(answer: dict[str, Any], ask: Ask) -> str:
    if ask.claude_wire:
        return "".join(part.get("text", "") for part in answer["content"])
    return answer["choices"][0]["message"]["content"] or ""


@contextmanager
def _simulator(port: int, skills: Mapping[str, Mapping[str, float]], seed: int) -> Iterator[None]:
    settings = SimulatorSettings(
        seed=seed, skills={kind: dict(each) for kind, each in skills.items()}, judge_errors=JUDGE_ERRORS,
        judge_bias=JUDGE_BIAS,
    )  # fmt: skip
    process = multiprocessing.get_context("spawn").Process(
        target=serve, args=(settings,), kwargs={"port": port}, daemon=True
    )  # fmt: skip
    process.start()
    try:
        yield
    finally:
        process.terminate()
        process.join(10)


def _key(config: Path, tenant: str, *more: str) -> str:
    command = [*FARTHING, "keys", "create", f"{tenant}{''.join(more)}", "--tenant", tenant, *more]
    done = subprocess.run(
        [*command, "--config", str(config), "--json"], capture_output=True, text=True, check=True, env=None
    )  # fmt: skip
    secret: str = json.loads(done.stdout)["secret"]
    return secret


assert sys.version_info >= (3, 11)
