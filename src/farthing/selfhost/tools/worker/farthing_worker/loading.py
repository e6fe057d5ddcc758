"""Loads a model by transformers: a folder of safetensors, quantized or not, or a GGUF file."""

import resource
import sys
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from .protocol import Refused


def load(job: dict[str, Any]) -> Any:
    """The model that `model` names, at 16 bits where it is not quantized, on the first GPU where there is one."""
    torch.set_num_threads(int(job["threads"]))
    torch.manual_seed(0)
    where = Path(job["model"])
    more: dict[str, Any] = {"gguf_file": where.name} if where.is_file() else {}
    folder = where.parent if where.is_file() else where
    on = "cuda:0" if on_gpu(job) else "cpu"
    model = AutoModelForCausalLM.from_pretrained(str(folder), dtype=torch.bfloat16, device_map=on, **more)
    return model.to(torch.bfloat16).eval() if where.is_file() else model.eval()


def on_gpu(job: dict[str, Any]) -> bool:
    """Whether there is a GPU, and the job does not say `cpu`."""
    return bool(job["device"] != "cpu" and torch.cuda.is_available())


def tokenizer(job: dict[str, Any]) -> Any:
    """That of the model before anything was done with it, so that both are measured on the same tokens."""
    return AutoTokenizer.from_pretrained(str(job["tokenizer"]))


def tokens(words: Any, text: str, first: int, count: int) -> list[int]:
    """`count` tokens of a text from the token `first` on. Raises Refused where it is too short."""
    found = words(text[: (first + count) * 20], add_special_tokens=False)["input_ids"][first : first + count]
    if len(found) < count:
        raise Refused(f"the text has {first + len(found):,} tokens; {first + count:,} are needed")
    return [int(each) for each in found]


def prompt(words: Any, messages: list[dict[str, Any]]) -> list[int]:
    """The tokens of a chat, up to where its answer begins; of a model without a form for chats, the bare texts."""
    if getattr(words, "chat_template", None):
        given = words.apply_chat_template(messages, add_generation_prompt=True, tokenize=True, return_dict=True)
    else:
        given = words("\n".join(str(each.get("content") or "") for each in messages) + "\n")
    return [int(each) for each in given["input_ids"]]


def peak_bytes() -> int:
    """The most memory that this process ever had."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def gpu_peak_bytes() -> int:
    """The most memory that was taken on the GPU; 0 without one."""
    return int(torch.cuda.max_memory_allocated()) if torch.cuda.is_available() else 0
