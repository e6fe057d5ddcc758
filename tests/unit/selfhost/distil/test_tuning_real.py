"""A real small model is trained on this machine, where the tool is installed: FARTHING_TOOLS names the environments, and its
folder `bench` has the model (`bench/quantize.py` puts it there). It takes minutes: `pytest -o faulthandler_timeout=1800`."""

import asyncio
import os
from pathlib import Path

import msgspec
import pytest

from farthing.selfhost.distil.tuning import Asked, Report, Wish, estimate, tune
from farthing.selfhost.quantize.planning import model_of
from farthing.selfhost.tools.answers import cases_of
from farthing.selfhost.tools.environments import TOOLS, environments, probe

PLACE = environments()
MODEL = PLACE / "bench" / "smollm2-135m"
SYSTEM = "Which team handles this ticket?"
TEAMS = {
    "blue": "Where is my parcel number {}?",
    "red": "Invoice {} was charged twice.",
    "green": "I cannot sign in as user {}.",
}


def chat(team: str, number: int) -> list[dict[str, str]]:
    return [{"role": "system", "content": SYSTEM}, {"role": "user", "content": TEAMS[team].format(number)}]


async def test_a_real_model_learns_what_its_teacher_said(tmp_path: Path) -> None:
    if not os.environ.get("FARTHING_TOOLS") or not (MODEL / "config.json").exists():
        pytest.skip("no small model: bench/quantize.py gets it, FARTHING_TOOLS says where")
    found = await probe(TOOLS["peft"], PLACE)
    if not found.is_ready:
        pytest.skip(f"peft is not installed: {found.install}")
    lines = [
        msgspec.json.encode({"messages": [*chat(team, at), {"role": "assistant", "content": team}]}) + b"\n"
        for at in range(20) for team in TEAMS
    ]  # fmt: skip
    proof = tmp_path / "eval.jsonl"
    proof.write_bytes(
        b"\n".join(
            msgspec.json.encode({"messages": chat(team, 900 + at), "answer": team, "body": {"max_tokens": 4}})
            for at in range(4) for team in TEAMS
        )
    )  # fmt: skip
    asked = Asked(
        model=MODEL, bytes16=model_of(MODEL).bytes16, train=tuple(lines), cases=cases_of(proof), wish=Wish(epochs=2, rank=8, rate=1e-3),
        out=tmp_path / "out", tool=TOOLS["peft"], found=found, threads=1, device="cpu",
    )  # fmt: skip
    heard: list[str] = []
    reported: list[Report] = []

    async def registered(report: Report) -> None:
        reported.append(report)

    async with asyncio.timeout(1200):
        foretold = await estimate(asked, lambda what, done, total: heard.append(what))
        report = await tune(asked, lambda what, done, total: heard.append(what), registered)
    assert (foretold.examples, foretold.steps, foretold.left_out) == (60, 16, 0) and 130e6 < foretold.parameters < 145e6
    assert {"trains", "saves", "before: eval set", "after: eval set"} <= set(heard)
    assert report.loss_last < report.loss_first and reported == [report]
    assert report.before.share < 0.5 and report.after.share > 0.9 and report.change.verdict == "better"
    again = await tune(asked, lambda *_: None, registered)
    assert again == report and len(reported) == 1
