"""What fits: weights with scales and embeddings, the KV cache, the constants of a GPU."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.model.errors import BadRequest
from farthing.selfhost import memory, tensors
from farthing.selfhost.formats import FORMATS, format_named, why_not
from farthing.selfhost.gpus import gpu
from farthing.selfhost.memory import GIB, activation_bytes, fewest_gpus, fit, kv_bytes, weight_bytes
from farthing.selfhost.model_config import shape_of
from unit.selfhost.shapes import GPT_OSS, LLAMA_8B, LLAMA_70B, MIXTRAL, PUBLISHED, SMOLLM, dense

BF16, GPTQ = format_named("bf16"), format_named("gptq")


@pytest.mark.parametrize("name", PUBLISHED)
def test_sixteen_bit_weights_are_two_bytes_a_parameter(name: str) -> None:
    config, published = PUBLISHED[name]
    assert weight_bytes(shape_of(config), BF16) == pytest.approx(2 * published, rel=0.001)


@pytest.mark.parametrize(
    ("format_", "megabytes"), [("bf16", 269.0), ("w8a16", 163.5), ("gptq", 113.0), ("q8_0", 145.0)]
)
def test_quantized_files_are_as_large_as_measured(format_: str, megabytes: float) -> None:
    """Measured on SmolLM2 135M, less its tokenizer of 3.5 MB; GGUF as it is. The 4-bit one has groups of 64."""
    shape, found = shape_of(SMOLLM), format_named(format_)
    if format_ == "gptq":
        found = type(found)(**{name: getattr(found, name) for name in found.__struct_fields__} | {"group": 64})
    assert weight_bytes(shape, found) / 1e6 == pytest.approx(megabytes, rel=0.03)


def test_scales_cost_sixteen_bits_a_group() -> None:
    shape = shape_of(LLAMA_8B)
    bits = (weight_bytes(shape, GPTQ) - 2 * (shape.embedding + shape.other)) * 8 / shape.quantizable
    assert bits == pytest.approx(4 + 16 / 128, rel=1e-6)
    awq = (weight_bytes(shape, format_named("awq")) - 2 * (shape.embedding + shape.other)) * 8 / shape.quantizable
    assert awq == pytest.approx(4 + 20 / 128, rel=1e-6)


def test_four_bits_save_far_less_than_three_quarters_of_a_model_that_is_mostly_embedding() -> None:
    shape = shape_of(SMOLLM)
    assert 0.40 < weight_bytes(shape, GPTQ) / weight_bytes(shape, BF16) < 0.45


def test_a_window_bounds_what_a_sequence_keeps() -> None:
    oss = shape_of(GPT_OSS)
    assert kv_bytes(oss, 100) == 2 * 100 * 24_576
    assert kv_bytes(oss, 10_000) == 2 * (10_000 * 12_288 + 128 * 12_288)
    assert kv_bytes(shape_of(LLAMA_70B), 1, 8) == 163_840


def test_activations_are_a_constant_by_architecture() -> None:
    assert activation_bytes(shape_of(LLAMA_8B)) == 4.8 * GIB
    assert activation_bytes(shape_of(MIXTRAL)) == 8 * GIB
    assert activation_bytes(shape_of(GPT_OSS)) == 7.38 * GIB
    assert activation_bytes(shape_of({**LLAMA_8B, "architectures": ["Qwen2ForCausalLM"]})) == 5.6 * GIB
    assert activation_bytes(shape_of({**LLAMA_8B, "architectures": ["LlavaForConditionalGeneration"]})) == 2.5 * GIB


def test_a_fit_by_hand() -> None:
    """Llama 3 8B on one H100: 72 GB usable, 16.06 of weights, 4.8 GiB and 0.15 GiB constant, 131 kB a token."""
    found = fit(shape_of(LLAMA_8B), BF16, gpu("H100"), 1, 1300)
    room = 72e9 - 16_060_522_496 - 4.95 * GIB
    assert found.room == pytest.approx(room)
    assert found.sequences == int(room / (1300 * 65_536 * 2))


def test_seventy_billion_need_two_gpus_in_eight_bits_and_four_in_sixteen() -> None:
    shape, h100 = shape_of(LLAMA_70B), gpu("H100")
    assert fewest_gpus(shape, BF16, h100, 1300) == 4
    assert fewest_gpus(shape, format_named("fp8"), h100, 1300) == 2
    assert fewest_gpus(shape, BF16, gpu("T4"), 1300) == 0 or fewest_gpus(shape, BF16, gpu("T4"), 1300) >= 16


@given(tokens=st.floats(1, 1e6), gpus=st.sampled_from([1, 2, 4, 8]), name=st.sampled_from(sorted(FORMATS)))
def test_more_memory_never_holds_less(tokens: float, gpus: int, name: str) -> None:
    shape, format_ = shape_of(LLAMA_8B), FORMATS[name]
    small = fit(shape, format_, gpu("A100 40GB"), gpus, tokens).sequences
    assert small <= fit(shape, format_, gpu("A100"), gpus, tokens).sequences
    assert small <= fit(shape, format_, gpu("A100 40GB"), gpus, max(1.0, tokens / 2)).sequences


@pytest.mark.parametrize(
    ("format_", "card", "engine", "reason"),
    [
        ("fp8", "A100", "vllm", "Ampere has no kernels for fp8"), ("fp8", "H100", "vllm", ""), ("fp8", "L4", "sglang", ""),
        ("nvfp4", "H100", "vllm", "Hopper has no kernels for nvfp4"), ("nvfp4", "B200", "vllm", ""),
        ("gptq", "MI300X", "vllm", "no kernels for AMD"), ("w8a8", "A100", "vllm", ""), ("awq", "V100", "vllm", "Volta has no kernels for awq"),
        ("bf16", "H100", "ollama", ""), ("q4_k_m", "H100", "llama.cpp", ""), ("gptq", "H100", "llama.cpp", "llama.cpp serves GGUF only"),
        ("q4_k_m", "H100", "sglang", "sglang does not load q4_k_m"), ("fp8", "MI300X", "tensorrt-llm", "tensorrt-llm runs on NVIDIA alone"),
        ("bnb-nf4", "MI300X", "vllm", "no kernels for AMD"),
    ],
)  # fmt: skip
def test_which_gpu_and_engine_serve_what(format_: str, card: str, engine: str, reason: str) -> None:
    assert why_not(format_named(format_), gpu(card), engine) == reason


def test_what_is_no_format_or_engine_is_refused() -> None:
    with pytest.raises(BadRequest, match="choose from"):
        format_named("w3a3")
    with pytest.raises(BadRequest, match="no engine"):
        why_not(BF16, gpu("H100"), "abacus")


def test_rows_must_split_into_whole_groups() -> None:
    narrow = shape_of(SMOLLM)
    assert {each.inputs for each in narrow.linears if not GPTQ.divides(each)} == {576}
    assert not [each for each in shape_of(LLAMA_8B).linears if not GPTQ.divides(each)]


def _safetensors(file: Path, heads: dict[str, object], data: bytes = b"") -> None:
    text = json.dumps(heads).encode()
    file.write_bytes(len(text).to_bytes(8, "little") + text + data)


def test_tensors_are_read_from_headers(tmp_path: Path) -> None:
    heads = {
        "__metadata__": {"format": "pt"},
        "model.embed_tokens.weight": {"dtype": "BF16", "shape": [4, 8], "data_offsets": [0, 64]},
        "model.layers.0.mlp.up_proj.weight": {"dtype": "BF16", "shape": [16, 8], "data_offsets": [64, 320]},
    }
    _safetensors(tmp_path / "model.safetensors", heads, bytes(320))
    found = tensors.read(tmp_path)
    assert tensors.stored_bytes(tmp_path) == 320
    assert [each.name for each in found if each.is_quantizable] == ["model.layers.0.mlp.up_proj.weight"]
    assert sum(each.elements for each in found) == 160


def test_the_index_says_it_where_the_weights_are_not_at_hand(tmp_path: Path) -> None:
    assert tensors.stored_bytes(tmp_path) == 0
    (tmp_path / "model.safetensors.index.json").write_text(
        '{"metadata": {"total_size": 16060522496}, "weight_map": {}}'
    )
    assert tensors.stored_bytes(tmp_path) == 16_060_522_496
    assert memory.weight_bytes(shape_of(LLAMA_8B), BF16) == pytest.approx(16_060_522_496, rel=1e-6)


@pytest.mark.parametrize(
    "content",
    [b"", b"\x00" * 8, b"\xff" * 20, (5).to_bytes(8, "little") + b"[1,2]", (2).to_bytes(8, "little") + b"{}x"],
)
def test_broken_files_are_refused_or_empty(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.safetensors").write_bytes(content)
    try:
        assert tensors.read(tmp_path) == []
    except BadRequest as error:
        assert "a.safetensors" in error.message


def test_unknown_shapes_still_have_a_size() -> None:
    assert weight_bytes(shape_of(dense(2, 64, 4, 2, 128, 100)), BF16) > 0
