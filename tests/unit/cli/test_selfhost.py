"""`farthing selfhost` and `farthing tco`, as they are typed."""

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import Result

from farthing.model.record import Attempt, Record
from farthing.model.usage import Usage
from farthing.store import open_store
from farthing.upstream.simulator import SimulatorSettings
from integration.upstreams import simulator
from stores import ready
from unit.selfhost.shapes import LLAMA_8B

Farthing = Callable[..., Result]
HOUR_US = 3_600_000_000

TOML = """
[providers.own]
kind = "vllm"
base_url = "http://127.0.0.1:8000/v1"
[selfhost.deployments."own/llama-8b"]
gpus = 1
dollars_per_gpu_hour = 3.6
tokens_per_second = 1000
"""


@pytest.fixture
def model(folder: Path) -> str:
    (folder / "llama").mkdir()
    (folder / "llama" / "config.json").write_text(json.dumps(LLAMA_8B))
    return "llama"


def test_a_plan_for_people_and_for_machines(farthing: Farthing, model: str) -> None:
    shown = farthing("selfhost", "fit", model, "--gpu", "H100", "--gpu", "A100").output
    for words in (
        "8.03 B parameters, stored as bf16",
        "Ampere has no kernels for fp8",
        "16.1 GB",
        "$ / 1M out",
        "GPU prices are over 30 days old",
    ):
        assert words in shown
    plain = json.loads(farthing("selfhost", "fit", model, "--gpu", "H100", "--format", "fp8", "--json").stdout)
    (found,) = plain["plans"]
    assert (found["gpus"], found["weights_bytes"]) == (1, pytest.approx(9.1e9, rel=0.01))
    assert found["speed"]["low"] < found["speed"]["tokens_s"] < found["speed"]["high"]
    assert found["price"]["source"] and found["dollars_a_million_output"]["expected"] > 0


def test_what_cannot_be_planned_is_said(farthing: Farthing, model: str) -> None:
    assert "no GPU 'H1000' is known; did you mean H100?" in farthing("selfhost", "fit", model, "--gpu", "H1000").output
    assert "`farthing selfhost gpus` lists them" in farthing(
        "selfhost", "fit", model, "--gpu", "none such"
    ).output.replace("\n", " ")
    done = farthing("selfhost", "fit", model, "--format", "w3")
    assert done.exit_code == 1 and "no format 'w3'" in done.output
    assert (
        "its context ends at 131,072 tokens"
        in farthing("selfhost", "fit", model, "--input", "200000", "--format", "bf16").output
    )


def test_the_table_of_gpus(farthing: Farthing) -> None:
    assert "3,350 GB/s" in farthing("selfhost", "gpus").output
    assert len(json.loads(farthing("selfhost", "gpus", "--json").stdout)["gpus"]) >= 30


def test_newer_prices_are_imported_and_hold(farthing: Farthing, folder: Path, model: str) -> None:
    (folder / "vms.csv").write_text("AcceleratorName,AcceleratorCount,Price,SpotPrice\nH100,8,80,\nL4,1,0.8,0.3\n")
    done = farthing("selfhost", "prices", "import", "vms.csv", "--as", "skypilot")
    assert "3 prices of 2 GPUs written to gpu-prices.json" in done.output
    (folder / "farthing.toml").write_text('[selfhost]\ngpu_prices = "gpu-prices.json"\n')
    shown = farthing("selfhost", "fit", model, "--format", "fp8", "--json")
    assert json.loads(shown.stdout)["plans"][0]["price"]["median"] == 10.0
    assert "Warning" not in shown.stderr
    (folder / "none.csv").write_text("AcceleratorName,AcceleratorCount,Price\nQ1,1,1\n")
    assert (
        "no GPU of these files is known"
        in farthing("selfhost", "prices", "import", "none.csv", "--as", "skypilot").output
    )


@pytest.fixture
def server() -> Iterator[str]:
    with simulator(SimulatorSettings(seed=5, latency=0.02)) as found:
        yield f"{found.url}/v1"


def test_a_load_test_calibrates_plans(farthing: Farthing, folder: Path, model: str, server: str) -> None:
    before = json.loads(farthing("selfhost", "fit", model, "--format", "fp8", "--json").stdout)["plans"][0]["speed"]
    done = farthing(
        "selfhost", "measure", server, "--model", "gpt-4o-mini", "--key", "env:OWN_KEY", "--input", "100", "--output", "30",
        "--callers", "1,4", "--gpu", "H100", "--format", "fp8", "--gpu-hour", "2.5", "--json", env={"OWN_KEY": "sk-own-key"},
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    levels = json.loads(done.stdout)["levels"]
    assert [each["callers"] for each in levels] == [1, 4]
    assert levels[1]["dollars_a_million_output"] == pytest.approx(2.5 / 3600 / levels[1]["tokens_s"] * 1e6)
    assert "sk-own-key" not in done.output + (folder / "farthing-measured.json").read_text()
    after = json.loads(farthing("selfhost", "fit", model, "--format", "fp8", "--json").stdout)["plans"][0]["speed"]
    assert after["method"] == "2 points of this server" and after["tokens_s"] != before["tokens_s"]
    shown = farthing(
        "selfhost", "measure", server, "--model", "gpt-4o-mini", "--callers", "2", env={"OPENAI_API_KEY": ""}
    )
    assert shown.exit_code == 1 and "401" in shown.output


def test_load_tests_that_cannot_be_are_refused(farthing: Farthing) -> None:
    assert farthing("selfhost", "measure", "http://127.0.0.1:9/v1", "--model", "m", "--callers", "0").exit_code == 2
    assert farthing("selfhost", "measure", "http://127.0.0.1:9/v1", "--model", "m", "--key", "sk-typed").exit_code == 2
    assert farthing("selfhost", "measure", "http://127.0.0.1:9/v1", "--model", "m").exit_code == 1


TYPED = ("tco", "--api", "gpt-5-mini", "--tokens-s", "2000", "--gpu", "H100", "--gpu-hour", "2.5")


def test_a_comparison_for_people_and_for_machines(farthing: Farthing) -> None:
    shown = farthing(*TYPED, "--calls", "5e6").output
    for words in (
        "engineers",
        "Fleet: ",
        "Own GPUs are",
        "80 % of outcomes",
        "Break-even",
        "What moves the saving most",
        "quality is taken to be equal",
    ):
        assert words in shown
    plain = json.loads(farthing(*TYPED, "--calls", "5e6", "--profile", "flat", "--json").stdout)
    assert plain["api_total"] == pytest.approx(5e6 * (1000 * 0.25 + 300 * 2) / 1e6)
    assert plain["own"]["engineers"] == 15_000
    assert plain["interval"]["own_low"] <= plain["own_total"] <= plain["interval"]["own_high"]
    assert farthing(*TYPED, "--calls", "5e6", "--json").stdout == farthing(*TYPED, "--calls", "5e6", "--json").stdout


def test_speed_from_the_model_and_its_goal(farthing: Farthing, model: str) -> None:
    typed = ("tco", "--api", "gpt-5-mini", "--own", model, "--calls", "1e7", "--json")
    loose = json.loads(farthing(*typed, "--ttft", "0", "--tpot", "0").stdout)
    tight = json.loads(farthing(*typed, "--ttft", "1", "--tpot", "0.015").stdout)
    assert tight["replica"]["tokens_s"] < loose["replica"]["tokens_s"]
    assert tight["replica"]["tpot_s"] <= 0.015
    assert farthing(*typed, "--tpot", "0.0001").exit_code == 1


@pytest.mark.parametrize(
    "typed",
    [
        ("tco",), ("tco", "--calls", "1e6"), ("tco", "--calls", "1e6", "--api", "gpt-5-mini"), (*TYPED,),
        (*TYPED, "--calls", "1e6", "--rent", "premises"), (*TYPED, "--calls", "1e6", "--training-tokens", "5"),
        (*TYPED, "--calls", "1e6", "--embedded-tokens", "5"), ("tco", "deployment", "own/none"),
    ],
)  # fmt: skip
def test_what_is_missing_is_asked_for(farthing: Farthing, typed: tuple[str, ...]) -> None:
    done = farthing(*typed)
    assert done.exit_code == 2, done.output
    assert "Say" in done.output or "need" in done.output or "There is no" in done.output


@pytest.mark.parametrize("typed", ["nan", "inf", "-1", "1e308"])
@pytest.mark.parametrize(
    "option", ["--gpu-hour", "--tokens-s", "--salary", "--input", "--headroom", "--training-price"]
)
def test_no_figure_is_made_of_what_is_none(farthing: Farthing, option: str, typed: str) -> None:
    done = farthing(*TYPED, "--calls", "1e6", option, typed)
    assert done.exit_code == 2 and f"Invalid value for '{option}'" in done.output


def test_models_and_prices_that_cannot_be_are_told(farthing: Farthing, folder: Path, model: str) -> None:
    (folder / "odd").mkdir()
    for hidden in (1.5, [1], 16):
        (folder / "odd" / "config.json").write_text(json.dumps(LLAMA_8B | {"hidden_size": hidden}))
        for typed in (("selfhost", "fit", "odd", "--gpu", "H100"), ("quantize", "odd", "--plan-only")):
            done = farthing(*typed)
            assert done.exit_code == 1 and "more heads (32) than hidden_size" in done.output
    (folder / "vms.csv").write_text("AcceleratorName,AcceleratorCount,Price\nH100,8,80\n")
    done = farthing("selfhost", "prices", "import", "vms.csv", "--as", "skypilot", "--to", "nowhere/prices.json")
    assert done.exit_code == 1 and "nowhere/prices.json cannot be written" in done.output
    prices = {
        "gpu": "H100",
        "kind": "on-demand",
        "low": -1,
        "median": 2,
        "high": 3,
        "offers": 1,
        "as_of": "2026-11-25",
        "source": "x",
    }
    (folder / "gpu-prices.json").write_text(json.dumps([prices]))
    (folder / "farthing.toml").write_text('[selfhost]\ngpu_prices = "gpu-prices.json"\n')
    done = farthing("selfhost", "fit", model, "--gpu", "H100")
    assert done.exit_code == 1 and "holds no GPU prices" in done.output


def test_unknown_prices_are_never_zero(farthing: Farthing) -> None:
    done = farthing("tco", "--api", "gpt-none", "--calls", "1e6", "--tokens-s", "2000", "--gpu", "H100")
    assert done.exit_code == 1 and "no price is known for gpt-none" in done.output
    done = farthing("tco", "--api", "gpt-5-mini", "--calls", "1e6", "--tokens-s", "2000", "--gpu", "Max 1550")
    assert done.exit_code == 1 and "no on-demand price of Max 1550 is known" in done.output
    old = farthing("tco", "--api", "gpt-5-mini", "--calls", "1e6", "--tokens-s", "2000", "--gpu", "H100")
    assert "days old" in old.output


def _fill(folder: Path) -> None:
    now = time.time_ns() // 1000
    first = now - now % HOUR_US - 48 * HOUR_US
    usage = Usage(uncached_in=800, cache_read=200, out=100)

    def record(at: int, number: int) -> Record:
        attempt = Attempt(no=1, provider="own", deployment="own/llama-8b", model="llama-8b", status=200, usage=usage)
        return Record(
            id=f"{at}-{number}", started_us=first + at * HOUR_US + number, wire="openai.chat", model_asked="m", model="llama-8b",
            provider="own", deployment="own/llama-8b", feature="chat" if number % 2 else "search", status=200,
            in_tokens=1000, cached_tokens=200, out_tokens=100, attempts=[attempt], cost_state="computed",
        )  # fmt: skip

    async def write() -> None:
        store = await open_store(ready(folder))
        await store.write([record(at, number) for at in range(48) for number in range(20 if at % 24 < 12 else 4)])
        await store.close()

    asyncio.run(write())


def test_the_ledgers_own_traffic_is_the_demand(farthing: Farthing, folder: Path) -> None:
    _fill(folder)
    plain = json.loads(farthing(*TYPED, "--from-ledger", "--json").stdout)["demand"]
    assert plain["calls"] == pytest.approx(576 * 730 / 48)
    assert (plain["input_tokens"], plain["output_tokens"], plain["cached_share"]) == (1000, 100, 0.2)
    assert plain["source"].startswith("ledger, all calls")
    one = json.loads(farthing(*TYPED, "--from-ledger", "--where", "feature=chat", "--json").stdout)["demand"]
    assert one["calls"] == pytest.approx(plain["calls"] / 2)
    assert farthing(*TYPED, "--from-ledger", "--where", "feature=none").exit_code == 1


def test_what_an_own_deployment_was_used_for(farthing: Farthing, folder: Path) -> None:
    (folder / "farthing.toml").write_text(TOML)
    _fill(folder)
    shown = farthing("tco", "deployment", "own/llama-8b", "--since", "48h").output
    for words in ("576 calls", "used by calls", "idle", "utilisation", "busiest hour"):
        assert words in shown
    plain = json.loads(farthing("tco", "deployment", "own/llama-8b", "--since", "48h", "--json").stdout)
    assert plain["attempts"] == 576
    assert plain["used"]["nano_dollars"] == 576 * 182_000  # (100 + 800 x 0.1 + 200 x 0.01) x $1 a million
    assert plain["idle"]["nano_dollars"] == plain["gpus"]["nano_dollars"] - plain["used"]["nano_dollars"]
