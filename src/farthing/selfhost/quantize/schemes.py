"""The schemes that weights can be quantized by: which back-end makes them, what its files hold of each matrix, what serves them.

The names are those that tools have come to share. Which GPU and engine serve a format is known by `formats`; what is added
here is what vLLM serves on a CPU. Knows nothing of models.
"""

import msgspec

from farthing.model.errors import BadRequest
from farthing.selfhost.formats import FORMATS, Format, why_not
from farthing.selfhost.gpus import Gpu

CPU = "cpu"
GROUPS = (128, 64, 32)
"""Sizes that kernels serve, the one that costs fewest bytes first."""


class Scheme(msgspec.Struct, frozen=True):
    """One way to store weights. A file has of a matrix: its weights, and for each row or group a scale."""

    name: str
    bits: int
    format: str
    """As `formats` calls it."""
    backend: str
    engines: tuple[str, ...]
    row_bytes: int = 0
    """Scale and zero point of a row."""
    group_bytes: int = 0
    """Scale of a group of a row."""
    extra_bytes: int = 0
    """Of a matrix: what its shape was."""
    on_cpu: bool = False
    """Whether vLLM serves it on a CPU."""
    gguf: bool = False
    method: str = "rtn"
    """By default: rounded to nearest (rtn), or calibrated (gptq; awq can be asked for)."""
    suits: str = ""
    """sync (few streams, each fast) or batch; empty: both."""

    @property
    def described(self) -> Format:
        return FORMATS[self.format]


SCHEMES = {
    each.name: each
    for each in (
        Scheme("W4A16", 4, "gptq", "llm-compressor", ("vllm", "sglang"), group_bytes=2, extra_bytes=16, on_cpu=True,
               method="gptq", suits="sync"),
        Scheme("W8A16", 8, "w8a16", "llm-compressor", ("vllm", "sglang"), row_bytes=2, extra_bytes=16, suits="sync"),
        Scheme("W8A8", 8, "w8a8", "llm-compressor", ("vllm", "sglang"), row_bytes=2, on_cpu=True, suits="batch"),
        Scheme("FP8", 8, "fp8", "llm-compressor", ("vllm", "sglang"), row_bytes=2, suits="batch"),
        Scheme("int8-torchao", 8, "w8a16", "torchao", ("vllm",), row_bytes=5, suits="sync"),
        Scheme("q8_0", 8, "q8_0", "auto-round", ("llama.cpp", "ollama", "vllm"), gguf=True),
        Scheme("q6_k", 6, "q6_k", "auto-round", ("llama.cpp", "ollama", "vllm"), gguf=True),
        Scheme("q5_k_m", 5, "q5_k_m", "auto-round", ("llama.cpp", "ollama", "vllm"), gguf=True),
        Scheme("q4_k_m", 4, "q4_k_m", "auto-round", ("llama.cpp", "ollama", "vllm"), gguf=True),
    )
}  # fmt: skip
"""Bytes of rows, groups and matrices were read from files that the back-ends wrote."""


def scheme_named(name: str) -> Scheme:
    """In any case. Raises BadRequest that names all."""
    found = {each.lower(): scheme for each, scheme in SCHEMES.items()}.get(name.lower().removeprefix("gguf:"))
    if found is None:
        raise BadRequest(f"no scheme {name!r}; choose from {', '.join(SCHEMES)}")
    return found


def why_not_served(scheme: Scheme, gpu: Gpu | None, engine: str) -> str:
    """Why the engine does not serve the scheme there; empty where it does. No GPU means a CPU. Raises BadRequest for an
    engine that is not known."""
    if engine not in ("vllm", "sglang", "llama.cpp", "ollama"):
        raise BadRequest(
            f"no engine {engine!r} that quantized models are made for; choose vllm, sglang, llama.cpp or ollama"
        )
    if engine not in scheme.engines:
        return (
            f"{engine} serves GGUF only"
            if engine in ("llama.cpp", "ollama")
            else f"{engine} does not load {scheme.name}"
        )
    if gpu is not None:
        return why_not(scheme.described, gpu, engine)
    if engine == "sglang":
        return "what sglang serves on a CPU is not known here; use vllm or llama.cpp"
    if engine == "vllm" and not scheme.on_cpu:
        return f"vllm on a CPU has no kernels for {scheme.name}"
    return ""
