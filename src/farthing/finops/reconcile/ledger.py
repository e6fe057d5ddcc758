"""The ledger's side: tokens and money of our attempts by hour, model, tier, class and provider. Knows no bill.

By hour, so that it can be cut into days as another time zone would.
"""

from collections.abc import Iterable, Sequence

import msgspec

from farthing.finops.reconcile.bill import DAY_US, tier_of
from farthing.model.money import PICO_PER_NANO, Nano
from farthing.prices.card import TOKEN_UNITS, token_counts
from farthing.store import Store
from farthing.store.booked import Booked, booked

HOUR_US = 3_600_000_000
MOST_HOURS = 14
"""No time zone is further from UTC."""

WITHOUT_COST = ("unpriced", "unknown")


class Sums(msgspec.Struct):
    """Units of one class, and what they were booked at."""

    priced: int = 0
    pico: int = 0
    """What the priced ones cost, before any rounding."""
    unpriced: int = 0
    """Units that had no price."""
    estimated: int = 0
    """Part of them that we counted ourselves, since the provider had not said."""

    @property
    def count(self) -> int:
        return self.priced + self.unpriced

    def add(self, other: "Sums") -> None:
        self.priced += other.priced
        self.pico += other.pico
        self.unpriced += other.unpriced
        self.estimated += other.estimated


class Calls(msgspec.Struct):
    """Attempts that the provider got."""

    known: int = 0
    unknown: int = 0
    """Those that ended without usage: what they cost, nobody has said."""


class Total(msgspec.Struct):
    """Money of one hour and model, as it is in the rows."""

    cost: Nano = 0
    pico: int = 0
    """The same from the lines of the attempts, before rounding."""
    by_provider: int = 0
    """Pico-dollars that the provider's own figures are above the lines."""


Key = tuple[int, str, str, str, str]
"""hour_us, model, tier, unit, provider's name in the settings."""


class Ledger(msgspec.Struct):
    """Our own calls of a span."""

    units: dict[Key, Sums] = {}
    calls: dict[tuple[int, str, str], Calls] = {}
    """By hour, model, provider."""
    totals: dict[tuple[int, str], Total] = {}
    """By hour, model."""

    def take(self, attempts: Iterable[Booked]) -> None:
        """Add attempts."""
        for attempt in attempts:
            if attempt.sent:
                self._take(attempt)

    def _take(self, attempt: Booked) -> None:
        hour = attempt.started_us - attempt.started_us % HOUR_US
        calls = self.calls.setdefault((hour, attempt.model, attempt.provider), Calls())
        if attempt.usage is None:
            calls.unknown += 1
            return
        calls.known += 1
        tier = tier_of(attempt.tier)
        unpriced = attempt.cost_state in WITHOUT_COST
        rates = {} if unpriced else {line.unit: line.rate for line in attempt.lines}
        pico = 0
        counts = [*zip(TOKEN_UNITS, token_counts(attempt.usage), strict=True), *attempt.usage.requests.items()]
        for unit, count in counts:
            if count:
                key = (hour, attempt.model, tier, unit, attempt.provider)
                sums = self.units.setdefault(key, Sums())
                if unpriced or unit not in rates:
                    sums.unpriced += count
                else:
                    sums.priced += count
                    sums.pico += count * rates[unit]
                    pico += count * rates[unit]
                sums.estimated += count if attempt.estimated else 0
        self._total(hour, attempt, pico)

    def _total(self, hour: int, attempt: Booked, pico: int) -> None:
        total = self.totals.setdefault((hour, attempt.model), Total())
        total.cost += attempt.cost
        total.pico += pico
        above = attempt.cost * PICO_PER_NANO - pico
        if abs(above) > PICO_PER_NANO:
            total.by_provider += above

    @property
    def models(self) -> set[str]:
        return {key[1] for key in self.units} | {key[1] for key in self.calls}


async def read_ledger(store: Store, providers: Sequence[str], first_day_us: int, last_day_us: int) -> Ledger:
    """The calls of these providers on these days (UTC), and of the hours around that other time zones count in. Raises
    StoreError."""
    ledger = Ledger()
    margin = MOST_HOURS * HOUR_US
    await booked(store, providers, first_day_us - margin, last_day_us + DAY_US + margin, ledger.take)
    return ledger
