"""Which scheme suits which GPU, engine and workload."""

import pytest

from farthing.model.errors import BadRequest
from farthing.selfhost.gpus import gpu
from farthing.selfhost.quantize.choosing import Wanted, choose
from farthing.selfhost.quantize.schemes import SCHEMES, scheme_named, why_not_served


@pytest.mark.parametrize(
    ("bits", "name", "engine", "workload", "budget", "schemes"),
    [
        ("auto", "H100", "vllm", "sync", 0.03, ["W4A16", "FP8"]),
        ("auto", "H100", "vllm", "batch", 0.03, ["FP8"]),
        ("auto", "A100", "vllm", "batch", 0.03, ["W8A8"]),
        ("auto", "A100", "sglang", "sync", 0.03, ["W4A16", "W8A16"]),
        ("auto", "H100", "vllm", "sync", 0.005, ["FP8"]),
        ("8", "L40S", "vllm", "sync", 0.03, ["FP8"]),
        ("8", "B200", "vllm", "batch", 0.03, ["FP8"]),
        ("4", "H100", "vllm", "batch", 0.03, ["W4A16"]),
        ("8", "MI300X", "vllm", "batch", 0.03, ["FP8"]),
        ("8", "cpu", "vllm", "batch", 0.03, ["W8A8"]),
        ("8", "cpu", "vllm", "sync", 0.03, ["W8A8"]),
        ("4", "cpu", "vllm", "sync", 0.03, ["W4A16"]),
        ("auto", "cpu", "llama.cpp", "sync", 0.03, ["q4_k_m", "q6_k", "q8_0"]),
        ("4", "RTX 4090", "ollama", "sync", 0.03, ["q4_k_m"]),
        ("auto", "cpu", "llama.cpp", "sync", 0.001, ["q8_0"]),
    ],
)
def test_what_suits(bits: str, name: str, engine: str, workload: str, budget: float, schemes: list[str]) -> None:
    where = None if name == "cpu" else gpu(name)
    assert [each.name for each in choose(Wanted(bits, where, engine, workload, budget)).schemes] == schemes


def test_what_was_refused_is_told_with_its_reason() -> None:
    assert choose(Wanted("8", gpu("A100"), "vllm", "batch", 0.03)).refused == {"FP8": "Ampere has no kernels for fp8"}
    with pytest.raises(BadRequest, match="nothing suits: W4A16: no kernels for AMD"):
        choose(Wanted("4", gpu("MI300X"), "vllm", "sync", 0.03))
    with pytest.raises(BadRequest, match="what sglang serves on a CPU is not known here"):
        choose(Wanted("8", None, "sglang", "sync", 0.03))


def test_schemes_by_name() -> None:
    found = choose(Wanted("auto", gpu("A100"), "vllm", "sync", 0.03, ("w8a16", "W4A16", "w8a16")))
    assert [each.name for each in found.schemes] == ["W8A16", "W4A16"]
    with pytest.raises(BadRequest, match="one run works with one tool; these schemes need llm-compressor and torchao"):
        choose(Wanted("auto", gpu("A100"), "vllm", "sync", 0.03, ("W8A16", "int8-torchao")))
    with pytest.raises(BadRequest, match="no scheme 'W3'; choose from W4A16"):
        scheme_named("W3")
    assert scheme_named("gguf:Q4_K_M") is SCHEMES["q4_k_m"]


@pytest.mark.parametrize("name", SCHEMES)
def test_a_scheme_is_served_somewhere(name: str) -> None:
    scheme = SCHEMES[name]
    assert not why_not_served(scheme, gpu("H100"), scheme.engines[0])
    if scheme.gguf:
        assert "no kernels" in why_not_served(scheme, None, "vllm")
    with pytest.raises(BadRequest, match="no engine 'tgi'"):
        why_not_served(scheme, None, "tgi")
