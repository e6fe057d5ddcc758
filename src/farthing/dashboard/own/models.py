"""Well-known open models by their published configurations, for a first look. Any other, and what files really weigh, is
for `farthing tco --own FOLDER`."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from farthing.selfhost.model_config import Shape, shape_of


def _dense(kind: str, layers: int, hidden: int, heads: int, kv_heads: int, wide: int, words: int, **more: Any) -> Mapping[str, Any]:  # fmt: skip
    return {
        "model_type": kind, "torch_dtype": "bfloat16", "num_hidden_layers": layers, "hidden_size": hidden, "num_attention_heads": heads,
        "num_key_value_heads": kv_heads, "intermediate_size": wide, "vocab_size": words, **more,
    }  # fmt: skip


CONFIGS: Mapping[str, Mapping[str, Any]] = {
    "Mistral 7B": _dense("mistral", 32, 4096, 32, 8, 14336, 32000, sliding_window=4096),
    "Qwen2 7B": _dense("qwen2", 28, 3584, 28, 4, 18944, 152064, use_sliding_window=False),
    "Llama 3 8B": _dense("llama", 32, 4096, 32, 8, 14336, 128256, max_position_embeddings=131072),
    "gpt-oss 20B": _dense(
        "gpt_oss", 24, 2880, 64, 8, 2880, 201088, head_dim=64, num_local_experts=32, num_experts_per_tok=4, sliding_window=128,
        attention_bias=True,
    ),
    "Qwen3 30B A3B": _dense(
        "qwen3_moe", 48, 2048, 32, 4, 6144, 151936, head_dim=128, moe_intermediate_size=768, num_experts=128, num_experts_per_tok=8,
        decoder_sparse_step=1,
    ),
    "Llama 3 70B": _dense("llama", 80, 8192, 64, 8, 28672, 128256, max_position_embeddings=131072),
}  # fmt: skip
DEFAULT = "Llama 3 8B"


@cache
def shape(name: str) -> Shape:
    """Raises KeyError."""
    return shape_of(CONFIGS[name], name)
