"""Gemini's contexts as callers meet them: the real gateway before a provider that keeps system prompts under a name."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from farthing.prices import PriceBook
from farthing.upstream.simulator import SimulatorSettings
from integration.callers import Caller
from integration.gateways import Gateway, eventually, gateway, settings_text
from integration.upstreams import Simulator, simulator

MODEL, KEY = "gemini-2.5-flash", "the-key-of-a-test"
SYSTEM = "".join(
    f"Rule {number}: be friendly, keep to the facts of the order, promise nothing. " for number in range(250)
)
AT_US = 1_795_000_000_000_000
ON = '[prompts]\nprovider_caching = "auto"\ncontexts = "auto"\n[routing]\nhold_out_percent = 0\n'


@pytest.fixture
def google() -> Iterator[Simulator]:
    with simulator(SimulatorSettings(seed=11, chance_of_reading=0.2)) as made:
        yield made


@pytest.fixture
def keeping(google: Simulator, tmp_path: Path) -> Iterator[Gateway]:
    provider = f'[providers.gemini]\nbase_url = "{google.url}/v1beta/openai"\napi_key = "{KEY}"\n'
    with gateway(tmp_path, settings_text(providers=provider, more=ON)) as made:
        yield made


@pytest.fixture
def caller(keeping: Gateway) -> Iterator[Caller]:
    made = Caller(keeping.url)
    yield made
    made.close()


def ask(keeping: Gateway, caller: Caller, number: int) -> dict[str, Any]:
    caller.openai.chat.completions.create(
        model=MODEL, max_completion_tokens=20, stream=False,
        messages=[{"role": "system", "content": SYSTEM}, {"role": "user", "content": f"Where is order {number}?"}],
    )  # fmt: skip
    return keeping.call(caller.call_id)


def held(google: Simulator) -> list[str]:
    found = httpx2.get(f"{google.url}/v1beta/cachedContents", headers={"x-goog-api-key": KEY}, timeout=60).json()
    return [each["name"] for each in found.get("cachedContents", [])]


def named(record: dict[str, Any]) -> bool:
    return any(flag.startswith("cache_context") for attempt in record["attempts"] for flag in attempt["flags"])


def test_a_prompt_that_is_read_often_is_kept_and_read_and_let_go(
    keeping: Gateway, caller: Caller, google: Simulator, tmp_path: Path
) -> None:  # fmt: skip
    records = [ask(keeping, caller, number) for number in range(12)]
    assert not any(map(named, records[:9]))
    record = eventually(lambda: found if named(found := ask(keeping, caller, 99)) else None, "a context is named")
    assert len(held(google)) == 1
    line = google.last_line()
    assert record["cached_tokens"] == line["spent"]["cache_read"] > 4_000  # type: ignore[index]
    assert record["attempts"][0]["cost"] < 0.4 * records[0]["attempts"][0]["cost"]
    saving = next(one for one in record["savings"] if one["lever"] == "provider caching")
    assert saving["before"] > saving["after"] == record["cost"]
    assert (
        record["baseline"] - sum(one["before"] - one["after"] - one["overhead"] for one in record["savings"])
        == record["cost"]
    )

    gone = held(google)[0]
    httpx2.delete(f"{google.url}/v1beta/{gone}", headers={"x-goog-api-key": KEY}, timeout=60)
    record = ask(keeping, caller, 100)
    assert [attempt["status"] for attempt in record["attempts"]] == [403, 200]
    assert (record["status"], record["outcome"]) == (200, "ok")
    assert not named(ask(keeping, caller, 101)) or held(google) != [gone]

    keeping.stop()
    assert held(google) == []  # whoever ends lets go of what it has
    bill = httpx2.get(f"{google.url}/simulator/bill", timeout=60).json()["contexts"]
    with sqlite3.connect(tmp_path / "ledger.db") as ledger:
        rows = ledger.execute("SELECT cost, cost_state FROM calls WHERE feature = 'farthing storage'").fetchall()
    assert rows
    assert {state for _, state in rows} == {"computed"}
    rates = PriceBook.load().rates("google", MODEL, at_us=AT_US)
    plain = rates.bands[-1].tokens[0]
    assert plain is not None
    made = bill["made_tokens"] * plain // 1000
    stored = bill["token_seconds"] / 3_600 * rates.requests["cached_token_hour"] / 1000
    booked = sum(cost for cost, _ in rows)
    rounding = len(rows) * 5 * rates.requests["cached_token_hour"] // 1000
    assert made <= booked <= made + stored + rounding


def test_a_prompt_with_tools_stays_whole(keeping: Gateway, caller: Caller, google: Simulator) -> None:
    tool: Any = {
        "type": "function",
        "function": {"name": "look_up", "parameters": {"type": "object", "properties": {}}},
    }
    for number in range(12):
        caller.openai.chat.completions.create(
            model=MODEL, max_completion_tokens=20, tools=[tool],
            messages=[{"role": "system", "content": SYSTEM}, {"role": "user", "content": f"Where is order {number}?"}],
        )  # fmt: skip
        assert not named(keeping.call(caller.call_id))
    assert held(google) == []
