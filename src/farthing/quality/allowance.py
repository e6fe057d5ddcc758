"""How much may be spent on looking at quality in a day (UTC), by all gateways together, and by each tenant.

Each tenant that had calls to look at today or yesterday has an equal share of the day. What others leave of theirs may be
borrowed: the more of the day is gone, the more of it, and all of it at the end. So one tenant's traffic does not use up
what the others learn from, and a tenant that is alone has it all.

What others spent is known from the ledger, as of the latest refresh; what this gateway spent since is counted here. A cost
that is not known counts as a cent: unknown is never zero.
"""

import time
from collections.abc import Callable, Mapping

from farthing.model.money import NANO_PER_DOLLAR, Nano

UNKNOWN: Nano = NANO_PER_DOLLAR // 100
DAY_S = 86_400


class Allowance:
    """Nano-dollars a day. 0: nothing may be spent."""

    def __init__(self, a_day: Nano, clock: Callable[[], float] = time.time) -> None:
        self._a_day = a_day
        self._clock = clock
        self._day = 0
        self._spent: dict[str, Nano] = {}
        """By tenant; 0 for one that asked and has spent nothing."""
        self._yesterday: frozenset[str] = frozenset()

    @property
    def left(self) -> Nano:
        """Of all tenants together."""
        self._turn()
        return self._a_day - sum(self._spent.values())

    @property
    def day_us(self) -> int:
        """When the day began, in microseconds since 1970."""
        self._turn()
        return self._day * DAY_S * 1_000_000

    def may(self, tenant: str) -> bool:
        """Whether the tenant's calls may be looked at now; from then on a share is kept for it."""
        gone = self._turn()
        own = self._spent.setdefault(tenant, 0)
        left = self._a_day - sum(self._spent.values())
        if left <= 0:
            return False
        tenants = self._yesterday.union(self._spent)
        share = self._a_day / len(tenants)
        if own < share:
            return True
        unused = sum(max(0.0, share - self._spent.get(other, 0)) for other in tenants if other != tenant)
        return left > unused * (1 - gone)

    def spend(self, cost: Nano | None, tenant: str) -> None:
        self._turn()
        self._spent[tenant] = self._spent.get(tenant, 0) + (UNKNOWN if cost is None else cost)

    def spent_by_all(self, costs: Mapping[str, Nano]) -> None:
        """What the ledger says of today, by tenant. It lags behind, so it can only add."""
        self._turn()
        for tenant, cost in costs.items():
            self._spent[tenant] = max(self._spent.get(tenant, 0), cost)

    def _turn(self) -> float:
        """Which part of the day is gone; on a new one nothing is spent."""
        day, seconds = divmod(self._clock(), DAY_S)
        if day != self._day:
            self._yesterday = frozenset(self._spent) if day == self._day + 1 else frozenset()
            self._day, self._spent = int(day), {}
        return seconds / DAY_S
