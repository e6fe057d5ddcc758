"""Which model a conversation is at. Its prompt is warm in that model's cache, so another one costs more than its price.

A conversation goes up a tier whenever the work needs it, never down by itself, and aside only where that pays: over as
many turns as it has had so far, which is the best guess of how many are to come. Belongs to one process: gateways that
share no memory choose alike from the same table, and only this history differs.
"""

import time
from collections.abc import Callable

import msgspec

from farthing.model.money import Nano
from farthing.model.routes import TIERS, Tier

MOST = 100_000
"""Conversations that are remembered, at least; up to twice as many."""
KEEP_S = 3600.0
"""Seconds without a turn after which no provider's cache is warm."""


class Pin(msgspec.Struct, frozen=True):
    """Where a conversation is."""

    model: str
    tier: Tier
    at: float
    """Monotonic seconds of its latest turn."""


class Sessions:
    """Pins by tenant and session."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._young: dict[tuple[str, str], Pin] = {}
        self._old: dict[tuple[str, str], Pin] = {}
        """What has had no turn since the young were as many goes with these."""

    def of(self, tenant: str, session: str) -> Pin | None:
        """Where the conversation is; None if it is new or was silent for long."""
        key = (tenant, session)
        pin = self._young.get(key) or self._old.get(key)
        return pin if pin is not None and self._clock() - pin.at <= KEEP_S else None

    def keep(self, tenant: str, session: str, model: str, tier: Tier) -> None:
        """The conversation had a turn there."""
        self._young[tenant, session] = Pin(model, tier, self._clock())
        if len(self._young) >= MOST:
            self._old, self._young = self._young, {}


class Move(msgspec.Struct, frozen=True):
    """What a turn costs at either model, in nano-dollars: with the prompt's earlier part in the cache (warm) or not."""

    here_warm: Nano
    there_warm: Nano
    there_cold: Nano

    def pays(self, turns: int) -> bool:
        """Whether going there is cheaper over `turns` more turns."""
        lost = self.there_cold - self.there_warm
        return turns * (self.here_warm - self.there_warm) > lost


def is_up(tier: Tier, pinned: Tier) -> bool:
    """Whether `tier` is above the one where the conversation is."""
    return TIERS.index(tier) > TIERS.index(pinned)
