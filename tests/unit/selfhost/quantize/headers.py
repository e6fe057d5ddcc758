"""A folder of a model whose safetensors have a header and no weights that take room: a sparse file of zeros."""

import json
import struct
from pathlib import Path
from typing import Any

from unit.selfhost.shapes import SMOLLM


def smollm(folder: Path, **more: Any) -> Path:
    """SmolLM2 135M: its tensors' names and sizes as published."""
    hidden, wide, kv = 576, 1536, 192
    shapes: dict[str, list[int]] = {"model.embed_tokens.weight": [49152, hidden], "model.norm.weight": [hidden]}
    for layer in range(30):
        for name, shape in (
            ("self_attn.q_proj", [hidden, hidden]), ("self_attn.k_proj", [kv, hidden]), ("self_attn.v_proj", [kv, hidden]),
            ("self_attn.o_proj", [hidden, hidden]), ("mlp.gate_proj", [wide, hidden]), ("mlp.up_proj", [wide, hidden]),
            ("mlp.down_proj", [hidden, wide]), ("input_layernorm", [hidden]), ("post_attention_layernorm", [hidden]),
        ):  # fmt: skip
            shapes[f"model.layers.{layer}.{name}.weight"] = shape
    return written(folder, {**SMOLLM, **more}, shapes)


def written(folder: Path, config: dict[str, Any], shapes: dict[str, list[int]], kind: str = "BF16") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config))
    head, end = {}, 0
    for name, shape in shapes.items():
        size = {"BF16": 2, "F32": 4, "I32": 4}[kind]
        for each in shape:
            size *= each
        head[name] = {"dtype": kind, "shape": shape, "data_offsets": [end, end + size]}
        end += size
    text = json.dumps(head).encode()
    with (folder / "model.safetensors").open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        file.truncate(8 + len(text) + end)
    return folder
