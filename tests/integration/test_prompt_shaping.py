"""Shaped requests as callers meet them: what reaches the provider, and what the ledger says."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from integration.callers import Caller
from integration.conftest import providers
from integration.gateways import Gateway, gateway, settings_text
from integration.upstreams import Recorder, Simulator, whole

RECORDED = "claude-3-5-haiku-latest"
"""The recorder serves it, so that a request can be read as the provider got it."""
THINKER = "gpt-5.6-sol"
ORDERS = json.dumps([{"id": f"A-{at}", "name": "Müller", "total": 1.5 * at} for at in range(40)], indent=2)
ON = """
[prompts]
lossless = "on"
[prompts.features.tables]
transforms = ["table"]
[prompts.features.plain]
lossless = "off"
[prompts.features.quick]
effort = "low"
[prompts.features.slow]
max_output = "learned"
[routing]
hold_out_percent = 0
"""


@pytest.fixture(scope="module")
def shaping(provider: Simulator, _recorder: Recorder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    folder = tmp_path_factory.mktemp("shaping")
    with gateway(folder, settings_text(providers=providers(provider.url, _recorder.url), more=ON)) as made:
        yield made


@pytest.fixture
def caller(shaping: Gateway) -> Iterator[Caller]:
    made = Caller(shaping.url)
    yield made
    made.close()


def message(content: str) -> dict[str, Any]:
    result = {"type": "tool_result", "tool_use_id": "t1", "content": content}
    return {"model": RECORDED, "max_tokens": 5, "messages": [{"role": "user", "content": [result]}]}


def sent(made: Gateway, tape: Recorder, feature: str = "") -> str:
    """The tool's result as the provider got it."""
    tape.answers(whole({}))
    headers = {"x-farthing-feature": feature} if feature else {}
    assert made.post("/v1/messages", message(ORDERS), **headers).status_code == 200
    text: str = json.loads(tape.bodies[-1])["messages"][0]["content"][0]["content"]
    return text


def test_the_provider_gets_fewer_tokens_that_say_the_same(shaping: Gateway, tape: Recorder) -> None:
    text = sent(shaping, tape)
    assert json.loads(text) == json.loads(ORDERS) and len(text) < 0.7 * len(ORDERS)
    assert "Müller" in text
    assert sent(shaping, tape, "plain") == ORDERS
    assert sent(shaping, tape, "tables").startswith("id,name,total\nA-0,Müller,0.0\n")


def chat(caller: Caller, model: str, feature: str) -> dict[str, Any]:
    caller.openai.chat.completions.create(
        model=model,
        messages=[
            {"role": "user", "content": "Which orders?"},
            {"role": "assistant", "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "orders", "arguments": "{}"}}]},
            {"role": "tool", "tool_call_id": "c1", "content": ORDERS},
        ],
        extra_headers={"x-farthing-feature": feature},
    )  # fmt: skip
    return {}


def test_what_it_saved_is_in_the_ledger(shaping: Gateway, caller: Caller) -> None:
    chat(caller, THINKER, "orders")
    shaped = shaping.call(caller.call_id)
    chat(caller, THINKER, "plain")
    plain = shaping.call(caller.call_id)
    (saving,) = shaped["savings"]
    assert saving["lever"] == "prompt optimisation" and saving["estimated"]
    assert shaped["baseline"] - (saving["before"] - saving["after"]) == shaped["cost"]
    assert shaped["in_tokens"] < plain["in_tokens"] and not plain["savings"]
    assert any(one["step"] == "lossless" and one["what"].startswith("about ") for one in shaped["decisions"])


def test_routing_is_not_charged_for_what_shaping_saved(shaping: Gateway, caller: Caller) -> None:
    chat(caller, "flagship", "orders")
    call = shaping.call(caller.call_id)
    assert [one["lever"] for one in call["savings"]] == ["prompt optimisation"]
    assert call["baseline"] > call["cost"]


def test_effort_is_set_for_a_feature(shaping: Gateway, caller: Caller) -> None:
    chat(caller, THINKER, "quick")
    decisions = shaping.call(caller.call_id)["decisions"]
    assert any(one["step"] == "output" and one["what"] == "effort low" for one in decisions)


def test_held_out_sessions_go_as_they_came(
    provider: Simulator, _recorder: Recorder, tape: Recorder, tmp_path: Path
) -> None:
    more = ON.replace("hold_out_percent = 0", "hold_out_percent = 50")
    arms: set[bool] = set()
    with gateway(tmp_path, settings_text(providers=providers(provider.url, _recorder.url), more=more)) as made:
        for at in range(24):
            tape.answers(whole({}))
            answer = made.post("/v1/messages", message(ORDERS), **{"x-farthing-session": f"s{at}"})
            record = made.call(answer.headers["x-farthing-call-id"])
            held = record["arms"]["prompt optimisation"]
            assert (json.loads(tape.bodies[-1]) == message(ORDERS)) == held
            arms.add(held)
    assert arms == {True, False}
