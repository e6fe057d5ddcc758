"""The shapes of the models that published throughput figures are of, as their configurations state them."""

from functools import cache
from typing import Any

from farthing.selfhost.model_config import Shape, shape_of

_LLAMA = {"model_type": "llama", "architectures": ["LlamaForCausalLM"]}


def _dense(layers: int, hidden: int, heads: int, kv_heads: int, wide: int, words: int, **more: Any) -> dict[str, Any]:
    return {
        **_LLAMA, "num_hidden_layers": layers, "hidden_size": hidden, "num_attention_heads": heads,
        "num_key_value_heads": kv_heads, "intermediate_size": wide, "vocab_size": words, **more,
    }  # fmt: skip


def _llama4(experts: int, every: int) -> dict[str, Any]:
    return _dense(
        48, 5120, 40, 8, 8192, 202048, model_type="llama4_text", architectures=["Llama4ForCausalLM"], head_dim=128,
        num_local_experts=experts, num_experts_per_tok=1, interleave_moe_layer_step=every, intermediate_size_mlp=16384,
        attention_chunk_size=8192,
    )  # fmt: skip


def _qwen3_moe(layers: int, hidden: int, heads: int, wide: int) -> dict[str, Any]:
    return _dense(
        layers, hidden, heads, 4, 4 * wide, 151936, model_type="qwen3_moe", architectures=["Qwen3MoeForCausalLM"],
        head_dim=128, num_experts=128, num_experts_per_tok=8, moe_intermediate_size=wide, decoder_sparse_step=1,
    )  # fmt: skip


CONFIGURATIONS: dict[str, dict[str, Any]] = {
    "llama-2-7b": _dense(32, 4096, 32, 32, 11008, 32000),
    "llama-3-8b": _dense(32, 4096, 32, 8, 14336, 128256),
    "llama-2-70b": _dense(80, 8192, 64, 8, 28672, 32000),
    "llama-3-70b": _dense(80, 8192, 64, 8, 28672, 128256),
    "llama-3.1-405b": _dense(126, 16384, 128, 8, 53248, 128256),
    "mistral-7b": _dense(32, 4096, 32, 8, 14336, 32000, model_type="mistral", architectures=["MistralForCausalLM"]),
    "qwen1.5-7b": _dense(32, 4096, 32, 32, 11008, 151936, model_type="qwen2", architectures=["Qwen2ForCausalLM"]),
    "qwen2-7b": _dense(28, 3584, 28, 4, 18944, 152064, model_type="qwen2", architectures=["Qwen2ForCausalLM"]),
    "qwen2-72b": _dense(80, 8192, 64, 8, 29568, 152064, model_type="qwen2", architectures=["Qwen2ForCausalLM"]),
    "aquila-7b": _dense(32, 4096, 32, 32, 11008, 100008, model_type="aquila", architectures=["AquilaForCausalLM"]),
    "decilm-7b": _dense(32, 4096, 32, 4, 14336, 32000, model_type="deci", architectures=["DeciLMForCausalLM"]),
    "bloom-7b": {"model_type": "bloom", "n_layer": 30, "hidden_size": 4096, "n_head": 32, "vocab_size": 250880},
    "gpt-j-6b": {
        "model_type": "gptj", "n_layer": 28, "n_embd": 4096, "n_head": 16, "vocab_size": 50400,
        "tie_word_embeddings": False,
    },
    "falcon-180b": {
        "model_type": "falcon", "num_hidden_layers": 80, "hidden_size": 14848, "num_attention_heads": 232,
        "num_kv_heads": 8, "new_decoder_architecture": True, "vocab_size": 65024,
    },
    "mixtral-8x7b": _dense(
        32, 4096, 32, 8, 14336, 32000, model_type="mixtral", architectures=["MixtralForCausalLM"], num_local_experts=8,
        num_experts_per_tok=2,
    ),
    "llama-4-scout": _llama4(16, 1),
    "llama-4-maverick": _llama4(128, 2),
    "qwen3-30b-a3b": _qwen3_moe(48, 2048, 32, 768),
    "qwen3-235b-a22b": _qwen3_moe(94, 4096, 64, 1536),
}  # fmt: skip

NAMES = {
    "meta-llama/Llama-2-7b-hf": "llama-2-7b", "huggyllama/llama-7b": "llama-2-7b", "LLaMA 7B": "llama-2-7b",
    "meta-llama/Meta-Llama-3-8B": "llama-3-8b", "Llama 3.1 8B": "llama-3-8b",
    "meta-llama/Llama-2-70b-hf": "llama-2-70b", "LLaMA 70B": "llama-2-70b", "llama2-70b-99": "llama-2-70b",
    "llama2-70b-99.9": "llama-2-70b", "meta-llama/Meta-Llama-3-70B": "llama-3-70b", "Llama 3.3 70B": "llama-3-70b",
    "Llama 3.1 405B": "llama-3.1-405b", "mistralai/Mistral-7B-v0.1": "mistral-7b", "Qwen/Qwen1.5-7B": "qwen1.5-7b",
    "Qwen/Qwen2-7B": "qwen2-7b", "Qwen/Qwen2-72B": "qwen2-72b", "BAAI/Aquila-7B": "aquila-7b",
    "Deci/DeciLM-7B": "decilm-7b", "bigscience/bloom-7b1": "bloom-7b", "EleutherAI/gpt-j-6b": "gpt-j-6b",
    "GPT-J 6B": "gpt-j-6b", "Falcon 180B": "falcon-180b", "mistralai/Mixtral-8x7B-v0.1": "mixtral-8x7b",
    "mixtral-8x7b": "mixtral-8x7b", "Llama 4 Scout": "llama-4-scout", "Llama 4 Maverick": "llama-4-maverick",
    "Qwen3-30B-A3B": "qwen3-30b-a3b", "Qwen3-235B-A22B": "qwen3-235b-a22b",
}  # fmt: skip
"""What the tables call them. Those of one shape share a name, so that a model is left out under all of its names."""


@cache
def shape(name: str) -> Shape:
    return shape_of(CONFIGURATIONS[name], name)
