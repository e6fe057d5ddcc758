"""The gateway's ledger against exports made from the simulator's own bill, which no code of ours had a part in."""

import json
import time
from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx2
import pytest

from integration.callers import Caller
from integration.conftest import providers
from integration.gateways import Gateway, eventually, gateway, settings_text
from integration.upstreams import Simulator, simulator

DAY_S = 86_400
OPENAI_RATES = {"uncached_in": "0.15", "cache_read": "0.075", "out": "0.60"}
CLAUDE_RATES = {"uncached_in": "1", "cache_read": "0.1", "w5m": "1.25", "w1h": "2", "out": "5"}
CLASSES = {
    "uncached_in": "uncached_input_tokens", "cache_read": "cache_read_input_tokens", "out": "output_tokens",
    "w5m": "cache_creation.ephemeral_5m_input_tokens", "w1h": "cache_creation.ephemeral_1h_input_tokens",
}  # fmt: skip


class Company:
    """A gateway of its own before a simulator of its own, and the exports of what the simulator billed."""

    def __init__(self, made: Gateway, provider: Simulator, folder: Path) -> None:
        self.gateway = made
        self.provider = provider
        self._folder = folder
        self.caller = Caller(made.url)
        self.outside = Caller(provider.url)

    def settled(self, calls: int) -> None:
        """Wait until the ledger has all calls."""
        eventually(
            lambda: sum(row["calls"] for row in self.gateway.farthing_json("report", "--by", "day")["rows"]) >= calls,
            "the calls are in the ledger",
        )

    def reconcile(self, provider: str, pages: Iterable[dict[str, Any]], status: int) -> dict[str, Any]:
        files = []
        for no, page in enumerate(pages):
            path = self._folder / f"{provider}-{no}.json"
            path.write_text(json.dumps(page))
            files.append(str(path))
        done = self.gateway.farthing("reconcile", "--provider", provider, *files, "--json", check=False)
        assert done.returncode == status, done.stdout + done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def openai(self) -> Iterator[dict[str, Any]]:
        """Usage and costs of gpt-4o-mini: the cached tokens are inside the input, the amounts are floats in dollars."""
        usage, costs = [], []
        for line in self._lines("gpt-4o-mini"):
            spent = line["spent"]
            usage.append(
                {
                    "object": "organization.usage.completions.result", "input_tokens": spent["prompt"],
                    "input_cached_tokens": spent["cache_read"], "output_tokens": spent["output"],
                    "num_model_requests": 1, "model": line["model"], "batch": False,
                }
            )  # fmt: skip
            units = {"uncached_in": spent["prompt"] - spent["cache_read"], "cache_read": spent["cache_read"], "out": spent["output"]}  # fmt: skip
            words = {"uncached_in": "input", "cache_read": "cached input", "out": "output"}
            for unit, count in units.items():
                dollars = float(Decimal(OPENAI_RATES[unit]) * count / 1_000_000)
                costs.append({"object": "organization.costs.result", "amount": {"value": dollars, "currency": "usd"}, "line_item": f"{line['model']}, {words[unit]}"})  # fmt: skip
        yield _bucket({"start_time": _today()}, usage)
        yield _bucket({"start_time": _today()}, costs)

    def anthropic(self) -> Iterator[dict[str, Any]]:
        """Usage and costs of claude-haiku-4-5: disjoint classes, texts in cents."""
        usage, costs = [], []
        start = {"starting_at": time.strftime("%Y-%m-%dT00:00:00Z", time.gmtime(_today()))}
        for line in self._lines("claude-haiku-4-5"):
            spent = line["spent"]
            written = spent["w5m"] + spent["w1h"]
            units = {"uncached_in": spent["prompt"] - spent["cache_read"] - written, "cache_read": spent["cache_read"], "w5m": spent["w5m"], "w1h": spent["w1h"], "out": spent["output"]}  # fmt: skip
            usage.append(
                {
                    "uncached_input_tokens": units["uncached_in"], "cache_read_input_tokens": units["cache_read"],
                    "cache_creation": {"ephemeral_5m_input_tokens": units["w5m"], "ephemeral_1h_input_tokens": units["w1h"]},
                    "output_tokens": units["out"], "model": line["model"], "service_tier": "standard",
                }
            )  # fmt: skip
            for unit, count in units.items():
                cents = Decimal(CLAUDE_RATES[unit]) * count / 10_000
                costs.append(
                    {
                        "currency": "USD", "amount": f"{cents:.8f}", "cost_type": "tokens", "model": line["model"],
                        "service_tier": "standard", "token_type": CLASSES[unit],
                    }
                )  # fmt: skip
        yield _bucket(start, usage)
        yield _bucket(start, costs)

    def _lines(self, model: str) -> list[dict[str, Any]]:
        bill = httpx2.get(f"{self.provider.url}/simulator/bill", timeout=60, verify=False).json()
        return [line for line in bill["lines"] if line["model"].startswith(model)]


def _today() -> int:
    return int(time.time()) // DAY_S * DAY_S


def _bucket(when: dict[str, Any], results: list[dict[str, Any]]) -> dict[str, Any]:
    return {"object": "page", "data": [{**when, "results": results}], "has_more": False}


@pytest.fixture
def company(tmp_path: Path) -> Iterator[Company]:
    with (
        simulator() as provider,
        gateway(tmp_path, settings_text(providers=providers(provider.url, provider.url))) as made,
    ):
        found = Company(made, provider, tmp_path)
        yield found
        found.caller.close()
        found.outside.close()


LONG = "The rules of our shop are these: whoever asks gets an answer on the same day. " * 120


def _ask(caller: Caller, count: int) -> None:
    """Plain answers and streams on both wires; the long prompt is read from the cache from the second call on."""
    for no in range(count):
        messages: Any = [{"role": "system", "content": LONG}, {"role": "user", "content": f"Question {no}?"}]
        caller.openai.chat.completions.create(model="gpt-4o-mini", messages=messages)
        for _ in caller.openai.chat.completions.create(model="gpt-4o-mini", messages=messages, stream=True):
            pass
        system: Any = [{"type": "text", "text": LONG * 3, "cache_control": {"type": "ephemeral"}}]
        caller.anthropic.messages.create(
            model="claude-haiku-4-5",
            max_tokens=100,
            system=system,
            messages=[{"role": "user", "content": f"And {no}?"}],
        )


def test_what_the_provider_bills_is_what_the_ledger_has(company: Company) -> None:
    _ask(company.caller, 4)
    company.settled(12)
    for provider, pages in (("openai", company.openai()), ("anthropic", company.anthropic())):
        found = company.reconcile(provider, pages, 0)
        assert found["bill"]["nano_dollars"] > 0
        assert abs(found["gap"]["nano_dollars"]) <= 100, "beyond the last digits of floats and cents"
        assert {cause["cause"] for cause in found["causes"]} <= {"rounding"}
        assert found["captured_share"] == 1.0
        assert any(line["class"] == "cache_read" and line["units_billed"] for line in found["lines"])


def test_calls_past_the_gateway_are_found(company: Company) -> None:
    _ask(company.caller, 2)
    _ask(company.outside, 1)
    company.settled(6)
    for provider, pages in (("openai", company.openai()), ("anthropic", company.anthropic())):
        found = company.reconcile(provider, pages, 1)
        (first, *rest) = found["causes"]
        assert first["cause"] == "missing calls" and first["amount"]["nano_dollars"] > 0
        assert all(abs(cause["amount"]["nano_dollars"]) < 100 for cause in rest)
        assert 0 < found["captured_share"] < 1
