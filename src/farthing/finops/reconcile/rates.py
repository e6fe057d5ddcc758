"""What a unit costs by the ledger, by the price book and by the bill, and why two of them differ."""

from collections.abc import Callable, Hashable, Iterable
from fractions import Fraction

from farthing.finops.reconcile.bill import ANY, DAY_US, is_input, is_tokens
from farthing.finops.reconcile.causes import CACHE, PRICE, TIER
from farthing.finops.reconcile.cells import Cell, Ours
from farthing.finops.reconcile.ledger import Sums
from farthing.model.usage import Usage
from farthing.prices import PriceBook
from farthing.prices.card import INPUT_UNITS, TOKEN_UNITS

NEAR = Fraction(1, 200)
"""Two prices are the same while they differ by at most this share."""

TIERS = ("", "batch", "flex", "priority")

ListPrice = Callable[[int, str, str, str], Fraction | None]
"""Pico-dollars of one unit by day, model, tier and class; None where no list knows it."""


def list_price(book: PriceBook, prices: str) -> ListPrice:
    """The book's price at the provider whose list is `prices`, contracts included."""

    def price(day_us: int, model: str, tier: str, unit: str) -> Fraction | None:
        if model == ANY or tier == ANY:
            return None
        usage = Usage(**{unit: 1_000}) if is_tokens(unit) else Usage(requests={unit: 1_000})  # type: ignore[arg-type]
        priced = book.price(prices, model, usage, tier=tier, at_us=day_us + DAY_US // 2)
        if priced.state == "unpriced" or len(priced.lines) != 1:
            return None
        return Fraction(priced.lines[0].rate)

    return price


class OurPrices:
    """The price of a unit by the ledger: of the day, else of the span, else of the book."""

    def __init__(self, days: Iterable[Ours], listed: ListPrice) -> None:
        self._listed = listed
        by_day: dict[Hashable, list[int]] = {}
        by_span: dict[Hashable, list[int]] = {}
        for place, ours in enumerate(days):
            for (day, model, tier, unit, _), sums in ours.units.items():
                if sums.priced:
                    _add(by_span, (model, tier, unit), sums)
                    if place == 0:
                        _add(by_day, (day, model, tier, unit), sums)
        self._day = {key: Fraction(pico, count) for key, (pico, count) in by_day.items()}
        self._span = {key: Fraction(pico, count) for key, (pico, count) in by_span.items()}

    def of(self, cell: Cell) -> Fraction | None:
        """Pico-dollars a unit; None where neither ledger nor book knows one."""
        day, model, tier, unit, _ = cell
        found = self._day.get((day, model, tier, unit))
        if found is None:
            found = self._span.get((model, tier, unit))
        return found if found is not None else self._listed(day, model, tier, unit)


def _add(table: dict[Hashable, list[int]], key: Hashable, sums: Sums) -> None:
    so_far = table.setdefault(key, [0, 0])
    so_far[0] += sums.pico
    so_far[1] += sums.priced


def reason(
    day_us: int, model: str, tier: str, unit: str, billed: Fraction, ours: Fraction, listed: ListPrice
) -> str:  # fmt: skip
    """Why the bill's price of a unit is not ours: another class's price on one side, another tier's, or else a contract or a
    list that differs."""
    said = "" if tier == ANY else tier
    own = listed(day_us, model, said, unit)
    classes = INPUT_UNITS if is_input(unit) else TOKEN_UNITS if is_tokens(unit) else ()
    others = [listed(day_us, model, said, other) for other in classes if other != unit and is_input(unit)]
    tiers = [listed(day_us, model, other, unit) for other in TIERS if other != said]
    for cause, prices in ((TIER, tiers), (CACHE, others)):
        for other in prices:
            if other is None or own is None or near(other, own):
                continue
            if (near(billed, other) and near(ours, own)) or (near(ours, other) and near(billed, own)):
                return cause
    return PRICE


def near(one: Fraction, other: Fraction) -> bool:
    return abs(one - other) <= NEAR * max(abs(one), abs(other))
