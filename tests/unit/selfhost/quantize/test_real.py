"""The real tools on a real small model, where they are installed: FARTHING_TOOLS names the environments, and its folder
`bench` has the model (`bench/quantize.py` puts it there). It takes minutes: `pytest -o faulthandler_timeout=1800`."""

import asyncio
import os
from pathlib import Path

import pytest

from farthing.selfhost.gpus import gpu
from farthing.selfhost.quantize.choosing import Wanted
from farthing.selfhost.quantize.planning import model_of, plan
from farthing.selfhost.quantize.running import Asked, run
from farthing.selfhost.quantize.texts import text_of
from farthing.selfhost.tools.environments import TOOLS, environments, probe

PLACE = environments()
MODEL = PLACE / "bench" / "smollm2-135m"


@pytest.mark.parametrize(
    ("scheme", "engine", "loss"), [("int8-torchao", "vllm", 0.02), ("W8A16", "vllm", 0.02), ("q8_0", "llama.cpp", 0.02)]
)
async def test_eight_bits_lose_little(tmp_path: Path, scheme: str, engine: str, loss: float) -> None:
    if not os.environ.get("FARTHING_TOOLS") or not (MODEL / "config.json").exists():
        pytest.skip("no small model: bench/quantize.py gets it, FARTHING_TOOLS says where")
    model = model_of(MODEL)
    planned = plan(model, Wanted("8", gpu("A100"), engine, "sync", 0.03, (scheme,)), tmp_path / "out")
    backend = TOOLS[planned.steps[0].scheme.backend]
    found = await probe(backend, PLACE)
    if not found.is_ready:
        pytest.skip(f"{backend.name} is not installed: {found.install}")
    asked = Asked(
        model=model, plan=planned, out=tmp_path / "out", backend=backend, found=found, text=text_of(None), cases=(),
        tokens=2000, budget=0.03, gate="shown", engine=engine, gpu="A100", workload="sync", threads=1, device="cpu",
    )  # fmt: skip
    async with asyncio.timeout(900):
        report = await run(asked, lambda *_: None)
    (tried,) = report.tried
    assert abs(tried.perplexity.loss) < loss and tried.perplexity.n >= 2000
    assert abs(tried.off) < 0.03 and tried.used.tokens_s > 0
