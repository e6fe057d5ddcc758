"""Which type each tensor gets in a GGUF file of a mix such as Q4_K_M, and how many bytes that takes.

The rules are llama.cpp's (`llama_tensor_get_type`, MIT licence): some layers get more bits, and rows that are no multiple of
256 fall back to types in blocks of 32. AutoRound follows them. Knows nothing of files.
"""

from farthing.selfhost.quantize.matrices import Matrix

BLOCKS = {
    "F32": (1, 4), "F16": (1, 2), "Q8_0": (32, 34), "Q6_K": (256, 210), "Q5_K": (256, 176), "Q4_K": (256, 144),
    "Q5_0": (32, 22), "Q5_1": (32, 24), "Q4_0": (32, 18),
}  # fmt: skip
"""Weights in a block, and its bytes."""
_BASE = {"q8_0": "Q8_0", "q6_k": "Q6_K", "q5_k_m": "Q5_K", "q4_k_m": "Q4_K"}
_FALLBACK = {"Q6_K": "Q8_0", "Q5_K": "Q5_1", "Q4_K": "Q5_0"}
_VALUES = ("v_proj", "attn_v")
_DOWN = ("down_proj", "fc2", "ffn_down", ".w2.")
_FUSED = ("qkv", "c_attn", "query_key_value")


def more_bits(layer: int, layers: int) -> bool:
    """Whether a mix gives this layer the larger type: the first eighth, the last eighth, and each third between."""
    eighth = layers // 8
    return layer < eighth or layer >= 7 * layers // 8 or (layer - eighth) % 3 == 2


def type_of(matrix: Matrix, mix: str, layers: int, experts: int, tied: bool) -> str:
    """A key of BLOCKS."""
    if matrix.rows == 1 or matrix.kind == "other":
        return "F32"
    kind = _wanted(matrix, mix, layers, experts, tied)
    if matrix.columns % BLOCKS[kind][0]:
        kind = _FALLBACK.get(kind, kind)
    return kind if matrix.columns % BLOCKS[kind][0] == 0 else "F16"


def _wanted(matrix: Matrix, mix: str, layers: int, experts: int, tied: bool) -> str:
    base, name = _BASE[mix], matrix.name
    if mix == "q8_0":
        return base
    if matrix.kind == "embedding":
        return "Q6_K" if tied or "embed_tokens" not in name else base
    if mix == "q6_k":
        return base
    if experts == 8 and any(part in name for part in ("v_proj", "k_proj")):
        return "Q8_0"
    if any(part in name for part in _FUSED):
        return "Q6_K" if mix == "q5_k_m" else "Q5_K"
    if any(part in name for part in (*_VALUES, *_DOWN)) and more_bits(matrix.layer, layers):
        return "Q6_K"
    return base


def bytes_of(matrix: Matrix, kind: str) -> int:
    block, size = BLOCKS[kind]
    return matrix.elements // block * size
