"""What a test asks of the ledger's record of a call, and how it has a store draw the same arms each time."""

import asyncio
from typing import Any

from farthing.store import open_store
from farthing.store.secret import plant
from farthing.store.shares import SALT
from integration.callers import AsyncCaller, Caller
from integration.gateways import Gateway


def known_draws(made: Gateway) -> None:
    """Before its first start: which sessions are in which arm is then no matter of luck."""

    async def planted() -> None:
        store = await open_store(f"sqlite:///{made.folder}/ledger.db")
        try:
            await store.do(lambda connection: plant(connection, SALT, "the same each time"))
        finally:
            await store.close()

    asyncio.run(planted())


def booked(gateway: Gateway, caller: Caller | AsyncCaller, cost: int, key: str = "") -> dict[str, Any]:
    """The record of the caller's last call, which must cost `cost` nano-dollars by usage that the provider reported."""
    record = gateway.call(caller.call_id, key)
    assert (record["cost"], record["cost_state"], record["outcome"]) == (cost, "computed", "ok"), record
    assert record["baseline"] - sum(one["before"] - one["after"] - one["overhead"] for one in record["savings"]) == cost
    assert len(record["attempts"]) == 1
    assert record["attempts"][0]["cost"] == cost
    assert "usage_mismatch" not in record["attempts"][0]["flags"]
    return record
