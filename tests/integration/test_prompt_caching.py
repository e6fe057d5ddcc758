"""Provider caching as callers meet it: the real gateway and both SDKs before simulated caches."""

import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from integration.callers import Caller
from integration.conftest import providers
from integration.gateways import Gateway, gateway, settings_text
from integration.ledger import booked
from integration.upstreams import Recorder, Simulator

CLAUDE, GPT = "claude-sonnet-5", "gpt-5.6-sol"
RULE = "Rule {}: be friendly, keep to the facts of the order, promise no refund that the policy does not allow. "
SYSTEM = "".join(RULE.format(number) for number in range(250))
"""Some 5,000 tokens."""
ON = '[prompts]\nprovider_caching = "auto"\n[routing]\nhold_out_percent = 0\n'
PRICES = {
    CLAUDE: {"plain": "2", "cache_read": "0.2", "w5m": "2.5", "w1h": "4", "output": "10"},
    GPT: {"plain": "4", "cache_read": "0.4", "w30m": "5", "w12h": "10", "output": "20"},
}
"""Dollars per 1M tokens."""


@pytest.fixture(scope="module")
def caching(provider: Simulator, _recorder: Recorder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    folder = tmp_path_factory.mktemp("caching")
    with gateway(folder, settings_text(providers=providers(provider.url, _recorder.url), more=ON)) as made:
        yield made


@pytest.fixture
def caller(caching: Gateway) -> Iterator[Caller]:
    made = Caller(caching.url)
    yield made
    made.close()


def message(caller: Caller, system: str, text: str) -> None:
    caller.anthropic.messages.create(
        model=CLAUDE, max_tokens=20, system=system, messages=[{"role": "user", "content": text}]
    )


def stream(caller: Caller, system: str, text: str) -> None:
    with caller.anthropic.messages.stream(
        model=CLAUDE, max_tokens=20, system=system, messages=[{"role": "user", "content": text}]
    ) as events:
        events.until_done()


def chat(caller: Caller, system: str, text: str) -> None:
    caller.openai.chat.completions.create(
        model=GPT, max_completion_tokens=20,
        messages=[{"role": "system", "content": system}, {"role": "user", "content": text}],
    )  # fmt: skip


def response(caller: Caller, system: str, text: str) -> None:
    caller.openai.responses.create(
        model=GPT, max_output_tokens=20,
        input=[{"role": "system", "content": system}, {"role": "user", "content": text}],
    )  # fmt: skip


def translated(caller: Caller, system: str, text: str) -> None:
    caller.openai.chat.completions.create(
        model=CLAUDE, max_completion_tokens=20,
        messages=[{"role": "system", "content": system}, {"role": "user", "content": text}],
    )  # fmt: skip


WAYS: dict[str, tuple[Callable[[Caller, str, str], None], str]] = {
    "messages": (message, CLAUDE), "stream": (stream, CLAUDE), "chat": (chat, GPT), "responses": (response, GPT),
    "translated": (translated, CLAUDE),
}  # fmt: skip


def charged(model: str, spent: dict[str, Any]) -> int:
    """What the simulator's bill comes to, in nano-dollars."""
    cached = sum(spent[unit] for unit in ("cache_read", "w5m", "w1h", "w30m", "w12h"))
    total = Decimal(PRICES[model]["plain"]) * (spent["prompt"] - cached)
    total += sum(
        (Decimal(PRICES[model].get(unit, "0")) * spent[unit] for unit in ("cache_read", "w5m", "w1h", "w30m", "w12h")),
        Decimal(0),
    )
    return int((total + Decimal(PRICES[model]["output"]) * spent["output"]) * 1000)


@pytest.mark.parametrize("way", WAYS)
def test_a_shared_prompt_gets_cheaper(way: str, caching: Gateway, caller: Caller, provider: Simulator) -> None:
    ask, model = WAYS[way]
    system = f"You answer for the shop called {way}. {SYSTEM}"
    records = []
    for number in range(5):
        ask(caller, system, f"Where is order {number}?")
        line = provider.last_line()
        record = booked(caching, caller, charged(model, line["spent"]))  # type: ignore[arg-type]
        records.append(record)
    costs = [record["cost"] for record in records]
    assert max(costs[2:]) < 0.6 * costs[0], costs
    last = records[-1]
    assert last["cached_tokens"] > 4_000
    saving = next(one for one in last["savings"] if one["lever"] == "provider caching")
    assert saving["before"] - saving["after"] > costs[0] / 2
    written = [one for record in records for one in record["savings"] if one["before"] < one["after"]]
    if model == CLAUDE:
        assert len(written) == 1  # the write that the later ones read
    assert any(one["step"] == "shape" and one["what"].startswith("keep ") for one in last["decisions"])


def test_a_conversation_reads_what_it_wrote(caching: Gateway, caller: Caller, provider: Simulator) -> None:
    for conversation in range(3):
        history: list[dict[str, str]] = []
        for turn in range(6):
            history.append({"role": "user", "content": f"{conversation}.{turn} " + RULE.format(turn) * 40})
            caller.anthropic.messages.create(model=CLAUDE, max_tokens=20, system=f"Chats. {SYSTEM}", messages=history)  # type: ignore[arg-type]
            history.append({"role": "assistant", "content": "Done. " * 20})
            line = provider.last_line()
            booked(caching, caller, charged(CLAUDE, line["spent"]))  # type: ignore[arg-type]
    spent = line["spent"]
    assert spent["cache_read"] > 0.8 * spent["prompt"]  # type: ignore[index]


MARKS: list[dict[str, Any]] = [
    {"system": [{"type": "text", "text": SYSTEM, "cache_control": {"type": "ephemeral"}}]},
    {"system": SYSTEM, "cache_control": {"type": "ephemeral"}},
]


@pytest.mark.parametrize("own", MARKS)
def test_the_clients_own_marks_are_untouched(own: dict[str, Any], caching: Gateway, tape: Recorder) -> None:
    body = {"model": "claude-3-5-haiku-latest", "max_tokens": 5, "messages": [{"role": "user", "content": "Hi"}], **own}
    tape.answers(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")
    for _ in range(4):
        answer = caching.post("/v1/messages", body)
        assert answer.status_code == 200
        assert json.loads(tape.bodies[-1]) == body


def test_prompts_that_never_come_again_are_not_kept(caching: Gateway, caller: Caller, provider: Simulator) -> None:
    """OpenAI's later models would write each of them at a price."""
    for number in range(3):
        chat(caller, f"One of a kind {number}. " + SYSTEM[number:], "Hello?")
    assert not any(one["what"].startswith("keep the") for one in caching.call(caller.call_id)["decisions"])


def test_the_hold_out_goes_without(provider: Simulator, _recorder: Recorder, tmp_path: Path) -> None:
    more = ON.replace("hold_out_percent = 0", "hold_out_percent = 50")
    arms = set()
    with gateway(tmp_path, settings_text(providers=providers(provider.url, _recorder.url), more=more)) as made:
        caller = Caller(made.url)
        for family in range(64):  # which are drawn differs from store to store
            if family > 7 and len(arms) == 2:
                break
            for number in range(3):
                message(caller, f"Family {family}. {SYSTEM}", f"Order {number}?")
                record = made.call(caller.call_id)
                held = record["arms"]["provider caching"]
                arms.add(held)
                if held:
                    assert record["cached_tokens"] == 0
                    assert not record["savings"]
        caller.close()
    assert arms == {True, False}
