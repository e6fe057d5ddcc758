"""What a model needs of a GPU's memory, and how many sequences fit beside it.

    weights   every matrix at its format's bits with scales, embeddings and head, all experts
    KV cache  elements a token keeps x bytes, where a window is kept no more than that
    the rest  activations and runtime, a constant a GPU: measured on vLLM, it neither shrinks with tensor parallelism
              nor grows with the context (llm-d-planner's measurements on H100; others are taken to be the same)

Knows nothing of speed and prices.
"""

import msgspec

from farthing.selfhost.formats import Format
from farthing.selfhost.gpus import Gpu
from farthing.selfhost.model_config import Shape

GIB = float(1 << 30)
USABLE = 0.9
"""The share of a GPU's memory that engines take by default."""
RUNTIME = (0.15 * GIB, 0.6 * GIB)
"""On one GPU, and on each of several."""


class Fit(msgspec.Struct, frozen=True):
    """Bytes on all GPUs of one replica together."""

    gpus: int
    usable: float
    weights: float
    activations: float
    runtime: float
    kv_a_sequence: float
    """One sequence at its full length."""

    @property
    def room(self) -> float:
        """What is left for the KV cache; below nothing where the model does not fit."""
        return self.usable - self.weights - self.activations - self.runtime

    @property
    def sequences(self) -> int:
        """How many fit at once; 0: the model does not fit, or no sequence of that length beside it."""
        return max(0, int(self.room / self.kv_a_sequence))


def weight_bytes(shape: Shape, format_: Format) -> float:
    """Bytes of all weights in a format. Norms and biases stay at 16 bits, tied embeddings count once."""
    plain = 4 if format_.name == "fp32" else 2
    matrices = sum(format_.bytes_of(each) for each in shape.linears)
    return matrices + shape.embedding * format_.embedding_bits / 8 + shape.other * plain


def kv_bytes(shape: Shape, tokens: float, kv_bits: int = 16) -> float:
    """Bytes that a sequence of so many tokens keeps."""
    windowed = min(float(shape.window), tokens) if shape.window else 0.0
    return (shape.kv_full * tokens + shape.kv_windowed * windowed) * kv_bits / 8


def activation_bytes(shape: Shape) -> float:
    """A constant a GPU, by architecture; see the module."""
    name = shape.architecture
    if any(word in name for word in ("Pixtral", "Mistral3", "Llava")):
        return 2.5 * GIB
    if shape.is_moe:
        return (7.38 if shape.family == "gpt_oss" else 8.0) * GIB
    if name.startswith(("Qwen2", "Qwen3")):
        return 5.6 * GIB
    return (4.8 if name == "LlamaForCausalLM" else 5.5) * GIB


def fit(
    shape: Shape, format_: Format, gpu: Gpu, gpus: int, tokens: float, *, kv_bits: int = 16, weights: float = 0.0
) -> Fit:  # fmt: skip
    """How a replica on `gpus` of these is filled by sequences of `tokens`. `weights`: their bytes where files say them."""
    return Fit(
        gpus=gpus, usable=gpu.memory_bytes * gpus * USABLE, weights=weights or weight_bytes(shape, format_),
        activations=activation_bytes(shape) * gpus, runtime=RUNTIME[gpus > 1] * gpus,
        kv_a_sequence=kv_bytes(shape, tokens, kv_bits),
    )  # fmt: skip


def fewest_gpus(
    shape: Shape, format_: Format, gpu: Gpu, tokens: float, *, kv_bits: int = 16, weights: float = 0.0
) -> int:
    """The smallest group (1, 2, 4, ... 64) that holds the model and one sequence; 0 where none does."""
    for gpus in (1, 2, 4, 8, 16, 32, 64):
        if fit(shape, format_, gpu, gpus, tokens, kv_bits=kv_bits, weights=weights).sequences:
            return gpus
    return 0
