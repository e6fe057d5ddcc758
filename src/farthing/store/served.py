"""What one deployment served, hour by hour: for own GPUs, whose bill knows hours and no tokens.

Attempts count, not calls: a lost one used the GPUs too. Reads the rows of the span, by time.
"""

from typing import NamedTuple

from farthing.model.money import Nano
from farthing.store.engine import Connection
from farthing.store.rollups import HOUR_US


class Served(NamedTuple):
    """Sums over the attempts of one hour."""

    hour_us: int
    attempts: int
    fresh_tokens: int
    """In, not from a cache."""
    cached_tokens: int
    output_tokens: int
    without_usage: int
    """Attempts that reported none: what they used is not known."""
    cost: Nano
    """As the ledger has it."""


_FRESH = "+".join(
    f"coalesce(a.{unit}, 0)"
    for unit in ("uncached_in", "w5m", "w1h", "w30m", "w12h", "audio_in", "image_in", "tool_in")
)
_CACHED = "coalesce(a.cache_read, 0) + coalesce(a.cached_audio, 0)"
_OUT = "+".join(f"coalesce(a.{unit}, 0)" for unit in ("text_out", "audio_out", "image_out"))
_SUMS = (f"sum({_FRESH})", f"sum({_CACHED})", f"sum({_OUT})", "sum(CASE WHEN a.uncached_in IS NULL THEN 1 ELSE 0 END)", "sum(a.cost)")  # fmt: skip


def served(connection: Connection, deployment: str, since_us: int, until_us: int, *, tenant: str = "") -> list[Served]:
    """The hours in which it was asked for anything, oldest first."""
    test, named = (" AND c.tenant = ?", [tenant]) if tenant else ("", [])
    sums = ", ".join(f"CAST({each} AS BIGINT)" for each in _SUMS)
    rows = connection.query(
        f"SELECT c.started_us - c.started_us % {HOUR_US}, count(*), {sums} FROM calls AS c JOIN attempts AS a ON a.call_id = c.id "
        f"WHERE c.started_us >= ? AND c.started_us < ? AND a.deployment = ?{test} GROUP BY 1 ORDER BY 1",
        [since_us, until_us, deployment, *named],
    )
    return [Served(*map(int, row)) for row in rows]
