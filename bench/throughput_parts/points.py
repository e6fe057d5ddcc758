"""Published throughput figures as loads on servings: which GPU, how many, which format, what goes in and out."""

import csv
from pathlib import Path
from typing import NamedTuple

from farthing.selfhost import memory
from farthing.selfhost.formats import format_named
from farthing.selfhost.gpus import Gpu, gpu
from farthing.selfhost.model_config import Shape
from farthing.selfhost.roofline import Load, Serving
from throughput_parts.models import NAMES, shape

SOURCES = {"argonne-lcf/LLM-Inference-Bench": "Argonne", "NVIDIA/TensorRT-LLM": "TensorRT-LLM", "mlcommons/inference_results_v4.1": "MLPerf"}  # fmt: skip
FORMATS = {"": "bf16", "fp16": "bf16", "fp8": "fp8", "fp4": "nvfp4", "fp16, quantised by the submitter": "fp8"}
PROMPTS = {"llama-2-70b": 294.0, "mixtral-8x7b": 430.0}
"""Mean tokens in of MLPerf's inputs, which its logs do not say: Open-Orca's, and a third each of it, GSM8K and MBXP. Rounded."""


class Published(NamedTuple):
    """One figure."""

    source: str
    model: str
    shape: Shape
    serving: Serving
    load: Load
    tokens_s: float
    """Output tokens a second and GPU."""

    @property
    def cell(self) -> tuple[str, str]:
        return self.serving.gpu.name, self.model


def read(file: Path) -> list[Published]:
    """All rows that state output tokens a second."""
    with file.open(encoding="utf-8", newline="") as text:
        return [_point(row) for row in csv.DictReader(text) if row["output_tok_s_per_accelerator"]]


def _point(row: dict[str, str]) -> Published:
    name, source = NAMES[row["model"]], SOURCES[row["source"]]
    model, kind, format_ = shape(name), _gpu(row["accelerator"], source), format_named(FORMATS[row["weights"]])
    gpus, stages = int(row["accelerators"]), int(row["pp"] or 1)
    group = int(row["tp"] or 0) or (gpus if source == "Argonne" else _smallest(model, kind, format_.name, gpus))
    serving = Serving(
        kind, format_, _engine(row["engine"]), min(group, gpus), stages, 16 if format_.name == "bf16" else 8
    )  # fmt: skip
    load = Load(float(row["input_tokens"] or PROMPTS[name]), float(row["output_tokens"]), float(row["batch"] or 0))
    return Published(source, name, model, serving, load, float(row["output_tok_s_per_accelerator"]))


def _smallest(model: Shape, kind: Gpu, format_: str, gpus: int) -> int:
    """MLPerf does not say the groups: the smallest that leaves a fifth of the memory to the cache."""
    group = 1
    while group < gpus and memory.weight_bytes(model, format_named(format_)) > 0.72 * kind.memory_bytes * group:
        group *= 2
    return group


def _engine(text: str) -> str:
    if text.startswith("vLLM"):
        return "vllm"
    return "deepspeed-mii" if text == "Deepspeed-MII" else "deepspeed" if text == "Deepspeed" else "tensorrt-llm"


def _gpu(text: str, source: str) -> Gpu:
    """Argonne's A100 has 40 GB, that of TensorRT-LLM's documents 80."""
    plain = text.removeprefix("NVIDIA ").removeprefix("AMD Instinct ").removeprefix("AMD ")
    if plain == "A100":
        return gpu("A100 40GB" if source == "Argonne" else "A100")
    for start, name in (("GH200 Grace Hopper Superchip 144", "GH200 144GB"), ("GH200", "GH200"), ("H100-PCIe", "H100 PCIe"),
                        ("H100-NVL", "H100 NVL"), ("MI300X", "MI300X"), ("H200", "H200"), ("B200", "B200"), ("H100", "H100")):  # fmt: skip
        if plain.startswith(start):
            return gpu(name)
    return gpu(plain)
