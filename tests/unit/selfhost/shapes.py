"""Configurations of well-known models, with how many parameters their publishers' indexes state."""

from typing import Any

LLAMA = {"model_type": "llama", "architectures": ["LlamaForCausalLM"], "torch_dtype": "bfloat16"}


def dense(layers: int, hidden: int, heads: int, kv_heads: int, wide: int, words: int, **more: Any) -> dict[str, Any]:
    return {
        **LLAMA, "num_hidden_layers": layers, "hidden_size": hidden, "num_attention_heads": heads,
        "num_key_value_heads": kv_heads, "intermediate_size": wide, "vocab_size": words, **more,
    }  # fmt: skip


LLAMA_8B = dense(32, 4096, 32, 8, 14336, 128256, max_position_embeddings=131072)
LLAMA_70B = dense(80, 8192, 64, 8, 28672, 128256, max_position_embeddings=131072)
MIXTRAL = dense(32, 4096, 32, 8, 14336, 32000, model_type="mixtral", num_local_experts=8, num_experts_per_tok=2)
DEEPSEEK = dense(
    61, 7168, 128, 128, 18432, 129280, model_type="deepseek_v3", moe_intermediate_size=2048, n_routed_experts=256,
    n_shared_experts=1, num_experts_per_tok=8, first_k_dense_replace=3, kv_lora_rank=512, q_lora_rank=1536,
    qk_nope_head_dim=128, qk_rope_head_dim=64, v_head_dim=128,
)  # fmt: skip
GPT_OSS = dense(
    24, 2880, 64, 8, 2880, 201088, model_type="gpt_oss", head_dim=64, num_local_experts=32, num_experts_per_tok=4,
    sliding_window=128, attention_bias=True,
)  # fmt: skip
SMOLLM = dense(30, 576, 9, 3, 1536, 49152, tie_word_embeddings=True)

PUBLISHED = {
    "Llama 3 8B": (LLAMA_8B, 8_030_261_248),
    "Llama 2 7B": (dense(32, 4096, 32, 32, 11008, 32000), 6_738_415_616),
    "Llama 3 70B": (LLAMA_70B, 70_553_706_496),
    "SmolLM2 135M": (SMOLLM, 134_515_008),
    "Mistral 7B": (dense(32, 4096, 32, 8, 14336, 32000, model_type="mistral", sliding_window=4096), 7_241_732_096),
    "Mixtral 8x7B": (MIXTRAL, 46_702_792_704),
    "Qwen2 7B": (dense(28, 3584, 28, 4, 18944, 152064, model_type="qwen2", use_sliding_window=False), 7_615_616_512),
    "Qwen3 30B A3B": (
        dense(48, 2048, 32, 4, 6144, 151936, model_type="qwen3_moe", head_dim=128, moe_intermediate_size=768,
              num_experts=128, num_experts_per_tok=8, decoder_sparse_step=1),
        30_532_122_624,
    ),
    "DeepSeek V3": (DEEPSEEK, 671_026_419_200),
    "gpt-oss 20B": (GPT_OSS, 20_914_757_184),
    "Gemma 2 2B": (
        dense(26, 2304, 8, 4, 9216, 256000, model_type="gemma2", head_dim=256, sliding_window=4096, tie_word_embeddings=True),
        2_614_341_888,
    ),
    "BLOOM 7B": (
        {"model_type": "bloom", "n_layer": 30, "hidden_size": 4096, "n_head": 32, "vocab_size": 250880}, 7_069_016_064,
    ),
}  # fmt: skip
