"""Tokens a second, with an interval: the roofline's terms, each multiplied by what published measurements say of it.

    tokens/s per GPU = 1 / sum over terms of  seconds x exp(what is learned of the term for this GPU, engine, format, load)

The learned figures are a ridge regression on the logarithm of measured speeds, fitted offline by `tools/fit_throughput.py`
and shipped with their date. The interval holds 80 % of published points whose GPU and model together were not fitted on;
a GPU that no point is of gets the wider one of GPUs left out. Two or more points of one's own server shift the terms and
narrow the interval. Plain Python. Knows nothing of prices.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache
from math import exp, log, log2, log10

import msgspec

from farthing.model.errors import BadRequest
from farthing.selfhost.gpus import FACTS
from farthing.selfhost.model_config import Shape
from farthing.selfhost.roofline import PLAIN, PLAIN_RANGE, TERMS, Load, Serving, Times, ceiling, times

FEWEST_POINTS = 2
"""One shape alone did not help with others: its error may be the prompt's part or the answer's."""
POINT_NOISE = 0.08
"""What a load test repeats to, in logarithms."""
SHIFT = 0.35
"""How far one's own server is expected to be off, term by term, in logarithms."""
CLIP = 8.0
PUBLISHED_FORMATS = ("bf16", "fp8", "nvfp4")
"""What published points are stored in. Others are worked out from their bytes, with the widest interval."""


class Coefficients(msgspec.Struct, frozen=True):
    """What was learned, from what, and when. `tools/fit_throughput.py` writes it."""

    fitted: date
    source: str
    points: int
    cells: int
    """Pairs of accelerator and model."""
    accelerators: tuple[str, ...]
    engines: tuple[str, ...]
    terms: dict[str, dict[str, float]]
    """Term -> feature -> logarithm of a factor."""
    spread: dict[str, float]
    """Feature -> its part in the logarithm of the error's size."""
    low: float
    high: float
    """The 10 % and 90 % quantiles of error over size, whose sum of 80 % the interval states."""
    new: dict[str, tuple[float, float]]
    """Vendor -> logarithms of measured over predicted, 10 % and 90 %, for accelerators that were left out wholly; those of
    all vendors under `any`."""
    measured_low: float
    measured_high: float
    """Logarithms of measured over predicted after two own points."""


class Estimate(msgspec.Struct, frozen=True):
    """Output tokens a second and GPU, and the times behind them; 80 % of outcomes between low and high."""

    tokens_s: float
    low: float
    high: float
    batch: float
    ttft_s: float
    """From a request to its first token, when none waits before it."""
    tpot_s: float
    """From token to token at this batch, the prompts that are read in between included (Little's law)."""
    shares: dict[str, float]
    """Of the time, by term."""
    method: str


class Point(msgspec.Struct, frozen=True):
    """One measurement of one's own server."""

    load: Load
    tokens_s: float
    """Output tokens a second of the whole replica."""


@cache
def shipped() -> Coefficients:
    return msgspec.json.decode((FACTS / "throughput.json").read_bytes(), type=Coefficients)


def estimate(
    shape: Shape, serving: Serving, load: Load, points: Sequence[Point] = (), learned: Coefficients | None = None
) -> Estimate:  # fmt: skip
    """The speed to expect. Raises BadRequest for a load that is none."""
    if load.input_tokens < 1 or load.output_tokens < 1 or load.batch < 0:
        raise BadRequest("a load has at least one token in and out, and no negative batch")
    learned = learned or shipped()
    found = times(shape, serving, load)
    if not is_known_engine(serving.engine):
        return _uncalibrated(found, load, serving)
    asked = features(shape, serving, load, found)
    factors = _factors(learned, asked)
    low, high = _interval(learned, serving, asked)
    method = f"calibrated {learned.fitted}"
    if serving.gpu.name not in learned.accelerators:
        method += f", no published point of {serving.gpu.name}"
    if serving.format.name not in PUBLISHED_FORMATS:
        method += f", none of {serving.format.name}: its kernel decides"
    if len({(p.load.input_tokens, p.load.output_tokens, p.load.batch) for p in points}) >= FEWEST_POINTS:
        shifts = shifts_of(shape, serving, points, learned)
        factors = tuple(factor * exp(shift) for factor, shift in zip(factors, shifts, strict=True))
        low, high = max(low, learned.measured_low), min(high, learned.measured_high)
        method = f"{len(points)} points of this server"
    return _estimate(found, factors, load, serving, (exp(low), exp(high)), method)


def is_known_engine(engine: str) -> bool:
    """Whether published points tell of it. SGLang has none and is taken to be as fast as vLLM."""
    return engine in ("vllm", "sglang", "tensorrt-llm", "deepspeed-mii", "deepspeed")


def features(shape: Shape, serving: Serving, load: Load, found: Times) -> dict[str, float]:
    """What a term's factor may hang on. Sizes are logarithms around usual values."""
    gpu, engine = serving.gpu, serving.engine
    kind, is_vllm = gpu.architecture, engine in ("vllm", "sglang")
    given: dict[str, float] = {
        "always": 1.0,
        f"architecture {kind}": 1.0,
        f"gpu {gpu.name}": 1.0,
        "engine vllm": float(is_vllm),
        "engine deepspeed-mii": float(engine == "deepspeed-mii"),
        f"vllm on {kind}": float(is_vllm),
        "full load": float(not load.batch),
        f"compute in {serving.format.compute_bits}": float(serving.format.compute_bits < 16),
        "experts": float(shape.is_moe),
        "many experts": float(shape.experts > 8),
        "tensor parallel": log2(serving.tensor_parallel),
        "pipeline parallel": log2(serving.pipeline_parallel),
        "batch": (log2(found.batch) - 4) / 4,
        "input": (log2(load.input_tokens) - 9) / 4,
        "output": (log2(load.output_tokens) - 9) / 4,
        "size": log10(shape.active / 1e10),
        "waves": log2(max(found.waves, 1.0)),
        "tight": max(-3.0, min(0.0, log2(max(found.tightness, 1e-3)))),
        "no grouping": float(shape.heads == shape.kv_heads),
    }
    return {name: value for name, value in given.items() if value}


def shifts_of(shape: Shape, serving: Serving, points: Sequence[Point], learned: Coefficients) -> tuple[float, ...]:
    """How much slower each term is on one's own server than learned, in logarithms: those that explain the points with the
    least change (ridge regression, Gauss-Newton)."""
    rows = []
    for point in points:
        found = times(shape, serving, point.load)
        factors = _factors(learned, features(shape, serving, point.load, found))
        seconds = [factor * value for factor, value in zip(factors, found.seconds, strict=True)]
        rows.append((seconds, log(serving.gpus / point.tokens_s)))
    shifts = [0.0] * len(TERMS)
    for _ in range(12):
        matrix = [[(1 / SHIFT**2 if i == j else 0.0) for j in range(len(TERMS))] for i in range(len(TERMS))]
        vector = [-shift / SHIFT**2 for shift in shifts]
        for seconds, target in rows:
            now = [value * exp(shift) for value, shift in zip(seconds, shifts, strict=True)]
            total = sum(now)
            parts, miss = [value / total for value in now], target - log(total)
            for i, part in enumerate(parts):
                vector[i] += part * miss / POINT_NOISE**2
                for j, other in enumerate(parts):
                    matrix[i][j] += part * other / POINT_NOISE**2
        change = _solve(matrix, vector)
        shifts = [shift + max(-1.0, min(1.0, step)) for shift, step in zip(shifts, change, strict=True)]
    return tuple(shifts)


def _factors(learned: Coefficients, asked: Mapping[str, float]) -> tuple[float, ...]:
    return tuple(exp(max(-CLIP, min(CLIP, _sum(learned.terms[term], asked)))) for term in TERMS)


def _sum(weights: Mapping[str, float], asked: Mapping[str, float]) -> float:
    return sum(weights.get(name, 0.0) * value for name, value in asked.items())


def _interval(learned: Coefficients, serving: Serving, asked: Mapping[str, float]) -> tuple[float, float]:
    """Logarithms of measured over predicted, 10 % and 90 %."""
    if serving.format.name not in PUBLISHED_FORMATS:
        return learned.new["any"]
    if serving.gpu.name not in learned.accelerators:
        return learned.new.get(serving.gpu.vendor, learned.new["any"])
    size = exp(_sum(learned.spread, asked))
    return learned.low * size, learned.high * size


def _estimate(
    found: Times, factors: Sequence[float], load: Load, serving: Serving, interval: tuple[float, float], method: str
) -> Estimate:  # fmt: skip
    seconds = [factor * value for factor, value in zip(factors, found.seconds, strict=True)]
    total = max(sum(seconds), 1 / ceiling(found))
    whole = load.output_tokens / serving.gpus
    return Estimate(
        tokens_s=1 / total, low=interval[0] / total, high=interval[1] / total, batch=found.batch,
        ttft_s=seconds[0] * whole + sum(seconds[1:]) * found.batch / serving.gpus,
        tpot_s=total * found.batch / serving.gpus,
        shares={term: value / sum(seconds) for term, value in zip(TERMS, seconds, strict=True)}, method=method,
    )  # fmt: skip


def _uncalibrated(found: Times, load: Load, serving: Serving) -> Estimate:
    """An engine that no published point is of: the plain roofline, whose lower end is halved, since such engines batch
    less well than those that its range comes from."""
    interval = (PLAIN_RANGE[0] / 2, PLAIN_RANGE[1])
    return _estimate(found, PLAIN, load, serving, interval, f"plain roofline, no published point of {serving.engine}")


def _solve(matrix: list[list[float]], vector: list[float]) -> list[float]:
    """Linear equations by elimination; the matrix is symmetric and positive."""
    size = len(vector)
    rows = [[*row, value] for row, value in zip(matrix, vector, strict=True)]
    for at in range(size):
        for below in range(at + 1, size):
            factor = rows[below][at] / rows[at][at]
            for column in range(at, size + 1):
                rows[below][column] -= factor * rows[at][column]
    found = [0.0] * size
    for at in reversed(range(size)):
        rest = sum(rows[at][column] * found[column] for column in range(at + 1, size))
        found[at] = (rows[at][size] - rest) / rows[at][at]
    return found
