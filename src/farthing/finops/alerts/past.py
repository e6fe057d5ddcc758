"""The days before today, per tenant: histories, what to expect of today, how days go. Made once an hour from rollups."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from farthing.finops.alerts.finding import TOTAL, Scope
from farthing.finops.alerts.history import DAYS, History, Usual, shape_of
from farthing.finops.alerts.seen import Rates, Spend
from farthing.finops.alerts.today import HOURS, Passing, Today
from farthing.model.money import Nano
from farthing.store.alerts import Cell, HourCell
from farthing.store.rollups import DAY_US, HOUR_US

SCOPES = {"day": "total", "feature": "feature", "team": "team", "model": "model", "key": "key", "user_feature": "user"}
"""The rollups that are read, and the kind of scope that each is about."""
PASSING_DAYS = 14
RATE_DAYS = 6
"""Whole days before today that go into the rates of a week."""
MONDAY = 4
"""The day 0, 1 January 1970, was a Thursday: Monday is four days later."""


class Past:
    """What one tenant did before today."""

    def __init__(
        self, days: Mapping[Scope, Mapping[int, Nano]], hours: Mapping[str | None, Sequence[Nano]], rates: Rates, today: int
    ) -> None:  # fmt: skip
        """`days`: cost by day (days since 1970); `hours`: cost by hour of the day, of each feature, None for all; `today`
        is a day, too."""
        weekday = weekday_of(today)
        self._histories = {scope: History(_filled(each, today), weekday) for scope, each in days.items()}
        self._usual: dict[Scope, Usual | None] = {}
        by_kind: dict[str, list[History]] = {}
        for scope, history in self._histories.items():
            by_kind.setdefault(scope.kind, []).append(history)
        for kind, histories in by_kind.items():
            shape = shape_of(by_kind.get("feature", histories) if kind == "total" else histories)
            for scope, history in self._histories.items():
                if scope.kind == kind:
                    self._usual[scope] = history.usual(shape)
        self._passing = {feature: Passing(each) for feature, each in hours.items()}
        self._none = History((), weekday)
        self.rates = rates
        """Of the six days before today."""
        total = self._histories.get(TOTAL)
        self.known_days = sum(day > 0 for day in total.days) if total is not None else 0

    def spend(self, scope: Scope, spent: Nano, hour: float) -> Spend:
        """The scope's spending of today beside its history."""
        passing = self._passing.get(scope.name if scope.kind == "feature" else None) or self._passing.get(None)
        return Spend(
            scope, self._histories.get(scope, self._none), Today(spent, hour, passing or Passing(())),
            self._usual.get(scope), first_seen=scope not in self._histories,
        )  # fmt: skip

    def usual_by_now(self, hour: float) -> float:
        """The share of a usual day of all that is over by `hour`."""
        return (self._passing.get(None) or Passing(())).share(min(hour, HOURS))


def weekday_of(day: int) -> int:
    """Monday is 0."""
    return (day - MONDAY) % 7


def _filled(days: Mapping[int, Nano], today: int) -> list[Nano]:
    """From its first day to yesterday, with zeros between."""
    first = min((day for day in days if day < today), default=today)
    return [days.get(day, 0) for day in range(max(first, today - DAYS), today)]


class _Sums(NamedTuple):
    days: dict[Scope, dict[int, Nano]]
    hours: dict[str | None, list[Nano]]


def pasts(cells: Iterable[Cell], hours: Iterable[HourCell], rates: Mapping[str, Rates], today: int) -> dict[str, Past]:
    """By tenant, from cells of the days before `today`."""
    found: dict[str, _Sums] = {}
    for cell in cells:
        scope = scope_of(cell)
        day = cell.bucket_us // DAY_US
        if scope is not None and day < today:
            days = found.setdefault(cell.tenant, _Sums({}, {})).days.setdefault(scope, {})
            days[day] = days.get(day, 0) + cell.cost
    for each in hours:
        sums = found.setdefault(each.tenant, _Sums({}, {}))
        sums.hours.setdefault(None if each.whole else each.feature, [0] * HOURS)[each.hour] += each.cost
    return {tenant: Past(sums.days, sums.hours, rates.get(tenant, Rates()), today) for tenant, sums in found.items()}


def scope_of(cell: Cell) -> Scope | None:
    """Whose sums a cell holds, as far as rules look at it."""
    kind = SCOPES.get(cell.dims)
    return None if kind is None else Scope(kind, cell.a)


def rates_of(cells: Iterable[Cell]) -> dict[str, Rates]:
    """By tenant, from cells of `day` and `tier`."""
    found: dict[str, Rates] = {}
    for cell in cells:
        rates = found.get(cell.tenant, Rates())
        if cell.dims == "day":
            rates = rates._replace(
                calls=rates.calls + cell.calls, cost=rates.cost + cell.cost, cacheable=rates.cacheable + cell.cacheable,
                hits=rates.hits + cell.cache_hits,
            )  # fmt: skip
        elif cell.dims == "tier" and cell.a:
            small = cell.a == "small"
            rates = rates._replace(
                tiered=rates.tiered + cell.calls, small=rates.small + (cell.calls if small else 0),
                other_tier_cost=rates.other_tier_cost + (0 if small else cell.cost),
            )  # fmt: skip
        found[cell.tenant] = rates
    return found


def added(a: Rates, b: Rates) -> Rates:
    return Rates(*(x + y for x, y in zip(a, b, strict=True)))


def hour_of(now_us: int) -> float:
    """The hour of the UTC day, with its fraction."""
    return (now_us % DAY_US) / HOUR_US
