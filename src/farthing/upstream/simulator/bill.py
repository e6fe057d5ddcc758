"""What the provider charges, call by call: the truth that a gateway's ledger can be held against.

A stream that the client leaves is billed for what was generated until then, or to its end (`bills_on`); a usage that an
answer lied about is here as it was. Kept in memory, the latest lines only; the totals are of all.
"""

from collections import deque

import msgspec

from farthing.upstream.simulator.wire import Spent

_UNITS = ("requests", "prompt", "cache_read", "w5m", "w1h", "w30m", "w12h", "audio", "output", "reasoning")


class Line(msgspec.Struct, frozen=True):
    id: str
    path: str
    model: str
    spent: dict[str, int]
    """Tokens by kind; `prompt` holds all input, the cached too."""
    tier: str = ""
    stream: bool = False
    ended: str = "complete"
    """complete, left (the client went away), cut (a fault ended it)."""
    user: str = ""
    """The `user` of the request."""
    batch: str = ""
    """The batch that it was a line of."""
    custom_id: str = ""


class Bill:
    def __init__(self, kept: int) -> None:
        self.lines: deque[Line] = deque(maxlen=kept)
        self.totals: dict[str, dict[str, int]] = {}
        """By model."""

    def add(
        self,
        id: str,
        path: str,
        model: str,
        spent: Spent,
        *,
        tier: str = "",
        stream: bool = False,
        ended: str = "complete",
        user: str = "",
        batch: str = "",
        custom_id: str = "",
    ) -> None:
        line = Line(id, path, model, units(spent), tier, stream, ended, user, batch, custom_id)
        self.lines.append(line)
        total = self.totals.setdefault(model, dict.fromkeys(_UNITS, 0))
        total["requests"] += 1
        for unit, count in line.spent.items():
            total[unit] += count


def units(spent: Spent) -> dict[str, int]:
    cache = spent.cache
    return {
        "prompt": spent.prompt, "cache_read": cache.read, "w5m": cache.w5m, "w1h": cache.w1h, "w30m": cache.w30m,
        "w12h": cache.w12h, "audio": spent.audio, "output": spent.output, "reasoning": spent.reasoning,
    }  # fmt: skip
