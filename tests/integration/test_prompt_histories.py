"""Long conversations as callers have them: what reaches the provider, and what the ledger says."""

from collections.abc import Iterator
from typing import Any

import pytest

from integration.conftest import providers
from integration.gateways import Gateway, eventually, gateway, settings_text
from integration.upstreams import Recorder, Simulator

HISTORIES = """
[prompts.features.trim.history]
mode = "trim"
above = 1000
keep = 2
[prompts.features.sum.history]
mode = "summarise"
above = 1000
keep = 2
model = "gpt-4o-mini"
[routing]
hold_out_percent = 0
"""
TURNS = 14


@pytest.fixture(scope="module")
def made(provider: Simulator, _recorder: Recorder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    folder = tmp_path_factory.mktemp("histories")
    settings = settings_text(providers=providers(provider.url, _recorder.url), more=HISTORIES)
    with gateway(folder, settings) as running:
        yield running


def talk(count: int) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = []
    for at in range(count):
        messages += [
            {"role": "user", "content": f"Question {at}: " + "what of the order in detail, " * 8},
            {"role": "assistant", "content": f"Answer {at}: " + "it is on its way to you now, " * 8},
        ]
    return [*messages, {"role": "user", "content": "In one sentence: and now?"}]


def say(
    made: Gateway, feature: str, count: int, path: str = "chat/completions", model: str = "gpt-4o"
) -> dict[str, Any]:
    body = {"model": model, "messages": talk(count), "max_tokens": 60}
    answer = made.post(f"/v1/{path}", body, x_farthing_feature=feature)
    assert answer.status_code == 200, answer.text
    return made.call(answer.headers["x-farthing-call-id"])


@pytest.mark.parametrize(("path", "model"), [("chat/completions", "gpt-4o"), ("messages", "claude-sonnet-4-5")])
def test_a_trimmed_conversation_costs_less_and_the_ledger_adds_up(made: Gateway, path: str, model: str) -> None:
    plain = say(made, "other", TURNS, path, model)
    call = say(made, "trim", TURNS, path, model)
    assert call["in_tokens"] < 0.7 * plain["in_tokens"] and call["cost"] < plain["cost"]
    (saving,) = call["savings"]
    assert saving["lever"] == "prompt optimisation" and saving["estimated"]
    assert call["baseline"] - (saving["before"] - saving["after"]) == call["cost"]
    assert any(each["step"] == "history" and "left out" in each["what"] for each in call["decisions"])


def test_a_summary_is_written_once_and_its_cost_is_booked(made: Gateway) -> None:
    first = say(made, "sum", TURNS)
    assert not first["savings"], "nobody waits for the summary"

    def summed_up() -> bool:
        return any(each["step"] == "history" for each in say(made, "sum", TURNS)["decisions"])

    eventually(summed_up, "the summary is there")

    def booked() -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = made.farthing_json("calls", "--where", "feature=farthing summary", "--limit", "9")
        return rows

    (row,) = eventually(booked, "its cost has a row of its own")
    (saving,) = made.call(row["id"])["savings"]
    assert saving["lever"] == "prompt optimisation" and saving["overhead"] == row["cost"]["nano_dollars"] > 0
