"""Where the time of a token goes: seconds by cause, from the peaks of a GPU and the shape of a model.

    prefill      multiplications of the prompt, causal attention included        / peak operations
    weights      each step reads every weight that its tokens need               / peak bandwidth
    cache        each step reads the keys and values of all its sequences        / peak bandwidth
    compute      multiplications of the tokens that are written                  / peak operations
    layers       launching a layer's kernels: 10 us a layer and step
    sequences    scheduling and sampling: 10 us a sequence and step
    meeting      GPUs of a group wait for each other: 10 us a layer and step
    exchange     what they tell each other                                       / link
    step         whatever each step costs besides: 1 ms

At full load the batch is what the KV cache has room for. These are seconds at 100 % of every peak, which no engine
reaches; what it does reach is `calibrate`'s to know. `plain` is the textbook's answer: 90 % of the bandwidth, 45 % of the
operations, 5 ms a step. Knows nothing of measurements and prices.
"""

from typing import NamedTuple

import msgspec

from farthing.selfhost.formats import Format
from farthing.selfhost.gpus import Gpu
from farthing.selfhost.memory import kv_bytes, weight_bytes
from farthing.selfhost.model_config import Shape

TERMS = ("prefill", "weights", "cache", "compute", "layers", "sequences", "meeting", "exchange", "step")
PLAIN = (1 / 0.45, 1 / 0.9, 1 / 0.9, 1 / 0.45, 0.0, 0.0, 0.0, 0.0, 5.0)
"""What `plain` multiplies each term with. It has no terms for overheads but a step's."""
PLAIN_RANGE = (0.60, 1.29)
"""Published over predicted, 10 % to 90 % of 47 points of TensorRT-LLM's documents."""

MOST_SEQUENCES = 2048
"""Engines run no more at once, whatever the room."""
USED = 0.9
RESERVE = 0.5e9
"""Bytes of a GPU that are for neither weights nor cache, at the least."""
LAUNCH_S, SCHEDULE_S, MEET_S, STEP_S = 1e-5, 1e-5, 1e-5, 1e-3


class Serving(msgspec.Struct, frozen=True):
    """One replica: a model's format on a group of GPUs under an engine."""

    gpu: Gpu
    format: Format
    engine: str = "vllm"
    tensor_parallel: int = 1
    pipeline_parallel: int = 1
    kv_bits: int = 16

    @property
    def gpus(self) -> int:
        return self.tensor_parallel * self.pipeline_parallel


class Load(NamedTuple):
    """What is asked of it, in mean tokens a call."""

    input_tokens: float
    output_tokens: float
    batch: float = 0
    """Sequences at once; 0: as many as there is room for, all queued (full load)."""


class Times(NamedTuple):
    """Seconds for one output token on one GPU, by cause, and what they were worked out with."""

    seconds: tuple[float, ...]
    """In the order of `TERMS`."""
    batch: float
    """Sequences that run at once."""
    waves: float
    """How many times a stated batch is more than there is room for."""
    tightness: float
    """Bytes of room for the cache over 30 % of the memory."""


def times(shape: Shape, serving: Serving, load: Load) -> Times:
    """Seconds at 100 % of every peak."""
    gpu, gpus, taken, written = serving.gpu, serving.gpus, load.input_tokens, load.output_tokens
    weights = weight_bytes(shape, serving.format)
    room = gpu.memory_bytes * gpus * USED - weights - gpus * RESERVE
    batch, waves = _batch(shape, serving, load, room)
    peak, bandwidth = operations(gpu, serving.format) * gpus, gpu.bandwidth_gb_s * 1e9 * gpus
    steps = written
    halfway = kv_bytes(shape, taken + written / 2, serving.kv_bits)
    together = serving.tensor_parallel > 1
    told = 8.0 * shape.hidden * shape.layers * (serving.tensor_parallel - 1) / serving.tensor_parallel
    seconds = (
        batch * (2 * shape.active * taken + 2 * shape.layers * shape.heads * shape.head_dim * taken**2) / peak,
        steps * _read(shape, serving.format, weights, batch) / bandwidth,
        steps * batch * halfway / bandwidth,
        steps * 2 * batch * shape.active / peak,
        steps * shape.layers * LAUNCH_S,
        steps * batch * SCHEDULE_S,
        steps * shape.layers * MEET_S * together,
        (steps + taken) * batch * told / (gpu.link_gb_s * 1e9),
        steps * STEP_S,
    )
    each = gpus / (batch * written)
    return Times(tuple(value * each for value in seconds), batch, waves, room / (0.3 * gpu.memory_bytes * gpus))


def plain(found: Times) -> float:
    """Output tokens a second and GPU by the textbook's roofline; published figures are `PLAIN_RANGE` of it."""
    return 1 / sum(factor * value for factor, value in zip(PLAIN, found.seconds, strict=True))


def ceiling(found: Times) -> float:
    """Tokens a second and GPU that no engine can exceed: the bandwidth, used wholly."""
    return 1 / (found.seconds[1] + found.seconds[2])


def operations(gpu: Gpu, format_: Format) -> float:
    """Peak operations a second in the format's multiplication; in 16 bits where the GPU has none that narrow."""
    narrow = {4: gpu.tflops4 or gpu.tflops8, 8: gpu.tops8 if format_.name == "w8a8" else gpu.tflops8, 16: 0.0}
    return (narrow[format_.compute_bits] or gpu.tflops16) * 1e12


def _batch(shape: Shape, serving: Serving, load: Load, room: float) -> tuple[float, float]:
    if load.batch:
        fitting = max(1.0, room / kv_bytes(shape, load.input_tokens + load.output_tokens, serving.kv_bits))
        batch = min(load.batch, fitting)
        return batch, load.batch / batch
    halfway = kv_bytes(shape, load.input_tokens + load.output_tokens / 2, serving.kv_bits)
    return min(MOST_SEQUENCES, max(1.0, room / halfway)), 1.0


def _read(shape: Shape, format_: Format, weights: float, batch: float) -> float:
    """Bytes of weights that a step reads: of the experts, those that some token of the batch is sent to."""
    if not shape.is_moe:
        return weights
    experts = sum(format_.bytes_of(each) for each in shape.linears if each.role == "expert")
    unused: float = (1 - shape.experts_active / shape.experts) ** batch
    return weights - experts * unused
