"""`farthing selfhost measure` against servers that do not behave, as it is typed: what is kept, and how it ends."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from farthing.selfhost.points import read
from unit.selfhost.test_measure import GOOD, says, serving, status


async def farthing(
    folder: Path, *typed: str, until: asyncio.Event | None = None, **environment: str
) -> tuple[int, str, str]:  # fmt: skip
    """Exit code and both outputs; it is interrupted once `until` is set."""
    command = (sys.executable, "-m", "farthing", "selfhost", "measure", *typed, "--model", "m")
    environ = os.environ | environment | {"PYTHONPATH": os.pathsep.join(sys.path)}
    process = await asyncio.create_subprocess_exec(
        *command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environ,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip
    if until is not None:
        await until.wait()
        process.send_signal(signal.SIGINT)
    out, err = await process.communicate()
    assert "Traceback" not in err.decode() and process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def test_ctrl_c_keeps_the_levels_that_are_measured_and_says_how_to_go_on(tmp_path: Path) -> None:
    second = asyncio.Event()

    async def slows_down(number: int, writer: asyncio.StreamWriter) -> None:
        if number > 5:  # the first one, and four of the first level
            second.set()
            await asyncio.sleep(600)
        writer.write(GOOD)
        writer.close()

    async with serving(slows_down) as url:
        code, out, err = await farthing(tmp_path, url, "--callers", "1,2,4", "--gpu", "H100", until=second)
    assert code == 130 and "stopped. 1 of 3 levels are measured; the rest: --callers 2,4" in err
    assert "first token" in out
    (kept,) = read(tmp_path / "farthing-measured.json")
    assert kept.callers == 1 and kept.output_tokens == 5


async def test_a_level_of_which_many_calls_failed_is_shown_and_not_kept(tmp_path: Path) -> None:
    async with serving(says(*[GOOD] * 7, status(500))) as url:
        code, out, err = await farthing(tmp_path, url, "--callers", "1,2", "--gpu", "H100", "--json")
    assert code == 0 and [level["failures"] for level in json.loads(out)["levels"]] == [0, 4]
    assert "2 at once: over 10% of the calls failed, so it is not kept: the server answers 500" in err
    assert [each.callers for each in read(tmp_path / "farthing-measured.json")] == [1]


async def test_what_cannot_be_kept_is_told_before_anything_is_asked(tmp_path: Path) -> None:
    asked = 0

    async def counts(number: int, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        asked = number

    (tmp_path / "farthing-measured.json").write_text("[{")
    async with serving(counts) as url:
        code, _, err = await farthing(tmp_path, url, "--gpu", "H100")
        assert code == 1 and "holds no measurements" in err
        code, _, err = await farthing(tmp_path, url, "--key", "env:OWN", OWN="sk-\u00e9")
        assert code == 2 and "is no key" in err and "sk-" not in err
    assert asked == 0


async def test_a_key_may_end_with_its_files_line_end(tmp_path: Path) -> None:
    async with serving(says(GOOD)) as url:
        code, _, err = await farthing(tmp_path, url, "--callers", "1", "--key", "env:OWN", OWN="sk-own\n")
    assert code == 0, err
