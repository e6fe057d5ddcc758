"""What a plan says before anything starts: sizes as the tools' files really had them, groups, disk and memory."""

import json
from pathlib import Path

import pytest

from farthing.model.errors import BadRequest
from farthing.selfhost.gpus import gpu
from farthing.selfhost.quantize import sizes
from farthing.selfhost.quantize.choosing import Wanted
from farthing.selfhost.quantize.matrices import Matrix, of_folder, undivided
from farthing.selfhost.quantize.planning import group_of, model_of, plan
from farthing.selfhost.quantize.schemes import SCHEMES
from unit.selfhost.quantize.headers import smollm, written
from unit.selfhost.shapes import DEEPSEEK, LLAMA_8B, LLAMA_70B, MIXTRAL

SEEN = {
    "int8-torchao": 163_796_736, "W8A16": 163_253_072, "W4A16": 113_175_416, "W8A8": 163_226_688, "FP8": 163_227_736,
    "q8_0": 144_810_848, "q4_k_m": 105_453_920,
}  # fmt: skip
"""Bytes of the file that torchao 0.18.0, llm-compressor 0.14.0 and AutoRound 0.16.1 made of SmolLM2 135M."""
WORDS = 1_680_000
"""Bytes of its tokenizer in a GGUF, which is not in the folder here."""
SYNC = Wanted("auto", gpu("H100"), "vllm", "sync", 0.03)


@pytest.mark.parametrize("name", SEEN)
def test_sizes_are_what_the_tools_wrote(tmp_path: Path, name: str) -> None:
    model = model_of(smollm(tmp_path / "model"))
    scheme = SCHEMES[name]
    size = sizes.after(model.folder, model.matrices, model.shape, scheme, 64 if scheme.group_bytes else 0)
    seen = SEEN[name] - (WORDS if scheme.gguf else 0)
    assert size.weights + size.overhead == pytest.approx(seen, rel=0.002)
    before = sizes.before(model.folder, model.matrices)
    assert before.weights == 269_030_016 and before.total == pytest.approx(sizes.of_files(model.folder), rel=0.001)


def test_the_plan_of_a_small_model(tmp_path: Path) -> None:
    found = plan(model_of(smollm(tmp_path / "model")), SYNC, tmp_path / "out")
    first, second = found.steps
    assert (first.scheme.name, first.group, first.method, first.gpus) == ("W4A16", 64, "gptq", 1)
    assert (second.scheme.name, second.group, second.method) == ("FP8", 0, "rtn")
    assert first.memory > second.memory > 0 and found.disk > first.size.total + second.size.total and not found.troubles
    assert 1 - first.size.matrices / found.before.matrices == pytest.approx(0.734, abs=0.001)


def test_a_scheme_whose_groups_fit_nothing_is_left_out_where_another_suits(tmp_path: Path) -> None:
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / "config.json").write_text(json.dumps({**LLAMA_8B, "intermediate_size": 14_340}))
    model = model_of(tmp_path / "odd")
    found = plan(model, SYNC, tmp_path / "out")
    assert [each.scheme.name for each in found.steps] == ["FP8"] == [each.name for each in found.chosen.schemes]
    assert "rows of 1 tensors do not split into groups of 32" in found.chosen.refused["W4A16"]
    for wanted in (
        Wanted("4", SYNC.gpu, "vllm", "sync", 0.03),
        Wanted("auto", SYNC.gpu, "vllm", "sync", 0.03, ("W4A16",)),
    ):
        with pytest.raises(BadRequest, match="do not split into groups of 32"):
            plan(model, wanted, tmp_path / "out")


def test_a_configuration_alone_can_be_planned_and_not_started(tmp_path: Path) -> None:
    for name, config, gpus_before, gpus_after in (("8b", LLAMA_8B, 1, 1), ("70b", LLAMA_70B, 4, 1)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text(json.dumps(config))
        found = plan(model_of(tmp_path / name), SYNC, tmp_path / "out")
        assert (found.gpus_before, found.steps[0].gpus, found.steps[0].group) == (gpus_before, gpus_after, 128)
        assert "has no *.safetensors: only a plan can be made" in found.troubles[0]
    assert found.before.weights == pytest.approx(2 * 70.55e9, rel=0.001)
    assert any(" GB of memory are needed for the model alone" in each for each in found.troubles)
    assert "GB of memory may be needed" in found.doubt


@pytest.mark.parametrize(
    ("config", "quantized"), [(MIXTRAL, 46.7e9 - 2 * 32000 * 4096), (DEEPSEEK, 671e9 - 2 * 129280 * 7168)]
)
def test_all_experts_are_quantized_and_no_router(tmp_path: Path, config: dict[str, object], quantized: float) -> None:
    (tmp_path / "config.json").write_text(json.dumps(config))
    model = model_of(tmp_path)
    assert sum(each.elements for each in model.matrices if each.kind == "linear") == pytest.approx(quantized, rel=0.001)
    assert sizes.after(tmp_path, model.matrices, model.shape, SCHEMES["q4_k_m"], 0).weights < 0.35 * model.bytes16


def test_a_mix_is_the_same_from_names_and_nearly_so_from_the_configuration(tmp_path: Path) -> None:
    model = model_of(smollm(tmp_path / "model", hidden_size=576))
    exact = sizes.after(model.folder, model.matrices, model.shape, SCHEMES["q8_0"], 0)
    (tmp_path / "model" / "model.safetensors").unlink()
    bare = model_of(tmp_path / "model")
    assert sizes.after(bare.folder, bare.matrices, bare.shape, SCHEMES["q8_0"], 0).weights == pytest.approx(
        exact.weights, rel=0.001
    )


def test_a_group_must_divide_each_row_on_each_gpu() -> None:
    odd = [Matrix("model.layers.0.mlp.down_proj.weight", 576, 1536, layer=0), Matrix("q_proj", 576, 576, layer=0)]
    assert group_of(odd, SCHEMES["W4A16"], 0, 1) == 64
    assert group_of(odd, SCHEMES["W8A16"], 0, 1) == 0
    assert group_of(odd, SCHEMES["W4A16"], 32, 1) == 32
    assert undivided(odd, 128) == odd[1:]
    with pytest.raises(
        BadRequest, match=r"rows of 1 tensors do not split into groups of 128: q_proj \(576\); a group of 64 does"
    ):
        group_of(odd, SCHEMES["W4A16"], 128, 1)
    assert group_of(odd, SCHEMES["W4A16"], 0, 2) == 32
    with pytest.raises(
        BadRequest, match=r"groups of 32 on 8 GPUs: q_proj .*choose a scheme with a scale a row, such as W8A16"
    ):
        group_of(odd, SCHEMES["W4A16"], 0, 8)


def test_what_is_no_model_at_16_bits_is_refused(tmp_path: Path) -> None:
    quantized = smollm(tmp_path / "a", quantization_config={"quant_method": "gptq", "bits": 4})
    with pytest.raises(BadRequest, match="is quantized already"):
        model_of(quantized)
    packed = written(tmp_path / "b", LLAMA_8B, {"model.layers.0.mlp.up_proj.weight": [8, 8]}, "I32")
    with pytest.raises(BadRequest, match="its tensors are of I32"):
        model_of(packed)
    bare = written(tmp_path / "c", LLAMA_8B, {"model.norm.weight": [8]})
    with pytest.raises(BadRequest, match="has no matrix that could be quantized"):
        model_of(bare)
    (tmp_path / "d.gguf").write_bytes(b"GGUF")
    with pytest.raises(BadRequest, match="is a GGUF file"):
        model_of(tmp_path / "d.gguf")


def test_which_tensors_are_quantized(tmp_path: Path) -> None:
    folder = written(
        tmp_path, MIXTRAL,
        {
            "model.embed_tokens.weight": [32, 8], "lm_head.weight": [32, 8], "model.layers.3.block_sparse_moe.gate.weight": [8, 8],
            "model.layers.3.mlp.experts.gate_up_proj": [4, 16, 8], "model.layers.3.mlp.gate_proj.weight": [16, 8],
            "model.layers.3.self_attn.q_proj.bias": [8],
        },
    )  # fmt: skip
    found = {each.name: (each.kind, each.layer, each.copies) for each in of_folder(folder, model_of(folder).shape)}
    assert list(found.values()) == [
        ("embedding", -1, 1), ("embedding", -1, 1), ("other", 3, 1), ("linear", 3, 4), ("linear", 3, 1), ("other", 3, 1),
    ]  # fmt: skip
