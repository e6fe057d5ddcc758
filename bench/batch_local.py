"""Lines that our own server works off beside the calls of people: how busy do they keep its 16 slots, and do people wait
longer for it? And what the queue costs: CPU of a line that is handed in, memory of a gateway with a million lines waiting, and
how soon it serves.

The same calls of people are made twice, each taking the same on the server: alone, and with the queue full. Slots are also
looked for where settings do not say how many there are.
"""

import asyncio
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import aiohttp

from farthing.batch.entrance import Entrance
from farthing.model.batch import Job, Line
from farthing.store import open_store
from farthing.store.batch import jobs, lines
from farthing.store.engine import Connection
from farthing.store.store import now_us
from harness.harness import free_port, start, stop, wait_for
from harness.proc import rss_bytes
from harness.report import Figure, Report, options

SLOTS = 16
MEAN_S, SPREAD = 0.5, 0.7
"""Of a call on the server."""
PEOPLE = 4.0
"""Slots that people's calls take on average."""
DAY_US = 86_400_000_000
SERVER = Path(__file__).resolve().parent / "batching" / "slots.py"
CONFIG = """
[server]
port = {port}
[store]
url = "sqlite:///{folder}/farthing.db"
[logs]
level = "warning"
[prices]
allow_unpriced = true
[providers.own]
kind = "vllm"
base_url = "http://127.0.0.1:{server}/v1"
[[models.small.deployments]]
provider = "own"
max_in_flight = {slots}
[batch]
at_once = 64
worker = {worker}
"""


class Scene(NamedTuple):
    """How long is measured, in seconds, and how many lines wait in the largest queue."""

    span_s: float
    queued: int
    submitted: int


class Stage:
    """A server and a gateway before it, each a process of its own."""

    def __init__(self, stack: ExitStack, *, slots: int = SLOTS, worker: bool = True) -> None:
        self._stack = stack
        self.folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="farthing-local-")))
        self.url = f"sqlite:///{self.folder}/farthing.db"
        self.port, self._server = free_port(), free_port()
        self._log = stack.enter_context(open(self.folder / "log", "wb"))  # noqa: SIM115
        command = [sys.executable, str(SERVER), str(self._server), str(SLOTS), str(MEAN_S), str(SPREAD)]
        server = start(command, self._log, None)
        stack.callback(stop, server)
        wait_for(self._server, server, "the server")
        config = self.folder / "farthing.toml"
        config.write_text(
            CONFIG.format(
                port=self.port, folder=self.folder, server=self._server, slots=slots, worker=str(worker).lower()
            )
        )
        self._command = [str(Path(sys.executable).with_name("farthing")), "up", "--config", str(config)]

    def up(self) -> subprocess.Popen[bytes]:
        gateway = start(self._command, self._log, self.folder)
        self._stack.callback(stop, gateway)
        wait_for(self.port, gateway, "the gateway")
        return gateway

    def busy(self) -> float:
        """The share of the slots that was busy since it was asked the last time."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self._server}/busy", timeout=30) as answer:
            share: float = json.load(answer)["busy"]
        return share


async def people(port: int, span_s: float) -> list[float]:
    """Calls that come at random, as many in each run; how long each took, in seconds."""
    dice = random.Random(11)
    url = f"http://127.0.0.1:{port}/v1/chat/completions"
    took: list[float] = []

    async def call(client: aiohttp.ClientSession, number: int) -> None:
        said = {"model": "small", "user": f"person-{number}", "messages": [{"role": "user", "content": "Hello"}]}
        begun = time.perf_counter()
        async with client.post(url, json=said) as answer:
            await answer.read()
            assert answer.status == 200, answer.status
        took.append(time.perf_counter() - begun)

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as client:
        calls, begun, at, number = [], time.perf_counter(), 0.0, 0
        while at < span_s:
            at += dice.expovariate(PEOPLE / MEAN_S)
            await asyncio.sleep(max(0.0, begun + at - time.perf_counter()))
            calls.append(asyncio.create_task(call(client, number)))
            number += 1
        await asyncio.gather(*calls)
    return took


def a_job(name: str, count: int, *, tenant: str = "default", size: int = 0) -> tuple[Job, list[Line]]:
    now = now_us()
    job = Job(name, "file", "openai.chat", tenant, now, now + DAY_US, state="running", total=count)
    made = []
    for no in range(count):
        said = {"model": "small", "user": f"{name}-{no}", "messages": [{"role": "user", "content": "x" * size or "Hi"}]}
        body = json.dumps(said).encode()
        made.append(Line(name, no, f"c-{no}", tenant, "small", job.deadline_us, len(body), body=body))
    return job, made


async def hand_in(url: str, *handed: tuple[Job, list[Line]]) -> None:
    store = await open_store(url)
    try:
        entrance = Entrance(store, lambda: None)
        for job, made in handed:
            await entrance.hand_in(job, made)
    finally:
        await store.close()


def full_slots(report: Report, scene: Scene) -> None:
    """With the slots in the settings: how busy, and what people feel of it."""
    with ExitStack() as stack:
        stage = Stage(stack)
        stage.up()
        alone = asyncio.run(people(stage.port, scene.span_s))
        asyncio.run(hand_in(stage.url, a_job("job-full", int(2.5 * scene.span_s * SLOTS / MEAN_S))))
        time.sleep(5.0)
        stage.busy()
        beside = asyncio.run(people(stage.port, scene.span_s))
        busy = stage.busy()
    report.add(
        Figure("slots that are busy", "%", [100 * busy], least=95.0, needs=1),
        Figure("people's p99, alone", "ms", [1e3 * _p99(alone)]),
        Figure("people's p99, beside lines", "ms", [1e3 * _p99(beside)]),
        Figure("p99 more", "%", [100 * (_p99(beside) / _p99(alone) - 1)], most=10.0, needs=1),
        Figure("median more", "%", [100 * (statistics.median(beside) / statistics.median(alone) - 1)]),
    )


def unknown_slots(report: Report, scene: Scene) -> None:
    """Where settings do not say how many slots there are, and nobody else calls."""
    with ExitStack() as stack:
        stage = Stage(stack, slots=0)
        stage.up()
        asyncio.run(hand_in(stage.url, a_job("job-climb", int(3 * scene.span_s * SLOTS / MEAN_S))))
        time.sleep(max(15.0, scene.span_s))
        stage.busy()
        time.sleep(scene.span_s / 2)
        report.add(Figure("slots that are busy, unless it is told how many", "%", [100 * stage.busy()]))


def submitting(report: Report, scene: Scene) -> None:
    """CPU of deferred calls that are handed in at the same time, each a job of one line."""
    with tempfile.TemporaryDirectory(prefix="farthing-local-") as folder:
        handed = [a_job(f"job-{number}", 1, size=1000) for number in range(scene.submitted)]

        async def hand_all_in() -> float:
            store = await open_store(f"sqlite:///{folder}/farthing.db")
            entrance = Entrance(store, lambda: None)
            begun = time.process_time()
            for some in range(0, len(handed), 100):
                await asyncio.gather(*(entrance.hand_in(job, made) for job, made in handed[some : some + 100]))
            took = time.process_time() - begun
            await store.close()
            return took

        report.add(
            Figure(
                "a line that is handed in",
                "us CPU",
                [1e6 * asyncio.run(hand_all_in()) / len(handed)],
                most=150.0,
                needs=1,
            )
        )


def many(report: Report, scene: Scene) -> None:
    """A queue that nobody has worked yet: how soon the gateway serves, and what it holds in memory."""
    with ExitStack() as stack:
        stage = Stage(stack)
        asyncio.run(_fill(stage.url, scene.queued))
        begun = time.perf_counter()
        gateway = stage.up()
        took = time.perf_counter() - begun
        most = 0
        until = time.monotonic() + 30
        while time.monotonic() < until:
            most = max(most, rss_bytes(gateway.pid))
            time.sleep(0.1)
    report.add(
        Figure("lines queued", "", [scene.queued]),
        Figure("start-up with them", "s", [took], most=2.0, needs=1),
        Figure("memory with them", "MB", [most / 1e6], most=300.0, needs=1),
    )


async def _fill(url: str, count: int) -> None:
    """Lines of jobs of a thousand each."""
    store = await open_store(url)
    try:
        for number in range(count // 1000):
            job, made = a_job(f"job-{number}", 1000, tenant=f"tenant-{number % 5}", size=400)

            def add(connection: Connection, job: Job = job, made: list[Line] = made) -> None:
                with connection.transaction():
                    jobs.add(connection, job)
                    lines.add(connection, made)

            await store.do(add)
    finally:
        await store.close()


def _p99(took: list[float]) -> float:
    return statistics.quantiles(took, n=100)[98]


def main() -> int:
    quick = options(__doc__ or "").quick
    scene = Scene(12.0, 20_000, 2_000) if quick else Scene(120.0, 1_000_000, 20_000)
    report = Report("batch_local")
    submitting(report, scene)
    full_slots(report, scene)
    if not quick:
        unknown_slots(report, scene)
        many(report, scene)
    return report.close()


if __name__ == "__main__":
    sys.exit(main())
