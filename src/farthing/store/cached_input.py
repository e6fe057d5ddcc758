"""How much of their input calls read from providers' prompt caches, by tenant, kind of work and model: from sums by day, so
that a gateway that starts knows it. Knows nothing of prices."""

import msgspec

from farthing.store.engine import Connection


class CachedInput(msgspec.Struct, frozen=True):
    tenant: str
    task: str
    """Empty where nobody looked."""
    model: str
    calls: int
    in_tokens: int
    cached_tokens: int


def cached_input(connection: Connection, since_us: int) -> list[CachedInput]:
    """Calls that a provider was paid for since the day of `since_us`."""
    rows = connection.query(
        "SELECT tenant, a, b, CAST(sum(calls - cache_hits) AS BIGINT), CAST(sum(in_tokens) AS BIGINT), "
        "CAST(sum(cached_tokens) AS BIGINT) FROM rollups WHERE dims = 'task_model' AND bucket_us >= ? "
        "GROUP BY tenant, a, b ORDER BY tenant, a, b",
        (since_us,),
    )
    return [CachedInput(*row[:3], *map(int, row[3:])) for row in rows if int(row[4]) > 0]
