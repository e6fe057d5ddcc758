"""What the gateway needs of a machine: CPU until it answers, memory idle and after 50,000 calls, room on the disk."""

import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

from harness.harness import CHAT, SUBJECT_CORE, Running, Unfit, mock, pinned, prepare, request, start, stop
from harness.proc import cpu_s
from harness.report import Figure, Report, options
from harness.subjects import Farthing, configured

START_MOST_S = 1.5
IDLE_MOST_MB = 100.0
GROWTH_MOST = 1.10
INSTALL_MOST_MB = 60.0
FEW, MANY = 5_000, 50_000
"""Calls after which memory is compared."""
STREAMS = 0.2
"""The share of them that are streams."""
ANSWERS_WITHIN_S = 60.0
PROJECT = Path(__file__).resolve().parent.parent
INSTALLERS = {"pip", "setuptools", "wheel", "uv", "pkg_resources", "_distutils_hack", "distutils"}
"""What a fresh environment may bring by itself."""


def start_cpu_s(setup: Farthing) -> float:
    """CPU seconds from the command to the first call answered."""
    with tempfile.TemporaryFile() as log:
        process = start(pinned(setup.command, SUBJECT_CORE), log, setup.folder)
        try:
            until = time.monotonic() + ANSWERS_WITHIN_S
            while not answers(setup):
                if process.poll() is not None or time.monotonic() > until:
                    log.seek(0)
                    raise Unfit(f"farthing answers no call: {log.read().decode(errors='replace')[-2000:]}")
                time.sleep(0.005)
            return cpu_s(process.pid)
        finally:
            stop(process)


def answers(setup: Farthing) -> bool:
    """Whether one call over a fresh connection is answered with 200."""
    body = request(CHAT, "json")
    lines = [f"POST {CHAT.path} HTTP/1.1", "host: localhost", "content-type: application/json", *setup.headers]
    head = "\r\n".join([*lines, f"content-length: {len(body)}", "connection: close", "", ""])
    with suppress(OSError), socket.create_connection(("127.0.0.1", setup.port), timeout=5) as connection:
        connection.sendall(head.encode() + body)
        return connection.recv(4096).startswith(b"HTTP/1.1 200 ")
    return False


def memory(gateway: Running, calls: Iterator[int]) -> Iterator[float]:
    """Resident megabytes after each further number of calls, a part of them streams."""
    for further in calls:
        streams = int(further * STREAMS)
        gateway.run(CHAT, "burst", seconds=600, calls=streams)
        gateway.run(CHAT, "json", seconds=600, calls=further - streams)
        yield gateway.rss_mb()


def installed_mb() -> float:
    """Megabytes (1e6 bytes) of the core in a fresh environment: what is pinned for it, this project, compiled files."""
    with tempfile.TemporaryDirectory(prefix="farthing-bench-") as name:
        folder = Path(name)
        uv = [sys.executable, "-m", "uv", "-q"]
        python = folder / "venv" / "bin" / "python"
        install = [*uv, "pip", "install", "--compile-bytecode", "--link-mode", "copy", "--python", str(python)]
        did([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)])
        did([*uv, "venv", "--python", sys.executable, str(folder / "venv")])
        did([*install, "--require-hashes", "-r", str(PROJECT / "requirements" / "runtime.txt")])
        did([*install, "--no-deps", *map(str, folder.glob("farthing-*.whl"))])
        (packages,) = folder.glob("venv/lib/python*/site-packages")
        return sum(size(part) for part in packages.iterdir() if package(part) not in INSTALLERS) / 1e6


def package(path: Path) -> str:
    """The package that a folder or file of site-packages belongs to: `uv` for uv-0.9.dist-info, not for uvloop."""
    return re.split(r"[-.]", path.name)[0]


def size(path: Path) -> int:
    """Bytes of a file, or of all files below a folder."""
    return sum(each.stat().st_size for each in ([path] if path.is_file() else path.rglob("*")) if each.is_file())


def did(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, cwd=PROJECT, check=False)
    if done.returncode:
        raise Unfit(f"{' '.join(command[:6])} ... failed: {done.stderr[-1500:]}")


def main() -> int:
    quick = options(__doc__.splitlines()[0]).quick
    result = Report("gateway_start")
    try:
        prepare()
        with ExitStack() as stack:
            port = stack.enter_context(mock())
            setup = stack.enter_context(configured(f"http://127.0.0.1:{port}"))
            start_cpu_s(setup)  # compiles what was not compiled yet
            starts = [start_cpu_s(setup) for _ in range(3 if quick else 7)]
            result.add(Figure("CPU from start to first answer", "s", starts, START_MOST_S))
            gateway = stack.enter_context(setup.up())
            gateway.rest()
            result.add(Figure("memory, idle", "MB", [gateway.rss_mb()], IDLE_MOST_MB, needs=1))
            few, many = memory(gateway, iter((FEW, MANY - FEW)))
            result.add(Figure(f"memory after {FEW:,} calls", "MB", [few]))
            result.add(Figure(f"memory after {MANY:,} calls", "MB", [many]))
            result.add(Figure("the latter, times the former", "x", [many / few], GROWTH_MOST, needs=1))
        result.add(Figure("installed core", "MB", [installed_mb()], INSTALL_MOST_MB, needs=1))
    except Unfit as error:
        result.troubles.append(str(error))
    return result.close()


if __name__ == "__main__":
    sys.exit(main())
