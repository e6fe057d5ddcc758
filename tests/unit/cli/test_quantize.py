"""`farthing quantize`, as it is typed: real processes work on a tiny model."""

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
from farthing.selfhost.quantize.report import Report
from farthing.settings import load
from farthing.upstream.hosts import HOSTS
from unit.selfhost.quantize.environments import environments
from unit.selfhost.quantize.tiny_model import TEXT, scores, tiny, weights

Farthing = Callable[..., Result]
HERE = Path(__file__)


@pytest.fixture
def cache(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where back-ends live, and the file `fails` that makes the next worker fail."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
    environments(folder / "cache" / "farthing" / "tools")
    tiny(folder / "tiny")
    (folder / "text.txt").write_text(TEXT)
    return folder / "cache"


def quantize(farthing: Farthing, *more: str) -> Result:
    return farthing(
        "quantize", "tiny", "--text", "text.txt", "--tokens", "2600", "--threads", "1", "--method", "rtn", *more
    )


def test_what_passes_gets_its_card_its_command_and_its_settings(farthing: Farthing, folder: Path, cache: Path) -> None:
    done = quantize(farthing, "--bits", "8", "--name", "own/tiny")
    assert done.exit_code == 0, done.output
    for words in ("FP8: files", "passed: shown to be within what may be lost (3 %)", "vllm serve"):
        assert words in done.output
    card = (folder / "tiny-quantized" / "FP8" / "README.md").read_text()
    for words in (
        "# own/tiny-fp8",
        "| perplexity |",
        "| all files |",
        "text: text.txt",
        "Not measured: other languages",
    ):
        assert words in card
    report = json.loads((folder / "tiny-quantized" / "report.json").read_text())
    assert report["tried"][0]["perplexity"]["n"] >= 2600 and abs(report["tried"][0]["perplexity"]["loss"]) < 0.01
    assert (report["passed"], report["chosen"], report["name"]) == (True, "FP8", "own/tiny")
    assert report["tried"][0]["use"]["deployment"] == {
        "provider": "own-tiny",
        "model": "own/tiny-fp8",
        "reserved": True,
    }
    (kept,) = reports.read(folder / "farthing-models", "quantized", Report)
    assert kept.chosen == kept.tried[0] and "vllm serve" in kept.chosen.use.command and kept.finished_us > 0
    file = folder / "tiny-quantized" / "farthing.toml"
    found = load(file, {}, kinds={name: host.base_url for name, host in HOSTS.items()})
    (place,) = found.models["own/tiny"].deployments
    assert (place.provider, place.model, place.reserved) == ("own-tiny", "own/tiny-fp8", True)


def test_auto_goes_on_to_more_bits_where_four_lose_too_much(farthing: Farthing, folder: Path, cache: Path) -> None:
    done = quantize(farthing, "--json")
    assert done.exit_code == 0, done.output
    report = json.loads(done.stdout)
    assert [(each["scheme"], each["passed"]) for each in report["tried"]] == [("W4A16", False), ("FP8", True)]
    assert report["tried"][0]["verdict"] == "lost" and report["tried"][0]["perplexity"]["low"] > 0.03
    assert "did not pass" in (folder / "tiny-quantized" / "W4A16" / "README.md").read_text()


def test_nothing_that_lost_too_much_gets_settings(farthing: Farthing, folder: Path, cache: Path) -> None:
    done = quantize(farthing, "--bits", "4")
    assert done.exit_code == 1 and "Nothing passed; what was made is kept below" in done.output
    assert not (folder / "tiny-quantized" / "farthing.toml").exists()
    again = quantize(farthing, "--bits", "4", "--max-loss", "90%")
    assert again.exit_code == 0, again.output


def test_the_eval_set_decides_where_there_is_one(farthing: Farthing, folder: Path, cache: Path) -> None:
    model = weights(folder / "tiny")
    right = {letter: str(int(np.argmax(scores(model, letter)))) for letter in map(ord, "thvgywf")}
    lines = [{"prompt": chr(letter), "answer": answer} for letter, answer in right.items()] * 40
    (folder / "items.jsonl").write_text("\n".join(map(json.dumps, lines)))
    done = quantize(farthing, "--bits", "8", "--eval", "items.jsonl", "--json")
    task = json.loads(done.stdout)["tried"][0]["task"]
    assert (task["before"], task["n"]) == (1.0, 280) and task["low"] <= task["loss"] <= task["high"]
    few = [*lines[:5]]
    (folder / "few.jsonl").write_text("\n".join(map(json.dumps, few)))
    done = quantize(farthing, "--bits", "8", "--eval", "few.jsonl", "--out", "few")
    assert done.exit_code == 1 and "neither shown to be within" in done.output
    assert quantize(farthing, "--bits", "8", "--eval", "few.jsonl", "--out", "few", "--gate", "seen").exit_code == 0


def test_a_tool_that_fails_has_the_last_word(farthing: Farthing, folder: Path, cache: Path) -> None:
    (cache / "fails").write_text("error")
    done = quantize(farthing, "--bits", "8")
    assert done.exit_code == 1
    assert "measure failed: RuntimeError: no kernel for this machine" in done.output
    assert "| a tool's own words" in done.output and "| loading: 100%" in done.output and "10%" not in done.output
    (cache / "fails").write_text("memory")
    assert "most often that is a want of memory" in quantize(farthing, "--bits", "8").output
    assert quantize(farthing, "--bits", "8").exit_code == 0


def test_a_run_that_was_killed_goes_on_where_it_was(farthing: Farthing, folder: Path, cache: Path) -> None:
    (cache / "fails").write_text("waits")
    words = ["quantize", "tiny", "--text", "text.txt", "--tokens", "2600", "--threads", "1", "--bits", "8"]
    run = subprocess.Popen([sys.executable, "-m", "farthing", *words], env={**os.environ}, stderr=subprocess.DEVNULL)
    before = folder / "tiny-quantized" / "before.jsonl"
    wait(lambda: before.exists() and before.read_text().count("\n") >= 3)
    assert "another run works in" in quantize(farthing, "--bits", "8").output
    run.send_signal(signal.SIGKILL)
    run.wait()
    with before.open("a") as torn:
        torn.write('{"block": 3, "nl')
    first = before.read_text().split("\n")[:3]
    done = quantize(farthing, "--bits", "8")
    assert done.exit_code == 0, done.output
    assert before.read_text().split("\n")[:3] == first
    times = before.stat().st_mtime_ns
    assert quantize(farthing, "--bits", "8").exit_code == 0 and before.stat().st_mtime_ns == times
    other = quantize(farthing, "--bits", "8", "--scheme", "W8A16")
    assert other.exit_code == 1 and "holds a run of another model, other data or other choices" in other.output


def test_a_plan_alone_starts_nothing(farthing: Farthing, folder: Path, cache: Path) -> None:
    shown = quantize(farthing, "--plan-only").output
    for words in ("single streams wait for memory", "W4A16", "groups of 64", "It needs"):
        assert words in shown
    plain = json.loads(quantize(farthing, "--plan-only", "--json").stdout)
    assert [each["scheme"]["name"] for each in plain["steps"]] == ["W4A16", "FP8"]
    assert not (folder / "tiny-quantized").exists()


def test_an_estimate_says_how_long_and_what_it_spares(farthing: Farthing, folder: Path, cache: Path) -> None:
    shown = quantize(farthing, "--estimate").output
    for words in (
        "W4A16: made in",
        "It needs",
        "In all",
        "Nothing was done",
        "no [selfhost.deployments] has the model's name",
    ):
        assert words in shown
    (folder / "farthing.toml").write_text(
        '[selfhost.deployments."own/tiny"]\ngpus = 2\ndollars_per_gpu_hour = "2.49"\ntokens_per_second = 400\n'
    )
    assert "own/tiny could do with 0 GPUs less, $0.00 a month" in quantize(farthing, "--estimate").output
    plain = json.loads(quantize(farthing, "--estimate", "--json").stdout)
    assert [each["scheme"] for each in plain["estimate"]["schemes"]] == ["W4A16", "FP8"]
    assert plain["estimate"]["deployment"] == "own/tiny" and plain["disk"] > 0
    assert not (folder / "tiny-quantized").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nowhere",), "there is no folder nowhere"),
        (("cache",), "cache has no config.json, so no model is in it; there is: farthing"),
        (("text.txt",), "text.txt is no folder with a model in it"),
        (("tiny", "--gpu", "A100", "--scheme", "FP8"), "FP8 cannot be served there: Ampere has no kernels for fp8"),
        (("tiny", "--gpu", "cpu", "--scheme", "q8_0"), "vllm on a CPU has no kernels for q8_0"),
        (("tiny", "--engine", "llama.cpp", "--scheme", "W4A16"), "llama.cpp serves GGUF only"),
        (("tiny", "--scheme", "W4A16", "--group", "128"), "a group of 64 does"),
        (("tiny", "--engine", "llama.cpp"), "auto-round is not ready: there is no environment for it in"),
        (("tiny", "--text", "none.txt"), "none.txt: No such file or directory"),
        (("tiny", "--eval", "text.txt"), "text.txt: line 1"),
        (("tiny", "--max-loss", "much"), "'much' is no share; write 3%"),
        (("tiny", "--out", "cache"), "cache is not empty and holds no run of this command"),
    ],
)
def test_what_cannot_be_done_is_said(farthing: Farthing, cache: Path, words: tuple[str, ...], said: str) -> None:
    done = farthing("quantize", *words)
    assert done.exit_code and said in " ".join(done.output.split())


def test_which_tools_there_are(farthing: Farthing, cache: Path) -> None:
    shown = farthing("selfhost", "tools").output
    assert "auto-round: there is no environment for it; farthing selfhost tools --install auto-round" in shown
    found = {each["name"]: each for each in json.loads(farthing("selfhost", "tools", "--json").stdout)["tools"]}
    assert found["torchao"]["ready"] and not found["auto-round"]["ready"]


def wait(done: Callable[[], bool]) -> None:
    ends = time.monotonic() + 60
    while not done():
        assert time.monotonic() < ends
        time.sleep(0.05)
