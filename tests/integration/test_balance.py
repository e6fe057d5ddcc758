"""Several deployments of a model behind a real gateway: failing over, limits, status, and what the ledger says of it."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from farthing.upstream.simulator import SimulatorSettings
from integration.callers import Caller
from integration.gateways import Gateway, gateway, settings_text
from integration.test_relay import chat_event
from integration.upstreams import END, Recorder, Simulator, chunk, events, recorder, simulator, whole

MODEL = "gpt-4o-mini"
ERROR = {"error": {"message": "no", "type": "server_error", "code": None}}


def settings(first: str, second: str, more: str = "") -> str:
    providers = f"""
[providers.first]
kind = "openai"
base_url = "{first}/v1"
api_key = "sk-first-secret"
[providers.second]
kind = "openai"
base_url = "{second}/v1"
api_key = "sk-second-secret"
[balance]
strategy = "weighted"
open_after = 3
open_s = 300
patience_s = 0.2
{more}
[[models."{MODEL}".deployments]]
provider = "first"
[[models."{MODEL}".deployments]]
provider = "second"
weight = 0
[models.alone]
provider = "first"
model = "{MODEL}"
fallbacks = ["{MODEL}"]
"""
    return settings_text(providers=providers)


@pytest.fixture(scope="module")
def well() -> Iterator[Simulator]:
    with simulator(SimulatorSettings(seed=3)) as made:
        yield made


@pytest.fixture(scope="module")
def bad() -> Iterator[Recorder]:
    with recorder() as made:
        yield made


@pytest.fixture
def gate(tmp_path: Any, bad: Recorder, well: Simulator) -> Iterator[Gateway]:
    with gateway(tmp_path, settings(bad.url, well.url)) as made:
        yield made


@pytest.fixture
def caller(gate: Gateway) -> Iterator[Caller]:
    made = Caller(gate.url)
    yield made
    made.close()


def ask(caller: Caller, **more: Any) -> Any:
    return caller.openai.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": "Hello?"}], **more)


def test_a_provider_s_bad_hour_reaches_nobody(gate: Gateway, caller: Caller, bad: Recorder) -> None:
    bad.answers(whole(ERROR, "500 Internal Server Error"))
    for _ in range(5):
        assert ask(caller).choices
    assert len(bad.requests) == 3, "then it is left alone"
    record = gate.call(caller.answers[0].headers["x-farthing-call-id"])
    assert [attempt["provider"] for attempt in record["attempts"]] == ["first", "second"]
    assert record["baseline"] == record["cost"] > 0
    status = gate.get("/v1/farthing/status").json()
    first = next(each for each in status["data"] if each["provider"] == "first")
    assert (first["state"], first["why"], first["failures"]) == ("open", "HTTP 500", 3)
    assert first["instead"] == [f"second/{MODEL}"] and first["since_us"] > 0
    assert "secret" not in json.dumps(status)
    shown = gate.farthing("status", "--url", gate.url).stdout
    assert f"first/{MODEL} is out since" in shown and f"Instead: second/{MODEL}" in shown
    assert gate.farthing_json("status", "--url", gate.url)["workers"] == 1
    explained = gate.farthing("explain", record["id"]).stdout
    assert "HTTP 500" in explained and "second" in explained


def test_a_stream_that_begins_badly_begins_elsewhere(gate: Gateway, caller: Caller, bad: Recorder) -> None:
    bad.answers(events(), chunk(b"data: " + json.dumps(ERROR).encode() + b"\n\n"), END)
    text = "".join(part.choices[0].delta.content or "" for part in ask(caller, stream=True) if part.choices)
    assert text
    bad.answers(
        events(), chunk(chat_event(choices=[{"index": 0, "delta": {"role": "assistant"}, "finish_reason": None}])), None
    )
    assert "".join(part.choices[0].delta.content or "" for part in ask(caller, stream=True) if part.choices)
    record = gate.call(caller.call_id)
    assert [attempt["outcome"] for attempt in record["attempts"]] == ["broken", "ok"]


def test_a_caller_s_mistake_stays_the_caller_s(gate: Gateway, bad: Recorder) -> None:
    bad.answers(whole({"error": {"message": "your mistake"}}, "400 Bad Request"))
    answer = gate.post("/v1/chat/completions", {"model": MODEL, "messages": []})
    assert answer.status_code == 400 and answer.json()["error"]["message"] == "your mistake"


def test_a_model_of_one_s_own_falls_back(gate: Gateway, bad: Recorder) -> None:
    bad.answers(whole(ERROR, "503 Service Unavailable"))
    answer = gate.post("/v1/chat/completions", {"model": "alone", "messages": [{"role": "user", "content": "Hello?"}]})
    assert answer.status_code == 200
    assert gate.call(answer.headers["x-farthing-call-id"])["provider"] == "second"


def test_what_a_filter_kept_back_is_asked_for_at_another_model(tmp_path: Any, well: Simulator) -> None:
    with (
        simulator(SimulatorSettings(seed=3, faults={"content-filter": 1.0})) as prudish,
        gateway(tmp_path, settings(prudish.url, well.url)) as gate,
    ):
        caller = Caller(gate.url)
        asked = {"model": "alone", "messages": [{"role": "user", "content": "Hello?"}]}
        answer = caller.openai.chat.completions.create(**asked)
        assert answer.choices[0].finish_reason == "stop" and answer.choices[0].message.content
        first = gate.call(caller.call_id)
        chunks = list(caller.openai.chat.completions.create(**asked, stream=True))
        assert chunks[-1].choices[0].finish_reason == "stop"
        for record in (first, gate.call(caller.call_id)):
            assert [attempt["provider"] for attempt in record["attempts"]] == ["first", "second"]
            assert all(attempt["cost"] > 0 and attempt["cost_state"] == "computed" for attempt in record["attempts"])
            assert record["cost"] == sum(attempt["cost"] for attempt in record["attempts"])
        caller.close()


def test_all_at_their_limits(tmp_path: Any, bad: Recorder) -> None:
    with gateway(tmp_path, settings(bad.url, bad.url)) as gate:
        bad.answers(whole({"error": {"message": "slow down"}}, "429 Too Many Requests", retry_after="100"))
        body = {"model": MODEL, "messages": [{"role": "user", "content": "Hello?"}]}
        first = gate.post("/v1/chat/completions", body)
        assert first.status_code == 429 and first.json()["error"]["message"] == "slow down"
        second = gate.post("/v1/chat/completions", body)
        assert second.status_code == 429 and second.json()["error"]["code"] == "rate_limit_exceeded"
        assert 20 <= int(second.headers["retry-after"]) <= 100 and second.headers["x-should-retry"] == "true"
        assert len(bad.requests) == 2
        assert gate.call(second.headers["x-farthing-call-id"])["attempts"] == []
        assert "is at its rate limit; it has room again in" in gate.farthing("status", "--url", gate.url).stdout


def test_status_is_for_administrators(tmp_path: Any, well: Simulator) -> None:
    secrets: list[str] = []

    def make_keys(made: Gateway) -> None:
        secrets.append(made.farthing_json("keys", "create", "boss", "--admin")["secret"])
        secrets.append(made.farthing_json("keys", "create", "me")["secret"])

    with gateway(tmp_path, settings(well.url, well.url), before=make_keys) as gate:
        admin, plain = secrets
        assert gate.get("/v1/farthing/status").status_code == 401
        assert gate.get("/v1/farthing/status", plain).status_code == 403
        assert gate.get("/v1/farthing/status", admin).status_code == 200
        refused = gate.farthing("status", "--url", gate.url, "--key", plain, check=False)
        assert refused.returncode == 1 and "a key of the role" in refused.stderr
        assert "All are well." in gate.farthing("status", "--url", gate.url, "--key", admin).stdout
    gone = gate.farthing("status", "--url", "http://127.0.0.1:9", check=False)
    assert gone.returncode == 1 and "no gateway answers" in gone.stderr
