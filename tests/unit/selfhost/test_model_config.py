"""Shapes of models from their configurations, beside what their publishers' indexes of tensors state."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.model.errors import BadRequest
from farthing.selfhost.model_config import read, shape_of
from unit.selfhost.shapes import DEEPSEEK, GPT_OSS, LLAMA_8B, LLAMA_70B, MIXTRAL, PUBLISHED, dense


@pytest.mark.parametrize("name", PUBLISHED)
def test_parameters_are_those_of_the_published_tensors(name: str) -> None:
    config, published = PUBLISHED[name]
    assert shape_of(config).parameters == pytest.approx(published, rel=0.0005)


def test_what_a_token_keeps_counts_the_kv_heads_alone() -> None:
    assert shape_of(LLAMA_70B).kv_full == 163_840
    assert shape_of(dense(32, 4096, 32, 32, 11008, 32000)).kv_full == 4 * shape_of(LLAMA_8B).kv_full


def test_latent_attention_keeps_the_compressed_rank() -> None:
    assert shape_of(DEEPSEEK).kv_full == 61 * (512 + 64)


def test_windowed_layers_are_told_from_others() -> None:
    oss = shape_of(GPT_OSS)
    assert (oss.kv_full, oss.kv_windowed, oss.window) == (12_288, 12_288, 128)
    kinds = ["full_attention"] + ["sliding_attention"] * 3
    four = shape_of(dense(4, 64, 4, 2, 128, 100, layer_types=kinds, sliding_window=16))
    assert (four.kv_full, four.kv_windowed) == (2 * 2 * 16, 3 * 2 * 2 * 16)
    assert shape_of(dense(4, 64, 4, 2, 128, 100, sliding_window=16, use_sliding_window=False)).window == 0
    linear = ["linear_attention"] * 3 + ["full_attention"]
    assert shape_of(dense(4, 64, 4, 2, 128, 100, layer_types=linear)).kv_full == 2 * 2 * 16


def test_all_experts_are_stored_and_few_work() -> None:
    shape = shape_of(MIXTRAL)
    assert shape.is_moe and shape.in_experts > 0.9 * shape.parameters
    assert shape.active == pytest.approx(12.75e9, rel=0.01)


def test_the_text_part_of_a_model_that_sees_is_what_counts() -> None:
    seeing = {"architectures": ["LlavaForConditionalGeneration"], "model_type": "llava", "text_config": LLAMA_8B}
    assert shape_of(seeing).parameters == shape_of(LLAMA_8B).parameters


@pytest.mark.parametrize(
    ("quantization", "stored"),
    [
        ({"quant_method": "gptq", "bits": 4}, "gptq"), ({"quant_method": "awq", "bits": 4}, "awq"),
        ({"quant_method": "fp8"}, "fp8"), ({"quant_method": "mxfp4"}, "mxfp4"),
        ({"quant_method": "bitsandbytes", "load_in_4bit": True}, "bnb-nf4"),
        ({"quant_method": "compressed-tensors", "config_groups": {"g": {"weights": {"num_bits": 4, "type": "int"}}}}, "gptq"),
        (
            {"quant_method": "compressed-tensors", "config_groups": {"g": {"weights": {"num_bits": 8, "type": "int"}, "input_activations": {"num_bits": 8}}}},
            "w8a8",
        ),
        ({"quant_method": "compressed-tensors", "config_groups": {"g": {"weights": {"num_bits": 8, "type": "float"}}}}, "fp8"),
    ],
)  # fmt: skip
def test_what_it_is_stored_in_is_read(quantization: dict[str, Any], stored: str) -> None:
    assert shape_of({**LLAMA_8B, "quantization_config": quantization}).stored == stored


def test_a_folder_and_a_file_are_read_alike(tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    file.write_text(json.dumps(LLAMA_8B))
    assert read(tmp_path) == read(file)
    assert read(file).name == tmp_path.name


@pytest.mark.parametrize("text", ["", "[]", "{", '{"hidden_size": 0}', '{"hidden_size": "big"}', "{}"])
def test_what_is_no_configuration_is_refused_in_words(tmp_path: Path, text: str) -> None:
    file = tmp_path / "config.json"
    file.write_text(text)
    with pytest.raises(BadRequest):
        read(file)


@given(
    st.dictionaries(
        st.sampled_from([*LLAMA_8B, "num_local_experts", "kv_lora_rank", "layer_types", "quantization_config"]),
        st.none() | st.integers(-5, 9) | st.text(max_size=3) | st.lists(st.integers(0, 3), max_size=3) | st.just({}),
    )
)
def test_nonsense_in_it_never_ends_in_anything_else(given_: dict[str, Any]) -> None:
    with suppress(BadRequest):
        shape_of({**LLAMA_8B, **given_})
