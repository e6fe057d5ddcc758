"""`farthing prompts optimise --deadline` beside a real gateway over a simulated provider: half the price, in rounds, and gone
on with after it was killed."""

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from farthing.upstream.simulator import SimulatorSettings
from farthing.upstream.simulator.prompt_truth import Truth
from farthing.upstream.simulator.tasks import bank
from integration.gateways import PATIENCE_S, Command, Gateway, eventually, gateway, settings_text
from integration.upstreams import Simulator, simulator

NEEDED = "A ticket about money that was taken twice is about billing."
PROMPT = f"""
name = "tickets"
[[messages]]
role = "system"
text = '''
- {NEEDED}
- Remember that customers may be in a hurry.
'''
[[messages]]
role = "user"
text = "{{{{input}}}}"
[body]
temperature = 0
max_tokens = 20
"""
BATCH = "[batch]\nlinger_s = 0\nlook_s = 0.1\nlag_s = 0.5\n"
LAB = (
    "prompts", "optimise", "tickets.toml", "--items", "items.jsonl", "--model", "gpt-4o-mini", "--margin", "10", "--per-trial",
    "30",
)  # fmt: skip


@pytest.fixture(scope="module")
def provider() -> Iterator[Simulator]:
    with simulator(SimulatorSettings(seed=3, truth=Truth(needs={NEEDED: 0.5}))) as made:
        yield made


@pytest.fixture
def gate(tmp_path: Path, provider: Simulator) -> Iterator[Gateway]:
    lines = [
        json.dumps({"input": task.prompt, "answer": task.gold}) for task in bank(60, seed=4, kinds=["classification"])
    ]
    (tmp_path / "items.jsonl").write_text("\n".join(lines))
    (tmp_path / "tickets.toml").write_text(PROMPT)
    known = f'[providers.openai]\nbase_url = "{provider.url}/v1"\napi_key = "k"'
    with gateway(tmp_path, settings_text(providers=known, more=BATCH + '[cache]\nmode = "exact"\n')) as made:
        yield made


WAITING = (*LAB, "--deadline", "1h")


def lab(gate: Gateway, *arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = gate.farthing_json(*arguments)
    return found


@contextmanager
def begun(gate: Gateway) -> Iterator[Command]:
    """A run whose first job is handed in."""
    kept = gate.folder / "tickets.lab.jsonl"
    with gate.begin(*WAITING, "--yes") as command:
        eventually(lambda: kept.exists() and b'"placed"' in kept.read_bytes(), "a job is handed in")
        yield command


def test_rounds_cost_half_and_one_that_was_killed_is_gone_on_with(gate: Gateway, provider: Simulator) -> None:
    before = provider.requests()
    with begun(gate) as command:
        command.process.send_signal(signal.SIGSTOP)
        eventually(lambda: gate.farthing_json("batch", "status"), "the job is in the store")
        command.process.kill()
        assert command.process.wait() == -signal.SIGKILL, "it was under way"
    found = lab(gate, *WAITING, "--resume")
    fate = {part["text"]: part["removed"] for part in found["parts"]}
    assert not fate[f"- {NEEDED}"] and fate["- Remember that customers may be in a hurry."] and found["proved"]

    lines = [json.loads(line) for line in (gate.folder / "tickets.lab.jsonl").read_text().splitlines()]
    asked = provider.requests() - before
    assert asked == sum("kept" in line for line in lines) > found["calls_paid"]
    jobs = {line["placed"]["job"]: line["placed"].get("taken", False) for line in lines if "placed" in line}
    assert all(jobs.values()) and jobs.keys() == {job["id"] for job in gate.farthing_json("batch", "status")}

    (row,) = [
        row for row in gate.farthing_json("report", "--by", "feature")["rows"] if row["feature"] == "farthing lab"
    ]
    assert row["calls"] == asked and row["cost"] == found["cost"] and row["baseline"]["nano_dollars"] == 0
    at_once = lab(gate, *LAB, "--yes", "--answers", "other.jsonl")
    assert at_once["parts"] == found["parts"]
    assert at_once["cost"]["nano_dollars"] == pytest.approx(2 * found["cost"]["nano_dollars"], rel=0.1)


def test_ctrl_c_says_how_to_go_on(gate: Gateway) -> None:
    gate.stop()  # so that the job is under way for as long as this takes
    with begun(gate) as command:
        command.process.send_signal(signal.SIGINT)
        assert command.process.wait(PATIENCE_S) == 130
        assert "--resume goes on with it" in command.said() and "Traceback" not in command.said()
