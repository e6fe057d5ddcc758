"""The store of the queue is full, or away, while lines are handed in, sent, and answered: whoever hands in is told, calls that
are held are held on, and in the end each line has one answer that was paid once."""

import asyncio
import threading
import time
from pathlib import Path
from typing import Any

import httpx2

from chaos.test_batch_kill import _ended as all_ended
from chaos.test_batch_kill import config, each_is_paid_as_billed, each_line_has_its_answer, hand_in, handed_in, read
from chaos.test_sqlite_trouble import a_disk, fill
from farthing.store import Store
from farthing.upstream.simulator import SimulatorSettings
from integration.gateways import Gateway, eventually, gateway
from integration.upstreams import Simulator, simulator
from stores import Postgres

SIMULATED = SimulatorSettings(seed=5, batch_seconds=2.0, batch_list_lag=0.2, latency=0.0, kept=5000)
BODY = {"model": "gpt-4o-mini", "max_tokens": 20, "messages": [{"role": "user", "content": "Say it."}]}


def sent(url: str) -> int:
    """Lines that are in a batch."""

    async def count(store: Store) -> int:
        return await store.do(lambda c: int(c.query("SELECT count(*) FROM batch_sent WHERE shard LIKE 'fs%'")[0][0]))

    return int(read(url, count))


def hold_one(gate: Gateway) -> tuple[threading.Thread, list[Any]]:
    """A call that is held until its batch is back."""
    answers: list[Any] = []

    def call() -> None:
        headers = {"x-farthing-deadline": "1h"}
        answers.append(httpx2.post(f"{gate.url}/v1/chat/completions", json=BODY, headers=headers, timeout=120))

    thread = threading.Thread(target=call)
    thread.start()
    return thread, answers


def in_the_end(url: str, provider: Simulator, gate: Gateway, handed: list[Any], answers: list[Any]) -> None:
    ended = eventually(lambda: all_ended(url, [job.id for job, _ in handed]), "all jobs end", 180)
    assert gate.stop() in (0, -15)
    each_line_has_its_answer(url, handed, ended)
    each_is_paid_as_billed(url, provider, gate)
    (answer,) = answers
    assert answer.status_code == 200 and answer.json()["choices"], answer.text


def upload(gate: Gateway, size: int) -> Any:
    data = b'{"custom_id":"a","method":"POST","url":"/v1/chat/completions","body":{"x":"' + b"x" * size + b'"}}\n'
    files = {"file": ("in.jsonl", data), "purpose": (None, "batch")}
    return httpx2.post(f"{gate.url}/v1/files", files=files, timeout=60)


def test_a_full_disk(tmp_path: Path) -> None:
    handed = handed_in()
    with (
        a_disk(tmp_path, 64) as disk,
        simulator(SIMULATED) as provider,
        gateway(disk, config(provider)) as gate,
    ):
        url = f"sqlite:///{disk}/ledger.db"
        asyncio.run(hand_in(url, handed))
        held, answers = hold_one(gate)
        eventually(lambda: sent(url) > len(handed[0][1]), "lines are in batches")
        hog = fill(disk)
        refused = [upload(gate, 2**20).status_code for _ in range(3)]
        assert set(refused) <= {200, 503} and 503 in refused, "whoever hands in is told"
        headers = {"x-farthing-deadline": "1h", "x-farthing-wait": "job"}
        late = httpx2.post(f"{gate.url}/v1/chat/completions", json=BODY, headers=headers, timeout=60)
        assert late.status_code in (202, 503)
        time.sleep(4)  # results come, and cannot be kept
        hog.unlink()
        held.join(120)
        in_the_end(url, provider, gate, handed, answers)


def test_a_server_that_is_away_for_a_while(tmp_path: Path, postgres: Postgres, postgres_url: str) -> None:
    handed = handed_in()
    with simulator(SIMULATED) as provider:
        text = config(provider).replace("sqlite:///ledger.db", postgres_url)
        with gateway(tmp_path, text) as gate:
            asyncio.run(hand_in(postgres_url, handed))
            held, answers = hold_one(gate)
            eventually(lambda: sent(postgres_url) > len(handed[0][1]), "lines are in batches")
            postgres.stop()
            try:
                assert upload(gate, 1000).status_code == 503
                time.sleep(5)  # results come, and cannot be kept
            finally:
                postgres.start()
            held.join(120)
            in_the_end(postgres_url, provider, gate, handed, answers)
