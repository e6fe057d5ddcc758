"""Bill against ledger. What differs is taken apart exactly, in this order:

bill - ledger = (units of the bill - ours) x our price      volumes: why, and at whose price, is in `volumes`
              + units of the bill x (its price - ours)      prices: why is in `rates`
              + charges without units, credits, rounding

so that the causes of a line sum to its difference to the last digit. Nothing is spread: what has no cause is shown as
unexplained.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from fractions import Fraction
from functools import lru_cache

import msgspec

from farthing.finops.reconcile.bill import ANY, CREDIT, OTHER, Bill, Cost, is_tokens
from farthing.finops.reconcile.causes import (
    CHARGES,
    CREDITS,
    MISSING,
    NOT_CAPTURED,
    PRICE,
    ROUNDING,
    TIER,
    UNEXPLAINED,
    UNPRICED,
)
from farthing.finops.reconcile.cells import Cell, Frame, Ours, Row, Sides, ours, sides
from farthing.finops.reconcile.ledger import Ledger
from farthing.finops.reconcile.rates import ListPrice, OurPrices, near, reason
from farthing.finops.reconcile.volumes import explain
from farthing.model.money import PICO_PER_NANO, Nano

_CENTS = 100


class Line(msgspec.Struct):
    """One day, model, tier and class. Money in pico-dollars, exact."""

    day_us: int
    model: str
    tier: str
    unit: str
    units_billed: int = 0
    units_ours: int = 0
    billed: Fraction = Fraction(0)
    ours: Fraction = Fraction(0)
    causes: dict[str, Fraction] = {}
    units: dict[str, Fraction] = {}
    """Units by cause; of causes that are about units."""

    @property
    def gap(self) -> Fraction:
        return self.billed - self.ours


class Comparison(msgspec.Struct):
    """All lines, and what they come to. Amounts in nano-dollars."""

    first_day: int
    last_day: int
    """The last day that is compared, included."""
    lines: list[Line]
    invoice: Nano
    """What the bill asks for."""
    ledger: Nano
    """What our calls of these days were booked at."""
    corrections: Nano
    """Corrections that were posted for these days."""
    causes: dict[str, Nano]
    """Invoice less ledger, by cause; they sum to it."""
    units: dict[str, int]
    captured: float | None
    """Share of the invoice that the ledger has calls for; None where the invoice is nothing."""
    calls_unknown: int
    """Calls of ours whose cost nobody has said."""
    at_our_prices: bool
    """The export holds no costs: its units are priced as ours are, so only units can differ."""
    offset_hours: int
    """By how much the bill's days are ahead of UTC, if they are."""
    keyed: bool
    """Whether keys were compared."""
    notes: list[str]

    @property
    def gap(self) -> Nano:
        """What is on the bill beyond ledger and corrections."""
        return self.invoice - self.ledger - self.corrections

    def within(self, percent: float) -> bool:
        """Whether the gap is less than this share of the invoice; an invoice of nothing allows none."""
        return abs(self.gap) * 100 < percent * abs(self.invoice) or not self.gap


def compare(
    bill: Bill, ledger: Ledger, listed: ListPrice, *, keys: Mapping[str, str], models: Mapping[str, str],
    merged: Iterable[str] = (), since_us: int | None = None, until_us: int | None = None,
    corrections: Callable[[int, int], Nano] = lambda first, last: 0,
) -> Comparison:  # fmt: skip
    """`corrections` tells what was posted for the days from `first` to `last`. Raises ValueError where the bill has no day
    that is to be compared."""
    frame = Frame(bill, ledger, keys, models, merged=merged)
    both = sides(bill, frame, since_us, until_us)
    at_offset = lru_cache(maxsize=None)(lambda hours: ours(ledger, frame, both.first_day, both.last_day, hours))
    mine = at_offset(0)
    explained, hours = explain(both, mine, at_offset)
    table = _Table(both, mine, OurPrices([mine, at_offset(hours)], listed), listed)
    for cause, counts in explained.items():
        for cell, count in counts.items():
            table.volume(cause, cell, count)
    table.prices()
    lines = table.finished()
    ledger_cost = sum(total.cost for total in mine.totals.values())
    invoice, causes = _rounded(lines, ledger_cost)
    return Comparison(
        first_day=both.first_day, last_day=both.last_day, lines=lines, invoice=invoice, ledger=ledger_cost,
        corrections=corrections(both.first_day, both.last_day), causes=causes, units=_units(lines),
        captured=_captured(lines), calls_unknown=sum(calls.unknown for calls in mine.calls.values()),
        at_our_prices=not both.costs, offset_hours=hours, keyed=both.keyed,
        notes=[*both.notes, *_odd_scale(invoice, ledger_cost)],
    )  # fmt: skip


class _Table:
    """The lines while they are filled."""

    def __init__(self, both: Sides, mine: Ours, prices: OurPrices, listed: ListPrice) -> None:
        self._costs = both.costs
        self._prices = prices
        self._listed = listed
        self._lines: dict[Row, Line] = {}
        self._billed_units: dict[Row, dict[Cell, int]] = {}
        self._without_costs = not both.costs
        for row, costs in both.costs.items():
            self._line(row).billed = Fraction(sum(cost.pico for cost in costs))
        for cell, count in both.billed.items():
            row = self._row(cell)
            self._line(row).units_billed += count
            self._billed_units.setdefault(row, {})[cell] = count
        for cell, sums in mine.units.items():
            line = self._line(self._row(cell))
            line.units_ours += sums.count
            line.ours += sums.pico
        for (day, model), total in mine.totals.items():
            self._whole(day, model, total.cost * PICO_PER_NANO - total.pico, total.by_provider)

    def _whole(self, day: int, model: str, above: int, by_provider: int) -> None:
        """What calls were booked at beyond their lines: rounding, or the provider's own figure."""
        if above:
            line = self._line((day, model, ANY, ROUNDING))
            line.ours += above
            self._add(line, ROUNDING, Fraction(-(above - by_provider)))
            self._add(line, PRICE, Fraction(-by_provider))

    def _line(self, row: Row) -> Line:
        return self._lines.setdefault(row, Line(*row, causes={}, units={}))

    def _row(self, cell: Cell) -> Row:
        """The line of costs that pays for a cell: the finest that there is; its own line where none does."""
        day, model, tier, unit, _ = cell
        rows = [(day, model, tier, unit), (day, model, ANY, unit), (day, model, tier, ANY), (day, model, ANY, ANY),
                (day, ANY, ANY, unit), (day, ANY, tier, ANY), (day, ANY, ANY, ANY)]  # fmt: skip
        return next((row for row in rows if row in self._costs), rows[0])

    def _add(self, line: Line, cause: str, pico: Fraction, units: Fraction | None = None) -> None:
        if pico:
            line.causes[cause] = line.causes.get(cause, Fraction(0)) + pico
        if units:
            line.units[cause] = line.units.get(cause, Fraction(0)) + units

    def _price(self, cell: Cell) -> Fraction:
        """Ours; where we have none, the bill's own."""
        price = self._prices.of(cell)
        if price is not None:
            return price
        row = self._row(cell)
        line = self._lines.get(row)
        if line is None or row[3] == ANY or not line.units_billed:
            return Fraction(0)
        return line.billed / line.units_billed

    def volume(self, cause: str, cell: Cell, count: Fraction) -> None:
        self._add(self._line(self._row(cell)), cause, count * self._price(cell), count)

    def prices(self) -> None:
        """The rest of each line's difference, once its units are alike. A class whose tier price no list has is known by
        the others of its model, which differ by the same factor."""
        factors: dict[tuple[int, str, str], Fraction] = {}
        unsure: list[tuple[Line, Fraction, Fraction]] = []
        for line, cause, rest, factor in self._rests():
            if cause == PRICE and factor:
                unsure.append((line, rest, factor))
                continue
            if cause == TIER and factor:
                factors[line.day_us, line.model, line.tier] = factor
            self._add(line, cause, rest)
        for line, rest, factor in unsure:
            known = factors.get((line.day_us, line.model, line.tier))
            self._add(line, TIER if known is not None and near(known, factor) else PRICE, rest)

    def _rests(self) -> Iterator[tuple[Line, str, Fraction, Fraction]]:
        """Each line's difference that units leave, why, and by which factor the bill's price is ours."""
        for row, line in self._lines.items():
            if row[3] == ROUNDING:
                continue
            units = self._billed_units.get(row, {})
            expected = sum((count * self._price(cell) for cell, count in units.items()), Fraction(0))
            if self._without_costs:
                line.billed = expected
            rest = line.gap - sum(line.causes.values(), Fraction(0))
            if rest:
                cause = self._cause_of(row, line, expected, rest, units)
                yield line, cause, rest, line.billed / expected if expected and row[3] != ANY else Fraction(0)

    def _cause_of(self, row: Row, line: Line, expected: Fraction, rest: Fraction, units: Mapping[Cell, int]) -> str:
        costs = self._costs.get(row, [])
        if abs(rest) <= sum(cost.bound for cost in costs) + PICO_PER_NANO:
            return ROUNDING
        if row[3] == CREDIT:
            return CREDITS
        if not units:
            return self._cause_without_units(row, line, costs)
        if not expected:
            return UNPRICED if UNPRICED in line.units else UNEXPLAINED
        if ANY in (row[1], row[3]):
            return PRICE
        billed, ours_ = line.billed / line.units_billed, expected / line.units_billed
        return reason(*row, billed, ours_, self._listed)

    def _cause_without_units(self, row: Row, line: Line, costs: list[Cost]) -> str:
        """Money without a count: our own calls of it tell whether it is known here at all."""
        if row[3] == OTHER or not (is_tokens(row[3]) or row[3] == ANY):
            return CHARGES if not line.units_ours else PRICE
        return UNEXPLAINED if line.units_ours or not costs else MISSING

    def finished(self) -> list[Line]:
        """Lines by day, model and class; those with nothing in them are left out."""
        lines = [line for line in self._lines.values() if line.billed or line.ours or line.units_billed or line.causes]
        return sorted(lines, key=lambda line: (line.day_us, line.model, line.tier, line.unit))


def _rounded(lines: list[Line], ledger: Nano) -> tuple[Nano, dict[str, Nano]]:
    """Causes in nano-dollars, which sum to invoice less ledger; what rounding them leaves is rounding."""
    invoice = round(sum((line.billed for line in lines), Fraction(0)) / PICO_PER_NANO)
    exact: dict[str, Fraction] = {}
    for line in lines:
        for cause, pico in line.causes.items():
            exact[cause] = exact.get(cause, Fraction(0)) + pico
    causes = {cause: round(pico / PICO_PER_NANO) for cause, pico in exact.items()}
    rest = invoice - ledger - sum(causes.values())
    if rest:
        causes[ROUNDING] = causes.get(ROUNDING, 0) + rest
    return invoice, {cause: nano for cause, nano in sorted(causes.items(), key=lambda item: -abs(item[1])) if nano}


def _units(lines: list[Line]) -> dict[str, int]:
    found: dict[str, Fraction] = {}
    for line in lines:
        for cause, count in line.units.items():
            if is_tokens(line.unit):
                found[cause] = found.get(cause, Fraction(0)) + count
    return {cause: round(count) for cause, count in found.items()}


def _captured(lines: list[Line]) -> float | None:
    """One less the share of the invoice that pays for what the ledger has no calls for, at the bill's prices. Credits are
    no part of it."""
    paid = [line for line in lines if line.unit != CREDIT and line.billed > 0]
    invoice = sum((line.billed for line in paid), Fraction(0))
    if not invoice:
        return None
    return float(1 - sum((_lacking(line) for line in paid), Fraction(0)) / invoice)


def _lacking(line: Line) -> Fraction:
    """What of the line is for calls that the ledger has not."""
    lacking = line.causes.get(CHARGES, Fraction(0))
    if line.units_billed:
        units = sum((line.units.get(cause, Fraction(0)) for cause in NOT_CAPTURED), Fraction(0))
        lacking += line.billed * units / line.units_billed
    else:
        lacking += line.causes.get(MISSING, Fraction(0))
    return min(max(lacking, Fraction(0)), line.billed)


def _odd_scale(invoice: Nano, ledger: Nano) -> list[str]:
    """A bill read in the wrong unit is a hundred times too big or too small."""
    if not invoice or not ledger:
        return []
    ratio = Fraction(invoice, ledger)
    for scale, said in (
        (Fraction(_CENTS), "cents taken for dollars"),
        (Fraction(1, _CENTS), "dollars taken for cents"),
    ):
        if near(ratio, scale):
            return [f"the bill is {float(ratio):.4g} times the ledger: amounts look like {said}; look at the file"]
    return []
