"""Workers as processes: what they say, how they fail, and that none outlives Farthing."""

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from farthing.model.errors import BadRequest
from farthing.selfhost.tools.environments import TOOLS, Tool, environment, probe, python_of
from farthing.selfhost.tools.process import work


def worker(folder: Path, code: str) -> str:
    """A module that a worker can be; its name."""
    (folder / "works.py").write_text(
        "import sys, os, time\nfrom farthing_worker.protocol import serve\n"
        f"def work(job, say):\n    {code}\nif __name__ == '__main__':\n    serve(work)\n"
    )
    return "works"


async def run(folder: Path, code: str) -> tuple[dict[str, object], list[tuple[str, int, int]]]:
    heard: list[tuple[str, int, int]] = []
    found = await work(
        Path(sys.executable), worker(folder, code), {"n": 3}, folder, lambda *each: heard.append(each), 1
    )
    return found, heard


async def test_progress_and_result(tmp_path: Path) -> None:
    found, heard = await run(tmp_path, "print('noise'); say('counts', 1, 3); return {'twice': 2 * job['n']}")
    assert found == {"twice": 6} and heard == [("counts", 1, 3)]
    assert "noise" in (tmp_path / "log.txt").read_text() and not (tmp_path / "job.json").exists()


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("raise ValueError('too odd')", "works failed: ValueError: too odd"),
        ("os._exit(7)", "it ended with status 7 without a result"),
        ("os.kill(os.getpid(), 11)", "it was ended by signal 11"),
    ],
)
async def test_a_failure_is_told_with_the_last_lines(tmp_path: Path, code: str, said: str) -> None:
    (tmp_path / "log.txt").write_text("an older failure\n")
    with pytest.raises(BadRequest) as raised:
        await run(tmp_path, f"print('last words', flush=True); {code}")
    assert said in raised.value.message and "| last words" in raised.value.message
    assert "older" not in raised.value.message


async def test_what_a_worker_says_itself_needs_no_last_lines(tmp_path: Path) -> None:
    with pytest.raises(BadRequest) as raised:
        await run(tmp_path, "print('noise'); from farthing_worker.protocol import Refused; raise Refused('too short')")
    assert raised.value.message == "too short"


async def test_a_worker_ends_with_its_task(tmp_path: Path) -> None:
    task = asyncio.create_task(run(tmp_path, "open('pid', 'w').write(str(os.getpid())); time.sleep(60)"))
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
        await asyncio.sleep(0.02)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await gone(int((tmp_path / "pid").read_text()))


async def test_a_worker_ends_when_farthing_was_killed(tmp_path: Path) -> None:
    worker(tmp_path, "sys.stderr.write('begun'); sys.stderr.flush(); time.sleep(60)")
    (tmp_path / "job.json").write_text("{}")
    process = subprocess.Popen(
        [sys.executable, "-m", "works", "job.json"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE, cwd=tmp_path, env=environment(1),
    )  # fmt: skip
    assert process.stderr is not None and process.stdin is not None
    assert process.stderr.read(5) == b"begun"
    process.stdin.close()
    assert process.wait(20) == 3
    process.stderr.close()


async def test_workers_see_no_keys_and_no_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-not-for-tools")
    found, _ = await run(tmp_path, "return dict(os.environ)")
    assert "sk-not-for-tools" not in found.values()
    assert (found["HF_HUB_OFFLINE"], found["HF_DATASETS_OFFLINE"], found["OMP_NUM_THREADS"]) == ("1", "1", "1")


async def test_an_environment_is_asked_what_it_has(tmp_path: Path) -> None:
    backend = Tool("pip", "none", "", ("pip", "no-such-package"), 0.1)
    python = python_of(backend, tmp_path)
    assert (await probe(backend, tmp_path)).trouble == "there is no environment for it"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    found = await probe(backend, tmp_path)
    assert found.missing == ("no-such-package",) and not found.trouble and not found.is_ready
    python.write_text("#!/bin/sh\necho no JSON\n")
    assert "does not answer" in (await probe(backend, tmp_path)).trouble


@pytest.mark.parametrize("name", TOOLS)
def test_what_is_installed_is_pinned_and_names_no_host(name: str) -> None:
    lines = TOOLS[name].requirements.read_text().split()
    assert lines and all("==" in line and "/" not in line for line in lines)


async def gone(process: int) -> None:
    ends = time.monotonic() + 20
    while time.monotonic() < ends:
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return
        await asyncio.sleep(0.05)
    raise AssertionError("it is still there")
