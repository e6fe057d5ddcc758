"""What the rules would have said: the same objects, led through the days of the ledger.

Each day is looked at every second hour where hourly sums are kept (all, features), at its end for the rest. Budgets,
prices, silence and shares of a week are not replayed: the ledger does not say what budgets were then.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime

import msgspec

from farthing.finops.alerts.cause import explained
from farthing.finops.alerts.finding import TOTAL, Finding, Scope
from farthing.finops.alerts.history import DAYS
from farthing.finops.alerts.incidents import SPENDING, incident_of
from farthing.finops.alerts.past import PASSING_DAYS, SCOPES, Past, pasts, scope_of
from farthing.finops.alerts.reading import CAUSE_DAYS, sums_of
from farthing.finops.alerts.rule import Rule
from farthing.finops.alerts.rules import single_call
from farthing.finops.alerts.seen import Counts, Rates, Seen
from farthing.model.money import Nano
from farthing.store.alerts import Alerts, Cell, Dear, HourCell
from farthing.store.rollups import DAY_US, HOUR_US

HOURS = range(2, 25, 2)
PAIRS = ("feature_model", "user_feature", "team_model")


class Fired(msgspec.Struct, frozen=True):
    """One alert that would have been told."""

    day: str
    hour: int
    """Of the UTC day, at which it would first have been told."""
    tenant: str
    finding: Finding
    also: tuple[str, ...] = ()
    """Other scopes that showed the same."""


async def backtest(
    alerts: Alerts, rules: Sequence[Rule], call_limit: Nano | None, since_us: int, until_us: int, *, tenant: str = "",
    users: bool = False,
) -> list[Fired]:  # fmt: skip
    """Oldest first. Days are whole UTC days. Raises StoreError."""
    first, last = since_us // DAY_US, -(-until_us // DAY_US)
    start = (first - DAYS) * DAY_US
    dims = [dims for dims in SCOPES if users or dims != "user_feature"]
    cells = _of(await alerts.cells(list(dict.fromkeys((*dims, *PAIRS))), start, last * DAY_US), tenant)
    hourly = _of(await alerts.cells(("hour", "hour_feature"), start, last * DAY_US), tenant)
    dear = await alerts.dear_calls(first * DAY_US, call_limit) if call_limit is not None else []
    replay = _Replay(cells, hourly, rules, dims)
    fired = [each for day in range(first, last) for each in replay.day(day)]
    if call_limit is not None:
        mine = [call for call in dear if tenant in ("", call.tenant) and call.started_us < last * DAY_US]
        fired += _dear(mine, call_limit)
    return sorted(fired, key=lambda each: (each.day, each.hour, each.tenant, each.finding.rule, each.finding.scope))


def _of(cells: list[Cell], tenant: str) -> list[Cell]:
    return [cell for cell in cells if tenant in ("", cell.tenant)]


class _Replay:
    def __init__(self, cells: list[Cell], hourly: list[Cell], rules: Sequence[Rule], dims: Sequence[str]) -> None:
        self._rules = rules
        self._dims = set(dims)
        self._by_day: dict[int, list[Cell]] = {}
        for cell in cells:
            self._by_day.setdefault(cell.bucket_us // DAY_US, []).append(cell)
        self._hourly: dict[int, list[Cell]] = {}
        for cell in hourly:
            self._hourly.setdefault(cell.bucket_us // DAY_US, []).append(cell)

    def day(self, day: int) -> Iterator[Fired]:
        """What would have been told on that day."""
        before = self._between(self._by_day, day - DAYS, day)
        usable = [cell for cell in before if cell.dims in self._dims]
        known = pasts(usable, map(_hour_cell, self._between(self._hourly, day - PASSING_DAYS, day)), {}, day)
        for tenant in sorted({cell.tenant for cell in self._by_day.get(day, ())}):
            past = known.get(tenant) or Past({}, {}, Rates(), day)
            first: dict[tuple[str, Scope], tuple[int, Finding]] = {}
            for hour in HOURS:
                seen = self._seen(tenant, past, day, hour)
                for rule in self._rules:
                    for finding in rule(seen):
                        first.setdefault((finding.rule, finding.scope), (hour, finding))
            yield from self._told(tenant, day, past, first)

    def _between(self, by_day: Mapping[int, list[Cell]], start: int, end: int) -> list[Cell]:
        return [cell for day in range(start, end) for cell in by_day.get(day, ())]

    def _seen(self, tenant: str, past: Past, day: int, hour: int) -> Seen:
        """As it stood at `hour`; at the end of the day everything, before it what hourly sums say."""
        over = hour == 24
        spent: dict[Scope, Nano] = {TOTAL: 0}
        counts: list[Counts] = []
        cells = self._by_day.get(day, ()) if over else _so_far(self._hourly.get(day, ()), hour)
        for cell in cells:
            scope = scope_of(cell) if over else TOTAL if cell.dims == "hour" else Scope("feature", cell.a)
            if cell.tenant == tenant and scope is not None and (not over or cell.dims in self._dims):
                spent[scope] = spent.get(scope, 0) + cell.cost
                if over and scope.kind in ("total", "feature", "model"):
                    counts.append(Counts(scope, *cell[5:7], cell.cost, *cell[10:13]))
        now_us = day * DAY_US + hour * HOUR_US - 1
        return Seen(
            now_us, spends=[past.spend(scope, cost, float(hour)) for scope, cost in spent.items()], counts=counts,
            known_days=past.known_days,
        )  # fmt: skip

    def _told(
        self, tenant: str, day: int, past: Past, first: Mapping[tuple[str, Scope], tuple[int, Finding]]
    ) -> Iterator[Fired]:  # fmt: skip
        """One for each incident, with the cause as the whole day shows it."""
        pairs = [cell for cell in self._between(self._by_day, day - CAUSE_DAYS, day + 1) if cell.tenant == tenant]
        sums = sums_of((cell for cell in pairs if cell.dims in PAIRS), day * DAY_US, 1.0)
        groups: dict[str, list[tuple[int, Finding]]] = {}
        for hour, finding in first.values():
            if finding.rule in SPENDING:
                finding = explained(finding, sums)
            key = incident_of(tenant, finding) or f"{finding.rule}\0{finding.scope}"
            groups.setdefault(key, []).append((hour, finding))
        for found in groups.values():
            hour, finding = min(found, key=lambda each: (each[1].scope.kind != "feature", each[0], each[1].rule))
            also = {str(each.scope) for _, each in found} - {str(finding.scope)}
            yield Fired(_said(day), min(at for at, _ in found), tenant, finding, tuple(sorted(also)))


def _hour_cell(cell: Cell) -> HourCell:
    return HourCell(cell.tenant, cell.a, cell.dims == "hour", cell.bucket_us % DAY_US // HOUR_US, cell.cost)


def _so_far(cells: Iterable[Cell], hour: int) -> list[Cell]:
    return [cell for cell in cells if cell.bucket_us % DAY_US // HOUR_US < hour]


def _dear(calls: Sequence[Dear], limit: Nano) -> Iterator[Fired]:
    groups: dict[tuple[int, str, str], list[Dear]] = {}
    for call in calls:
        groups.setdefault((call.started_us // DAY_US, call.tenant, call.feature), []).append(call)
    for (day, tenant, _), found in groups.items():
        hour = found[0].started_us % DAY_US // HOUR_US
        yield Fired(_said(day), hour, tenant, single_call.finding(found, limit, _said(day)))


def _said(day: int) -> str:
    return datetime.fromtimestamp(day * 86_400, UTC).strftime("%Y-%m-%d")
