"""How much may be spent on looking at quality in a day (UTC), by all gateways together.

What others spent is known from the ledger, as of the latest refresh; what this gateway spent since is counted here. A cost
that is not known counts as a cent: unknown is never zero.
"""

import time
from collections.abc import Callable

from farthing.model.money import NANO_PER_DOLLAR, Nano

UNKNOWN: Nano = NANO_PER_DOLLAR // 100
DAY_S = 86_400


class Allowance:
    """Nano-dollars a day. 0: nothing may be spent."""

    def __init__(self, a_day: Nano, clock: Callable[[], float] = time.time) -> None:
        self._a_day = a_day
        self._clock = clock
        self._day = 0
        self._spent: Nano = 0

    @property
    def left(self) -> Nano:
        self._turn()
        return self._a_day - self._spent

    @property
    def day_us(self) -> int:
        """When the day began, in microseconds since 1970."""
        self._turn()
        return self._day * DAY_S * 1_000_000

    def spend(self, cost: Nano | None) -> None:
        self._turn()
        self._spent += UNKNOWN if cost is None else cost

    def spent_by_all(self, cost: Nano) -> None:
        """What the ledger says of today. It lags behind, so it can only add."""
        self._turn()
        self._spent = max(self._spent, cost)

    def _turn(self) -> None:
        day = int(self._clock() // DAY_S)
        if day != self._day:
            self._day, self._spent = day, 0
