"""Changes of prices of models in use, from the price book: the rates of yesterday, of now, and of a week ahead."""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime

from farthing.finops.alerts.seen import PriceChange
from farthing.model.money import Nano, Pico
from farthing.model.usage import Usage
from farthing.prices import PriceBook
from farthing.store.rollups import DAY_US

AHEAD_DAYS = 7
UNITS = Usage(uncached_in=1, cache_read=1, w5m=1, out=1)
"""One of each unit that most of the money goes to."""

Priced = tuple[str, str]
"""A price list and the model in it."""


class BookPrices:
    """See the module. `served`: where a model of the ledger is priced; empty where nobody knows."""

    def __init__(self, book: PriceBook, served: Callable[[str], Iterable[Priced]]) -> None:
        self._book = book
        self._served = served

    def changes(self, spent_a_day: Mapping[str, Nano], now_us: int) -> list[PriceChange]:
        """The first change of each model within yesterday and the days ahead."""
        return [change for model, spent in spent_a_day.items() for change in self._of(model, spent, now_us)]

    def _of(self, model: str, spent: Nano, now_us: int) -> list[PriceChange]:
        for provider, name in self._served(model):
            before = self._rates(provider, name, now_us - DAY_US)
            for day in range(AHEAD_DAYS + 1):
                at_us = now_us + day * DAY_US
                after = self._rates(provider, name, at_us)
                changed = [
                    unit for unit in before if unit in after and before[unit] > 0 and after[unit] != before[unit]
                ]
                if changed:
                    said = datetime.fromtimestamp(at_us / 1e6, UTC).strftime("%Y-%m-%d")
                    return [PriceChange(model, unit, before[unit], after[unit], said, spent) for unit in changed]
        return []

    def _rates(self, provider: str, model: str, at_us: int) -> dict[str, Pico]:
        return {line.unit: line.rate for line in self._book.price(provider, model, UNITS, at_us=at_us).lines}
