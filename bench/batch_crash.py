"""The queue under kill -9: lines of five tenants go through batches of a provider that loses replies, answers errors after it
accepted, forgets lines and lags, and some go alone; the worker is killed at random moments. Is each line answered once, is
each batch paid once, is the ledger the provider's bill to the nano-dollar?

Calls that go alone and are cut off by a kill are in the ledger with an unknown cost; all others must be there as billed.
"""

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import msgspec

from farthing.batch.entrance import Entrance
from farthing.model.batch import Job, Line
from farthing.store import Store, open_store
from farthing.store.batch import jobs
from farthing.store.store import now_us
from farthing.upstream.simulator import SimulatorSettings
from harness.harness import Unfit, free_port, start, stop, wait_for
from harness.report import Figure, Report, options

PROVIDER = Path(__file__).resolve().parent / "budgeting" / "provider.py"
TENANTS = 5
ALONE_PERCENT = 5
"""Of the lines, at a provider without batches."""
DAY_US = 86_400_000_000
FAULTS = {
    "batch-lost-reply": 0.1, "batch-late-500": 0.05, "batch-late-503": 0.05, "batch-late-504": 0.05, "batch-no-json": 0.03,
    "batch-slow-reply": 0.03, "batch-refuse-500": 0.05, "batch-refuse-429": 0.03, "batch-look-500": 0.1,
    "batch-cut-results": 0.1, "batch-lost-lines": 0.05, "batch-no-status": 0.05, "batch-twice": 0.1, "batch-bad-lines": 0.1,
    "batch-odd-state": 0.1, "batch-expire": 0.05, "batch-missing-error-file": 0.1,
}  # fmt: skip
CONFIG = """
[server]
port = {port}
shutdown_grace_s = 5
[store]
url = "sqlite:///{folder}/farthing.db"
[logs]
level = "warning"
[providers.openai]
base_url = "http://127.0.0.1:{provider}/v1"
api_key = "k"
[providers.own]
kind = "openai_compatible"
base_url = "http://127.0.0.1:{provider}/v1"
api_key = "k"
prices = "openai"
[batch]
linger_s = 0.5
look_s = 0.5
lag_s = {lag_s}
at_once = 16
"""
T = TypeVar("T")


class Scene(NamedTuple):
    """One run."""

    lines: int
    kills: int
    pause_s: tuple[float, float]
    """Between a start and the next kill."""
    patience_s: float
    lag_s: float
    """After so long a batch that is on no list was never created; lists lag up to three quarters of that."""


FULL = Scene(100_000, 50, (0.2, 6.0), 900.0, 20.0)
QUICK = Scene(4_000, 5, (0.2, 2.0), 60.0, 4.0)


class Stage:
    """A provider and a gateway, each a process of its own."""

    def __init__(self, stack: ExitStack, scene: Scene, faults: Mapping[str, float] = FAULTS) -> None:
        self.folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="farthing-crash-")))
        self.url = f"sqlite:///{self.folder}/farthing.db"
        self.provider, self.port = free_port(), free_port()
        self._log = stack.enter_context(open(self.folder / "log", "wb"))  # noqa: SIM115
        simulated = SimulatorSettings(
            seed=7, faults=dict(faults), batch_seconds=3.0, batch_list_lag=0.75 * scene.lag_s, batch_quick=True, kept=100_000, bill_kept=1_000_000,
            line_faults={"status-500": 0.0005, "status-400": 0.0} if faults else {},
        )  # fmt: skip
        command = [sys.executable, str(PROVIDER), str(self.provider), msgspec.json.encode(simulated).decode()]
        simulator = start(command, self._log, None)
        stack.callback(stop, simulator)
        wait_for(self.provider, simulator, "the provider")
        config = self.folder / "farthing.toml"
        config.write_text(CONFIG.format(port=self.port, folder=self.folder, provider=self.provider, lag_s=scene.lag_s))
        self._command = [str(Path(sys.executable).with_name("farthing")), "up", "--config", str(config)]
        self._gateway: subprocess.Popen[bytes] | None = None
        stack.callback(self.end)

    def up(self) -> None:
        self._gateway = start(self._command, self._log, self.folder)
        try:
            wait_for(self.port, self._gateway, "the gateway")
        except Unfit as unfit:
            raise Unfit(f"{unfit}: {(self.folder / 'log').read_text()[-2000:]}") from None

    def kill(self) -> None:
        assert self._gateway is not None
        os.kill(self._gateway.pid, signal.SIGKILL)
        self._gateway.wait()

    def end(self) -> None:
        if self._gateway is not None and self._gateway.poll() is None:
            stop(self._gateway)

    def bill(self) -> list[dict[str, Any]]:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.provider}/simulator/bill", timeout=120) as answer:
            found: list[dict[str, Any]] = json.load(answer)["lines"]
        return found

    def read(self, work: Callable[[Store], Awaitable[T]]) -> T:
        async def reading() -> T:
            store = await open_store(self.url)
            try:
                return await work(store)
            finally:
                await store.close()

        return asyncio.run(reading())


def handed_in(scene: Scene) -> list[tuple[Job, list[Line]]]:
    """Jobs in the order in which they are handed in: a few of each tenant before each kill."""
    made = []
    count = scene.lines // (scene.kills * TENANTS)
    for wave in range(scene.kills):
        for tenant in range(TENANTS):
            now = now_us()
            job = Job(
                f"job-{wave}-{tenant}", "file", "openai.chat", f"tenant-{tenant}", now, now + DAY_US, state="running", total=count
            )  # fmt: skip
            made.append((job, [a_line(job, no, alone=no % 100 < ALONE_PERCENT) for no in range(count)]))
    return made


def a_line(job: Job, no: int, *, alone: bool) -> Line:
    model = "own/gpt-4o-mini" if alone else "gpt-4o-mini"
    slow = " [[simulate: slow-first-byte=0.2]]" if alone else ""
    said = json.dumps(
        {
            "model": model, "max_tokens": 40, "user": f"{job.id}.{no}",
            "messages": [{"role": "user", "content": f"Put {job.id}.{no} into one word, please.{slow}"}],
        }
    ).encode()  # fmt: skip
    return Line(job.id, no, f"c-{no}", job.tenant, model, job.deadline_us, len(said), body=said)


async def hand_in(url: str, handed: list[tuple[Job, list[Line]]]) -> None:
    store = await open_store(url)
    try:
        entrance = Entrance(store, lambda: None)
        for job, made in handed:
            await entrance.hand_in(job, made)
    finally:
        await store.close()


def run(stage: Stage, scene: Scene, handed: list[tuple[Job, list[Line]]]) -> list[Job]:
    """Hand in, kill, hand in more ...; the jobs when all of them have ended, or patience has."""
    dice = random.Random()
    stage.up()
    for wave in range(scene.kills):
        asyncio.run(hand_in(stage.url, handed[wave * TENANTS : (wave + 1) * TENANTS]))
        time.sleep(dice.uniform(*scene.pause_s))
        stage.kill()
        stage.up()
    until = time.monotonic() + scene.patience_s
    while True:
        found = stage.read(lambda store: jobs_of(store, [job.id for job, _ in handed]))
        if all(job.ended_us for job in found) or time.monotonic() > until:
            stage.end()
            return found
        time.sleep(1.0)


async def jobs_of(store: Store, names: list[str]) -> list[Job]:
    def look(connection: Any) -> list[Job]:
        return [job for name in names if (job := jobs.get(connection, name)) is not None]

    return await store.do(look)


class Row(NamedTuple):
    """A call in the ledger."""

    outcome: str
    cost: int
    cost_state: str


class Found(NamedTuple):
    """What the store has in the end."""

    calls: list["Row"]
    answers: list[tuple[str, str]]
    """Call and user of each line that was answered."""
    wrong: list[str]
    held: int


async def _found(store: Store) -> Found:
    def answers(connection: Any) -> list[tuple[str, str]]:
        rows = connection.query("SELECT call_id, job, no FROM batch_lines WHERE state = 'done' AND status = 200")
        return [(call, f"{job}.{no}") for call, job, no in rows]

    def held(connection: Any) -> int:
        count: int = connection.query("SELECT count(*) FROM batch_sent")[0][0]
        return count

    def calls(connection: Any) -> list[Row]:
        return [Row(*row) for row in connection.query("SELECT outcome, cost, cost_state FROM calls")]

    return Found(await store.do(calls), await store.do(answers), await store.check(), await store.do(held))


def price(line: dict[str, Any]) -> int:
    """Nano-dollars of gpt-4o-mini: 0.15, 0.075 and 0.60 dollars for a million tokens, half in a batch."""
    spent, half = line["spent"], 2 if line["tier"] == "batch" else 1
    cached = spent["cache_read"]
    pico: int = ((spent["prompt"] - cached) * 150_000 + cached * 75_000 + spent["output"] * 600_000) // half
    return round(pico / 1000)


def judge(report: Report, stage: Stage, scene: Scene, over: list[Job]) -> None:
    total = sum(job.total for job in over)
    found, bill = stage.read(_found), stage.bill()
    users = Counter(user for _, user in found.answers)
    calls = Counter(call for call, _ in found.answers)
    batch_paid = Counter(line["user"] for line in bill if line["tier"] == "batch")
    alone_paid = Counter(line["user"] for line in bill if line["tier"] != "batch")
    cut_off = [row for row in found.calls if row.outcome == "interrupted"]
    billed, booked = Counter(map(price, bill)), Counter(row.cost for row in found.calls if row.cost)
    missing, invented = billed - booked, booked - billed
    unknown = sum(row.cost_state == "unknown" for row in found.calls)
    report.add(
        Figure("lines handed in", "", [total]),
        Figure("kills", "", [scene.kills]),
        Figure("batches created", "", [len({line.get("batch") for line in bill if line["tier"] == "batch"})]),
        Figure("lines without an answer", "", [total - len(users)], most=0, needs=1),
        Figure("lines with two answers", "", [sum(n - 1 for n in users.values()) + sum(n - 1 for n in calls.values())], most=0, needs=1),
        Figure("lines paid twice in batches", "", [sum(n > 1 for n in batch_paid.values())], most=0, needs=1),
        Figure("calls cut off by a kill", "", [len(cut_off)]),
        Figure("calls alone that were paid again", "", [sum(n - 1 for n in alone_paid.values())], most=len(cut_off), needs=1),
        Figure("billed calls in no row, beyond those cut off", "", [max(0, missing.total() - unknown)], most=0, needs=1),
        Figure("rows that nobody billed", "", [invented.total()], most=0, needs=1),
        Figure("ledger less bill, but for what was cut off", "n$", [_difference(booked, billed, missing)], most=0, least=0, needs=1),
        Figure("still held for runs", "", [found.held], most=0, needs=1),
    )  # fmt: skip
    report.troubles += found.wrong[:5]


def _difference(booked: Counter[int], billed: Counter[int], missing: Counter[int]) -> int:
    def amount(some: Counter[int]) -> int:
        return sum(cost * n for cost, n in some.items())

    return amount(booked) - (amount(billed) - amount(missing))


def main() -> int:
    scene = QUICK if options(__doc__ or "").quick else FULL
    report = Report("batch_crash")
    with ExitStack() as stack:
        stage = Stage(stack, scene)
        handed = handed_in(scene)
        begun = time.monotonic()
        over = run(stage, scene, handed)
        report.add(Figure("all of it took", "s", [time.monotonic() - begun]))
        judge(report, stage, scene, over)
        open_ = [job for job in over if not job.ended_us]
        if open_:
            report.troubles.append(f"{len(open_)} jobs did not end within {scene.patience_s:g} s")
    return report.close()


if __name__ == "__main__":
    sys.exit(main())
