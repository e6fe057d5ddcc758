"""What came of a run: each scheme that was tried with its sizes, its loss and whether it may be used.

Knows nothing of files and terminals.
"""

from typing import Any, Literal

import msgspec

from farthing.selfhost.quantize.losses import Loss, Verdict
from farthing.selfhost.quantize.schemes import SCHEMES, Scheme
from farthing.selfhost.quantize.sizes import Size
from farthing.selfhost.serving import Use

FORMAT = "farthing quantize report 1"
Gate = Literal["shown", "seen"]
"""Whether the whole interval of the loss must be within the budget, or the loss itself."""


class Bytes(msgspec.Struct, frozen=True):
    """What a measurement said of a model."""

    files: int
    memory: int
    """At most, of the process that measured it, beside what its tools take."""
    gpu_memory: int
    tokens_s: float


class Tried(msgspec.Struct, frozen=True):
    """One scheme."""

    scheme: str
    group: int
    method: str
    predicted: Size
    files: int
    """Bytes of its folder."""
    matrices: int
    """Bytes that its matrices take with their scales, before and after, as planned."""
    matrices_before: int
    used: Bytes
    took_s: float
    """To quantize."""
    needed: int
    """Bytes of memory that it took."""
    perplexity: Loss
    task: Loss | None
    verdict: Verdict
    passed: bool
    where: str
    """The folder, or the GGUF file."""
    use: Use | None = None
    """How it is served; None until that is written."""

    @property
    def off(self) -> float:
        """How far the prediction of all files is off, relative to what they are."""
        return self.predicted.total / self.files - 1

    @property
    def decisive(self) -> Loss:
        """What the gate looked at: the task where there is an eval set."""
        return self.task or self.perplexity


class Report(msgspec.Struct, frozen=True):
    """As `for_machines` writes it, it can be read again."""

    model: str
    folder: str
    text: str
    """Where the text comes from."""
    budget: float
    gate: Gate
    engine: str
    gpu: str
    """Empty for a CPU."""
    workload: str
    backend: str
    versions: dict[str, str]
    why: str
    before: Bytes
    tried: tuple[Tried, ...]
    name: str = ""
    """What callers call it."""
    finished_us: int = 0

    @property
    def chosen(self) -> Tried | None:
        """The first that passed: they are tried in the order in which they suit."""
        return next((each for each in self.tried if each.passed), None)


def verdict(perplexity: Loss, task: Loss | None, budget: float, gate: Gate) -> tuple[Verdict, bool]:
    """What was shown, and whether that opens the gate."""
    decisive = task or perplexity
    found = decisive.verdict(budget)
    return found, found == "kept" or (gate == "seen" and decisive.loss <= budget)


def for_machines(report: Report) -> dict[str, Any]:
    """Everything, and what follows from it."""
    shown: dict[str, Any] = msgspec.to_builtins(report)
    for tried, each in zip(report.tried, shown["tried"], strict=True):
        each |= {"bits": SCHEMES[tried.scheme].bits, "plan_off": tried.off, "decisive": tried.decisive.metric}
    chosen = report.chosen
    return {"format": FORMAT, **shown, "passed": chosen is not None, "chosen": chosen.scheme if chosen else None}


def saved(before: int, after: int) -> float:
    """The share that is gone."""
    return 1 - after / before if before else 0.0


def engine_speaks(scheme: Scheme) -> str:
    """What a speed measured by the tool does not tell."""
    if scheme.gguf:
        return "measured with all weights unpacked to 16 bits: llama.cpp's kernels are not in it"
    return "measured by transformers: the kernels of the engine that will serve it are not in it"
