"""Runs a subject (a gateway, a proxy) on core 0 between a load generator and a mock provider, both on core 1.

What is trusted is the CPU time of the subject's whole process tree over one run of the load, divided by the calls
answered: on a shared machine it moves far less than calls a second or latency. Knows nothing of bars.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from harness.proc import core_busy_s, cpu_s, rss_bytes

HERE = Path(__file__).resolve().parent
BUILD = HERE.parent / ".build"
SUBJECT_CORE, LOAD_CORE = 0, 1
PACE_US, SLOW_MS = 5_000, 200
"""The mock's pause between the chunks of a paced stream, and its delay in mode `slow`."""
STARTS_WITHIN_S = 30.0


class Unfit(Exception):
    """This machine lacks something that the benchmark needs, or a subject does not work; the message says what."""


@dataclass(frozen=True)
class Wire:
    """A request to send: where, and as which model."""

    path: str
    model: str

    @property
    def anthropic(self) -> bool:
        return self.path.endswith("/messages")


CHAT = Wire("/v1/chat/completions", "gpt-4o-mini")
MESSAGES = Wire("/v1/messages", "claude-haiku-4-5")
CONNECTIONS = {"json": 32, "burst": 32, "paced": 256, "slow": 256}
"""Calls at once in each mode: a whole answer; 50 chunks in one read; 50 chunks one by one; a whole answer after 200 ms."""


@dataclass(frozen=True)
class Run:
    """One run of the load."""

    calls: int
    bad: int
    """Calls refused, cut or never answered."""
    first_error: str
    cpu_us: float
    """CPU of the subject per call."""
    p50_ms: float
    p99_ms: float
    foreign_share: float
    """The share of the subject's core that went to others: 0 is a quiet core."""

    def quiet(self, most: float) -> bool:
        """Whether others took no more than `most` of the core."""
        return self.foreign_share <= most


class Running:
    """A subject that runs and answers."""

    def __init__(
        self, name: str, process: subprocess.Popen[bytes], port: int, headers: Sequence[str], log: Path, *, behind: bool
    ) -> None:
        self.name = name
        self.process = process
        self.pid = process.pid
        self.port = port
        self.headers = headers
        self.log = log
        self.behind = behind
        """Whether it works on after the answer (a ledger): then a run lasts until it is at rest."""
        self.answered = 0

    def run(self, wire: Wire, mode: str, *, seconds: float = 3.0, calls: int = 0, ramp_s: float = 0.0) -> Run:
        """Send `wire` for so many seconds, or until so many calls; the connections begin one by one over `ramp_s`, which
        the percentiles leave out. Raises Unfit if nothing is answered."""
        core, cpu, start = core_busy_s(SUBJECT_CORE), cpu_s(self.pid), time.monotonic()
        with request_file(wire, mode) as file:
            try:
                said = load(self.port, wire.path, file, CONNECTIONS[mode], seconds, calls, self.headers, ramp_s)
            except Unfit as error:
                raise Unfit(f"{self.name}, {wire.path} ({wire.model}, {mode}): {error}\n{self.last_words()}") from None
        core, used, took = core_busy_s(SUBJECT_CORE) - core, cpu_s(self.pid) - cpu, time.monotonic() - start
        if self.behind:
            self.rest()
        used_in_all = cpu_s(self.pid) - cpu
        good = said["requests"] - said["non2xx"]
        if good <= 0:
            raise Unfit(
                f"{self.name} answers {wire.path} ({wire.model}, {mode}) with: {said['first_error'] or 'nothing'}"
            )
        self.answered += good
        return Run(
            calls=good, bad=said["non2xx"] + said["errors"] + said["unanswered"], first_error=said["first_error"],
            cpu_us=used_in_all * 1e6 / said["requests"], p50_ms=said["p50_us"] / 1e3, p99_ms=said["p99_us"] / 1e3,
            foreign_share=max(0.0, core - used) / took,
        )  # fmt: skip

    def rest(self, within_s: float = 10.0) -> None:
        """Wait until it has done its work, such as writing its ledger."""
        until = time.monotonic() + within_s
        before = cpu_s(self.pid)
        while time.monotonic() < until:
            time.sleep(0.25)
            now = cpu_s(self.pid)
            if now - before < 0.02:
                return
            before = now

    def last_words(self) -> str:
        """The end of its log, and of itself if it is over."""
        ended = self.process.poll()
        words = self.log.read_text(errors="replace")[-2000:]
        return words if ended is None else f"{words}\n{self.name} ended with status {ended}"

    def rss_mb(self) -> float:
        """Resident memory, in 1e6 bytes."""
        return rss_bytes(self.pid) / 1e6


def load(
    port: int, path: str, file: Path, connections: int, seconds: float, calls: int = 0, headers: Sequence[str] = (),
    ramp_s: float = 0.0,
) -> dict[str, Any]:  # fmt: skip
    """One run of the load generator; what it printed."""
    command = [str(BUILD / "load"), str(port), path, str(file), "-c", str(connections), "-d", str(seconds)]
    command += ["-n", str(calls)] if calls else []
    command += ["-w", str(ramp_s)] if ramp_s else []
    for header in headers:
        command += ["-H", header]
    done = subprocess.run(pinned(command, LOAD_CORE), capture_output=True, text=True, check=False)
    if done.returncode:
        raise Unfit(f"the load generator failed on port {port}: {done.stderr.strip()}")
    said: dict[str, Any] = json.loads(done.stdout)
    return said


@contextmanager
def mock() -> Iterator[int]:
    """A provider of both formats on loopback; its port."""
    port = free_port()
    process = subprocess.Popen(pinned([str(BUILD / "mock"), str(port), str(PACE_US), str(SLOW_MS)], LOAD_CORE))
    try:
        wait_for(port, process, "the mock provider")
        yield port
    finally:
        stop(process)


@contextmanager
def running(
    name: str, command: Sequence[str], port: int, *, headers: Sequence[str] = (), core: int = SUBJECT_CORE,
    behind: bool = False, folder: Path | None = None,
) -> Iterator[Running]:  # fmt: skip
    """Start a subject on its core, and stop it in the end. Raises Unfit with the end of its log if it does not start."""
    BUILD.mkdir(exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=BUILD, prefix=f"{name}-", suffix=".log") as log:
        process = start(pinned(command, core), log, folder)
        try:
            subject = Running(name, process, port, headers, Path(log.name), behind=behind)
            try:
                wait_for(port, process, name)
            except Unfit as error:
                raise Unfit(f"{error}\n{subject.last_words()}") from None
            yield subject
        finally:
            stop(process)


def start(
    command: Sequence[str], log: "BinaryIO | tempfile._TemporaryFileWrapper[bytes]", folder: Path | None
) -> subprocess.Popen[bytes]:
    """Start a process in a session of its own. It sees no keys of the person who runs the benchmark."""
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_API_KEY")}
    return subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd=folder, env=environment
    )


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a process that we started, politely first."""
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(10)
        return
    process.kill()
    process.wait()


def wait_for(port: int, process: subprocess.Popen[bytes], name: str) -> None:
    """Wait until something listens on the port."""
    until = time.monotonic() + STARTS_WITHIN_S
    while time.monotonic() < until:
        if process.poll() is not None:
            raise Unfit(f"{name} ended by itself with status {process.returncode}")
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.01)
    raise Unfit(f"{name} did not listen within {STARTS_WITHIN_S:g} s")


def request(wire: Wire, mode: str) -> bytes:
    """A request of about 5 KB, 1,000 tokens: a support agent's policy and a customer's case."""
    policy = "You are a support assistant. Answer briefly, cite the article, never promise refunds. " * 20
    case = "The customer writes that order 48213 arrived late and that the invoice shows a wrong amount. " * 32
    messages = [{"role": "user", "content": f"{case}mode={mode}"}]
    body: dict[str, object] = {"model": wire.model, "max_tokens": 400, "temperature": 0.2}
    if wire.anthropic:
        body |= {"system": policy, "messages": messages}
    else:
        body["messages"] = [{"role": "system", "content": policy}, *messages]
    if mode in ("burst", "paced"):
        body["stream"] = True
        if not wire.anthropic:
            body["stream_options"] = {"include_usage": True}
    return json.dumps(body, separators=(",", ":")).encode()


@contextmanager
def request_file(wire: Wire, mode: str) -> Iterator[Path]:
    with tempfile.NamedTemporaryFile(dir=BUILD, prefix="body-", suffix=".json") as file:
        file.write(request(wire, mode))
        file.flush()
        yield Path(file.name)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def pinned(command: Sequence[str], core: int) -> list[str]:
    return ["taskset", "-c", str(core), *command]


def prepare(*tools: str) -> None:
    """Build the C parts. Raises Unfit if this machine cannot run the benchmark."""
    if not sys.platform.startswith("linux"):
        raise Unfit("this benchmark reads /proc and pins processes to cores: it needs Linux")
    if missing := [tool for tool in ("gcc", "taskset", *tools) if shutil.which(tool) is None]:
        raise Unfit(
            f"not installed: {', '.join(missing)} (Debian: apt-get install gcc libc6-dev util-linux nginx-light)"
        )
    if not {SUBJECT_CORE, LOAD_CORE} <= os.sched_getaffinity(0):
        raise Unfit(f"cores {SUBJECT_CORE} and {LOAD_CORE} are needed: one for the gateway, one for the load")
    BUILD.mkdir(exist_ok=True)
    for part in ("mock", "load"):
        compile_c(part)


def compile_c(part: str) -> None:
    source, target = HERE / f"{part}.c", BUILD / part
    if target.exists() and target.stat().st_mtime > source.stat().st_mtime:
        return
    with tempfile.TemporaryDirectory(dir=BUILD) as folder:
        fresh = Path(folder) / part
        done = subprocess.run(
            ["gcc", "-O2", "-o", str(fresh), str(source), "-lm"], capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise Unfit(f"gcc cannot build {part}.c: {done.stderr[-1000:]}")
        fresh.replace(target)
