"""A provider that counts, settings for it, and what a ledger must look like after whatever happened."""

import asyncio
import os
from collections import Counter
from collections.abc import Iterator

import pytest

from chaos.load import COST, Load, Provider
from chaos.load import provider as running_provider
from farthing.store import CallRow, open_store
from integration.gateways import settings_text

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


def complete(rows: list[CallRow], provider: Provider, *loads: Load, killed: float = -1.0) -> Counter[str]:
    """Every call that the provider got is there once; those whose answer had ended have their price, unless that was in
    the last second before the gateway was killed. Gives how many there are of each outcome."""
    by_user = {row.user: row for row in rows}
    assert len(by_user) == len(rows), [user for user, n in Counter(row.user for row in rows).items() if n > 1]
    missing = set(provider.seen) - by_user.keys()
    assert not missing, f"{len(missing)} calls are in no ledger: {sorted(missing)[:5]}"
    for load in loads:
        for user, at in load.ended.items():
            row = by_user[user]
            if not killed - 1 <= at <= killed + 1:  # an answer may still have been on its way to the client
                known = (row.outcome, row.status, row.cost, row.cost_state)
                assert known == ("ok", 200, COST, "computed"), f"{killed - at:.2f} s before the end: {row}"
    for row in rows:
        assert row.cost in (0, COST) or row.cost_state == "estimated", row
    return Counter(row.outcome for row in rows)
