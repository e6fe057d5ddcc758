"""`farthing up` and `farthing simulate`, as processes: they serve, they stop, and what they cannot do they say."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import Result


@contextmanager
def started(*arguments: str, folder: Path, env: dict[str, str] | None = None) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "farthing", *arguments]
    kept = {name: value for name, value in os.environ.items() if not name.endswith(("_API_KEY", "_BASE_URL"))}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, env=kept | (env or {}), stdout=log, stderr=log)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def get(url: str) -> int:
    """The status, once the server answers."""
    for _ in range(600):
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            with error:
                return error.code
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"{url} does not answer")


def test_the_gateway_serves_and_stops(tmp_path: Path) -> None:
    port = free_port()
    with started("up", "--port", f"{port}", folder=tmp_path, env={"OPENAI_API_KEY": "k"}) as process:
        assert get(f"http://127.0.0.1:{port}/health/live") == 200
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0, (tmp_path / "log").read_text()


def test_the_simulator_serves_and_stops(tmp_path: Path) -> None:
    port = free_port()
    with started("simulate", "--port", f"{port}", "--fault", "status-500=0.5", folder=tmp_path) as process:
        assert get(f"http://127.0.0.1:{port}/v1/nothing") in (401, 404)
        process.send_signal(signal.SIGTERM)
        process.wait(20)
    assert "Traceback" not in (tmp_path / "log").read_text()


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with started("up", "--port", f"{port}", folder=tmp_path, env={"OPENAI_API_KEY": "k"}) as process:
            assert process.wait(30) == 1
    log = (tmp_path / "log").read_text()
    assert f"Error: cannot listen on 127.0.0.1:{port}: address already in use" in log
    assert "Traceback" not in log


def test_without_keys_the_gateway_says_what_to_do(farthing: Callable[..., Result]) -> None:
    done = farthing("up")
    assert done.exit_code == 2
    assert "Set OPENAI_API_KEY or ANTHROPIC_API_KEY" in done.output


@pytest.mark.parametrize(
    ("share", "said"), [("nothing=0.1", "nothing"), ("status-500=2", "between 0 and 1"), ("x", "NAME=SHARE")]
)
def test_faults_that_there_are_not(share: str, said: str, farthing: Callable[..., Result]) -> None:
    done = farthing("simulate", "--fault", share)
    assert done.exit_code == 2
    assert said in done.output
