"""Several processes behind one port: one store, one set of limits, each call booked once; and stops that lose nothing."""

import asyncio
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from integration import rates
from integration.callers import AsyncCaller, Caller
from integration.conftest import Keyed
from integration.gateways import PATIENCE_S, Gateway, eventually, gateway, settings_text
from integration.test_relay import USAGE_EVENT, chat_event
from integration.upstreams import END, Recorder, chunk, events

GPT, NANO = "gpt-4o-mini", "gpt-4.1-nano"


def asked(text: str) -> Any:
    return [{"role": "user", "content": text}]


@pytest.fixture(scope="module")
def crew(tmp_path_factory: pytest.TempPathFactory, upstreams: str) -> Iterator[Keyed]:
    """Two workers, and an admin key."""
    secrets: list[str] = []

    def make_admin(made: Gateway) -> None:
        secrets.append(made.farthing_json("keys", "create", "boss", "--admin")["secret"])

    folder = tmp_path_factory.mktemp("crew")
    with gateway(folder, settings_text(providers=upstreams), "--workers", "2", before=make_admin) as made:
        yield Keyed(made, secrets[0])


async def post_all(gateway: Gateway, count: int, key: str, body: dict[str, Any]) -> list[httpx2.Response]:
    """So many calls at once, each over a connection of its own, so that all workers get some."""

    async def one() -> httpx2.Response:
        async with httpx2.AsyncClient(verify=False, timeout=PATIENCE_S) as web:
            return await web.post(
                f"{gateway.url}/v1/chat/completions", json=body, headers={"authorization": f"Bearer {key}"}
            )

    return await asyncio.gather(*(one() for _ in range(count)))


async def test_every_call_is_booked_once_whoever_served_it(crew: Keyed) -> None:
    made = crew.gateway.farthing_json("keys", "create", "crowd", "--tenant", "crowd")
    body = {"model": GPT, "messages": asked("Who serves me?")}
    answers = await post_all(crew.gateway, 60, made["secret"], body)
    assert {answer.status_code for answer in answers} == {200}
    ids = {answer.headers["x-farthing-call-id"] for answer in answers}
    assert len(ids) == 60
    cost = rates.nano(
        GPT, input=answers[0].json()["usage"]["prompt_tokens"], output=answers[0].json()["usage"]["completion_tokens"]
    )
    for call_id in ids:
        assert crew.gateway.call(call_id, made["secret"])["cost"] == cost, "any worker knows it"

    def whole() -> Any:
        rows = crew.gateway.farthing_json("report", "--tenant", "crowd")["rows"]
        return rows if sum(row["calls"] for row in rows) >= 60 else None

    (row,) = eventually(whole, "all calls are in the report")
    assert (row["calls"], row["cost"]["nano_dollars"]) == (60, 60 * cost)
    listed = crew.gateway.farthing_json("calls", "--where", "tenant=crowd", "--limit", "1000")
    assert {row["id"] for row in listed} == ids and len(listed) == 60


async def test_limits_are_shared(crew: Keyed) -> None:
    secret = crew.key("limited", requests_per_minute=2)  # one more after half a minute
    answers = await post_all(crew.gateway, 30, secret, {"model": GPT, "messages": asked("Me?")})
    statuses = [answer.status_code for answer in answers]
    assert statuses.count(200) == 2, "not two for each worker"
    assert statuses.count(429) == 28
    assert all(int(answer.headers["retry-after"]) >= 1 for answer in answers if answer.status_code == 429)


def test_keys_made_by_one_worker_open_all(crew: Keyed) -> None:
    secret = crew.key("new")
    for _ in range(8):
        answer = httpx2.get(f"{crew.gateway.url}/v1/models", headers={"authorization": f"Bearer {secret}"}, timeout=60)
        assert answer.status_code == 200


async def test_metrics_are_those_of_all_workers(crew: Keyed) -> None:
    def calls() -> float:
        text = crew.gateway.get("/metrics", crew.admin).text
        lines = [
            line for line in text.splitlines() if line.startswith("farthing_calls_total{") and 'model="gpt-4.1"' in line
        ]
        return sum(float(line.rpartition(" ")[2]) for line in lines)

    await post_all(crew.gateway, 20, crew.admin, {"model": "gpt-4.1", "messages": asked("Count me.")})
    eventually(lambda: calls() == 20, "all calls are counted, by whichever worker")


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_stop_finishes_the_streams_under_way(tmp_path: Path, upstreams: str, tape: Recorder, workers: str) -> None:
    words = [part for n in range(20) for part in (chunk(chat_event(f"word{n} ")), 0.05)]
    tape.answers(
        events(), *words, chunk(chat_event(finish="stop")), chunk(USAGE_EVENT), chunk(b"data: [DONE]\n\n"), END
    )
    with gateway(tmp_path, settings_text(providers=upstreams), "--workers", workers) as made:
        caller = Caller(made.url)
        try:
            stream = caller.openai.chat.completions.create(model=NANO, messages=asked("Count."), stream=True)
            said = [next(iter(stream)).choices[0].delta.content]
            made.process.send_signal(signal.SIGTERM)
            said += [event.choices[0].delta.content for event in stream]
            call_id = caller.call_id
        finally:
            caller.close()
        assert made.process.wait(PATIENCE_S) in (0, -signal.SIGTERM)
        assert said[:20] == [f"word{n} " for n in range(20)]
        shown = made.farthing_json("explain", call_id)
        assert (shown["cost"]["nano_dollars"], shown["outcome"]) == (14_000, "ok")
        assert "Traceback" not in made.log
        with pytest.raises(httpx2.ConnectError):
            httpx2.get(f"{made.url}/health/live")


def test_a_stop_does_not_wait_for_ever(tmp_path: Path, upstreams: str) -> None:
    settings = settings_text(providers=upstreams, server="shutdown_grace_s = 1")
    with gateway(tmp_path, settings) as made:
        caller = Caller(made.url)
        seen = threading.Event()

        def read() -> None:
            try:
                for _ in caller.openai.chat.completions.create(
                    model=GPT, messages=asked("Without end? [[simulate: endless=0.01]]"), stream=True
                ):
                    seen.set()
            except Exception:
                return  # it is cut off, as it should be

        reader = threading.Thread(target=read)
        reader.start()
        assert seen.wait(PATIENCE_S)
        made.process.send_signal(signal.SIGINT)
        made.process.wait(PATIENCE_S)
        reader.join(PATIENCE_S)
        shown = made.farthing_json("explain", caller.call_id)
        caller.close()
    assert shown["outcome"] in ("left", "broken")
    assert shown["cost_state"] in ("estimated", "unknown")


async def test_what_was_booked_is_there_after_a_restart(tmp_path: Path, upstreams: str) -> None:
    with gateway(tmp_path, settings_text(providers=upstreams)) as made:
        async with AsyncCaller(made.url) as caller:
            await caller.openai.chat.completions.create(model=GPT, messages=asked("Will it last?"))
            call_id = caller.call_id
        before = made.call(call_id)
        assert made.stop() in (0, -signal.SIGTERM)
        made.start()
        assert made.call(call_id) == before
