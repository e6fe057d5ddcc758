"""The worker of the queue is killed with -9 again and again, while the provider answers errors, loses replies and forgets
lines: each line is answered once, each batch is paid once, and the ledger is the provider's bill."""

import asyncio
import json
import os
import random
import signal
import time
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import httpx2

from chaos.conftest import ROUNDS
from farthing.batch.entrance import Entrance
from farthing.model.batch import Job, Line
from farthing.store import CallRow, Store, open_store
from farthing.store.batch import jobs, lines
from farthing.store.engine import Connection
from farthing.store.store import now_us
from farthing.upstream.simulator import SimulatorSettings
from integration.gateways import Gateway, eventually, gateway, settings_text
from integration.upstreams import Simulator, simulator

TENANTS = 5
KILLS = 4 * ROUNDS
LINES = 160 * ROUNDS
"""Of each of two kinds: those that go through batches, and those that go alone."""
FAULTS = {
    "batch-lost-reply": 0.15, "batch-late-500": 0.1, "batch-late-504": 0.1, "batch-refuse-500": 0.1,
    "batch-slow-reply": 0.05, "batch-look-500": 0.15, "batch-cut-results": 0.15, "batch-lost-lines": 0.1, "batch-no-status": 0.1,
    "batch-twice": 0.2, "batch-bad-lines": 0.2, "batch-odd-state": 0.2,
}  # fmt: skip
SIMULATED = SimulatorSettings(
    seed=5, faults=FAULTS, batch_seconds=0.6, batch_list_lag=0.5, latency=0.0, kept=5000,
    line_faults={"status-500": 0.004},
)  # fmt: skip
BATCH = "[batch]\nlinger_s = 0.3\nlook_s = 0.1\nlag_s = 1.5\nat_once = 8\n"


class Paid(NamedTuple):
    """What the ledger has of one line."""

    cost: int
    calls: int
    interrupted: int
    late: int


def config(provider: Simulator) -> str:
    upstream = (
        f'[providers.openai]\nbase_url = "{provider.url}/v1"\napi_key = "k"\n'
        f'[providers.own]\nkind = "openai_compatible"\nbase_url = "{provider.url}/v1"\napi_key = "k"\nprices = "openai"\n'
        "[providers.own.timeouts]\nfirst_byte_s = 5\n"
    )
    return settings_text(server="shutdown_grace_s = 5", providers=upstream, more=BATCH)


def handed_in() -> list[tuple[Job, list[Line]]]:
    """Jobs of several tenants: lines for batches, and lines of a provider that has none."""
    made = []
    for number in range(KILLS * 2):
        tenant, alone = f"tenant-{number % TENANTS}", number >= KILLS
        now = now_us()
        count = LINES // KILLS
        job = Job(
            f"job-{number}", "file", "openai.chat", tenant, now, now + 86_400_000_000, state="running", total=count
        )
        model = "own/gpt-4o-mini" if alone else "gpt-4o-mini"
        made.append((job, [_line(job, no, model) for no in range(count)]))
    return made


def _line(job: Job, no: int, model: str) -> Line:
    fault = " [[simulate: slow-first-byte=0.05]]" if model.startswith("own/") else ""
    body = {
        "model": model, "max_tokens": 30, "user": f"{job.id}.{no}",
        "messages": [{"role": "user", "content": f"Tell me about {job.id}.{no}{fault}"}],
    }  # fmt: skip
    said = json.dumps(body).encode()
    return Line(job.id, no, f"c-{no}", job.tenant, model, job.deadline_us, len(said), body=said)


async def hand_in(url: str, handed: list[tuple[Job, list[Line]]]) -> None:
    store = await open_store(url)
    try:
        entrance = Entrance(store, lambda: None)
        await asyncio.gather(*(entrance.hand_in(job, made) for job, made in handed))
    finally:
        await store.close()


def read(url: str, work: Any) -> Any:
    async def reading() -> Any:
        store = await open_store(url)
        try:
            return await work(store)
        finally:
            await store.close()

    return asyncio.run(reading())


def test_killed_again_and_again(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/ledger.db"
    handed = handed_in()
    dice = random.Random()
    with simulator(SIMULATED) as provider, gateway(tmp_path, config(provider)) as gate:
        for wave in range(KILLS):
            asyncio.run(hand_in(url, handed[wave::KILLS]))
            time.sleep(dice.uniform(0.1, 1.2))
            os.kill(gate.pid, signal.SIGKILL)
            gate.process.wait()
            gate.start()
        try:
            ended = eventually(lambda: _ended(url, [job.id for job, _ in handed]), "all jobs end", 180)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{gate.log}") from None
        assert gate.stop() in (0, -signal.SIGTERM)
        each_line_has_its_answer(url, handed, ended)
        each_is_paid_as_billed(url, provider, gate)


def _ended(url: str, names: list[str]) -> list[Job] | None:
    async def look(store: Store) -> list[Job | None]:
        return [await store.do(lambda connection, name=name: jobs.get(connection, name)) for name in names]  # type: ignore[misc]

    found = read(url, look)
    return found if all(job.ended_us for job in found) else None


def each_line_has_its_answer(url: str, handed: list[tuple[Job, list[Line]]], ended: list[Job]) -> None:
    async def results(store: Store) -> dict[str, list[Line]]:
        return {
            job.id: await store.do(lambda connection, job=job: lines.results(connection, job.id))  # type: ignore[misc]
            for job, _ in handed
        }

    found = read(url, results)
    for (job, made), over in zip(handed, ended, strict=True):
        assert (over.state, over.done, over.failed, over.held) == ("finished", len(made), 0, 0), over
        answered = found[job.id]
        assert [line.no for line in answered] == [line.no for line in made]
        for line in answered:
            assert line.status == 200 and json.loads(line.answer)["choices"], line


def each_is_paid_as_billed(url: str, provider: Simulator, gate: Gateway) -> None:
    """Calls that a kill cut off have an unknown cost; all that is known is on the bill, and all on the bill is known, but for
    those."""

    async def rows(store: Store) -> tuple[list[str], list[CallRow], list[tuple[str, str]], int]:
        wrong, calls = await store.check(), await store.calls(limit=1_000_000)
        sent = await store.do(_unsettled)
        answers = await store.do(
            lambda connection: connection.query("SELECT call_id, job || '.' || no FROM batch_lines")
        )
        return wrong, calls, answers, sent

    wrong, calls, answers, unsettled = read(url, rows)
    assert not wrong, wrong
    assert not unsettled, "something is still held for a run"
    by_id = {row.id: row for row in calls}
    assert len({call for call, _ in answers}) == len(answers), "one call answers two lines"
    odd = [by_id.get(call) for call, _ in answers if call not in by_id or by_id[call].outcome != "ok"]
    assert not odd, f"{len(odd)} answers are not in the ledger as they should be: {odd[:3]}"
    bill = httpx2.get(f"{provider.url}/simulator/bill", timeout=60).json()["lines"]
    billed, ledger = Counter(_price(line) for line in bill), Counter()
    unknown = [row for row in calls if row.outcome == "interrupted"]
    for row in calls:
        assert row.cost_state in ("computed", "unknown"), row
        if row.cost:
            ledger[row.cost] += 1
    assert sum(row.cost for row in calls) == sum(ledger_cost * n for ledger_cost, n in ledger.items())
    missing, invented = billed - ledger, ledger - billed
    assert not invented, invented
    assert missing.total() <= len(unknown), f"{missing.total()} billed calls are in no row, {len(unknown)} were cut off"
    batches = [line for line in bill if line["tier"] == "batch"]
    per_line = Counter(line["user"] for line in batches)
    again = {user: n for user, n in per_line.items() if n > 1}
    assert not again, f"paid twice in batches: {again}\n{gate.log}"
    assert max(Counter(line["user"] for line in bill).values()) <= 1 + KILLS


def _unsettled(connection: Connection) -> int:
    return int(connection.query("SELECT count(*) FROM batch_sent")[0][0])


def _price(line: dict[str, Any]) -> int:
    """Nano-dollars of gpt-4o-mini."""
    spent, half = line["spent"], 2 if line["tier"] == "batch" else 1
    cached = spent["cache_read"]
    pico = ((spent["prompt"] - cached) * 150_000 + cached * 75_000 + spent["output"] * 600_000) // half
    return round(pico / 1000)
