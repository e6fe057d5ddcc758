"""Formats of weights: bits with their scales, and which GPU and engine serves which.

Source of the compatibility: vLLM's table of supported hardware; what llama.cpp, Ollama and SGLang load is from their own
documents. Knows nothing of prices and speed.
"""

from math import ceil

import msgspec

from farthing.model.errors import BadRequest
from farthing.selfhost.gpus import Gpu
from farthing.selfhost.model_config import Linear

ENGINES = ("vllm", "sglang", "tensorrt-llm", "llama.cpp", "ollama")

_TURING_TO_HOPPER = ("Turing", "Ampere", "Ada", "Hopper")


class Format(msgspec.Struct, frozen=True):
    """How weights are stored and with what they are multiplied."""

    name: str
    bits: float
    """Of a weight, without scales."""
    compute_bits: int
    """Of the multiplication: 16 where weights are unpacked first."""
    group: int = 0
    """Weights of a row that share a scale; 0: a whole row."""
    scale_bits: int = 0
    """Of a scale; 0: `bits` counts them."""
    zero_points: bool = False
    """Whether there is a zero point of `bits` beside each scale."""
    embedding_bits: float = 16
    architectures: tuple[str, ...] = ()
    """GPU architectures with kernels for it; empty: all."""
    vendors: tuple[str, ...] = ("NVIDIA", "AMD", "Intel")
    engines: tuple[str, ...] = ENGINES
    note: str = ""

    def bytes_of(self, linear: Linear) -> float:
        """Bytes of these matrices, scales and zero points included."""
        if linear.role == "router":
            return linear.parameters * 2.0
        scales = linear.copies * linear.outputs * (ceil(linear.inputs / self.group) if self.group else 1)
        extra = scales * (self.scale_bits + (self.bits if self.zero_points else 0)) if self.scale_bits else 0.0
        return (linear.parameters * self.bits + extra) / 8

    def divides(self, linear: Linear) -> bool:
        """Whether rows split into whole groups, without which tools refuse or pad."""
        return not self.group or linear.inputs % self.group == 0


_GPU_ENGINES = ("vllm", "sglang", "tensorrt-llm")
_GGUF = ("llama.cpp", "ollama", "vllm")

FORMATS = {
    each.name: each
    for each in (
        Format("fp32", 32, 16, embedding_bits=32),
        Format("bf16", 16, 16),
        Format("fp8", 8, 8, scale_bits=16, architectures=("Ada", "Hopper", "Blackwell", "CDNA3", "CDNA4", "Gaudi"),
               engines=_GPU_ENGINES, note="no loss in published evaluations; for batches"),
        Format("w8a8", 8, 8, scale_bits=16, architectures=_TURING_TO_HOPPER, vendors=("NVIDIA",), engines=_GPU_ENGINES,
               note="whole numbers; for batches"),
        Format("w8a16", 8, 16, scale_bits=16, vendors=("NVIDIA",), architectures=_TURING_TO_HOPPER, engines=_GPU_ENGINES),
        Format("gptq", 4, 16, group=128, scale_bits=16, vendors=("NVIDIA", "Intel"),
               architectures=("Volta", *_TURING_TO_HOPPER, "Blackwell", "Ponte Vecchio"), engines=_GPU_ENGINES,
               note="for single streams"),
        Format("awq", 4, 16, group=128, scale_bits=16, zero_points=True, vendors=("NVIDIA", "Intel"),
               architectures=(*_TURING_TO_HOPPER, "Blackwell", "Ponte Vecchio"), engines=_GPU_ENGINES, note="for single streams"),
        Format("nvfp4", 4, 4, group=16, scale_bits=8, vendors=("NVIDIA",), architectures=("Blackwell",), engines=_GPU_ENGINES),
        Format("mxfp4", 4, 16, group=32, scale_bits=8, engines=("vllm", "sglang", "tensorrt-llm", "llama.cpp", "ollama"),
               architectures=("Ampere", "Ada", "Hopper", "Blackwell", "CDNA3", "CDNA4")),
        Format("bnb-nf4", 4, 16, group=64, scale_bits=16, vendors=("NVIDIA",), architectures=("Volta", *_TURING_TO_HOPPER),
               engines=("vllm",), note="slow kernel"),
        Format("bnb-int8", 8, 16, scale_bits=16, vendors=("NVIDIA",), architectures=("Volta", *_TURING_TO_HOPPER),
               engines=("vllm",), note="slow kernel"),
        Format("q8_0", 8.5, 16, embedding_bits=8.5, engines=_GGUF),
        Format("q6_k", 6.56, 16, embedding_bits=6.56, engines=_GGUF),
        Format("q5_k_m", 5.65, 16, embedding_bits=6.0, engines=_GGUF),
        Format("q4_k_m", 4.8, 16, embedding_bits=5.5, engines=_GGUF),
    )
}  # fmt: skip
"""GGUF's bits are means over a whole model."""

COMPARED = ("bf16", "fp8", "w8a8", "gptq", "nvfp4")
"""What a plan compares by default."""


def format_named(name: str) -> Format:
    """Raises BadRequest that names all formats."""
    found = FORMATS.get({"fp16": "bf16", "w4a16": "gptq", "int8": "w8a8"}.get(name, name))
    if found is None:
        raise BadRequest(f"no format {name!r}; choose from {', '.join(FORMATS)}")
    return found


def why_not(format_: Format, gpu: Gpu, engine: str) -> str:
    """Why the engine does not serve the format on the GPU; empty where it does. Raises BadRequest for an engine that is
    not known."""
    if engine not in ENGINES:
        raise BadRequest(f"no engine {engine!r}; choose from {', '.join(ENGINES)}")
    if engine in ("llama.cpp", "ollama") and engine not in format_.engines:
        return f"{engine} serves GGUF only"
    if engine not in format_.engines:
        return f"{engine} does not load {format_.name}"
    if engine == "tensorrt-llm" and gpu.vendor != "NVIDIA":
        return f"{engine} runs on NVIDIA alone"
    if gpu.vendor not in format_.vendors:
        return f"no kernels for {gpu.vendor}"
    if format_.architectures and gpu.architecture not in format_.architectures:
        return f"{gpu.architecture} has no kernels for {format_.name}"
    return ""
