"""From live calls to a tuned model: captured by the real gateway, exported, trained at the simulated provider with the command
killed on the way, proved, and in the ledger once."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from farthing.upstream.simulator import SimulatorSettings, tasks
from integration.gateways import Gateway, eventually, gateway, settings_text
from integration.upstreams import Simulator, simulator

pytest.importorskip("rs_bpe", reason="the extra `tokens` is not installed")

BASE, TEACHER = "gpt-4o-mini-2024-07-18", "gpt-5"
KEY = "00" * 32
SYSTEM = "You sort tickets. Answer with one word."
CALLS = 120


@pytest.fixture(scope="module")
def provider() -> Iterator[Simulator]:
    with simulator(SimulatorSettings(seed=4, tuning_seconds=3)) as made:
        yield made


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def site(
    request: pytest.FixtureRequest, provider: Simulator, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Gateway]:  # fmt: skip
    store = ""
    if request.param == "postgresql":
        store = f'url = "{request.getfixturevalue("postgres_module")}"'
    settings = settings_text(
        store=store, providers=f'[providers.openai]\nbase_url = "{provider.url}/v1"\napi_key = "sk-secret-{request.param}"\n',
        more=f'[capture]\nfeatures = ["triage"]\nencryption_key = "{KEY}"\n',
    )  # fmt: skip
    with gateway(tmp_path_factory.mktemp(f"distil-{request.param}"), settings) as made:
        yield made


@pytest.fixture(scope="module")
def postgres_module(postgres: Any) -> Iterator[str]:
    schema = "distil_site"
    postgres.run(f"CREATE SCHEMA {schema}")
    yield postgres.url(schema)
    postgres.run(f"DROP SCHEMA {schema} CASCADE")


def ask(site: Gateway, prompt: str, feature: str = "triage", **more: Any) -> httpx2.Response:
    messages = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": prompt}]
    return site.post(
        "/v1/chat/completions", {"model": TEACHER, "messages": messages, **more}, x_farthing_feature=feature
    )  # fmt: skip


@pytest.fixture(scope="module")
def exported(site: Gateway) -> Path:
    """The folder of a data set of live calls."""
    for each in tasks.bank(CALLS, 7, ["classification"]):
        assert ask(site, each.prompt).status_code == 200
    assert ask(site, "Who is ana@example.org?", stream=True).status_code == 200
    assert ask(site, "Secret talk", feature="other").status_code == 200

    def kept() -> list[Any]:
        found: list[Any] = site.farthing_json("capture", "status")["kept"]
        return found if sum(each["rows"] for each in found) > CALLS else []

    kinds = eventually(kept, "the calls are kept")
    assert {each["feature"] for each in kinds} == {"triage"} and sum(each["rows"] for each in kinds) == CALLS + 1
    assert all(each["sealed"] == each["rows"] for each in kinds)
    done = site.farthing_json("distil", "export", "--feature", "triage", "--base", BASE, "--near", "1.01")
    assert done["calls"] == CALLS + 1 and done["train"] + done["test"] == CALLS + 1 - sum(done["left_out"].values())
    assert done["training_dollars"]["low"] > 0
    return site.folder / "distil"


def test_what_is_exported_is_what_was_said(site: Gateway, exported: Path) -> None:
    lines = [json.loads(line) for line in (exported / "train.jsonl").read_text().splitlines()]
    assert all([message["role"] for message in each["messages"]] == ["system", "user", "assistant"] for each in lines)
    assert {each["messages"][0]["content"] for each in lines} == {SYSTEM}
    prompts = {each.prompt for each in tasks.bank(CALLS, 7, ["classification"])}
    assert {each["messages"][1]["content"] for each in lines} <= prompts
    assert (exported / "train.jsonl").stat().st_mode & 0o077 == 0
    everything = "".join(file.read_text() for file in exported.iterdir())
    assert "ana@example.org" not in everything and "Secret talk" not in everything
    assert "ana@" not in site.log and SYSTEM not in site.log


TRAIN = (
    "distil", "train", "--base", BASE, "--data", "distil/train.jsonl", "--look-s", "0.1", "--lag-s", "0.5", "--yes",
)  # fmt: skip


def _jobs(provider: Simulator, key: str) -> Any:
    """What the provider was told to train."""
    head = {"authorization": f"Bearer {key}"}
    return httpx2.get(f"{provider.url}/v1/fine_tuning/jobs", headers=head, timeout=60, verify=False).json()["data"]


def test_killed_on_the_way_it_goes_on_and_is_paid_once(site: Gateway, provider: Simulator, exported: Path) -> None:
    key = next(line.split('"')[1] for line in site.config.read_text().splitlines() if line.startswith("api_key"))
    for reached in (lambda: site.folder.exists(), lambda: _jobs(provider, key), lambda: _jobs(provider, key)):
        with site.begin(*TRAIN):
            eventually(reached, "it is as far as that")
            time.sleep(0.4)
    done = site.farthing_json(*TRAIN)
    assert done["state"] == "booked" and done["model"].startswith(f"ft:{BASE}:") and done["tokens"] > 0
    assert [each["trained_tokens"] for each in _jobs(provider, key)] == [done["tokens"]]
    report = site.farthing_json("report", "--by", "feature")
    (row,) = [each for each in report["rows"] if each["feature"] == "farthing training"]
    assert row["cost"]["nano_dollars"] == done["cost"]["nano_dollars"] == done["tokens"] * 3_000 and row["calls"] == 1
    assert done["model"] in done["settings"]

    found = site.farthing_json(
        "distil", "evaluate", done["model"], "--teacher", TEACHER, "--base", BASE, "--data", "distil/eval.jsonl", "--task", "triage"
    )  # fmt: skip
    tuned, base = found["models"]
    assert tuned["cases"] == base["cases"] == found["cases"] > 15 and tuned["failed"] == 0
    assert [(each["model"], each["other"]) for each in found["pairs"]] == [
        (done["model"], TEACHER), (BASE, TEACHER), (done["model"], BASE),
    ]  # fmt: skip
    assert all(each["low"] <= each["difference"] <= each["high"] for each in found["pairs"])


def test_what_is_purged_is_gone(site: Gateway, exported: Path) -> None:
    assert site.farthing_json("capture", "purge", "--feature", "triage", "--yes")["deleted"] == CALLS + 1
    assert site.farthing_json("capture", "status")["kept"] == []
