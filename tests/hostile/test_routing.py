"""Routing under attack: requests made to stop it, to reach over a tenant's wall, or to leave money or words where they do
not belong."""

import asyncio
import itertools
import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from farthing.store import Store, open_store
from farthing.store.evidence import Evidence
from farthing.upstream.simulator import SimulatorSettings
from hostile.conftest import cpu, sane_log
from hostile.raw import line, request
from integration.gateways import Gateway, eventually, gateway, settings_text
from integration.upstreams import END, Recorder, Simulator, chunk, events, simulator, whole

CANARY, ANSWER, NAME = "canary-of-the-prompt-41d7", "canary-of-the-answer-90aa", "canary of a name in the answer"
CHAT = "/v1/chat/completions"


def body(content: Any = "hi", model: str = "auto", **more: Any) -> bytes:
    return json.dumps({"model": model, "messages": [{"role": "user", "content": content}], **more}).encode()


def tool(name: str) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, "parameters": {"type": "object", "properties": {}}}}


def labels(count: int) -> dict[str, Any]:
    schema = {"type": "object", "properties": {"label": {"enum": [f"l{at}" for at in range(count)]}}}
    return {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}


SPELLINGS = ["".join(each) for each in itertools.product(*[(letter, letter.upper()) for letter in "attachment"])][:1000]
BODIES = {
    "deep tools": b'{"model":"auto","messages":[{"role":"user","content":"hi"}],"tools":' + b"[" * 900 + b"]" * 900 + b"}",
    "tools of other types": body(tools=[1, None, {"type": "function", "function": 5}, {"type": []}, tool("f")]),
    "a tool choice of another type": body(tools=[tool("f")], tool_choice=[{"type": "any"}]),
    "3,000 tools": body(tools=[tool(f"f{at}") for at in range(3000)]),
    "30,000 labels": body(response_format=labels(30_000)),
    "a format of another type": body(response_format=["json_schema"]),
    "a schema that is none": body(response_format={"type": "json_schema", "json_schema": {"schema": [{}]}}),
    "messages of other types": b'{"model":"auto","messages":{"role":1}}',
    "a message of another type": b'{"model":"auto","messages":[null,1,{"role":[],"content":{"a":1}}]}',
    "lone surrogates": b'{"model":"auto","prompt_cache_key":"\\udc00","messages":[{"role":"user","content":"\\ud800"}]}',
    "a key of another type": body(prompt_cache_key={"id": ["x"]}, metadata={"task": None}),
    "huge numbers": body(n=10**18, max_completion_tokens=10**30),
    "long": body("word " * 190_000),
    "blocks without an end": body("> " + "".join(f"<{each}>" for each in SPELLINGS) + "x" * 80_000 + "</"),
    "one's own words that are empty": body("<user_query> </user_query>" * 3000),
    "many messages with blocks": json.dumps({"model": "auto", "messages": [
        {"role": "user", "content": "> " + "".join(f"<{each}>" for each in SPELLINGS[:400]) + "x" * 80_000 + "</"}
    ] * 10}).encode(),
    "many messages": json.dumps({"model": "auto", "messages": [{"role": "user", "content": "> a"}] * 20_000}).encode(),
}  # fmt: skip


@pytest.mark.parametrize("name", BODIES)
def test_no_body_stops_it(gate: Gateway, name: str) -> None:
    before = cpu(gate)
    for path in (CHAT, "/v1/responses", "/v1/messages"):
        answer = gate.request("POST", path, content=BODIES[name])
        assert answer.status_code < 500, answer.text
    assert cpu(gate) - before < 2.0, "none takes longer than a long honest request"


@pytest.mark.parametrize("name", ["x_farthing_pin", "x_farthing_session", "x_farthing_task", "x_farthing_feature"])
@pytest.mark.parametrize(
    "value", ["", "auto", "*", "a" * 8000, "\xff\xfe\x80", "a\tb", "../../etc", "'; drop table calls; --"]
)
def test_no_header_stops_it(gate: Gateway, name: str, value: str) -> None:
    with line(gate.url) as client:
        client.send(request(body(), **{name: value}))
        said = client.answer()
    assert said is not None and said.status < 500
    assert said.header(b"x-farthing-route").decode("ascii").isprintable()


@pytest.mark.parametrize(
    "model", ["AUTO", "auto ", "auto:", "auto:large", "auto:small:mid", "Small", "openai/auto", "auto/small"]
)
def test_what_only_looks_like_a_tier_is_a_model(gate: Gateway, model: str) -> None:
    answer = gate.request("POST", CHAT, content=body(model=model))
    assert answer.status_code in (400, 404)
    assert "x-farthing-route" not in answer.headers


@pytest.mark.parametrize("model", ["auto", "small", "auto:mid"])
def test_vectors_are_made_by_models_that_are_named(gate: Gateway, model: str) -> None:
    answer = gate.request("POST", "/v1/embeddings", content=json.dumps({"model": model, "input": "x"}))
    assert answer.status_code == 400 and "embeddings" in answer.json()["error"]["message"]


def settings(simulated: str, taped: str, more: str = "") -> str:
    """The tape is the small model; the simulator has the others, and the judge."""
    return settings_text(
        providers=f"""
[providers.openai]
base_url = "{simulated}/v1"
api_key = "sk-right"
[providers.tape]
kind = "openai"
base_url = "{taped}/v1"
api_key = "sk-tape"
models = ["gpt-4.1-nano"]
[balance]
open_after = 100000
[routing]
small = ["gpt-4.1-nano"]
mid = ["gpt-4o-mini"]
flagship = ["gpt-4.1"]
judge = "gpt-4.1"
shadow_percent = 50
hold_out_percent = 20
[routing.tasks.extraction]
cascade = "always"
check = "json"
""",
        more=f'[logs]\nlevel = "debug"\n{more}',
    )


@pytest.fixture(scope="module")
def simulated() -> Iterator[Simulator]:
    with simulator(SimulatorSettings(seed=5, faults={"status-500": 0.05, "status-503": 0.05, "drop": 0.02})) as made:
        yield made


@pytest.fixture
def routed(tmp_path: Path, simulated: Simulator, tape: Recorder) -> Iterator[Gateway]:
    with gateway(tmp_path, settings(simulated.url, tape.url)) as made:
        yield made


def answered(text: str) -> dict[str, Any]:
    """A chat answer of the tape."""
    return {
        "id": "c", "object": "chat.completion", "created": 1, "model": "gpt-4.1-nano-2025-04-14",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18},
    }  # fmt: skip


def event(text: str) -> bytes:
    delta = {"id": "c", "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {"content": text}}]}
    return chunk(b"data: " + json.dumps(delta).encode() + b"\n\n")


def in_store(made: Gateway, work: Any) -> Any:
    async def do() -> Any:
        store: Store = await open_store(f"sqlite:///{made.folder}/ledger.db")
        try:
            return await work(store)
        finally:
            await store.close()

    return asyncio.run(do())


def test_money_is_exact_and_no_words_are_left(routed: Gateway, simulated: Simulator, tape: Recorder) -> None:
    before = totals(simulated)
    ids = []
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}, "additionalProperties": {"type": "integer"}}
    form = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    for at in range(60):
        tape.answers(whole(answered(json.dumps({NAME: ANSWER}) if at % 3 else "no JSON " + ANSWER)))
        task = ("extraction", "qa", "", CANARY[:7])[at % 4]
        answer = routed.request(
            "POST", CHAT, content=body(f"{CANARY} {at}", "small" if at % 5 == 0 else "auto", response_format=form),
            headers={"x_farthing_task": task, "x_farthing_session": f"s{at}"},
        )  # fmt: skip
        assert answer.status_code in (200, 400, 500, 502, 503, 504), answer.text
        if "x-farthing-call-id" in answer.headers:
            ids.append(answer.headers["x-farthing-call-id"])
    rows = [routed.call(id) for id in ids]
    for row in rows:
        assert (
            row["baseline"] - sum(one["before"] - one["after"] - one["overhead"] for one in row["savings"])
            == row["cost"]
        )
        assert sum(each["cost"] for each in row["attempts"]) == row["cost"]
    routed.stop()

    async def all_of_them(store: Store) -> list[Any]:
        return [await store.call(row.id) for row in await store.calls(limit=1000)]

    after = totals(simulated)
    calls = in_store(routed, all_of_them)
    assert {call.feature for call in calls} >= {"farthing shadow"}, (
        "second answers and errors of the provider are in it"
    )
    sent = [each for call in calls for each in call.attempts if each.provider == "openai" and each.usage is not None]
    for unit, of in (("prompt", "total_in"), ("output", "total_out")):
        assert sum(getattr(each.usage, of) for each in sent) == after[unit] - before[unit]
    sane_log(routed.log)
    for word in (CANARY, ANSWER, NAME):
        assert word not in routed.log
        for file in routed.folder.rglob("*"):
            if file.is_file() and file.name != "farthing.toml":
                assert word.encode() not in file.read_bytes(), (word, file)


def totals(made: Simulator) -> dict[str, int]:
    bill = httpx2.get(f"{made.url}/simulator/bill", timeout=60, verify=False).json()["totals"]
    return {unit: sum(total[unit] for total in bill.values()) for unit in ("prompt", "output")}


def unheld(made: Gateway) -> str:
    """A session that is in no hold-out."""
    for at in range(100):
        answer = made.request(
            "POST", CHAT, content=body("x"), headers={"x_farthing_session": f"u{at}", "x_farthing_task": "code"}
        )
        if answer.status_code == 200 and not any(made.call(answer.headers["x-farthing-call-id"])["arms"].values()):
            return f"u{at}"
    raise AssertionError("all are held out")


def test_a_cheap_stream_that_breaks_is_answered_by_the_better_model(routed: Gateway, tape: Recorder) -> None:
    session = unheld(routed)
    tape.answers(events(), event('{"a": '), event("1"), None)
    head = {"x_farthing_task": "extraction", "x_farthing_session": session}
    answer = routed.request("POST", CHAT, content=body("give JSON", stream=True), headers=head)
    assert answer.status_code == 200 and "[DONE]" in answer.text and '{\\"a\\"' not in answer.text
    row = routed.call(answer.headers["x-farthing-call-id"])
    assert row["attempts"][0]["provider"] == "tape" and row["attempts"][-1]["provider"] == "openai"
    assert row["outcome"] == "ok" and sum(each["cost"] for each in row["attempts"]) == row["cost"]


def test_an_answer_too_long_to_hold_back_goes_on_as_a_stream(routed: Gateway, tape: Recorder) -> None:
    session = unheld(routed)
    tape.answers(events(), *[event("x" * 100_000)] * 15, chunk(b"data: [DONE]\n\n"), END)
    head = {"x_farthing_task": "extraction", "x_farthing_session": session}
    answer = routed.request("POST", CHAT, content=body("give JSON", stream=True), headers=head)
    assert answer.status_code == 200 and len(answer.content) > 1_500_000 and answer.text.count("[DONE]") == 1


def test_who_leaves_while_the_answer_is_held_back_is_in_the_ledger(routed: Gateway, tape: Recorder) -> None:
    session = unheld(routed)
    tape.answers(events(), event('{"a": '), *itertools.chain.from_iterable([(0.1, event(" "))] * 600), END)
    with line(routed.url) as client:
        client.send(request(body("give JSON", stream=True), x_farthing_task="extraction", x_farthing_session=session))
        eventually(lambda: tape.requests, "the provider is asked")
        time.sleep(0.3)  # the answer is under way

    def booked() -> list[dict[str, Any]]:
        return [
            row for each in routed.farthing_json("calls") if (row := routed.call(each["id"]))["task"] == "extraction"
        ]

    (row,) = eventually(booked, "the call is in the ledger")
    assert row["attempts"][0]["provider"] == "tape" and row["cost_state"] in ("estimated", "unknown")
    assert sum(each["cost"] for each in row["attempts"]) == row["cost"]
    calls = len(routed.farthing_json("calls"))
    routed.stop(signal.SIGKILL)
    routed.start()
    assert routed.call(row["id"])["cost"] == row["cost"] and len(routed.farthing_json("calls")) == calls, (
        "nothing twice"
    )


def test_one_tenants_verdicts_move_nobody_elses_table(tmp_path: Path, provider: Simulator, tape: Recorder) -> None:
    tape.answers(whole(answered("fine")))
    with gateway(tmp_path, settings(provider.url, tape.url)) as made:
        keys = {}
        for tenant in ("default", "acme"):
            keys[tenant] = made.farthing("keys", "create", tenant, "--tenant", tenant).stdout.strip()
        eventually(lambda: made.get("/v1/models", keys["acme"]).status_code == 200, "the keys are known")
        mine = [
            made.request("POST", CHAT, keys["acme"], content=body(f"q{at}"), headers={"x_farthing_task": "qa"})
            for at in range(3)
        ]  # fmt: skip
        ids = [each.headers["x-farthing-call-id"] for each in mine]
        for id in ids:
            made.call(id, keys["acme"])
        verdict = {"call_id": ids[0], "verdict": "bad", "score": 0}
        for _ in range(50):
            assert made.post("/v1/farthing/feedback", verdict, keys["acme"]).status_code == 200
        assert made.post("/v1/farthing/feedback", verdict, keys["default"]).status_code == 404
        theirs = made.request("POST", CHAT, keys["default"], content=body(), headers={"x_farthing_session": "s"})
        assert theirs.status_code == 200
        assert made.farthing("keys", "create", "all", "--tenant", "*", check=False).returncode != 0
        made.stop()
        rows = in_store(made, lambda store: Evidence(store).sums())
        told = [row for row in rows if row.source == "feedback"]
        assert {row.tenant for row in told} == {"acme"} and {row.scores for row in told} == {1}
        assert not [row for row in rows if row.tenant == "*" and row.source != "opened"]


def test_a_key_without_any_model_of_the_tiers_is_told_so(tmp_path: Path, provider: Simulator, tape: Recorder) -> None:
    with gateway(tmp_path, settings(provider.url, tape.url)) as made:
        key = made.farthing("keys", "create", "none", "--model", "o3").stdout.strip()
        eventually(lambda: made.get("/v1/models", key).status_code == 200, "the key is known")
        answer = made.request("POST", CHAT, key, content=body())
        assert answer.status_code == 400 and "not allowed for the key" in answer.json()["error"]["message"]
        pinned = made.request("POST", CHAT, key, content=body(), headers={"x_farthing_pin": "gpt-4.1"})
        assert pinned.status_code == 403
