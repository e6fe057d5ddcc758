"""What a test asks of the ledger's record of a call."""

from typing import Any

from integration.callers import AsyncCaller, Caller
from integration.gateways import Gateway


def booked(gateway: Gateway, caller: Caller | AsyncCaller, cost: int, key: str = "") -> dict[str, Any]:
    """The record of the caller's last call, which must cost `cost` nano-dollars by usage that the provider reported."""
    record = gateway.call(caller.call_id, key)
    assert (record["cost"], record["cost_state"], record["outcome"]) == (cost, "computed", "ok"), record
    assert record["baseline"] - sum(one["before"] - one["after"] - one["overhead"] for one in record["savings"]) == cost
    assert len(record["attempts"]) == 1
    assert record["attempts"][0]["cost"] == cost
    assert "usage_mismatch" not in record["attempts"][0]["flags"]
    return record
