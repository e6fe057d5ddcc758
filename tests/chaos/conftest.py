"""A provider that counts, settings for it, and what a ledger must look like after whatever happened."""

import asyncio
import os
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import pytest

from chaos.load import COST, Load, Provider
from chaos.load import provider as running_provider
from farthing.store import CallRow, journal, open_store
from integration.gateways import eventually, settings_text

ROUNDS = int(os.environ.get("FARTHING_CHAOS_ROUNDS", "1"))
"""How often each kind of accident happens; more is for machines with time."""
long = pytest.mark.skipif(ROUNDS == 1, reason="a longer version; FARTHING_CHAOS_ROUNDS=2 runs it")


@pytest.fixture
def provider() -> Iterator[Provider]:
    with running_provider() as made:
        yield made


def config(provider: Provider, server: str = "", store: str = "") -> str:
    upstream = f'[providers.openai]\nbase_url = "{provider.url}/v1"\napi_key = "k"'
    return settings_text(server="shutdown_grace_s = 5\n" + server, store=store, providers=upstream)


def ledger(url: str) -> list[CallRow]:
    """All calls; the ledger must agree with itself."""

    async def read() -> tuple[list[str], list[CallRow]]:
        store = await open_store(url)
        try:
            return await store.check(), await store.calls(limit=1_000_000)
        finally:
            await store.close()

    wrong, rows = asyncio.run(read())
    assert not wrong, wrong
    return rows


class Unsure(NamedTuple):
    """Answers that ended after `since`, of calls that began before `until`, may be lost with a gateway that was killed. Monotonic
    seconds."""

    since: float
    until: float


NOTHING = Unsure(0.0, 0.0)
LATE_S = 1.0
"""How long an ended call may be in memory alone, unless the machine is so busy that the ledger's thread gets no turn."""


def kept_until(folder: Path, *loads: Load) -> float:
    """Wait for a moment at which the journals below `folder` say that all that ended `LATE_S` before is written or spilled, for a
    kill right after it; gives the time before which nothing may be lost."""

    def kept() -> float | None:
        until = time.monotonic() - LATE_S
        ended = {user for load in loads for user, at in list(load.ended.items()) if at < until}
        return until if ended and not ended & _in_memory(folder) else None

    found: float = eventually(kept, f"all that ended {LATE_S} s ago is kept")
    return found


def _in_memory(folder: Path) -> set[str]:
    """The users of calls whose price only the gateway's memory has."""
    noted, spilled = set(), set()
    for path in folder.glob("**/*.journal/*.journal"):
        noted |= {record.user for record in journal.read(path.read_bytes()).calls}
    for path in folder.glob("**/*.journal/*.spill"):
        with suppress(FileNotFoundError):  # it has just been written
            spilled |= {record.user for record in journal.read_spill(path)}
    return noted - spilled


def complete(rows: list[CallRow], provider: Provider, *loads: Load, unsure: Unsure = NOTHING) -> Counter[str]:
    """Every call that the provider got is there once; those whose answer had ended have their price, but for those that are
    `unsure`. Gives how many there are of each outcome."""
    by_user = {row.user: row for row in rows}
    assert len(by_user) == len(rows), [user for user, n in Counter(row.user for row in rows).items() if n > 1]
    missing = set(provider.seen) - by_user.keys()
    assert not missing, f"{len(missing)} calls are in no ledger: {sorted(missing)[:5]}"
    for load in loads:
        for user, at in load.ended.items():
            row = by_user[user]
            if at < unsure.since or load.begun[user] > unsure.until:
                known = (row.outcome, row.status, row.cost, row.cost_state)
                assert known == ("ok", 200, COST, "computed"), f"{unsure.since - at:.2f} s before that: {row}"
    for row in rows:
        assert row.cost in (0, COST) or row.cost_state == "estimated", row
    return Counter(row.outcome for row in rows)
