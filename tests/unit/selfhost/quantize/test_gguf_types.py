"""Types that llama.cpp's mixes give."""

import pytest

from farthing.selfhost.quantize.gguf_types import bytes_of, more_bits, type_of
from farthing.selfhost.quantize.matrices import Matrix


def layer(name: str, number: int, columns: int = 4096) -> Matrix:
    return Matrix(f"model.layers.{number}.{name}.weight", 1024, columns, layer=number)


@pytest.mark.parametrize(
    ("matrix", "mix", "kind"),
    [
        (layer("mlp.up_proj", 0), "q4_k_m", "Q4_K"),
        (layer("mlp.down_proj", 0), "q4_k_m", "Q6_K"),
        (layer("mlp.down_proj", 4), "q4_k_m", "Q4_K"),
        (layer("self_attn.v_proj", 31), "q4_k_m", "Q6_K"),
        (layer("self_attn.q_proj", 0, 576), "q4_k_m", "Q5_0"),
        (layer("self_attn.v_proj", 0, 576), "q4_k_m", "Q8_0"),
        (layer("mlp.up_proj", 0, 576), "q5_k_m", "Q5_1"),
        (layer("mlp.up_proj", 0, 576), "q6_k", "Q8_0"),
        (layer("mlp.up_proj", 0, 100), "q8_0", "F16"),
        (layer("self_attn.qkv_proj", 9), "q4_k_m", "Q5_K"),
        (Matrix("lm_head.weight", 1000, 4096, kind="embedding"), "q4_k_m", "Q6_K"),
        (Matrix("model.embed_tokens.weight", 1000, 4096, kind="embedding"), "q4_k_m", "Q4_K"),
        (Matrix("model.norm.weight", 1, 4096, kind="other"), "q4_k_m", "F32"),
    ],
)
def test_the_type_of_a_tensor(matrix: Matrix, mix: str, kind: str) -> None:
    assert type_of(matrix, mix, 32, 0, tied=False) == kind


def test_layers_with_more_bits() -> None:
    assert [at for at in range(32) if more_bits(at, 32)] == [0, 1, 2, 3, 6, 9, 12, 15, 18, 21, 24, 27, 28, 29, 30, 31]


def test_bytes_are_whole_blocks() -> None:
    assert bytes_of(layer("mlp.up_proj", 0), "Q4_K") == 1024 * 4096 // 256 * 144
