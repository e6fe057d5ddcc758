"""Prices that the settings change, seen in the ledger: contracts, rate cards of one's own, models without a price."""

from collections.abc import Iterator
from typing import Any

import pytest

from integration import rates
from integration.callers import Caller
from integration.gateways import Gateway, eventually, gateway, settings_text
from integration.upstreams import Recorder, Simulator, whole

GPT, CLAUDE = "gpt-4o-mini", "claude-haiku-4-5"
CARDS = """
provider = "house"
version = "house-1"
[[models]]
id = "house-llm"
[[models.prices]]
rates = { uncached_in = 7, out = 11 }
"""


@pytest.fixture(scope="module")
def priced(tmp_path_factory: pytest.TempPathFactory, provider: Simulator, _recorder: Recorder) -> Iterator[Gateway]:
    folder = tmp_path_factory.mktemp("priced")
    (folder / "cards.toml").write_text(CARDS)
    providers = f"""
[providers.openai]
base_url = "{provider.url}/v1"
api_key = "sk"
[providers.anthropic]
base_url = "{provider.url}/v1"
api_key = "sk"
[providers.house]
kind = "openai_compatible"
base_url = "{_recorder.url}/v1"
models = ["house-*"]
"""
    prices = """
[prices]
allow_unpriced = true
files = ["cards.toml"]
[[prices.contracts]]
provider = "openai"
models = ["gpt-4o*"]
percent_off = "12.5"
[[prices.contracts]]
provider = "anthropic"
models = ["claude-haiku-*"]
rates = { input = "0.9", output = "4.5" }
"""
    with gateway(folder, settings_text(providers=providers, more=prices)) as made:
        yield made


@pytest.fixture
def buyer(priced: Gateway) -> Iterator[Caller]:
    made = Caller(priced.url)
    yield made
    made.close()


def asked(text: str) -> Any:
    return [{"role": "user", "content": text}]


def test_a_discount(buyer: Caller, priced: Gateway) -> None:
    answer = buyer.openai.chat.completions.create(model=GPT, messages=asked("At a discount?"))
    record = priced.call(buyer.call_id)
    at_list = rates.of_chat(GPT, answer.usage)
    assert record["attempts"][0]["list_cost"] == at_list
    assert abs(record["cost"] * 1000 - at_list * 875) <= 1000
    assert record["baseline"] == record["cost"], "the baseline is at the caller's own price"


def test_agreed_rates(buyer: Caller, priced: Gateway) -> None:
    answer = buyer.anthropic.messages.create(model=CLAUDE, max_tokens=99, messages=asked("As agreed?"))
    usage = answer.usage
    record = priced.call(buyer.call_id)
    assert record["cost"] == usage.input_tokens * 900 + usage.output_tokens * 4500
    assert record["attempts"][0]["list_cost"] == rates.of_message(CLAUDE, usage)


def test_a_card_of_ones_own(buyer: Caller, priced: Gateway, tape: Recorder) -> None:
    tape.answers(whole({"model": "house-llm", "choices": [], "usage": {"prompt_tokens": 100, "completion_tokens": 10}}))
    buyer.openai.chat.completions.create(model="house-llm", messages=asked("Ours?"))
    record = priced.call(buyer.call_id)
    assert (record["cost"], record["cost_state"]) == (100 * 7000 + 10 * 11000, "computed")
    assert "house-1" in record["attempts"][0]["price_version"]


def test_a_model_without_a_price_where_that_is_allowed(buyer: Caller, priced: Gateway, tape: Recorder) -> None:
    tape.answers(whole({"model": "house-new", "choices": [], "usage": {"prompt_tokens": 100, "completion_tokens": 10}}))
    buyer.openai.chat.completions.create(model="house-new", messages=asked("What is it worth?"))
    assert buyer.last.headers["x-farthing-cost"] == "unpriced"
    record = priced.call(buyer.call_id)
    assert (record["cost"], record["cost_state"], record["in_tokens"]) == (0, "unpriced", 100)

    def reported() -> Any:
        rows = priced.farthing_json("report", "--by", "model")["rows"]
        return [row for row in rows if row["model"] == "house-new"]

    (row,) = eventually(reported, "the call is in the report")
    assert (row["calls_without_cost"], row["cost"]["nano_dollars"]) == (1, 0)
