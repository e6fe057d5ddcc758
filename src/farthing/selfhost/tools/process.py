"""Runs a worker in a back-end's environment: its progress as it comes, its result, and its last words where it fails.

Knows nothing of what workers do.
"""

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from farthing.model.errors import BadRequest
from farthing.selfhost.tools.environments import environment

Heard = Callable[[str, int, int], None]
"""Takes what is being done, how much of it is done, and how much there is."""
LAST = 12
"""Lines of a failed worker that are shown."""
LONGEST = 1 << 20
"""Bytes of a line."""


class _Line(msgspec.Struct):
    what: str = ""
    done: int = 0
    total: int = 0
    error: str = ""
    plain: bool = False
    """Whether the error says all that there is to say."""
    result: dict[str, Any] | None = None


async def work(
    python: Path, module: str, job: Mapping[str, Any], folder: Path, heard: Heard, threads: int
) -> dict[str, Any]:  # fmt: skip
    """The result of a worker. What its tools print is added to `log.txt` of the folder. Raises BadRequest with its last
    lines; ends the worker when it is cancelled."""
    file, log = folder / "job.json", folder / "log.txt"
    file.write_bytes(msgspec.json.encode(job))
    with log.open("ab") as errors:
        began = errors.tell()
        process = await asyncio.create_subprocess_exec(
            str(python), "-m", module, str(file.absolute()), stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE, stderr=errors, cwd=folder, env=environment(threads),
            start_new_session=True, limit=LONGEST,
        )  # fmt: skip
        try:
            last = await _listen(process, heard)
            code = await process.wait()
        finally:
            _end(process)
            file.unlink(missing_ok=True)
    if last.plain:
        raise BadRequest(last.error)
    if code or last.result is None:
        raise BadRequest(_failure(module, code, last.error, _tail(log, began)))
    return last.result


async def _listen(process: asyncio.subprocess.Process, heard: Heard) -> _Line:
    """The last line, which says how it ended."""
    assert process.stdout is not None, "a pipe was asked for"
    last = _Line()
    async for raw in process.stdout:
        try:
            line = msgspec.json.decode(raw, type=_Line)
        except msgspec.MsgspecError:
            continue
        if line.error or line.result is not None:
            last = line
        else:
            heard(line.what, line.done, line.total)
    return last


def _end(process: asyncio.subprocess.Process) -> None:
    """With all that it started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def _failure(module: str, code: int, error: str, tail: list[str]) -> str:
    if not error:
        error = f"it was ended by signal {-code}" if code < 0 else f"it ended with status {code} without a result"
        if code == -signal.SIGKILL:
            error += "; most often that is a want of memory"
    name = module.rpartition(".")[2]
    return "\n".join([f"{name} failed: {error}", *(f"  | {line}" for line in tail)])


def _tail(log: Path, began: int) -> list[str]:
    """The last lines; of what was written over itself, the last state."""
    with log.open("rb") as data:
        data.seek(max(began, log.stat().st_size - 20_000))
        text = data.read().decode("utf-8", "replace")
    lines = [line.rpartition("\r")[2].rstrip() for line in text.split("\n")]
    return [line[:300] for line in lines if line][-LAST:]
