"""The worker in the real gateway: jobs in its store are worked through a simulated provider, and the ledger has each line once."""

import asyncio
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from farthing.batch.entrance import Entrance
from farthing.model.batch import Job, Line
from farthing.store import Store, open_store
from farthing.store.batch import jobs, lines
from farthing.store.batch.hurry import hurry
from farthing.store.engine import Connection
from farthing.store.sealing import wrapping
from farthing.store.store import now_us
from farthing.upstream.simulator import SimulatorSettings
from integration.gateways import PATIENCE_S, Gateway, eventually, gateway, settings_text
from integration.upstreams import simulator

DAY_US = 86_400_000_000
BATCH = "[batch]\nlinger_s = 0\nlook_s = 0.1\nlag_s = 0.5\n"


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Of a store."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/ledger.db"
    return str(request.getfixturevalue("postgres_url"))


def config(url: str, at: str, more: str = "") -> str:
    """With a store, and a provider there."""
    provider = f'[providers.openai]\nbase_url = "{at}/v1"\napi_key = "k"'
    return settings_text(store=f'url = "{url}"', providers=provider, more=BATCH + more)


def body(text: str, model: str = "gpt-4o-mini", **more: Any) -> bytes:
    said = {"model": model, "messages": [{"role": "user", "content": text}], "max_tokens": 50, **more}
    return json.dumps(said).encode()


def a_job(name: str, bodies: list[bytes], *, deadline_s: float = 86_400.0, **more: Any) -> tuple[Job, list[Line]]:
    now = now_us()
    job = Job(
        name,
        "file",
        "openai.chat",
        "default",
        now,
        now + int(deadline_s * 1e6),
        state="running",
        total=len(bodies),
        **more,
    )
    model = json.loads(bodies[0])["model"]
    made = [
        Line(name, no, f"c-{no}", "default", model, job.deadline_us, len(said), body=said)
        for no, said in enumerate(bodies)
    ]
    return job, made


async def hand_in(url: str, *handed: tuple[Job, list[Line]], key: str = "") -> None:
    store = await open_store(url)
    try:
        entrance = Entrance(store, lambda: None, wrapping(key))
        for job, made in handed:
            await entrance.hand_in(job, made)
    finally:
        await store.close()


def done(url: str, gate: Gateway, *names: str) -> dict[str, Job]:
    """The jobs as they are when all of them have ended."""

    async def look() -> dict[str, Job]:
        store = await open_store(url)
        until = time.monotonic() + PATIENCE_S
        try:
            while True:
                found = {name: await _job(store, name) for name in names}
                if all(job.ended_us for job in found.values()):
                    return found
                assert time.monotonic() < until, f"not all jobs end: {found}\n{gate.log}"
                await asyncio.sleep(0.03)
        finally:
            await store.close()

    return asyncio.run(look())


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


def test_lines_of_a_job_go_through_a_batch(tmp_path: Path, url: str) -> None:
    with simulator(SimulatorSettings(seed=3)) as provider, gateway(tmp_path, config(url, provider.url)) as gate:
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


def test_what_lines_say_is_read_with_the_key_that_sealed_it(tmp_path: Path, url: str) -> None:
    key = "ab" * 32
    with (
        simulator(SimulatorSettings(seed=3)) as provider,
        gateway(tmp_path, config(url, provider.url, f'encryption_key = "{key}"\n' + own(provider.url))) as gate,
    ):
        both = [a_job(f"job-{model}", [body("Say it", model)]) for model in ("gpt-4o-mini", "own/gpt-4o-mini")]
        asyncio.run(hand_in(url, *both, key=key))
        found = done(url, gate, *(job.id for job, _ in both))
        assert all(job.done == 1 for job in found.values()), gate.log
    marks = on_store(url, lambda c: c.query("SELECT mark FROM batch_bodies UNION ALL SELECT mark FROM batch_answers"))
    assert len(marks) == 4 and all(mark for (mark,) in marks), "all is sealed"


def test_lines_go_alone_where_there_are_no_batches(tmp_path: Path, url: str) -> None:
    with (
        simulator(SimulatorSettings(seed=3)) as provider,
        gateway(tmp_path, config(url, provider.url, own(provider.url))) as gate,
    ):
        asyncio.run(hand_in(url, a_job("job-a", [body(f"Say {n}", "own/gpt-4o-mini") for n in range(20)])))
        job = done(url, gate, "job-a")["job-a"]
        assert (job.state, job.done) == ("finished", 20), gate.log
        assert {line["tier"] for line in provider._bill()["lines"]} == {"default"}
    assert sum(row.cost for row in ledger(url)) == job.cost == job.baseline > 0
    assert not list(tmp_path.glob("**/*.journal/*.journal")), "the journal knows of calls under way"


def test_a_line_that_is_refused_has_failed_and_others_go_on(tmp_path: Path, url: str) -> None:
    bad = body("[[simulate: status-400]] no")
    with simulator(SimulatorSettings(seed=3)) as provider, gateway(tmp_path, config(url, provider.url)) as gate:
        asyncio.run(hand_in(url, a_job("job-a", [body("one"), bad, body("three")])))
        job = done(url, gate, "job-a")["job-a"]
        assert (job.state, job.done, job.failed) == ("finished", 2, 1)
    found = results(url, "job-a")
    assert [line.status for line in found] == [200, 400, 200]
    assert "error" in json.loads(found[1].answer)


def test_a_line_whose_error_may_pass_is_tried_again_alone(tmp_path: Path, url: str) -> None:
    shaky = body("[[simulate: status-500@1]] again")
    with simulator(SimulatorSettings(seed=3)) as provider, gateway(tmp_path, config(url, provider.url)) as gate:
        asyncio.run(hand_in(url, a_job("job-a", [body("one"), shaky])))
        job = done(url, gate, "job-a")["job-a"]
        assert (job.done, job.failed) == (2, 0)
        assert provider.requests() == 2
    assert sorted(row.status for row in ledger(url)) == [200, 200, 500]


def test_a_line_that_came_too_late_has_expired(tmp_path: Path, url: str) -> None:
    with simulator(SimulatorSettings(seed=3)) as provider, gateway(tmp_path, config(url, provider.url)) as gate:
        asyncio.run(hand_in(url, a_job("job-a", [body("one")], deadline_s=-1.0)))
        job = done(url, gate, "job-a")["job-a"]
        assert (job.state, job.expired, job.cost) == ("expired", 1, 0)
        assert provider.requests() == 0


def test_a_line_of_a_stuck_batch_is_promoted_and_what_comes_late_is_booked(tmp_path: Path, url: str) -> None:
    slow = SimulatorSettings(seed=3, batch_seconds=3600)
    with simulator(slow) as provider, gateway(tmp_path, config(url, provider.url)) as gate:
        asyncio.run(hand_in(url, a_job("job-a", [body(f"Say {n}") for n in range(5)])))
        eventually(lambda: "batch" in str(sent(url)), "the lines are in a batch")
        hurried(url, "job-a")
        job = done(url, gate, "job-a")["job-a"]
        assert job.done == 5
        provider.goes_on(3600)
        eventually(lambda: len(ledger(url)) == 10, "the batch's answers are booked as well")
        assert provider.requests() == 10
        eventually(lambda: not unsettled(url), "all of it is settled")
    rows = ledger(url)
    late = [row for row in rows if row.baseline == 0]
    assert len(late) == 5 and all(row.cost > 0 for row in late)
    assert done(url, gate, "job-a")["job-a"].cost == sum(row.cost for row in rows), (
        "what was paid twice is a part of it"
    )


def test_lines_of_a_provider_that_settings_have_no_longer_are_promoted(tmp_path: Path, url: str) -> None:
    with simulator(SimulatorSettings(seed=3, batch_seconds=600)) as provider:
        with gateway(tmp_path, config(url, provider.url)):
            asyncio.run(hand_in(url, a_job("job-a", [body(f"Say {n}") for n in range(5)])))
            eventually(lambda: "batch" in str(sent(url)), "the lines are in a batch")
        place = '[models."gpt-4o-mini"]\ndeployments = [{ provider = "own", model = "gpt-4o-mini" }]\n'
        text = settings_text(store=f'url = "{url}"', providers=own(provider.url) + place, more=BATCH)
        with gateway(tmp_path, text) as gate:
            hurried(url, "job-a")
            assert done(url, gate, "job-a")["job-a"].done == 5, gate.log
    assert len(ledger(url)) == 5


def test_a_cancelled_job_keeps_what_was_finished(tmp_path: Path, url: str) -> None:
    slow = SimulatorSettings(seed=3, batch_seconds=600)
    with simulator(slow) as provider, gateway(tmp_path, config(url, provider.url)) as gate:
        asyncio.run(hand_in(url, a_job("job-a", [body(f"Say {n}") for n in range(5)])))
        eventually(lambda: "batch" in str(sent(url)), "the lines are in a batch")
        asyncio.run(hand_in(url, a_job("job-b", [body("never", "own/gpt-4o-mini")])))
        on_store(url, lambda c: jobs.cancel(c, "job-a", tenant="default", now_us=now_us()))
        provider.goes_on(600)
        job = done(url, gate, "job-a")["job-a"]
        assert (job.state, job.done) == ("cancelled", 5) and job.cost > 0


@pytest.mark.parametrize("model", ["gpt-4o-mini", "own/gpt-4o-mini"])
def test_a_job_costs_no_more_than_its_cap(tmp_path: Path, url: str, model: str) -> None:
    with (
        simulator(SimulatorSettings(seed=3)) as provider,
        gateway(tmp_path, config(url, provider.url, own(provider.url))) as gate,
    ):
        bodies = [body(f"Say {n}", model) for n in range(40)]
        asyncio.run(hand_in(url, a_job("job-a", bodies, cap=300_000)))
        job = done(url, gate, "job-a")["job-a"]
    assert 0 < job.cost <= 300_000 and job.held == 0
    assert job.done > 3 and job.failed > 3 and job.done + job.failed == 40
    refused = [line for line in results(url, "job-a") if line.state == "failed"]
    assert {line.status for line in refused} == {402}
    assert json.loads(refused[0].answer)["error"]["code"] == "insufficient_quota"


def test_two_gateways_share_the_work(tmp_path: Path, url: str) -> None:
    with simulator(SimulatorSettings(seed=3)) as provider:
        text = config(url, provider.url, own(provider.url))
        with gateway(tmp_path / "a", text) as one, gateway(tmp_path / "b", text) as other:
            bodies = [body(f"Say {n}", "own/gpt-4o-mini" if n % 2 else "gpt-4o-mini") for n in range(200)]
            asyncio.run(hand_in(url, *(a_job(f"job-{n}", bodies[n::10]) for n in range(10))))
            found = done(url, one, *(f"job-{n}" for n in range(10)))
            assert all(job.done == 20 for job in found.values()), one.log + other.log
            assert provider.requests() == 200
    assert len(ledger(url)) == 200


def test_a_gateway_that_stops_leaves_its_lines_to_others(tmp_path: Path, url: str) -> None:
    slow = body("[[simulate: slow-first-byte=1.0]] slow", "own/gpt-4o-mini")
    with (
        simulator(SimulatorSettings(seed=3)) as provider,
        gateway(tmp_path, config(url, provider.url, own(provider.url))) as gate,
    ):
        asyncio.run(hand_in(url, a_job("job-a", [slow] * 40)))
        eventually(lambda: provider.requests() > 0, "some lines are done")
        gate.stop()
        assert not on_store(
            url, lambda c: c.query("SELECT 1 FROM batch_lines WHERE holder <> '' AND ready_us > ?", (now_us(),))
        )
        gate.start()
        job = done(url, gate, "job-a")["job-a"]
        assert job.done == 40
        assert provider.requests() == 40, "none was cut off"


def own(url: str) -> str:
    """A provider without batches."""
    return f'[providers.own]\nkind = "openai_compatible"\nbase_url = "{url}/v1"\napi_key = "k"\nprices = "openai"\n'


def on_store(url: str, work: Callable[[Connection], Any]) -> Any:
    async def do() -> Any:
        store = await open_store(url)
        try:
            return await store.do(work)
        finally:
            await store.close()

    return asyncio.run(do())


def sent(url: str) -> list[Any]:
    return on_store(url, lambda c: c.query("SELECT way FROM batch_lines WHERE state = 'sent'"))


def unsettled(url: str) -> list[Any]:
    return on_store(url, lambda c: c.query("SELECT call_id FROM batch_sent"))


def hurried(url: str, job: str) -> None:
    on_store(url, lambda c: hurry(c, job, now_us() + 1_000_000))
