"""Has a worker measure a model, and reads what it found: blocks of text, answers, speed, memory.

The worker writes each finding as it comes, so a measurement that was ended goes on where it was. Knows nothing of what is
made of it.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from farthing.model.errors import BadRequest
from farthing.quality.evalset import Case
from farthing.selfhost.tools.answers import is_right
from farthing.selfhost.tools.process import Heard, work

WORKER = "farthing_worker.measure"


class Job(msgspec.Struct, frozen=True):
    """What all measurements of a run have in common."""

    python: Path
    tokenizer: Path
    """The folder of the model as it was."""
    text: Path
    first: int
    """Tokens at the text's beginning that are left to calibration."""
    block: int
    blocks: int
    items: Path | None
    threads: int
    device: str
    """auto or cpu"""


class Measured(msgspec.Struct, frozen=True):
    blocks: dict[int, tuple[float, int]]
    """Summed negative log-likelihood and tokens of each."""
    of: dict[int, str]
    """What stands for the tokens of each block."""
    texts: dict[int, tuple[str, bool]]
    """Answers, and whether they were cut."""
    tokens_s: float
    """Of one stream, by the tool, which is not the engine that will serve it."""
    memory: int
    """Bytes, at most, beside what the tools themselves take."""
    gpu_memory: int
    seconds: float
    """For all blocks."""

    def rights(self, cases: Sequence[Case]) -> list[bool | None]:
        return [is_right(case, *self.texts[at]) if at in self.texts else None for at, case in enumerate(cases)]


class _Line(msgspec.Struct):
    block: int | None = None
    nll: float | None = None
    tokens: int = 0
    of: str = ""
    seconds: float = 0.0
    item: int | None = None
    text: str = ""
    cut: bool = False
    speed: float = 0.0
    memory: int = 0
    gpu_memory: int = 0


async def measure(job: Job, model: Path, found: Path, folder: Path, heard: Heard) -> Measured:
    """Raises BadRequest."""
    _mend(found)
    await work(job.python, WORKER, _asked(job, model, found), folder, heard, job.threads)
    return read(found)


def _asked(job: Job, model: Path, found: Path) -> dict[str, Any]:
    """What the worker is told."""
    return {
        "model": str(model.absolute()), "tokenizer": str(job.tokenizer.absolute()), "text": str(job.text.absolute()),
        "first": job.first, "block": job.block, "blocks": job.blocks,
        "items": "" if job.items is None else str(job.items.absolute()), "found": str(found.absolute()),
        "threads": job.threads, "device": job.device,
    }  # fmt: skip


def _mend(found: Path) -> None:
    """Take off a line that an end tore; begin the file where there is none, for its owner alone: answers will be in it."""
    found.touch(0o600)
    text = found.read_bytes()
    whole = text[: text.rfind(b"\n") + 1]
    if whole != text:
        found.write_bytes(whole)


def read(found: Path) -> Measured:
    """Raises BadRequest for a file that says nothing of use."""
    try:
        lines = [msgspec.json.decode(line, type=_Line) for line in found.read_bytes().splitlines()]
    except (OSError, msgspec.MsgspecError) as error:
        raise BadRequest(f"{found} cannot be read: {error}") from None
    blocks = {
        line.block: (float("nan") if line.nll is None else line.nll, line.tokens)
        for line in lines
        if line.block is not None
    }
    return Measured(
        blocks=blocks, of={line.block: line.of for line in lines if line.block is not None},
        texts={line.item: (line.text, line.cut) for line in lines if line.item is not None},
        tokens_s=max((line.speed for line in lines), default=0.0), memory=max((line.memory for line in lines), default=0),
        gpu_memory=max((line.gpu_memory for line in lines), default=0), seconds=sum(line.seconds for line in lines),
    )  # fmt: skip
