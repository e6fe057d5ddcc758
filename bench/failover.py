"""Three deployments of a model in processes of their own, one killed, one answering 429, one ten times slower, while calls
arrive at a steady rate through the gateway; then all three at their rate limits.

Counts calls that fail before their first byte, what their callers wait longer than without trouble, how long it takes
until a deployment that is well again gets calls, how much of the allowed tokens is used, and whether Retry-After is true.
"""

import asyncio
import json
import statistics
import sys
import tempfile
import time
import urllib.request
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvloop

from harness.harness import HERE, LOAD_CORE, SUBJECT_CORE, Running, Unfit, free_port, running
from harness.report import Figure, Report, options
from harness.subjects import FARTHING

RATE = 200.0
"""Calls a second."""
UPSTREAM_S, SLOWER = 0.1, 10
STREAMS = 4
"""One call in so many is a stream."""
PATIENCE_S = 2.0
GIVEN_UP_S = 15.0
TOKENS = 40
"""That a host takes for a call."""
BODY = {"model": "gpt-4o-mini", "max_tokens": 20, "messages": [{"role": "user", "content": "yes or no? " * 4}]}
CONFIG = """
[server]
port = {port}
max_connections = 20000
[store]
url = "sqlite:///{folder}/farthing.db"
[logs]
level = "warning"
[balance]
patience_s = {patience}
{providers}
[models."gpt-4o-mini"]
{deployments}
"""


@dataclass
class Said:
    """One call as its client saw it."""

    at: float
    status: int
    first_s: float
    host: str = ""
    cut: bool = False
    retry_ms: int = 0


@dataclass
class Calls:
    """What a spell of load gave."""

    said: list[Said] = field(default_factory=list)
    rate: float = 0.0

    def p99(self) -> float:
        return 1e3 * percentile([each.first_s for each in self.said if each.status == 200], 0.99)

    @property
    def failed(self) -> list[Said]:
        """Before their first byte."""
        return [each for each in self.said if each.status != 200]


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))] if values else float("nan")


async def one(port: int, number: int) -> Said:
    """One call over a connection of its own."""
    begun = time.monotonic()
    stream = number % STREAMS == 0
    body = json.dumps({**BODY, "stream": stream}).encode()
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return Said(begun, -1, 0.0)
    try:
        writer.write(
            b"POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\ncontent-type: application/json\r\n"
            b"content-length: %d\r\n\r\n%b" % (len(body), body)
        )
        head = await reader.readuntil(b"\r\n\r\n")
        first_s = time.monotonic() - begun
        rest = await reader.read()
        lines = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:] if b": " in line)
        status = int(head.split(b" ", 2)[1])
        cut = status == 200 and (b'"error"' in rest or (stream and b"[DONE]" not in rest))
        return Said(begun, status, first_s, cut=cut, retry_ms=int(lines.get(b"retry-after-ms", b"0")))
    except (OSError, asyncio.IncompleteReadError):
        return Said(begun, -1, 0.0)
    finally:
        writer.close()


async def load(port: int, rate: float, seconds: float) -> Calls:
    """Calls that begin evenly at the rate, whatever becomes of the earlier ones."""
    calls = Calls()
    tasks: list[asyncio.Task[Said]] = []
    begun = time.monotonic()
    for number in range(int(rate * seconds)):
        wait = begun + number / rate - time.monotonic()
        if wait > 0:
            await asyncio.sleep(wait)
        tasks.append(asyncio.create_task(one(port, number)))
    calls.rate = len(tasks) / (time.monotonic() - begun)
    calls.said += await asyncio.gather(*tasks)
    return calls


def told(port: int, path: str, **what: Any) -> dict[str, Any]:
    data = json.dumps(what).encode() if what else None
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", data=data, timeout=5) as answer:
        found: dict[str, Any] = json.load(answer)
        return found


class Stage:
    """The gateway and its three hosts."""

    def __init__(self, stack: ExitStack, a_minute: float = 0.0, burst: float = 0.0) -> None:
        self._stack = stack
        self._limits = [f"{a_minute}", f"{burst}"]
        self.ports = [free_port() for _ in range(3)]
        self.hosts = [self.host(port) for port in self.ports]
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="farthing-failover-"))
        self.port = free_port()
        config = Path(folder) / "farthing.toml"
        config.write_text(self._config(folder))
        command = [*FARTHING, "up", "--config", str(config)]
        self.gateway = stack.enter_context(
            running("farthing", command, self.port, core=SUBJECT_CORE, folder=Path(folder))
        )

    def host(self, port: int) -> Running:
        command = [sys.executable, str(HERE / "hosts.py"), str(port), *self._limits]
        return self._stack.enter_context(running(f"host-{port}", command, port, core=LOAD_CORE))

    def tell(self, number: int, **what: Any) -> None:
        told(self.ports[number], "/do", **what)

    def counts(self, number: int) -> dict[str, Any]:
        return told(self.ports[number], "/counts")

    def _config(self, folder: str) -> str:
        providers = "\n".join(
            f'[providers.host{number}]\nkind = "openai"\nbase_url = "http://127.0.0.1:{port}/v1"\napi_key = "k"'
            for number, port in enumerate(self.ports)
        )
        places = "\n".join(f'[[models."gpt-4o-mini".deployments]]\nprovider = "host{number}"' for number in range(3))
        return CONFIG.format(
            port=self.port, folder=folder, patience=PATIENCE_S, providers=providers, deployments=places
        )  # fmt: skip


async def trouble(stage: Stage, seconds: float, report: Report) -> None:
    """One killed, one at 429, one slow; then all well again."""
    await load(stage.port, RATE, 2.0)
    calm = await load(stage.port, RATE, seconds)
    spell = asyncio.create_task(load(stage.port, RATE, seconds))
    await asyncio.sleep(seconds / 5)
    stage.hosts[0].process.kill()
    await asyncio.to_thread(stage.hosts[0].process.wait)
    await asyncio.sleep(seconds / 5)
    await asyncio.to_thread(stage.tell, 1, says_429=True)
    bad = await spell
    await asyncio.to_thread(stage.tell, 1, says_429=False)
    await asyncio.to_thread(stage.host, stage.ports[0])
    back_s = await _back(stage, [0, 1])
    slow = asyncio.create_task(load(stage.port, RATE, max(seconds, 8.0)))  # one call in a hundred must be several
    await asyncio.sleep(1.0)
    await asyncio.to_thread(stage.tell, 2, after_s=UPSTREAM_S * SLOWER)
    crawling = await slow
    await asyncio.to_thread(stage.tell, 2, after_s=UPSTREAM_S)
    quick_s = await _back(stage, [2])
    _say(report, "calm", calm)
    _say(report, "killed and 429", bad)
    _say(report, "slow", crawling)
    report.add(Figure("calm p99", "ms", [calm.p99()]))
    for name, calls in (("killed and 429", bad), ("slow", crawling)):
        added = calls.p99() - calm.p99()
        report.add(Figure(f"{name}, added p99", "ms", [added], UPSTREAM_S * 1e3, needs=1))
    report.add(Figure("calls again after recovery", "s", [back_s], 10.0, needs=1))
    report.add(Figure("calls again after slowness", "s", [quick_s], 10.0, needs=1))
    every = [each for calls in (calm, bad, crawling) for each in calls.said]
    report.add(
        Figure("failed before the first byte", "calls", [float(sum(e.status != 200 for e in every))], 0.0, needs=1)
    )
    report.add(Figure("streams cut on the killed host", "calls", [float(sum(each.cut for each in every))]))
    if min(calls.rate for calls in (calm, bad, crawling)) < 0.95 * RATE:
        report.troubles.append(f"this machine does not hold {RATE:g} calls a second")


async def all_three(stage: Stage, seconds: float, report: Report) -> None:
    """The issue's drill in one: at the same time one killed, one at 429, one ten times slower."""
    await load(stage.port, RATE, 1.0)
    spell = asyncio.create_task(load(stage.port, RATE, seconds))
    await asyncio.sleep(1.0)
    await asyncio.to_thread(stage.tell, 1, says_429=True)
    await asyncio.to_thread(stage.tell, 2, after_s=UPSTREAM_S * SLOWER)
    stage.hosts[0].process.kill()
    bad = await spell
    _say(report, "all three at once", bad)
    slowest = UPSTREAM_S * SLOWER * 1e3
    report.add(Figure("all three at once, failed", "calls", [float(len(bad.failed))], 0.0, needs=1))
    report.add(
        Figure("all three at once, p99 over the slow host", "ms", [bad.p99() - slowest], UPSTREAM_S * 1e3, needs=1)
    )


async def _back(stage: Stage, numbers: list[int]) -> float:
    """Seconds until each of these hosts has got ten calls more, under the usual load."""
    begun = time.monotonic()
    before = [(await asyncio.to_thread(stage.counts, number))["admitted"] for number in numbers]
    usual = asyncio.create_task(load(stage.port, RATE, GIVEN_UP_S))
    while time.monotonic() - begun < GIVEN_UP_S:
        now = [(await asyncio.to_thread(stage.counts, number))["admitted"] for number in numbers]
        if all(count >= was + 10 for count, was in zip(now, before, strict=True)):
            break
        await asyncio.sleep(0.1)
    took = time.monotonic() - begun
    usual.cancel()
    await asyncio.sleep(2 * UPSTREAM_S * SLOWER)
    return took


async def at_the_limits(stage: Stage, seconds: float, rounds: int, report: Report) -> None:
    """All at their rate limits, with far more calls than these allow."""
    begun = time.monotonic()
    before = [stage.counts(number) for number in range(3)]
    spell = asyncio.create_task(load(stage.port, RATE, seconds))
    await asyncio.sleep(seconds)  # what flows in after the last call has come is nobody's
    after = await asyncio.to_thread(lambda: [stage.counts(number) for number in range(3)])
    took = time.monotonic() - begun
    calls = await spell
    used = sum(now["admitted"] - was["admitted"] for now, was in zip(after, before, strict=True)) * TOKENS
    allowed = sum(was["level"] + took * was["rate"] for was in before)
    report.add(Figure("allowed tokens used", "%", [100 * used / allowed], least=98.0, needs=1))
    odd = [each for each in calls.said if each.status not in (200, 429)]
    report.add(Figure("answers other than 200 and 429", "calls", [float(len(odd))], 0.0, needs=1))
    unsaid = [each for each in calls.said if each.status == 429 and not each.retry_ms]
    report.add(Figure("429 without Retry-After", "calls", [float(len(unsaid))], 0.0, needs=1))
    upstream = sum(now["refused"] for now in after)
    report.add(Figure("429 of the hosts themselves", "calls", [float(upstream)]))
    _say(report, "at the limits", calls)
    await _truth(stage, report, rounds)


async def _truth(stage: Stage, report: Report, times: int) -> None:
    """Use up what is there, then wait as long as the last refusal says: the next call must be served, and hardly later."""
    late: list[float] = []
    broken = 0
    for number in range(times):
        spell = await load(stage.port, 2 * RATE, 1.0)
        refusals = [each for each in spell.said if each.status == 429]
        if not refusals:
            report.troubles.append("the hosts had room for all calls; nothing was refused")
            return
        last = max(refusals, key=lambda each: each.at + each.first_s)
        due = last.at + last.first_s + last.retry_ms / 1e3
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        answer = await one(stage.port, 2 * number + 1)
        broken += answer.status != 200
        late.append(answer.first_s - UPSTREAM_S)
    report.add(Figure("Retry-After that was not enough", "calls", [float(broken)], 0.0, needs=1))
    report.add(Figure("wait after Retry-After", "s", late, 0.5, needs=1))


def _say(report: Report, name: str, calls: Calls) -> None:
    served = [each.first_s * 1e3 for each in calls.said if each.status == 200]
    print(
        f"{name}: {len(calls.said)} calls at {calls.rate:.0f} a second, {len(served)} served, p50 "
        f"{statistics.median(served) if served else 0:.0f} ms, p99 {percentile(served, 0.99):.0f} ms"
    )


async def drill(report: Report, *, quick: bool) -> None:
    seconds = 5.0 if quick else 20.0
    with ExitStack() as stack:
        await trouble(Stage(stack), seconds, report)
    with ExitStack() as stack:
        await all_three(Stage(stack), seconds / 2, report)
    with ExitStack() as stack:
        stage = Stage(stack, a_minute=60_000, burst=4_000)
        await at_the_limits(stage, 8.0 if quick else 30.0, 2 if quick else 5, report)


def main() -> int:
    quick = options(__doc__.splitlines()[0]).quick
    report = Report("failover")
    try:
        uvloop.run(drill(report, quick=quick))
    except Unfit as error:
        report.troubles.append(str(error))
    return report.close()


if __name__ == "__main__":
    sys.exit(main())
