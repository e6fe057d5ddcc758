"""What an entry is worth keeping, and how much a tenant may keep.

An entry's worth is the nano-dollars that it can be expected to save, for each byte that it takes:

    worth = cost * (sum over its hits of 2^(-age of the hit / H)  +  0.5 * 2^(-age of the entry / H)) / bytes

with H = 7 days. The second term is the benefit of the doubt for an entry that was not asked for again yet. All terms
fade at the same rate, so the order of two entries never changes by waiting. What is stored is therefore the logarithm
of the worth as it would be at one fixed moment, which an index can hold and no clock has to freshen.
"""

import math

import msgspec

HALF_LIFE_US = 7 * 24 * 3600 * 1_000_000
_DOUBT = 0.5


class Budget(msgspec.Struct, frozen=True):
    """What a tenant may keep in the cache."""

    bytes: int = 256 * 1024 * 1024
    entries: int = 100_000


class Budgets(msgspec.Struct, frozen=True):
    """The budget of each tenant."""

    default: Budget = Budget()
    tenants: dict[str, Budget] = {}

    def of(self, tenant: str) -> Budget:
        return self.tenants.get(tenant, self.default)


def first_heat(created_us: int) -> float:
    """The heat of an entry that was never hit."""
    return math.log2(_DOUBT) + created_us / HALF_LIFE_US


def heated(heat: float, hits: int, at_us: int) -> float:
    """The heat after `hits` more hits at `at_us`. Heat is the base-2 logarithm of the fading sum of hits."""
    more = math.log2(hits) + at_us / HALF_LIFE_US
    high, low = max(heat, more), min(heat, more)
    return high + math.log2(1 + 2.0 ** (low - high))


def worth(heat: float, cost: int, size: int) -> float:
    """The logarithm of nano-dollars a byte. An entry without a known cost is worth as if it had cost one."""
    return heat + math.log2(max(cost, 1)) - math.log2(max(size, 1))


def now_worth(stored: float, now_us: int) -> float:
    """Nano-dollars a byte that an entry of this stored worth can be expected to save from now on."""
    return float(2.0 ** (stored - now_us / HALF_LIFE_US))
