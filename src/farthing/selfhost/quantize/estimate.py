"""How long a run may take on this machine's processor, and what fewer GPUs would spare: before anything starts.

    measuring = 2 x weights of the matrices x tokens / speed, once before and once for each scheme
    making    = bytes at 16 bits x what the tool needs for each;  calibrated: and each sequence through the model, and for
                GPTQ of each matrix rows x columns^2 x 2 + columns^3

The ranges of making hold what was measured with SmolLM2 135M on two cores (torchao 1 to 9 s, llm-compressor and AutoRound
to nearest 12 to 32 s, GPTQ 253 s); far larger models were not tried, so they are wide. Speeds of a thread are those that
server processors have at 16 and 32 bits, with and without units for it. A GPU takes far less, and an eval set comes on
top. Knows nothing of environments.
"""

from collections.abc import Sequence
from fractions import Fraction

import msgspec

from farthing.model.money import Nano
from farthing.selfhost.quantize.matrices import Matrix
from farthing.selfhost.quantize.planning import Model, Plan, Step
from farthing.selfhost.quantize.running import BLOCK, CALIBRATION, blocks_of
from farthing.settings import OwnDeploymentSettings

NANO = 1_000_000_000
MONTH_HOURS, WEEK_HOURS = 730, 168
FORWARD = (40e9, 3e9)
"""Operations a second of a thread that foretells a text, at best and at worst."""
SOLVED = (20e9, 0.8e9)
"""The same of all threads together, while GPTQ solves a matrix."""
MADE_S = {"torchao": (3.0, 40.0), "llm-compressor": (30.0, 130.0), "auto-round": (30.0, 130.0)}
"""Seconds for each GB of the model at 16 bits, rounded to nearest."""
PASSES = {"rtn": 0, "gptq": 2, "awq": 25}
"""How often the calibrating sequences go through the model; AWQ tries 20 scales of each layer."""

Span = tuple[float, float]
"""Seconds, from and to."""


class Estimated(msgspec.Struct, frozen=True):
    """One scheme."""

    scheme: str
    made_s: Span
    measured_s: Span
    gpus_fewer: int | None
    """Of the deployment's; None where that is not known."""
    spared: Nano | None
    """A month, at what the deployment pays for them; None where there is no such deployment."""


class Estimate(msgspec.Struct, frozen=True):
    """A run."""

    before_s: Span
    """Measuring the model as it is."""
    deployment: str
    """Label of the one that serves it; empty where the settings have none."""
    schemes: tuple[Estimated, ...]

    @property
    def whole_s(self) -> Span:
        """From: the first scheme passes. To: all are tried."""
        first, *_ = self.schemes
        low = self.before_s[0] + first.made_s[0] + first.measured_s[0]
        return low, self.before_s[1] + sum(each.made_s[1] + each.measured_s[1] for each in self.schemes)


def estimate(
    model: Model, plan: Plan, *, tokens: int, threads: int, deployment: str = "", own: OwnDeploymentSettings | None = None
) -> Estimate:  # fmt: skip
    """`own`: the deployment that serves the model as it is."""
    measured = _forward(model.matrices, blocks_of(tokens) * BLOCK, threads)
    found = []
    for step in plan.steps:
        fewer = gpus_fewer(plan.gpus_before, step.gpus, own.gpus) if own is not None else None
        spared = a_month(fewer, own) if fewer is not None and own is not None else None
        found.append(Estimated(step.scheme.name, made(model, step, threads), measured, fewer, spared))
    return Estimate(measured, deployment, tuple(found))


def made(model: Model, step: Step, threads: int) -> Span:
    """Seconds until a scheme's files are there."""
    size = model.bytes16 / 1e9
    low, high = (each * size for each in MADE_S[step.scheme.backend])
    passes = PASSES[step.method]
    if passes:
        fast, slow = _forward(model.matrices, passes * CALIBRATION[0] * CALIBRATION[1], threads)
        low, high = low + fast, high + slow
    if step.method == "gptq":
        work = sum(
            each.copies * (2 * each.rows * each.columns**2 + each.columns**3)
            for each in model.matrices if each.kind == "linear"
        )  # fmt: skip
        low, high = low + work / SOLVED[0], high + work / SOLVED[1]
    return low, high


def _forward(matrices: Sequence[Matrix], tokens: int, threads: int) -> Span:
    work = 2 * tokens * sum(each.elements for each in matrices if each.kind == "linear")
    fast, slow = FORWARD
    return work / (fast * threads), work / (slow * threads)


def gpus_fewer(before: int, after: int, gpus: int) -> int | None:
    """GPUs of a deployment of so many that its replicas would not need; None where one does not fit on them, so that they
    are other GPUs than those of the plan. Only what fits where counts: a faster replica is not counted."""
    if not before or not after or gpus < before:
        return None
    return max(0, gpus // before * (before - after))


def a_month(gpus: int, own: OwnDeploymentSettings) -> Nano:
    """What so many GPUs cost in the paid hours of a month."""
    hours = Fraction(str(own.hours_a_week)) / WEEK_HOURS * MONTH_HOURS
    return round(gpus * hours * Fraction(own.dollars_per_gpu_hour or "0") * NANO)
