"""llm-compressor: compressed-tensors, which vLLM and SGLang serve. Rounds to nearest, or calibrates by GPTQ or AWQ on a local
text."""

from pathlib import Path
from typing import Any

import torch
from compressed_tensors.quantization import QuantizationArgs, QuantizationScheme
from datasets import Dataset
from llmcompressor import oneshot
from llmcompressor.modifiers.gptq import GPTQModifier
from llmcompressor.modifiers.quantization import QuantizationModifier
from llmcompressor.modifiers.transform.awq import AWQModifier
from llmcompressor.pipelines.cache import IntermediatesCache
from transformers import AutoModelForCausalLM, AutoTokenizer

from .loading import gpu_peak_bytes, on_gpu, peak_bytes, tokens
from .protocol import Say, serve


def quantize(job: dict[str, Any], say: Say) -> dict[str, Any]:
    """`model`, `out`, `threads`, `scheme`, `group`, `method` (rtn, gptq or awq), `ignore`, and for the latter two `text`, `samples`,
    `length`."""
    torch.set_num_threads(int(job["threads"]))
    say("loads the model", 0, 3)
    on = "auto" if on_gpu(job) else "cpu"
    model = AutoModelForCausalLM.from_pretrained(job["model"], dtype=torch.bfloat16, device_map=on)
    words = AutoTokenizer.from_pretrained(job["model"])
    say("quantizes", 1, 3)
    groups, ignore = {"weights": scheme_of(job)}, list(job["ignore"])
    if job["method"] == "rtn":
        oneshot(model=model, recipe=QuantizationModifier(config_groups=groups, ignore=ignore))
    else:
        how = GPTQModifier if job["method"] == "gptq" else QuantizationModifier
        recipe: list[Any] = [how(config_groups=groups, ignore=ignore)]
        if job["method"] == "awq":  # scales what matters most before it is rounded
            recipe.insert(0, AWQModifier())
            if not on_gpu(job):  # 0.14 pins memory for a GPU without asking whether there is one
                IntermediatesCache.pin_memory = lambda *_, **__: None
        oneshot(
            model=model, recipe=recipe, dataset=_samples(job, words), num_calibration_samples=job["samples"],
            max_seq_length=job["length"],
        )  # fmt: skip
    say("saves", 2, 3)
    model.save_pretrained(job["out"], save_compressed=True)
    words.save_pretrained(job["out"])
    return {"memory": peak_bytes(), "gpu_memory": gpu_peak_bytes()}


def scheme_of(job: dict[str, Any]) -> Any:
    """What is done with the matrices, and with what they are multiplied."""
    name = job["scheme"]
    kind = "float" if name == "FP8" else "int"
    if name == "W4A16":
        weights = QuantizationArgs(num_bits=4, type=kind, symmetric=True, strategy="group", group_size=job["group"])
    else:
        weights = QuantizationArgs(num_bits=8, type=kind, symmetric=True, strategy="channel")
    inputs = None
    if name in ("W8A8", "FP8"):
        inputs = QuantizationArgs(num_bits=8, type=kind, symmetric=True, strategy="token", dynamic=True)
    return QuantizationScheme(targets=["Linear"], weights=weights, input_activations=inputs)


def _samples(job: dict[str, Any], words: Any) -> Any:
    length = job["length"]
    ids = tokens(words, Path(job["text"]).read_text(encoding="utf-8"), 0, job["samples"] * length)
    parts = [ids[at : at + length] for at in range(0, len(ids), length)]
    return Dataset.from_list([{"input_ids": each, "attention_mask": [1] * length} for each in parts])


if __name__ == "__main__":
    serve(quantize)
