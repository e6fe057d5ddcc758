"""`farthing distil tune`, as it is typed: real processes train a tiny model."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import Result

from farthing.selfhost import reports
from farthing.selfhost.distil.tuning import Report
from farthing.settings import load
from farthing.store import Evidence, open_store
from farthing.store.evidence import Sums
from farthing.upstream.hosts import HOSTS
from stores import ready
from unit.selfhost.quantize.environments import environments
from unit.selfhost.quantize.tiny_model import scores, tiny, weights

Farthing = Callable[..., Result]
LETTERS = "theaydolrvc"
"""Those that the model tells apart."""


@pytest.fixture
def site(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model, a tool, and a data set whose answers the model does not give; `cache` has the tool."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
    environments(folder / "cache" / "farthing" / "tools")
    (folder / "farthing.toml").write_text("[routing]\nquality_floor = 0.9\n")
    model = weights(tiny(folder / "tiny"))
    answers = {letter: str((int(np.argmax(scores(model, ord(letter)))) + 1) % 256) for letter in LETTERS}
    asked = {letter: [{"role": "user", "content": letter}] for letter in LETTERS}
    train = [{"messages": [*asked[letter], {"role": "assistant", "content": answers[letter]}]} for letter in LETTERS]
    proof = [{"messages": asked[letter], "answer": answers[letter]} for letter in LETTERS] * 8
    (folder / "set").mkdir()
    (folder / "set" / "train.jsonl").write_text("\n".join(map(json.dumps, train)))
    (folder / "set" / "eval.jsonl").write_text("\n".join(map(json.dumps, proof)))
    return folder


def tune(farthing: Farthing, *more: str) -> Result:
    return farthing("distil", "tune", "tiny", "--data", "set/train.jsonl", "--threads", "1", "--yes", *more)


async def kept() -> tuple[list[Sums], list[tuple[str, int]]]:
    store = await open_store(ready(Path()))
    try:
        rows = await store.do(lambda connection: connection.query("SELECT feature, cost FROM calls", ()))
        return await Evidence(store).sums(), [(str(feature), int(str(cost))) for feature, cost in rows]
    finally:
        await store.close()


def test_a_model_learns_is_proved_and_becomes_a_candidate(farthing: Farthing, site: Path) -> None:
    done = tune(farthing, "--task", "intent", "--teacher", "gpt-5", "--hour", "3.60", "--name", "own/tickets", "--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert (found["before"]["share"], found["after"]["share"], found["after"]["cases"]) == (0.0, 1.0, 88)
    assert found["change"]["low"] > 0.9 and found["verdict"] == "better" and found["clears"] is True
    assert found["cost"] == 91_000_000 and "11 examples" in done.stderr and "--hour" not in done.stderr
    sums, rows = asyncio.run(kept())
    (seen,) = [each for each in sums if each.source == "eval"]
    assert (seen.model, seen.against, seen.scope, seen.pairs, seen.difference) == (
        "own/tickets",
        "gpt-5",
        "task:intent",
        88,
        0,
    )
    assert rows == [("farthing training", 91_000_000)]
    (report,) = reports.read(site / "farthing-models", "tuned", Report)
    assert report.use is not None and "vllm serve" in report.use.command and report.clears
    settings = load(
        site / "tiny-tuned" / "farthing.toml", {}, kinds={name: host.base_url for name, host in HOSTS.items()}
    )
    assert settings.models["own/tickets"].deployments[0].model == "own/tickets"
    card = (site / "tiny-tuned" / "README.md").read_text()
    for words in (
        "# own/tickets",
        "| before | 0.0 % |",
        "shown to be better than before",
        "It clears the floor",
        "vllm serve",
    ):
        assert words in card
    shown = farthing("distil", "trainings").output
    assert "own/tickets" in shown and "booked" in shown


def test_once_done_it_is_not_done_again(farthing: Farthing, site: Path) -> None:
    words = ("--task", "intent", "--teacher", "gpt-5", "--hour", "3.60")
    assert tune(farthing, *words).exit_code == 0
    times = (site / "tiny-tuned" / "after.jsonl").stat().st_mtime_ns
    again = tune(farthing, *words)
    assert again.exit_code == 0 and (site / "tiny-tuned" / "after.jsonl").stat().st_mtime_ns == times
    for said in ("is shown to be better than before: +100.0 points", "It clears the floor", "farthing quantize"):
        assert said in again.output
    sums, rows = asyncio.run(kept())
    assert sum(each.pairs for each in sums if each.source == "eval") == 88 and len(rows) == 1


def test_a_training_that_was_killed_goes_on(farthing: Farthing, site: Path) -> None:
    (site / "cache" / "fails").write_text("waits")
    words = ["distil", "tune", "tiny", "--data", "set/train.jsonl", "--threads", "1", "--yes"]
    run = subprocess.Popen([sys.executable, "-m", "farthing", *words], env={**os.environ}, stderr=subprocess.DEVNULL)
    state = site / "tiny-tuned" / "state.pt"
    ends = time.monotonic() + 60
    while not state.exists() or state.read_text() != "[0, 1, 2, 3]":
        assert time.monotonic() < ends
        time.sleep(0.05)
    assert "another run works in" in tune(farthing).output
    run.send_signal(signal.SIGKILL)
    run.wait()
    done = farthing(*words[:-1], "--json")
    assert done.exit_code == 0, done.output  # it was agreed to before
    assert not state.exists() and json.loads(done.stdout)["after"]["share"] == 1.0
    other = tune(farthing, "--epochs", "9")
    assert other.exit_code == 1 and "holds a run of another model, other data or other choices" in other.output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--max-hours", "0"), "and --max-hours is 0"),
        (("--task", "intent"), "--task and --teacher go together"),
        (("--hour", "much"), "'much' are no dollars; write 2.49"),
        (("--eval", "tiny/config.json"), "config.json: line 1"),
        (("--out", "cache"), "cache is not empty and holds no run of this command"),
        (("--gpu", "Q9"), "Q9"),
    ],
)
def test_what_cannot_be_done_is_said(farthing: Farthing, site: Path, words: tuple[str, ...], said: str) -> None:
    done = tune(farthing, *words)
    assert done.exit_code and said in " ".join(done.output.split()), done.output


def test_what_is_missing_is_said(farthing: Farthing, site: Path) -> None:
    (site / "set" / "eval.jsonl").rename(site / "proof.jsonl")
    assert "set/eval.jsonl is not there" in tune(farthing).output
    (site / "cache" / "farthing" / "tools" / "peft" / "bin" / "python").unlink()
    assert "Get it with: farthing selfhost tools --install peft" in tune(farthing, "--eval", "proof.jsonl").output
    (site / "set" / "train.jsonl").write_text("{}\n")
    assert "set/train.jsonl: a training needs at least 10 examples" in tune(farthing).output
    assert "there is no folder nowhere" in farthing("distil", "tune", "nowhere", "--data", "set/train.jsonl").output


def test_nobody_is_trained_without_a_yes(farthing: Farthing, site: Path) -> None:
    done = farthing("distil", "tune", "tiny", "--data", "set/train.jsonl", stdin=b"n\n")
    assert done.exit_code == 1 and "Train it?" in done.output and not (site / "tiny-tuned" / "model").exists()
    assert "one H100 takes" in done.output
