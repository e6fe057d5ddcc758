"""`farthing capture` and `farthing distil`, as they are typed; training has a test with the real gateway."""

import asyncio
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import Result

from farthing.cli.distil_train import entry
from farthing.model.record import Attempt, Record
from farthing.model.usage import Usage
from farthing.prices import PriceBook
from farthing.settings import parse
from farthing.store import open_store
from farthing.store.captures import Captured, Captures
from farthing.store.sealing import wrapping
from farthing.store.trainings import Training
from stores import ready

Farthing = Callable[..., Result]
DAY_US = 86_400_000_000
KEY = "11" * 32
TOML = f"""
[providers.openai]
api_key = "env:NOT_AT_HAND"
[capture]
features = ["triage"]
encryption_key = "{KEY}"
"""
WORDS = ("parcel", "invoice", "refund", "address", "voucher", "delivery", "account", "password-less sign-in")


def a_capture(at: int, now: int) -> Captured:
    text = f"{WORDS[at % 8]} number {at * 7919 % 100_003} went wrong in week {at * 31 % 53} of contract {at * 104_729 % 99_991}"
    return Captured(
        f"c{at}", text, ("billing", "shipping", "other")[at * 7 % 3], now - DAY_US + at, f"{at % 20:016x}", "default", "triage", "intent",
        "gpt-5", 1, "Sort the ticket. " * 20, ("billing", "other", "shipping"), now + DAY_US,
    )  # fmt: skip


def a_call(at: int, now: int) -> Record:
    attempt = Attempt(1, usage=Usage(uncached_in=400, out=5), cost_state="computed", cost=8_000_000, model="gpt-5")
    return Record(
        f"call-{at}", now - now % DAY_US - DAY_US * (1 + at % 7) + at, "openai.chat", model="gpt-5", feature="triage", task="intent", status=200,
        cost_state="computed", cost=8_000_000, baseline=8_000_000, in_tokens=400, out_tokens=5, attempts=[attempt],
    )  # fmt: skip


@pytest.fixture
def site(folder: Path) -> Path:
    """Seven days of calls, 300 of them captured."""
    (folder / "farthing.toml").write_text(TOML)
    now = time.time_ns() // 1000

    async def fill() -> None:
        store = await open_store(ready(Path()))
        await store.write([a_call(at, now) for at in range(2_000)])
        await Captures(store, wrapping(KEY)).add([a_capture(at, now) for at in range(300)])
        await store.close()

    asyncio.run(fill())
    return folder


def plain(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_what_is_kept_and_how_it_goes(farthing: Farthing, site: Path) -> None:
    shown = farthing("capture", "status").output
    assert "100 % of feature triage, redacted, sealed, for 30 days" in shown and "parcel" not in shown
    found = plain(farthing("capture", "status", "--json"))
    assert sum(each["rows"] for each in found["kept"]) == 300 and KEY not in json.dumps(found)
    assert farthing("capture", "purge", stdin=b"n\n").exit_code == 1
    assert plain(farthing("capture", "purge", "--yes", "--task", "none", "--json")) == {"deleted": 0}
    assert "300 captured calls deleted" in farthing("capture", "purge", "--yes").output
    assert "No calls are there" in farthing("capture", "status").output


def test_nothing_is_kept_without_a_word(farthing: Farthing, site: Path) -> None:
    (site / "farthing.toml").write_text("")
    assert "Nothing new is kept" in farthing("capture", "status").output


def test_candidates_for_people_and_machines(farthing: Farthing, site: Path) -> None:
    (each,) = plain(farthing("distil", "candidates", "--base", "gpt-4o-mini-2024-07-18", "--json"))["candidates"]
    assert (each["feature"], each["task"], each["calls"], each["closed"]) == ("triage", "intent", 2_000, True)
    assert each["answers"]["labels"] == ["billing", "other", "shipping"] and each["answers"]["calls"] == 300
    assert each["cost_a_month"]["middle"] == round(2_000 * 8_000_000 / 7 * 365.25 / 12)
    assert 0 < each["student"]["low"] < each["student"]["high"] and each["tuned"]["high"] > 0
    shown = farthing("distil", "candidates").output
    assert "triage" in shown and "1: missing: 200 more captured calls" in shown
    assert "No work had 9,999 calls" in farthing("distil", "candidates", "--least-calls", "9999").output


def test_an_export_counts_and_decides(farthing: Farthing, site: Path) -> None:
    found = plain(
        farthing("distil", "export", "--base", "gpt-4o-mini-2024-07-18", "--out", "set", "--people", "100", "--json")
    )
    assert found["train"] + found["test"] + sum(found["left_out"].values()) == found["calls"] == 300
    decision = found["decision"]
    assert decision["verdict"] == "distil" and decision["pay_back"]["high"] < 4
    assert 0 < decision["saved_a_month"]["low"] <= decision["saved_a_month"]["likely"] < 8_697 * 0.008
    assert found["training_dollars"]["likely"] == pytest.approx(found["files"]["train.jsonl"] / 4 * 3 * 3 / 1e6)
    assert {file.name for file in (site / "set").iterdir()} == {
        "train.jsonl",
        "test.jsonl",
        "eval.jsonl",
        "report.json",
    }
    assert "--force writes over it" in farthing("distil", "export", "--out", "set").output
    shown = farthing("distil", "export", "--out", "set", "--force", "--format", "axolotl", "--system", "").output
    assert "type: chat_template" in shown and "No decision: no --base is named" in shown
    assert "Sort the ticket" not in (site / "set" / "train.jsonl").read_text()


def test_an_export_for_own_gpus(farthing: Farthing, site: Path) -> None:
    found = plain(farthing("distil", "export", "--format", "trl", "--gpu", "H100", "--parameters", "8", "--json"))
    assert 0 < found["gpu_hours"]["low"] < found["gpu_hours"]["high"] < 1 and found["training_dollars"]["high"] > 0
    assert "--gpu needs --parameters" in farthing("distil", "export", "--force", "--gpu", "H100").output


def test_what_cannot_be_exported_is_said(farthing: Farthing, site: Path) -> None:
    assert "no captured call is of it" in farthing("distil", "export", "--feature", "none").output
    assert "there is no provider 'odd'" in farthing("distil", "export", "--base", "x", "--provider", "odd").output
    (site / "farthing.toml").write_text(TOML.replace(KEY, "22" * 32))
    done = farthing("distil", "export", "--force")
    assert done.exit_code == 1 and "300 captured calls cannot be opened" in done.output


def test_an_export_that_the_disk_does_not_take_leaves_what_was_there(farthing: Farthing, site: Path) -> None:
    (site / "file").write_text("")
    done = farthing("distil", "export", "--format", "trl", "--out", "file/deeper")
    assert done.exit_code == 1 and "cannot be written" in done.output
    assert farthing("distil", "export", "--format", "trl", "--out", "kept").exit_code == 0
    before = (site / "kept" / "train.jsonl").read_bytes()
    (site / "kept" / "train.jsonl.part").mkdir()  # in its way, as a full disk would be
    done = farthing("distil", "export", "--format", "trl", "--out", "kept", "--force", "--system", "")
    assert done.exit_code == 1 and (site / "kept" / "train.jsonl").read_bytes() == before


def test_a_training_is_not_begun_without_a_price_or_a_limit_that_holds(farthing: Farthing, site: Path) -> None:
    (site / "farthing.toml").write_text(
        '[providers.openai]\napi_key = "sk-anything"\n[providers.anthropic]\napi_key = "sk-anything"\n'
    )
    chat = {"messages": [{"role": "user", "content": "x" * 4000}, {"role": "assistant", "content": "y"}]}
    (site / "train.jsonl").write_bytes(b"\n".join([msgspec.json.encode(chat)] * 100))
    train = ("distil", "train", "--data", "train.jsonl")
    assert "it may cost $1.2" in farthing(*train, "--base", "gpt-4o-mini", "--max-dollars", "1").output
    assert "no price is known for training gpt-5" in farthing(*train, "--base", "gpt-5", "--max-dollars", "1").output
    assert farthing(*train, "--base", "gpt-4o-mini", stdin=b"n\n").exit_code == 1
    assert "no host with this API" in farthing(*train, "--base", "x", "--provider", "anthropic").output
    (site / "short.jsonl").write_text("{}\n")
    assert (
        "at least 10 examples" in farthing("distil", "train", "--data", "short.jsonl", "--base", "gpt-4o-mini").output
    )
    assert plain(farthing("distil", "trainings", "--json")) == []
    assert "there is no training x" in farthing("distil", "trainings", "--forget", "x").output


@pytest.mark.parametrize(
    "model",
    [
        "ft:gpt-4o-mini-2024-07-18:you:triage:abc12345",
        "gpt-4o-mini-2024-07-18.ft-0e2f",
        "ft:gpt-4o-mini-2024-07-18:you::abc",
    ],
)
def test_the_entry_is_one_of_settings(model: str) -> None:
    done = Training("train-0123456789", "default", "openai", "gpt-4o-mini-2024-07-18", "booked", model=model)
    settings = parse('[providers.openai]\napi_key = "sk-123456"\n' + entry(done), {})
    ((name, found),) = settings.models.items()
    assert name.endswith("-456789") and (found.model, found.price_as, found.provider) == (model, model, "openai")
    priced = PriceBook.load().price("openai", model, Usage(uncached_in=1000, out=10), at_us=1_790_000_000_000_000)
    assert priced.state == "computed"
