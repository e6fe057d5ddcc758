"""A tiny model of safetensors that foretells a byte from the byte before it, through two matrices that can be quantized."""

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np

TEXT = "The gateway meters every call to the exact dollar, and every dollar has a call that it was paid for. " * 200
WIDE = 64
KINDS = {"F16": np.float16, "F32": np.float32, "I8": np.int8}


def read(file: Path) -> dict[str, Any]:
    raw = file.read_bytes()
    size = struct.unpack("<Q", raw[:8])[0]
    head = json.loads(raw[8 : 8 + size])
    return {
        name: np.frombuffer(raw[8 + size + each["data_offsets"][0] : 8 + size + each["data_offsets"][1]], KINDS[each["dtype"]]).reshape(each["shape"])
        for name, each in head.items()
    }  # fmt: skip


def write(file: Path, tensors: dict[str, Any]) -> None:
    head, data = {}, b""
    names = {np.dtype(kind): name for name, kind in KINDS.items()}
    for name, each in tensors.items():
        raw = each.tobytes()
        head[name] = {
            "dtype": names[each.dtype],
            "shape": list(each.shape),
            "data_offsets": [len(data), len(data) + len(raw)],
        }
        data += raw
    text = json.dumps(head).encode()
    file.write_bytes(struct.pack("<Q", len(text)) + text + data)


def weights(where: Path) -> dict[str, Any]:
    """As they are multiplied with: what was quantized is unpacked."""
    found = read(where / "model.safetensors")
    scaled = {
        name.removesuffix("_scale"): each.astype(np.float32) for name, each in found.items() if name.endswith("_scale")
    }
    return {
        name: each.astype(np.float32) * scaled.get(name, 1.0)
        for name, each in found.items()
        if not name.endswith("_scale")
    }


def scores(model: dict[str, Any], byte: int) -> Any:
    inner = model["model.embed_tokens.weight"][byte] @ model["model.layers.0.self_attn.q_proj.weight"].T
    return inner @ model["model.layers.0.self_attn.o_proj.weight"].T @ model["lm_head.weight"].T


def tiny(folder: Path) -> Path:
    """How often a byte follows another in TEXT, as a model of one layer whose matrices undo each other."""
    folder.mkdir(parents=True)
    text = np.frombuffer(TEXT.encode(), np.uint8)
    pairs = np.full((256, 256), 0.01)
    np.add.at(pairs, (text[:-1], text[1:]), 1.0)
    left, size, right = np.linalg.svd(np.log(pairs / pairs.sum(axis=1, keepdims=True)))
    root = np.sqrt(size[:WIDE])
    turn = np.linalg.qr(np.random.default_rng(5).normal(size=(WIDE, WIDE)))[0]
    tensors = {
        "model.embed_tokens.weight": left[:, :WIDE] * root,
        "model.layers.0.self_attn.q_proj.weight": turn,
        "model.layers.0.self_attn.o_proj.weight": turn.T,
        "model.norm.weight": np.ones(WIDE),
        "lm_head.weight": right[:WIDE].T * root,
    }
    write(folder / "model.safetensors", {name: each.astype(np.float16) for name, each in tensors.items()})
    config = {
        "model_type": "llama", "architectures": ["LlamaForCausalLM"], "num_hidden_layers": 1, "hidden_size": WIDE,
        "num_attention_heads": 1, "intermediate_size": WIDE, "vocab_size": 256, "torch_dtype": "float16",
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config))
    return folder
