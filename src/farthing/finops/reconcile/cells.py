"""Bill and ledger in the same cells: names of models made alike, dimensions that one side lacks taken from the other."""

import re
from collections.abc import Iterable, Mapping

import msgspec

from farthing.finops.reconcile.bill import ANY, CREDIT, DAY_US, OTHER, Bill, Cost, Usage, is_tokens
from farthing.finops.reconcile.causes import OUTSIDE
from farthing.finops.reconcile.ledger import HOUR_US, Calls, Ledger, Sums, Total

Cell = tuple[int, str, str, str, str]
"""day_us, model, tier, unit, key: the provider's name in the settings where keys are compared, else empty."""

Row = tuple[int, str, str, str]
"""day_us, model, tier, unit of a line of costs; parts may be ANY."""

_SNAPSHOT = re.compile(r"[-@](\d{8}|\d{4}-\d{2}-\d{2})$")


class Names:
    """One name for a model that bill and ledger call differently. `renamed` are the settings' own rules."""

    def __init__(self, billed: Iterable[str], ours: Iterable[str], renamed: Mapping[str, str]) -> None:
        self._renamed = {name.lower(): ours_.lower() for name, ours_ in renamed.items()}
        mine = {name.lower() for name in ours}
        self._both = {self._renamed.get(name.lower(), name.lower()) for name in billed} & mine

    def of(self, model: str) -> str:
        """The exact name where both sides have it, else the name without a snapshot's date."""
        name = self._renamed.get(model.lower(), model.lower()).removeprefix("models/")
        return name if name in self._both or name == ANY else _SNAPSHOT.sub("", name)


class Sides(msgspec.Struct):
    """Bill and ledger in common cells."""

    first_day: int
    last_day: int
    billed: dict[Cell, int] = {}
    """Units that the bill counts."""
    costs: dict[Row, list[Cost]] = {}
    requests: dict[tuple[int, str, str], int] = {}
    """Calls that the bill counts, by day, model and key; empty where it counts none."""
    untold: set[tuple[int, str]] = set()
    """Days and models (ANY: all of the day), or events, that the bill has costs for, and no units."""
    notes: list[str] = []
    keyed: bool = False

    def tells(self, cell: Cell) -> bool:
        """Whether the bill says how many units it is for."""
        if not is_tokens(cell[3]):
            return (cell[0], cell[3]) not in self.untold
        return not {(cell[0], cell[1]), (cell[0], ANY)} & self.untold


class Frame:
    """How lines become cells. `keys` maps the provider's ids to names in the settings."""

    def __init__(
        self,
        bill: Bill,
        ledger: Ledger,
        keys: Mapping[str, str],
        models: Mapping[str, str],
        *,
        merged: Iterable[str] = (),
    ) -> None:
        """`merged`: tiers of the ledger that this provider's bill does not tell apart from the standard one."""
        self._keys = keys
        self._merged = frozenset(merged)
        names = {line.model for line in (*bill.usage, *bill.quantities)} | {line.model for line in bill.costs}
        self._names = Names(names, ledger.models, models)
        self.lines = _without_doubles(bill, self._names)
        tokens = [line for line in self.lines if is_tokens(line.unit)]
        self._one_model = any(line.model == ANY for line in tokens)
        self._one_tier = {self.model(line.model) for line in tokens if line.tier == ANY}
        self._keyed = bool(keys) and any(line.key != ANY for line in tokens)

    @property
    def keyed(self) -> bool:
        """Whether keys are compared."""
        return self._keyed

    def model(self, name: str) -> str:
        return ANY if self._one_model else self._names.of(name)

    def cell(self, day: int, model: str, tier: str, unit: str, key: str) -> Cell:
        """Where units belong; `key` is a name in the settings."""
        if not is_tokens(unit):
            return (day, ANY, ANY, unit, "")
        name = self.model(model)
        whole = self._one_model or name in self._one_tier
        return (day, name, ANY if whole else "" if tier in self._merged else tier, unit, key if self._keyed else "")

    def key(self, id: str) -> str:
        """The name of the provider in the settings that uses this id; OUTSIDE where none does."""
        return self._keys.get(id, OUTSIDE if id != ANY else "") if self._keyed else ""

    def row(self, cost: Cost) -> Row:
        """Where money belongs."""
        if cost.unit in (OTHER, CREDIT) or not (is_tokens(cost.unit) or cost.unit == ANY):
            return (cost.day_us, ANY, ANY, cost.unit)
        name = self.model(cost.model) if cost.model != ANY else ANY
        return (cost.day_us, name, ANY if name in self._one_tier or self._one_model else cost.tier, cost.unit)


def _without_doubles(bill: Bill, names: Names) -> list[Usage]:
    """Usage as it was exported, and what cost lines say of themselves for models and days that it leaves out."""
    told = {(line.day_us, names.of(line.model)) for line in bill.usage if is_tokens(line.unit)}
    told_events = {(line.day_us, line.unit) for line in bill.usage if not is_tokens(line.unit)}
    more = [
        line
        for line in bill.quantities
        if ((line.day_us, names.of(line.model)) not in told and (line.day_us, ANY) not in told)
        and (line.day_us, line.unit) not in told_events
    ]
    return [*bill.usage, *more]


def sides(bill: Bill, frame: Frame, since_us: int | None, until_us: int | None) -> Sides:
    """The bill in cells, for the days that both its parts cover. Raises ValueError where no day is left."""
    first, last = _span(bill, frame.lines, since_us, until_us)
    found = Sides(first, last, notes=list(bill.notes), keyed=frame.keyed)
    for line in frame.lines:
        if first <= line.day_us <= last:
            cell = frame.cell(line.day_us, line.model, line.tier, line.unit, frame.key(line.key))
            found.billed[cell] = found.billed.get(cell, 0) + line.count
    for cost in bill.costs:
        if first <= cost.day_us <= last:
            found.costs.setdefault(frame.row(cost), []).append(cost)
    told = {(day, model) for day, model, _, unit, _ in found.billed if is_tokens(unit)}
    told |= {(day, ANY) for day, _ in told}
    paid = {(row[0], row[1]) for row in found.costs if is_tokens(row[3]) or row[3] == ANY}
    events = {(row[0], row[3]) for row in found.costs if not is_tokens(row[3]) and row[3] != ANY}
    found.untold = (paid - told) | (events - {(cell[0], cell[3]) for cell in found.billed})
    for each in bill.requests:
        if first <= each.day_us <= last and each.model != ANY:
            key = (each.day_us, frame.model(each.model), frame.key(each.key))
            found.requests[key] = found.requests.get(key, 0) + each.count
    return found


def _span(bill: Bill, lines: Iterable[Usage], since_us: int | None, until_us: int | None) -> tuple[int, int]:
    days = [{line.day_us for line in lines}, {line.day_us for line in bill.costs}]
    told = [each for each in days if each]
    first, last = max(min(each) for each in told), min(max(each) for each in told)
    if len(told) == 2 and (min(map(min, told)), max(map(max, told))) != (first, last):
        bill.note("usage and costs do not cover the same days; only days that both cover are compared")
    if since_us is not None:
        first = max(first, since_us - since_us % DAY_US)
    if until_us is not None:
        last = min(last, (until_us - 1) // DAY_US * DAY_US)
    if first > last:
        raise ValueError("the export has no day that is to be compared")
    return first, last


class Ours(msgspec.Struct):
    """The ledger in the same cells, its days cut at one offset from UTC."""

    units: dict[Cell, Sums] = {}
    calls: dict[tuple[int, str, str], Calls] = {}
    totals: dict[tuple[int, str], Total] = {}


def ours(ledger: Ledger, frame: Frame, first: int, last: int, hours: int = 0) -> Ours:
    """Days of a zone that is `hours` ahead of UTC."""
    found = Ours()

    def day(hour: int) -> int:
        return (hour + hours * HOUR_US) // DAY_US * DAY_US

    for (hour, model, tier, unit, provider), sums in ledger.units.items():
        if first <= day(hour) <= last:
            found.units.setdefault(frame.cell(day(hour), model, tier, unit, provider), Sums()).add(sums)
    for (hour, model, provider), calls in ledger.calls.items():
        if first <= day(hour) <= last:
            each = found.calls.setdefault((day(hour), frame.model(model), provider if frame.keyed else ""), Calls())
            each.known += calls.known
            each.unknown += calls.unknown
    for (hour, model), total in ledger.totals.items():
        if first <= day(hour) <= last:
            so_far = found.totals.setdefault((day(hour), frame.model(model)), Total())
            so_far.cost += total.cost
            so_far.pico += total.pico
            so_far.by_provider += total.by_provider
    return found
