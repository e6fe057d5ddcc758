"""The worker in the real gateway: jobs in its store are worked through a simulated provider, and the ledger has each line once."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from farthing.batch.entrance import Entrance
from farthing.model.batch import Job, Line
from farthing.store import Store, open_store
from farthing.store.batch import jobs, lines
from farthing.store.store import now_us
from farthing.upstream.simulator import SimulatorSettings
from integration.gateways import Gateway, eventually, gateway, settings_text
from integration.upstreams import simulator

DAY_US = 86_400_000_000
BATCH = "[batch]\nlinger_s = 0\nlook_s = 0.1\nlag_s = 0.5\n"


def config(url: str, more: str = "") -> str:
    provider = f'[providers.openai]\nbase_url = "{url}/v1"\napi_key = "k"'
    return settings_text(providers=provider, more=BATCH + more)


def body(text: str, model: str = "gpt-4o-mini", **more: Any) -> bytes:
    said = {"model": model, "messages": [{"role": "user", "content": text}], "max_tokens": 50, **more}
    return json.dumps(said).encode()


def a_job(name: str, bodies: list[bytes], *, deadline_s: float = 86_400.0, **more: Any) -> tuple[Job, list[Line]]:
    now = now_us()
    job = Job(
        name, "file", "openai.chat", "default", now, now + int(deadline_s * 1e6), state="running", total=len(bodies), **more
    )
    model = json.loads(bodies[0])["model"]
    made = [
        Line(name, no, f"c-{no}", "default", model, job.deadline_us, len(said), body=said)
        for no, said in enumerate(bodies)
    ]
    return job, made


async def hand_in(url: str, *handed: tuple[Job, list[Line]]) -> None:
    store = await open_store(url)
    try:
        entrance = Entrance(store, lambda: None)
        for job, made in handed:
            await entrance.hand_in(job, made)
    finally:
        await store.close()


def done(url: str, gate: Gateway, *names: str) -> dict[str, Job]:
    """The jobs as they are when all of them have ended."""

    async def look() -> dict[str, Job]:
        store = await open_store(url)
        try:
            return {name: await _job(store, name) for name in names}
        finally:
            await store.close()

    def all_over() -> dict[str, Job] | None:
        found = asyncio.run(look())
        return found if all(job.ended_us for job in found.values()) else None

    try:
        return eventually(all_over, "the jobs end")
    except AssertionError as error:
        raise AssertionError(f"{error}: {asyncio.run(look())}\n{gate.log}") from None


async def _job(store: Store, name: str) -> Job:
    job = await store.do(lambda connection: jobs.get(connection, name))
    assert job is not None
    return job


def results(url: str, name: str) -> list[Line]:
    async def read() -> list[Line]:
        store = await open_store(url)
        try:
            return await store.do(lambda connection: lines.results(connection, name))
        finally:
            await store.close()

    return asyncio.run(read())


def ledger(url: str) -> list[Any]:
    async def read() -> list[Any]:
        store = await open_store(url)
        try:
            assert await store.check() == []
            return await store.calls(limit=100_000)
        finally:
            await store.close()

    return asyncio.run(read())


def test_lines_of_a_job_go_through_a_batch(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/ledger.db"
    with simulator(SimulatorSettings(seed=3)) as provider, gateway(tmp_path, config(provider.url)) as gate:
        asyncio.run(hand_in(url, a_job("job-a", [body(f"Say {n}") for n in range(30)])))
        job = done(url, gate, "job-a")["job-a"]
        assert (job.state, job.done, job.failed) == ("finished", 30, 0), gate.log
        found = results(url, "job-a")
        assert [line.no for line in found] == list(range(30)) and all(line.status == 200 for line in found)
        assert json.loads(found[0].answer)["object"] == "chat.completion"
        eventually(lambda: len(ledger(url)) == 30, "all lines are in the ledger")
        bill = provider._bill()
        assert sum(total["requests"] for total in bill["totals"].values()) == 30
        assert {line["tier"] for line in bill["lines"]} == {"batch"}
    rows = ledger(url)
    assert sum(row.cost for row in rows) == job.cost > 0
    assert job.baseline == sum(row.baseline for row in rows) == pytest.approx(2 * job.cost, abs=60)
    assert isinstance(gate, Gateway)
