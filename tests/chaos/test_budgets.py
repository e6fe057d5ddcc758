"""Budgets while gateways are killed and paused, while the store is away, and where two gateways meet at the edge: what is
spent and leased is never more than the limit, nor is the provider's bill."""

import asyncio
import json
import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from chaos.conftest import long
from farthing.store import journal, open_store
from farthing.store.engine import Connection
from farthing.store.errors import StoreError
from farthing.upstream.simulator import SimulatorSettings
from integration.gateways import Gateway, eventually, gateway, settings_text
from integration.upstreams import Simulator, simulator
from stores import Postgres

LIMIT = 3_000_000
"""Nano-dollars: some forty calls."""
DECLARED = """
[budgets.all]
amount = 0.003
scope = { team = "*" }
"""


@pytest.fixture
def provider() -> Iterator[Simulator]:
    with simulator(SimulatorSettings(seed=5, latency=0.1, spread=0.8, kept=100_000)) as made:
        yield made


def billed(provider: Simulator, team: str = "") -> int:
    """Nano-dollars that the provider charges for gpt-4o-mini, of one team or in all."""
    lines = httpx2.get(f"{provider.url}/simulator/bill", timeout=60, verify=False).json()["lines"]
    spent = [line["spent"] for line in lines if not team or line["user"] == team]
    return sum(each["prompt"] * 150 + each["output"] * 600 for each in spent)


def settings(provider: Simulator, url: str, folder: Path, budgets: str = DECLARED) -> str:
    upstream = f'[providers.openai]\nbase_url = "{provider.url}/v1"\napi_key = "k"\n[balance]\npatience_s = 0.5'
    store = f'url = "{url}"\njournal = "{folder}/journals"'
    return settings_text(server="shutdown_grace_s = 5", store=store, providers=upstream, more=budgets)


@contextmanager
def two(folder: Path, provider: Simulator, url: str) -> Iterator[tuple[Gateway, Gateway]]:
    text = settings(provider, url, folder)
    with gateway(folder / "a", text) as first, gateway(folder / "b", text) as second:
        yield first, second


class Callers:
    """Clients of several gateways, until they are stopped."""

    def __init__(self, gates: tuple[Gateway, ...], clients: int = 8) -> None:
        self._gates = gates
        self._stop = threading.Event()
        self.said: Counter[str] = Counter()
        self._threads = [threading.Thread(target=self._call, args=[number], daemon=True) for number in range(clients)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(90)
            assert not thread.is_alive()

    def _call(self, client: int) -> None:
        dice = random.Random(client)
        while not self._stop.is_set():
            said = call(dice.choice(self._gates), f"{client} {dice.random()}", stream=dice.random() < 0.5)
            self.said[said] += 1
            if said != "served":
                self._stop.wait(0.1)


def call(gate: Gateway, text: str, team: str = "t", *, stream: bool = False) -> str:
    """`served`, `lost`, or the code of the refusal."""
    body = {"model": "gpt-4o-mini", "stream": stream, "user": team, "messages": [{"role": "user", "content": text}]}
    try:
        answer = httpx2.post(
            f"{gate.url}/v1/chat/completions", json=body, headers={"x-farthing-team": team}, timeout=60, verify=False
        )
    except httpx2.TransportError:
        return "lost"
    if answer.status_code == 200:
        return "served"
    error = json.loads(answer.text)["error"]
    return "exceeded" if error["code"] == "insufficient_quota" else error["code"]


def standing(gate: Gateway, team: str = "t") -> dict[str, Any]:
    answer = gate.get("/v1/farthing/budgets/all").json()
    return next((each for each in answer["standings"] if each["member"] == team), {"spent": 0, "left": LIMIT})


def lawful(gate: Gateway, provider: Simulator) -> dict[str, Any]:
    """Nothing is passed, at this moment."""
    seen = standing(gate)
    assert seen["left"] >= 0, seen
    assert billed(provider) <= LIMIT
    return seen


def at_the_end(url: str) -> dict[str, int]:
    """What is spent and still leased of the team's budget, by the tables themselves; and the ledger agrees with itself."""

    async def read() -> dict[str, int]:
        store = await open_store(url)
        try:
            assert not (wrong := await store.check()), wrong
            found = {}
            for name, sql in (
                ("spent", "SELECT coalesce(sum(spent), 0) FROM budget_balances WHERE member = 't'"),
                ("leased", "SELECT coalesce(sum(amount), 0) FROM budget_leases WHERE member = 't'"),
                ("ledger", "SELECT coalesce(sum(cost), 0) FROM calls WHERE team = 't'"),
                ("charged", "SELECT coalesce(sum(amount), 0) FROM budget_charges WHERE member = 't'"),
            ):
                rows = await store.do(lambda connection, sql=sql: connection.query(sql))
                found[name] = int(rows[0][0])
            return found
        finally:
            await store.close()

    return asyncio.run(read())


def test_b05_b06_b29_two_gateways_meet_at_the_edge(tmp_path: Path, provider: Simulator, url: str) -> None:
    """One truth: neither takes what the other holds, all of it can be used, and a restart forgets nothing."""
    with two(tmp_path, provider, url) as (first, second):
        callers = Callers((first, second))
        eventually(lambda: callers.said["exceeded"] > 10, "nothing is left")
        lawful(first, provider)
        callers.stop()
        assert callers.said.keys() <= {"served", "exceeded", "budget_busy"}, callers.said
        first.stop()
        first.start()
        eventually(
            lambda: {call(first, "again"), call(second, "again")} == {"exceeded"}, "what the stop gave back is used"
        )
    end = at_the_end(url)
    assert end["leased"] == 0 and end["spent"] == end["charged"] == billed(provider)
    assert 0.9 * LIMIT <= end["spent"] <= LIMIT


def test_b08_one_gateway_alone_under_load_counts_each_call_once(tmp_path: Path, provider: Simulator, url: str) -> None:
    """In the ledger, in the budget and by the provider's bill the same amount, whole answers and streams at once."""
    with gateway(tmp_path, settings(provider, url, tmp_path)) as gate:
        callers = Callers((gate,), clients=16)
        eventually(lambda: callers.said["exceeded"] > 10, "nothing is left")
        lawful(gate, provider)
        callers.stop()
        assert callers.said.keys() <= {"served", "exceeded", "budget_busy"}, callers.said
    end = at_the_end(url)
    assert end["leased"] == 0 and end["spent"] == end["charged"] == end["ledger"] == billed(provider)
    assert 0.9 * LIMIT <= end["spent"] <= LIMIT


def test_b07_a_call_that_is_handed_in_twice_is_charged_once(tmp_path: Path, provider: Simulator, url: str) -> None:
    """As after a crash between the ledger's commit and the end of the journal's entry: the entry is taken over, and the
    call is there already."""
    journals = tmp_path / "journals"
    with gateway(tmp_path, settings(provider, url, tmp_path)) as gate:
        slow = threading.Thread(target=call, args=[gate, "[[simulate: slow-first-byte=2]] Say something."])
        slow.start()
        eventually(
            lambda: any(journal.read(path.read_bytes()).calls for path in journals.glob("*.journal")), "it is noted"
        )
        kept = {path: path.read_bytes() for path in journals.glob("*.journal")}
        slow.join()
        eventually(lambda: _written(gate), "the call is charged")
        spent = billed(provider)
        assert standing(gate)["spent"] == spent > 0
        gate.stop()
        for path, data in kept.items():
            path.write_bytes(data)
        gate.start()
        assert kept
        eventually(lambda: not any(path.exists() for path in kept), "they are taken over")
        assert standing(gate)["spent"] == spent
    end = at_the_end(url)
    assert end["spent"] == end["charged"] == end["ledger"] == spent


@pytest.mark.parametrize("again", [1, pytest.param(4, marks=long)])
def test_killed_with_leases_and_calls_under_way(tmp_path: Path, provider: Simulator, url: str, again: int) -> None:
    with two(tmp_path, provider, url) as (first, second):
        callers = Callers((first, second))
        for number in range(again):
            before = callers.said["served"]
            eventually(lambda before=before: callers.said["served"] >= before + 8, "calls are served")
            killed = (first, second)[number % 2]
            os.kill(killed.pid, signal.SIGKILL)
            killed.process.wait()
            lawful((second, first)[number % 2], provider)
            killed.start()
        eventually(lambda: callers.said["exceeded"] > 10, "nothing is left")
        seen = lawful(first, provider)
        callers.stop()
        assert seen["lost"] == 0, "the journals were taken over"
    end = at_the_end(url)
    assert end["leased"] == 0 and end["spent"] == end["charged"]
    assert billed(provider) <= end["spent"] <= LIMIT
    assert end["spent"] >= 0.9 * LIMIT, "what the dead gateway did not use came back"


def test_killed_and_its_machine_is_gone(tmp_path: Path, provider: Simulator, url: str) -> None:
    """Nobody takes the journal over: what was leased counts as spent, until an operator gives it back."""
    with gateway(tmp_path / "a", settings(provider, url, tmp_path / "elsewhere")) as first:
        callers = Callers((first,))
        eventually(lambda: callers.said["served"] >= 4, "calls are served")
        os.kill(first.pid, signal.SIGKILL)
        first.process.wait()
        callers.stop()
        with gateway(tmp_path / "b", settings(provider, url, tmp_path / "here")) as second:
            _let_time_pass(url)
            [lost] = second.farthing_json("budgets", "reconcile")["lost"]
            held = lost["amount"]
            assert held > 0 and lawful(second, provider)["lost"] == held
            released = second.farthing_json("budgets", "reconcile", "--release", lost["holder"])["released"]
            assert released == {lost["holder"]: held}
            seen = standing(second)
            assert seen["left"] == LIMIT - seen["spent"]
        first.process.wait()


def _written(gate: Gateway) -> dict[str, Any] | None:
    seen = standing(gate)
    return seen if seen["spent"] else None


def _let_time_pass(url: str) -> None:
    """As if nobody had heard of the gateways for long."""

    async def work() -> None:
        store = await open_store(url)
        try:
            await store.do(
                lambda connection: connection.execute("UPDATE budget_holders SET expires_us = 1 WHERE expires_us > 1")
            )
        finally:
            await store.close()

    asyncio.run(work())


def test_paused_beyond_the_stores_patience(tmp_path: Path, provider: Simulator, url: str) -> None:
    """The store holds its lease for lost, and nobody else spends it; it goes on with calls under way, and lives again."""
    with two(tmp_path, provider, url) as (first, second):
        callers = Callers((first, second))
        eventually(lambda: callers.said["served"] >= 8, "calls are served")
        try:
            _paused_and_forgotten(first, url)
            until = time.monotonic() + 2
            while time.monotonic() < until:
                lawful(second, provider)
                time.sleep(0.2)
        finally:
            os.kill(first.pid, signal.SIGCONT)
        eventually(lambda: callers.said["exceeded"] > 20, "nothing is left")
        callers.stop()
        lawful(first, provider)
    end = at_the_end(url)
    assert end["leased"] == 0 and end["spent"] == end["charged"] == billed(provider)
    assert 0.9 * LIMIT <= end["spent"] <= LIMIT


def _paused_and_forgotten(gate: Gateway, url: str) -> None:
    """Paused at a moment at which it holds no lock of the store's."""
    for _ in range(100):
        os.kill(gate.pid, signal.SIGSTOP)
        try:
            return _let_time_pass(url)
        except StoreError:
            os.kill(gate.pid, signal.SIGCONT)
            time.sleep(0.1)
    pytest.fail("it holds a lock each time")


@long
def test_paused_beyond_its_own_clock(tmp_path: Path, provider: Simulator, url: str) -> None:
    """Its lease was given to others meanwhile: it asks before it spends."""
    with two(tmp_path, provider, url) as (first, second):
        assert call(first, "hello") == "served"
        eventually(lambda: _written(first), "the call is charged")
        os.kill(first.pid, signal.SIGSTOP)
        try:
            time.sleep(45)
            _let_time_pass(url)
            for each in second.farthing_json("budgets", "reconcile")["lost"]:
                second.farthing("budgets", "reconcile", "--release", each["holder"])
            callers = Callers((second,))
            eventually(lambda: callers.said["exceeded"] > 10, "nothing is left")
            callers.stop()
        finally:
            os.kill(first.pid, signal.SIGCONT)
        assert {call(first, f"more {number}") for number in range(10)} == {"exceeded"}
        lawful(second, provider)


AWAY = """
[budgets.strict]
amount = 1
scope = { team = "s", user = "*" }
[budgets.lenient]
amount = 1
scope = { team = "l", user = "*" }
when_unavailable = "serve"
"""


def test_b12_the_store_is_away(
    tmp_path: Path, provider: Simulator, postgres: Postgres, postgres_url: str
) -> None:  # fmt: skip
    """What is in hand is spent; then strict budgets refuse, lenient ones serve, and all of it is charged in the end."""
    with gateway(tmp_path, settings(provider, postgres_url, tmp_path, AWAY)) as gate:
        assert _of(gate, "s", "known") == 200
        postgres.stop()
        try:
            assert _of(gate, "s", "known") == 200
            assert _of(gate, "s", "new") == 503
            assert _of(gate, "l", "new") == 200
        finally:
            postgres.start()
        eventually(lambda: _of(gate, "s", "new") == 200, "it recovers by itself")
        eventually(lambda: _spent(gate, "strict") == billed(provider, "s"), "the strict one is charged")
        eventually(lambda: _spent(gate, "lenient") == billed(provider, "l"), "and the lenient one")


LEDGER = "calls, attempts, savings, rollups, histograms, lever_sums, budget_charges"


def test_b26_no_call_waits_for_the_ledger(
    tmp_path: Path, provider: Simulator, postgres: Postgres, postgres_url: str
) -> None:  # fmt: skip
    """Nobody can read or write its tables, and calls are served from what is on lease; they are charged afterwards."""
    locked, over = threading.Event(), threading.Event()

    async def lock() -> None:
        def hold(connection: Connection) -> None:
            with connection.transaction():
                connection.execute(f"LOCK TABLE {LEDGER} IN ACCESS EXCLUSIVE MODE")
                locked.set()
                over.wait(120)

        store = await open_store(postgres_url)
        try:
            await store.do(hold)
        finally:
            await store.close()

    with gateway(tmp_path, settings(provider, postgres_url, tmp_path)) as gate:
        assert call(gate, "the first") == "served"
        eventually(lambda: _written(gate), "the first is charged")
        holder = threading.Thread(target=asyncio.run, args=[lock()])
        holder.start()
        assert locked.wait(60)
        try:
            assert [call(gate, f"number {number}", stream=number % 2 == 0) for number in range(6)] == ["served"] * 6
            with pytest.raises(httpx2.TimeoutException):  # what does read the ledger waits
                httpx2.get(f"{gate.url}/v1/farthing/calls", timeout=0.5, verify=False)
        finally:
            over.set()
            holder.join()
        eventually(lambda: standing(gate)["spent"] == billed(provider), "all are charged")


def _of(gate: Gateway, team: str, user: str) -> int:
    body = {"model": "gpt-4o-mini", "user": team, "messages": [{"role": "user", "content": user}]}
    headers = {"x-farthing-team": team, "x-farthing-user": user}
    answer = httpx2.post(f"{gate.url}/v1/chat/completions", json=body, headers=headers, timeout=60, verify=False)
    if answer.status_code == 503:
        assert answer.json()["error"]["code"] == "budget_unavailable" and "retry-after" in answer.headers
    return answer.status_code


def _spent(gate: Gateway, budget: str) -> int:
    answer = gate.get(f"/v1/farthing/budgets/{budget}")
    return sum(each["spent"] for each in answer.json()["standings"]) if answer.status_code == 200 else -1
