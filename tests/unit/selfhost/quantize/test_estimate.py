"""How long a run may take and what it would spare, beside what was measured."""

from pathlib import Path

import pytest

from farthing.selfhost.gpus import gpu
from farthing.selfhost.quantize.choosing import Wanted
from farthing.selfhost.quantize.estimate import a_month, estimate, gpus_fewer
from farthing.selfhost.quantize.planning import model_of, plan
from farthing.settings import OwnDeploymentSettings
from farthing.settings.values import Amount
from unit.selfhost.quantize.headers import smollm

OWN = OwnDeploymentSettings(8, Amount("2.5"), 400.0)


@pytest.mark.parametrize(
    ("scheme", "engine", "method", "least", "most"),
    [
        ("int8-torchao", "vllm", "", 1, 9), ("W8A16", "vllm", "", 12, 32), ("q4_k_m", "llama.cpp", "", 12, 32),
        ("W4A16", "vllm", "gptq", 253, 253),
    ],
)  # fmt: skip
def test_the_range_holds_what_tools_took(
    tmp_path: Path, scheme: str, engine: str, method: str, least: float, most: float
) -> None:
    model = model_of(smollm(tmp_path / "model"))
    found = plan(model, Wanted("auto", gpu("H100"), engine, "sync", 0.03, (scheme,)), tmp_path / "out", method=method)
    said = estimate(model, found, tokens=20_000, threads=2)
    (one,) = said.schemes
    assert one.made_s[0] <= least and most <= one.made_s[1]
    assert one.spared is None and said.deployment == ""
    assert said.whole_s[0] == said.before_s[0] + one.made_s[0] + one.measured_s[0] < said.whole_s[1]


def test_more_tokens_and_fewer_threads_take_longer(tmp_path: Path) -> None:
    model = model_of(smollm(tmp_path / "model"))
    found = plan(model, Wanted("auto", gpu("H100"), "vllm", "sync", 0.03), tmp_path / "out")
    few, many = (estimate(model, found, tokens=each, threads=2).before_s for each in (20_000, 200_000))
    assert many[0] == pytest.approx(10 * few[0], rel=0.03)
    assert estimate(model, found, tokens=20_000, threads=1).before_s[1] == pytest.approx(2 * few[1])


@pytest.mark.parametrize(
    ("before", "after", "gpus", "fewer"),
    [(4, 2, 8, 4), (4, 2, 10, 4), (1, 1, 8, 0), (4, 2, 3, None), (0, 0, 8, None), (4, 0, 8, None)],
)
def test_gpus_that_replicas_do_not_need(before: int, after: int, gpus: int, fewer: int | None) -> None:
    assert gpus_fewer(before, after, gpus) == fewer


def test_what_they_cost_a_month() -> None:
    assert a_month(4, OWN) == 4 * 730 * 2_500_000_000
    half = OwnDeploymentSettings(8, Amount("2.5"), 400.0, hours_a_week=84)
    assert a_month(4, half) == a_month(2, OWN)
