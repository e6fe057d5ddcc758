"""What time it is, for every part that asks: the system's clock, or one that a replay or a story moves by itself.

A value that the composition root hands on. Nobody else chooses it, and nothing replaces the clock of a part that runs.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

import msgspec


class Clock(msgspec.Struct, frozen=True):
    """Three functions that agree with each other."""

    now_us: Callable[[], int]
    """Microseconds since 1970 (UTC): for the ledger, windows, prices and expiry."""
    monotonic: Callable[[], float]
    """Seconds that never go back, from any beginning: for durations, circuits and limits."""
    sleep: Callable[[float], Awaitable[object]]
    """Wait so many seconds of this clock."""

    def seconds(self) -> float:
        """Seconds since 1970 (UTC)."""
        return self.now_us() / 1e6


def _now_us() -> int:
    return time.time_ns() // 1000


SYSTEM = Clock(_now_us, time.monotonic, asyncio.sleep)
"""The machine's own."""
