"""torchao: weights at 8 bits, a scale a row, no calibration. The smallest of the back-ends."""

from typing import Any

import torch
from torchao.quantization import Int8WeightOnlyConfig
from transformers import AutoModelForCausalLM, AutoTokenizer, TorchAoConfig

from .loading import peak_bytes
from .protocol import Say, serve


def quantize(job: dict[str, Any], say: Say) -> dict[str, Any]:
    """`model`, `out`, `threads`."""
    torch.set_num_threads(int(job["threads"]))
    say("loads and quantizes", 0, 2)
    model = AutoModelForCausalLM.from_pretrained(
        job["model"], dtype=torch.bfloat16, device_map="cpu", quantization_config=TorchAoConfig(Int8WeightOnlyConfig())
    )
    say("saves", 1, 2)
    model.save_pretrained(job["out"])
    AutoTokenizer.from_pretrained(job["model"]).save_pretrained(job["out"])
    return {"memory": peak_bytes()}


if __name__ == "__main__":
    serve(quantize)
