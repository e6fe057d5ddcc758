"""Calls that can wait, sent with the official SDKs: held, as jobs, as streams, posted to webhooks, across a restart."""

import json
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import anthropic
import httpx2
import openai
import pytest

from farthing.upstream.posting import signature
from farthing.upstream.simulator import SimulatorSettings
from hostile.raw import line, request
from integration.callers import Caller
from integration.gateways import Gateway, eventually, gateway, settings_text
from integration.upstreams import Simulator, simulator

BATCH = """
[batch]
linger_s = 0
look_s = 0.1
lag_s = 0.5
webhook_secret = "whisper"
"""
HELLO: Any = [{"role": "user", "content": "Why is the sky blue?"}]
JOB = {"x-farthing-wait": "job", "x-farthing-deadline": "6h"}
HELD = {"x-farthing-deadline": "6h"}


def config(url: str, batch: str = BATCH, more: str = "") -> str:
    providers = "\n".join(
        f'[providers.{name}]\nbase_url = "{url}/v1"\napi_key = "k"' for name in ("openai", "anthropic")
    )
    return settings_text(providers=providers, more=batch + more)


@pytest.fixture(scope="module")
def upstream() -> Iterator[Simulator]:
    with simulator(SimulatorSettings(seed=5, batch_seconds=0.2)) as made:
        yield made


class Hooks:
    """A server that keeps what is posted to it."""

    def __init__(self) -> None:
        self.posts: list[tuple[dict[str, str], bytes]] = []
        hooks = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                hooks.posts.append(({name.lower(): value for name, value in self.headers.items()}, body))
                self.send_response(500 if len(hooks.posts) == 1 else 204)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture(scope="module")
def hooks() -> Iterator[Hooks]:
    made = Hooks()
    yield made
    made.close()


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory, upstream: Simulator, hooks: Hooks) -> Iterator[Gateway]:
    batch = BATCH + f'webhooks = ["{hooks.url}/*"]\n[batch.features.night]\ndeadline_s = 3600\n'
    with gateway(tmp_path_factory.mktemp("deferred"), config(upstream.url, batch)) as made:
        yield made


@pytest.fixture
def caller(gate: Gateway) -> Iterator[Caller]:
    made = Caller(gate.url)
    yield made
    made.close()


def costs(gate: Gateway, call_id: str) -> tuple[int, int, dict[str, int]]:
    """Cost, baseline, and what each lever saved."""
    record = gate.call(call_id)
    saved = {each["lever"]: each["before"] - each["after"] - each["overhead"] for each in record["savings"]}
    return record["cost"], record["baseline"], saved


def test_a_held_chat_call_costs_half(gate: Gateway, caller: Caller) -> None:
    caller.openai.chat.completions.create(
        model="gpt-4o-mini", messages=HELLO, extra_headers={"x-farthing-cache": "no-store"}
    )
    full = gate.call(caller.call_id)["cost"]
    answer = caller.openai.chat.completions.create(model="gpt-4o-mini", messages=HELLO, extra_headers=HELD)
    assert answer.choices[0].message.content and answer.usage is not None
    cost, baseline, saved = costs(gate, caller.call_id)
    headers = caller.last.headers
    assert baseline == 2 * cost and saved == {"batching": cost} and full > 0
    assert float(headers["x-farthing-cost"]) * 1e9 == pytest.approx(cost) and headers["x-farthing-job"].startswith(
        "job-"
    )
    assert headers["x-farthing-model"].startswith("gpt-4o-mini") and headers["x-farthing-cache"] == "none"


def test_every_format_can_wait(gate: Gateway, caller: Caller) -> None:
    said = caller.openai.responses.create(model="gpt-4o-mini", input="Why?", extra_headers=HELD)
    assert said.output_text and costs(gate, caller.call_id)[2]
    vectors = caller.openai.embeddings.create(model="text-embedding-3-small", input=["a", "b"], extra_headers=HELD)
    assert len(vectors.data) == 2 and costs(gate, caller.call_id)[2]
    message = caller.anthropic.messages.create(
        model="claude-haiku-4-5", max_tokens=50, messages=HELLO, extra_headers=HELD
    )  # fmt: skip
    assert message.content and message.usage.service_tier in ("batch", None)
    cost, baseline, _ = costs(gate, caller.call_id)
    assert baseline == 2 * cost


@pytest.mark.parametrize("tier", ["batch", "flex"])
def test_a_service_tier_is_made_true(gate: Gateway, caller: Caller, tier: Any) -> None:
    extra: Any = {"service_tier": tier}
    answer = caller.openai.chat.completions.create(model="gpt-4o-mini", messages=HELLO, extra_body=extra)
    assert answer.choices[0].message.content
    cost, baseline, _ = costs(gate, caller.call_id)
    assert cost > 0 and baseline >= cost
    other = caller.anthropic.messages.create(model="claude-haiku-4-5", max_tokens=50, messages=HELLO, extra_body=extra)
    assert other.content


def test_policy_of_a_feature(gate: Gateway, caller: Caller) -> None:
    caller.openai.chat.completions.create(
        model="gpt-4o-mini", messages=HELLO, extra_headers={"x-farthing-feature": "night"}
    )  # fmt: skip
    assert "x-farthing-job" in caller.last.headers
    caller.openai.chat.completions.create(
        model="gpt-4o-mini", messages=HELLO, extra_headers={"x-farthing-feature": "night", "x-farthing-deadline": "now"}
    )  # fmt: skip
    assert "x-farthing-job" not in caller.last.headers


def test_streams_are_told_when_the_answer_is_there(caller: Caller) -> None:
    options: Any = {"include_usage": True}
    chunks = list(
        caller.openai.chat.completions.create(
            model="gpt-4o-mini", messages=HELLO, stream=True, stream_options=options, extra_headers=HELD
        )
    )
    assert "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices) and chunks[-1].usage
    with caller.anthropic.messages.stream(
        model="claude-haiku-4-5", max_tokens=50, messages=HELLO, extra_headers=HELD
    ) as stream:
        assert stream.get_final_message().content
    events = list(caller.openai.responses.create(model="gpt-4o-mini", input="Why?", stream=True, extra_headers=HELD))
    assert events[-1].type == "response.completed"


def test_a_job_and_its_answer(gate: Gateway, caller: Caller) -> None:
    raw = caller.openai.chat.completions.with_raw_response.create(
        model="gpt-4o-mini", messages=HELLO, extra_headers=JOB
    )
    job = json.loads(raw.text)
    assert raw.status_code == 202 and raw.headers["location"] == job["url"]
    with httpx2.stream("GET", gate.url + job["url"] + "/events", timeout=60, verify=False) as events:
        told = [json.loads(line[6:]) for line in events.iter_lines() if line.startswith("data: ")]
    assert told[0]["id"] == job["id"] and told[-1]["state"] == "finished"
    answer = gate.get(job["answer_url"] + "?wait=60s")
    assert answer.status_code == 200 and answer.json()["choices"][0]["message"]["content"]
    shown = gate.get(job["url"]).json()
    assert shown["cost_nano"] > 0 and shown["saved_nano"] == shown["cost_nano"]
    assert gate.get("/v1/farthing/jobs?origin=call&limit=1").json()["data"][0]["id"]


def test_bad_wishes_are_refused_in_the_wire_s_shape(caller: Caller) -> None:
    for headers in (
        {"x-farthing-deadline": "soon"},
        {"x-farthing-wait": "x"},
        {"x-farthing-webhook": "https://evil.example/"},
    ):
        with pytest.raises(openai.BadRequestError) as refused:
            caller.openai.chat.completions.create(model="gpt-4o-mini", messages=HELLO, extra_headers=headers)
        assert refused.value.param == next(iter(headers))
        with pytest.raises(anthropic.BadRequestError):
            caller.anthropic.messages.create(
                model="claude-haiku-4-5", max_tokens=5, messages=HELLO, extra_headers=headers
            )


def test_an_error_of_the_provider_is_the_call_s_own(caller: Caller) -> None:
    with pytest.raises(openai.APIStatusError) as refused:
        caller.openai.chat.completions.create(
            model="gpt-4o-mini", messages=HELLO, extra_headers=HELD, extra_body={"max_tokens": -5}
        )
    assert 400 <= refused.value.status_code < 500


def test_a_webhook_is_posted_until_it_is_received(caller: Caller, hooks: Hooks) -> None:
    raw = caller.openai.chat.completions.with_raw_response.create(
        model="gpt-4o-mini", messages=HELLO, extra_headers=JOB | {"x-farthing-webhook": f"{hooks.url}/done"}
    )
    job = json.loads(raw.text)
    eventually(lambda: len(hooks.posts) >= 2, "it is posted twice")
    headers, body = hooks.posts[1]
    said = json.loads(body)
    assert said["id"] == headers["x-farthing-delivery"] == job["id"] and said["answer"]["choices"]
    stamp = int(headers["x-farthing-signature"].split(",")[0].removeprefix("t="))
    assert headers["x-farthing-signature"] == signature(b"whisper", stamp, body)


def slow(url: str, more: str = "") -> str:
    """Batches that never come, so that nothing is done before its deadline is near."""
    return config(url, BATCH + more)


def batches(upstream: Simulator) -> list[Any]:
    """Those of the provider."""
    head = {"authorization": "Bearer k"}
    found: list[Any] = httpx2.get(f"{upstream.url}/v1/batches", headers=head, timeout=60).json()["data"]
    return found


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_restart_breaks_connections_and_loses_nothing(tmp_path: Path, how: signal.Signals) -> None:
    headers = HELD | ({"idempotency-key": "only once"} if how is signal.SIGKILL else {})
    with (
        simulator(SimulatorSettings(seed=6, batch_seconds=3600)) as upstream,
        gateway(tmp_path, slow(upstream.url)) as gate,
        ThreadPoolExecutor(1) as pool,
    ):
        caller = Caller(gate.url)

        def held() -> Any:
            return caller.openai.chat.completions.create(model="gpt-4o-mini", messages=HELLO, extra_headers=headers)

        waiting = pool.submit(held)
        eventually(lambda: gate.get("/v1/farthing/jobs").json()["data"], "the job is there")
        eventually(lambda: batches(upstream), "it is in a batch")
        gate.stop(how)
        upstream.goes_on(3600)
        with pytest.raises(openai.APIError):
            waiting.result(120)
        gate.start()
        caller.close()
        caller = Caller(gate.url)
        assert held().choices[0].message.content
        (job,) = gate.get("/v1/farthing/jobs").json()["data"]
        assert job["state"] == "finished" and upstream.requests() == 1
        assert gate.call(caller.call_id)["cost"] == job["cost_nano"]
        caller.close()


def test_patience_that_ends_goes_on_by_the_sdk_s_own_retry(tmp_path: Path) -> None:
    with (
        simulator(SimulatorSettings(seed=7, batch_seconds=4)) as upstream,
        gateway(tmp_path, slow(upstream.url, "hold_s = 1\n")) as gate,
    ):
        impatient = Caller(gate.url)
        with pytest.raises(openai.InternalServerError) as waits:
            impatient.openai.chat.completions.create(model="gpt-4o-mini", messages=HELLO, extra_headers=HELD)
        assert waits.value.status_code == 504 and waits.value.code == "still_waiting"
        assert waits.value.response.headers["x-farthing-job"] in waits.value.message
        impatient.close()
        patient = Caller(gate.url, max_retries=60)
        answer = patient.openai.chat.completions.create(model="gpt-4o-mini", messages=HELLO, extra_headers=HELD)
        assert answer.choices[0].message.content and upstream.requests() == 1
        patient.close()


def test_a_client_that_leaves_takes_its_call_along(tmp_path: Path) -> None:
    with (
        simulator(SimulatorSettings(seed=8, batch_seconds=600)) as upstream,
        gateway(tmp_path, config(upstream.url, "[batch]\nlinger_s = 600\n")) as gate,
    ):
        with line(gate.url) as client:
            client.send(request(json.dumps({"model": "gpt-4o-mini", "messages": HELLO}).encode(), **HELD))
            eventually(lambda: gate.get("/v1/farthing/jobs").json()["data"], "the job is there")

        def cancelled() -> bool:
            return gate.get("/v1/farthing/jobs").json()["data"][0]["state"] == "cancelled"

        eventually(cancelled, "the job is cancelled")
        assert upstream.requests() == 0


def test_promotion_and_cancellation(tmp_path: Path) -> None:
    with (
        simulator(SimulatorSettings(seed=9, batch_seconds=600)) as upstream,
        gateway(tmp_path, config(upstream.url, "[batch]\nlinger_s = 600\n")) as gate,
    ):
        body = {"model": "gpt-4o-mini", "messages": HELLO}
        jobs = [gate.post("/v1/chat/completions", body, **JOB).json() for _ in range(2)]
        assert gate.request("POST", jobs[0]["url"] + "/promote").json()["promoted"] == 1
        answer = gate.get(jobs[0]["answer_url"] + "?wait=50s")
        assert answer.status_code == 200
        assert gate.request("POST", jobs[1]["url"] + "/cancel").json()["state"] == "cancelled"
        assert gate.get(jobs[1]["answer_url"]).status_code == 409


def test_a_call_that_is_held_at_one_gateway_is_worked_by_another(tmp_path: Path) -> None:
    with simulator(SimulatorSettings(seed=10, batch_seconds=0.2)) as upstream:
        store = f'url = "sqlite:///{tmp_path}/shared.db"'

        def settings(batch: str) -> str:
            text = config(upstream.url, batch)
            return text.replace('url = "sqlite:///ledger.db"', store)

        with (
            gateway(tmp_path / "a", settings(BATCH + "worker = false\n")) as front,
            gateway(tmp_path / "b", settings(BATCH)),
        ):
            caller = Caller(front.url)
            answer = caller.openai.chat.completions.create(model="gpt-4o-mini", messages=HELLO, extra_headers=HELD)
            assert answer.choices[0].message.content
            caller.close()


def test_a_budget_has_calls_wait_for_its_next_window(tmp_path: Path) -> None:
    budget = '[budgets.small]\namount = "0.00000001"\nwindow = "hour"\nexceeded = "queue"\n'
    with (
        simulator(SimulatorSettings(seed=11, batch_seconds=0.2)) as upstream,
        gateway(tmp_path, config(upstream.url, BATCH, budget)) as gate,
    ):
        body = {"model": "gpt-4o-mini", "messages": HELLO}
        refused = gate.post("/v1/chat/completions", body)
        assert refused.status_code == 429 and "'small'" in refused.json()["error"]["message"]
        job = gate.post("/v1/chat/completions", body, **JOB).json()
        time.sleep(1.0)
        shown = gate.get(job["url"]).json()
        assert shown["state"] == "running" and shown["cost_nano"] == 0
        assert upstream.requests() == 0


def test_a_share_of_sessions_goes_at_once_to_measure_the_rest(tmp_path: Path) -> None:
    with (
        simulator(SimulatorSettings(seed=12, batch_seconds=0.2)) as upstream,
        gateway(tmp_path, config(upstream.url, BATCH + "hold_out_percent = 50\n")) as gate,
        ThreadPoolExecutor(12) as pool,
    ):

        def send(user: int) -> tuple[bool, dict[str, bool]]:
            caller = Caller(gate.url)
            caller.openai.chat.completions.create(
                model="gpt-4o-mini", messages=HELLO, extra_headers=HELD | {"x-farthing-user": f"u-{user}"}
            )  # fmt: skip
            waited = "x-farthing-job" in caller.last.headers
            record = gate.call(caller.call_id)
            caller.close()
            return waited, record["arms"]

        sent = list(pool.map(send, range(24)))
        assert {waited for waited, _ in sent} == {True, False}
        assert all(arms["batching"] is not waited for waited, arms in sent)
        caller = Caller(gate.url)
        caller.openai.chat.completions.create(model="gpt-4o-mini", messages=HELLO)
        assert "batching" not in gate.call(caller.call_id)["arms"]
        caller.close()
