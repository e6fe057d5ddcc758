"""What columns of usage cost: the price book's own rates, a whole column at a time, rounded call by call as the ledger does."""

import numpy as np

from farthing.planner.replay.columns import INPUTS, Bools, Ints, Kind
from farthing.prices import PriceBook
from farthing.prices.card import INPUT_UNITS
from farthing.prices.rates import Band

_UNCACHED, _W5M = INPUT_UNITS.index("uncached_in"), INPUT_UNITS.index("w5m")
NANO = 1_000
"""Pico-dollars."""
FOLDED = {1: 0, 2: 0, 3: 0, 4: 0, 5: 0, 8: 6}
"""Units that a list without a rate for them bills as plain input (cached audio: as audio)."""


class Pricer:
    """Prices by number of kind."""

    def __init__(self, book: PriceBook) -> None:
        self._book = book

    def cost(self, kinds: list[Kind], kind: Ints, usage: Ints, at_us: Ints) -> Ints:
        """Nano-dollars a call; -1 where a price is not known."""
        found = np.full(len(kind), -1, dtype=np.int64)
        for number in np.unique(kind):
            at = np.nonzero(kind == number)[0]
            found[at] = self._of(kinds[number], usage[at], at_us[at])
        return found

    def writes(self, kind: Kind, at_us: int) -> bool:
        """Whether writes to the provider's cache are billed, and so wanted one by one."""
        bands = self._book.rates(kind.provider, kind.model, tier=kind.tier, geo=kind.geo, at_us=at_us).bands
        return bool(bands) and (bands[-1].tokens[_W5M] or 0) > (bands[-1].tokens[_UNCACHED] or 0)

    def _of(self, kind: Kind, usage: Ints, at_us: Ints) -> Ints:
        found = np.full(len(usage), -1, dtype=np.int64)
        left = np.ones(len(usage), dtype=bool)
        while left.any():
            first = int(at_us[left].min())
            rates = self._book.rates(kind.provider, kind.model, tier=kind.tier, geo=kind.geo, at_us=first)
            now = left & (at_us >= rates.from_us) & (at_us < rates.until_us) if rates.bands else left
            if rates.bands:
                found[now] = _banded(rates.bands, usage[now])
            left &= ~now
        return found


def _banded(bands: tuple[Band, ...], usage: Ints) -> Ints:
    found = np.full(len(usage), -1, dtype=np.int64)
    total, left = usage[:, :INPUTS].sum(axis=1), np.ones(len(usage), dtype=bool)
    for place, band in enumerate(bands):
        here: Bools = left & (total > band.above) if place < len(bands) - 1 else left
        if here.any():
            found[here] = _at(band, usage[here])
        left &= ~here
    return found


def _at(band: Band, usage: Ints) -> Ints:
    rates = list(band.tokens)
    for unit, plain in FOLDED.items():
        rates[unit] = rates[unit] if rates[unit] is not None else rates[plain]
    known = np.array([rate is not None for rate in rates])
    pico = usage @ np.array([rate or 0 for rate in rates], dtype=np.int64)
    nano, rest = np.divmod(pico, NANO)
    nano += (rest > NANO // 2) | ((rest == NANO // 2) & (nano % 2 == 1))
    unknown = (usage[:, ~known] > 0).any(axis=1)
    return np.where(unknown, -1, nano)
