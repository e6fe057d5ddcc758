"""The run: measure the model as it is, then for each scheme of the plan quantize, weigh, measure and judge, until one passes.

Each stage's result is kept in the folder the moment it is there: a run that was ended goes on with the stage that it was
in, a measurement with the block that it was at. Knows nothing of terminals.
"""

import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from farthing.model.errors import BadRequest
from farthing.quality.evalset import Case
from farthing.selfhost.quantize import losses, sizes
from farthing.selfhost.quantize.planning import Model, Plan, Step
from farthing.selfhost.quantize.report import Bytes, Gate, Report, Tried, verdict
from farthing.selfhost.quantize.texts import Text
from farthing.selfhost.tools.answers import items_of
from farthing.selfhost.tools.environments import Found, Tool
from farthing.selfhost.tools.measuring import Job, Measured, measure, read
from farthing.selfhost.tools.process import work
from farthing.selfhost.tools.state import State, files_of, key_of

CALIBRATION = (32, 512)
"""Sequences, and their tokens, that calibrate; they are the first of the text."""
BLOCK = 512
"""Tokens of the text that are foretold together."""
IGNORED = ("lm_head", "re:.*router.*", "re:.*\\.gate$", "re:.*vision.*", "re:.*visual.*")
"""What stays at 16 bits, as llm-compressor writes it."""

Told = Callable[[str, int, int], None]
"""Takes what is being done, how much of it is done, and how much there is."""


class Asked(msgspec.Struct, frozen=True):
    """All that a run is made of."""

    model: Model
    plan: Plan
    out: Path
    backend: Tool
    found: Found
    text: Text
    cases: Sequence[Case]
    tokens: int
    """Of text that are foretold, at least."""
    budget: float
    gate: Gate
    engine: str
    gpu: str
    workload: str
    threads: int
    device: str
    compare: bool = False
    """Whether what comes after a scheme that passed is tried too."""

    @property
    def blocks(self) -> int:
        return blocks_of(self.tokens)

    @property
    def first(self) -> int:
        """Tokens of the text that measurements leave out."""
        calibrated = any(step.method != "rtn" for step in self.plan.steps)
        return CALIBRATION[0] * CALIBRATION[1] if calibrated else 0


def blocks_of(tokens: int) -> int:
    """Blocks in which at least so many tokens are foretold: none foretells the first of each."""
    return max(2, -(-tokens // (BLOCK - 1)))


async def run(asked: Asked, told: Told) -> Report:
    """Raises BadRequest with what went wrong; what was done until then is kept."""
    with State(asked.out, _key(asked), "quantize") as state:
        return await _Run(asked, state, told).report()


def _key(asked: Asked) -> str:
    steps = [(step.scheme.name, step.group, step.method) for step in asked.plan.steps]
    return key_of(
        str(asked.model.folder.absolute()), files_of(asked.model.folder), steps, asked.text.text, asked.tokens,
        msgspec.json.encode(list(asked.cases)), asked.backend.name, asked.found.versions, asked.device,
    )  # fmt: skip


class _Run:
    def __init__(self, asked: Asked, state: State, told: Told) -> None:
        self._asked = asked
        self._state = state
        self._told = told
        self._out = asked.out

    async def report(self) -> Report:
        asked = self._asked
        job = self._job()
        before = await self._measured(job, "before", asked.model.folder, self._out)
        tried: list[Tried] = []
        for step in asked.plan.steps:
            tried.append(await self._tried(step, job, before))
            if tried[-1].passed and not asked.compare:
                break
        return Report(
            model=asked.plan.name, folder=str(asked.model.folder.absolute()), text=asked.text.source, budget=asked.budget,
            gate=asked.gate, engine=asked.engine, gpu=asked.gpu, workload=asked.workload, backend=asked.backend.name,
            versions=asked.found.versions, why=asked.plan.chosen.why,
            before=_bytes(before, sizes.of_files(asked.model.folder)), tried=tuple(tried),
        )  # fmt: skip

    def _job(self) -> Job:
        asked = self._asked
        text, items = self._out / "text.txt", self._out / "items.json"
        text.write_text(asked.text.text, encoding="utf-8")
        if asked.cases:
            items.touch(0o600)
            items.write_bytes(msgspec.json.encode(items_of(asked.cases)))
        return Job(
            python=Path(asked.found.python), tokenizer=asked.model.folder, text=text, first=asked.first, block=BLOCK,
            blocks=asked.blocks, items=items if asked.cases else None, threads=asked.threads, device=asked.device,
        )  # fmt: skip

    async def _measured(self, job: Job, name: str, model: Path, folder: Path) -> Measured:
        file = folder / f"{name}.jsonl"
        stage = f"{folder.name}: {name}" if folder != self._out else name
        if not self._state.get(stage):
            await measure(
                job, model, file, self._out, lambda what, done, total: self._told(f"{stage}: {what}", done, total)
            )
            self._state.put(stage, True)
        return read(file)

    async def _tried(self, step: Step, job: Job, before: Measured) -> Tried:
        asked, name = self._asked, step.scheme.name
        folder = self._out / name
        made = self._state.get(name) or await self._quantized(step, folder)
        where = _weights(folder / "model") if step.scheme.gguf else folder / "model"
        after = await self._measured(job, "after", where, folder)
        if before.of != after.of:
            raise BadRequest(
                f"{name} was measured on other tokens than the model as it is; delete {folder} and start again"
            )
        perplexity = losses.perplexity(before.blocks, after.blocks)
        task = losses.task(before.rights(asked.cases), after.rights(asked.cases)) if asked.cases else None
        found, passed = verdict(perplexity, task, asked.budget, asked.gate)
        return Tried(
            scheme=name, group=step.group, method=step.method, predicted=step.size, files=made["files"],
            matrices=step.size.matrices, matrices_before=asked.plan.before.matrices, used=_bytes(after, made["files"]),
            took_s=made["seconds"], needed=made["memory"], perplexity=perplexity, task=task, verdict=found, passed=passed,
            where=str(where.absolute()),
        )  # fmt: skip

    async def _quantized(self, step: Step, folder: Path) -> dict[str, Any]:
        """What is there of a try that was ended goes; the folder gets its name only when all of it is there."""
        asked, part = self._asked, folder / "model.part"
        _clear(folder)
        began = time.monotonic()
        done = await work(
            Path(asked.found.python), asked.backend.worker, self._quantizing(step, part), self._out,
            lambda what, done, total: self._told(f"{step.scheme.name}: {what}", done, total), asked.threads,
        )  # fmt: skip
        _keep(part, folder / "model", f"{asked.plan.name}-{step.scheme.name}", step.scheme.gguf)
        result = {
            "files": sizes.of_files(folder / "model"), "memory": int(done.get("memory", 0)),
            "seconds": time.monotonic() - began,
        }  # fmt: skip
        self._state.put(step.scheme.name, result)
        return result

    def _quantizing(self, step: Step, part: Path) -> dict[str, Any]:
        asked = self._asked
        samples, length = CALIBRATION
        return {
            "model": str(asked.model.folder.absolute()), "out": str(part.absolute()), "threads": asked.threads,
            "device": asked.device, "scheme": step.scheme.name, "group": step.group, "method": step.method,
            "ignore": list(IGNORED), "text": str((self._out / "text.txt").absolute()), "samples": samples, "length": length,
        }  # fmt: skip


def _clear(folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    for name in ("model.part", "model"):
        shutil.rmtree(folder / name, ignore_errors=True)


def _bytes(measured: Measured, files: int) -> Bytes:
    return Bytes(files, measured.memory, measured.gpu_memory, measured.tokens_s)


def _keep(part: Path, whole: Path, name: str, gguf: bool) -> None:
    """Raises BadRequest where the back-end left nothing."""
    if gguf:
        file = _weights(part)
        whole.mkdir()
        file.rename(whole / f"{name}.gguf")
        shutil.rmtree(part, ignore_errors=True)
        return
    if not any(part.glob("*.safetensors")):
        raise BadRequest(f"the back-end ended well but left no safetensors in {part}")
    with suppress(OSError):
        shutil.rmtree(whole)
    part.rename(whole)


def _weights(folder: Path) -> Path:
    found = sorted(folder.rglob("*.gguf"))
    if len(found) != 1:
        raise BadRequest(f"one GGUF file was expected in {folder}, there are {len(found)}")
    return found[0]
