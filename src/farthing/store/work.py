"""What traffic is made of: calls by tenant, prompt template, task, feature and tier, summed from the rows of a span.

For people who look at the last days: templates are too many to keep sums of. Knows nothing of models and tables.
"""

import msgspec

from farthing.model.money import Nano
from farthing.store.engine import Connection

_KEY = "tenant, template, task, feature, tier"


class Work(msgspec.Struct, frozen=True):
    """Calls that do the same kind of work. Amounts in nano-dollars."""

    tenant: str
    template: str
    """Fingerprint; empty where the prompt has no fixed part, or nobody looked."""
    task: str
    feature: str
    tier: str
    """Empty: the call named its model, or the cache answered it."""
    calls: int = 0
    counted: int = 0
    """Those of which tokens are known."""
    without_cost: int = 0
    """Calls that are not, or not fully, in `cost`."""
    in_tokens: int = 0
    cached_tokens: int = 0
    out_tokens: int = 0
    cost: Nano = 0
    baseline: Nano = 0


def work(connection: Connection, since_us: int, until_us: int, *, tenant: str = "") -> list[Work]:
    """The calls that began in the span, dearest work first; of one tenant, or (empty) of all. Reads each row of the span."""
    whose = " AND tenant = ?" if tenant else ""
    sums = ", ".join(
        f"CAST(sum({column}) AS BIGINT)"
        for column in (
            "CASE WHEN in_tokens + out_tokens > 0 THEN 1 ELSE 0 END",
            "CASE WHEN cost_state IN ('unpriced', 'unknown') THEN 1 ELSE 0 END",
            "in_tokens", "cached_tokens", "out_tokens", "cost", "baseline",
        )
    )  # fmt: skip
    rows = connection.query(
        f"SELECT {_KEY}, count(*), {sums} FROM calls WHERE started_us >= ? AND started_us < ?{whose} "
        f"GROUP BY {_KEY} ORDER BY 12 DESC, 6 DESC, {_KEY}",
        (since_us, until_us, *([tenant] if tenant else [])),
    )
    return [Work(*row[:5], *map(int, row[5:])) for row in rows]
