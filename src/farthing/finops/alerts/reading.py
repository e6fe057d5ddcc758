"""Reads what the rules see: the days before today once an hour, today at each look; rollups only."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import msgspec

from farthing.finops.alerts.cause import Change, Pairs, Sums
from farthing.finops.alerts.drift import WEEKS, Drifting, drifting_of
from farthing.finops.alerts.finding import TOTAL, Scope
from farthing.finops.alerts.history import DAYS
from farthing.finops.alerts.levels import Levels
from farthing.finops.alerts.past import (
    PASSING_DAYS,
    RATE_DAYS,
    SCOPES,
    Past,
    added,
    hour_of,
    pasts,
    rates_of,
    scope_of,
)
from farthing.finops.alerts.seen import Counts, Rates, Seen, Silence
from farthing.finops.alerts.sources import BudgetSource, PriceSource
from farthing.finops.tiers import TierOf
from farthing.model.money import Nano
from farthing.store.alerts import Alerts, Cell, Lost
from farthing.store.rollups import DAY_US, HOUR_US

SILENT_HOURS = 3
USUAL_CALLS = 20
"""Fewer calls than this in such a span are no habit."""
SAME_HOURS = (1, 7, 14)
"""Days ago in which the same hours must have had calls."""
CAUSE_DAYS = 7
NO_PAST = Past({}, {}, Rates(), 0)


class _Kept(NamedTuple):
    """What holds for an hour."""

    hour: int
    pasts: dict[str, Past]
    habits: dict[tuple[str, Scope], int]
    """Calls that a scope has in such hours, at the least; only those that have a habit."""
    drifting: dict[str, list[Drifting]]
    """By tenant; for a day."""


class Reader:
    """See the module. `users`: whether spending is looked at by user, who may be many; `tier`: of a model, for what drifts."""

    def __init__(
        self, alerts: Alerts, *, users: bool = False, budgets: BudgetSource | None = None,
        prices: PriceSource | None = None, levels: Levels | None = None, tier: TierOf = lambda model: "",
    ) -> None:  # fmt: skip
        self._alerts = alerts
        self._dims = [dims for dims in SCOPES if users or dims != "user_feature"]
        self._budgets = budgets
        self._prices = prices
        self._tier = tier
        self.levels = levels or Levels()
        self._kept: _Kept | None = None

    async def read(self, now_us: int) -> dict[str, Seen]:
        """By tenant. Raises StoreError."""
        kept = await self._kept_for(now_us)
        midnight = now_us // DAY_US * DAY_US
        cells = await self._alerts.cells([*self._dims, "tier"], midnight, midnight + DAY_US)
        lost = await self._alerts.lost(midnight, midnight + DAY_US)
        silences = await self._silences(kept.habits, now_us)
        today: dict[str, list[Cell]] = {tenant: [] for tenant in kept.pasts}
        for cell in cells:
            today.setdefault(cell.tenant, []).append(cell)
        rates = rates_of(cells)
        found = {}
        for tenant, mine in today.items():
            past = kept.pasts.get(tenant, NO_PAST)
            seen = Seen(
                now_us,
                spends=[past.spend(scope, spent, hour_of(now_us)) for scope, spent in _spent(mine).items()],
                counts=_counts(mine, [each for each in lost if each.tenant == tenant]),
                rates=added(past.rates, rates.get(tenant, Rates())),
                wasted=sum(each.cost for each in lost if each.tenant == tenant and each.whole),
                retries=sum(each.retries for each in lost if each.tenant == tenant and each.whole),
                drifting=kept.drifting.get(tenant, ()),
                silences=silences.get(tenant, ()),
                known_days=past.known_days,
            )  # fmt: skip
            found[tenant] = self._with_prices(seen)
        return await self._with_budgets(found, now_us)

    async def sums(self, tenant: str, now_us: int) -> Sums:
        """What a cause is found from: pairs, today and in a usual day up to this hour. Raises StoreError."""
        past = (await self._kept_for(now_us)).pasts.get(tenant, NO_PAST)
        midnight = now_us // DAY_US * DAY_US
        cells = await self._alerts.cells(
            ("feature_model", "user_feature", "team_model"), midnight - CAUSE_DAYS * DAY_US, midnight + DAY_US
        )
        mine = [cell for cell in cells if cell.tenant == tenant]
        return await asyncio.to_thread(sums_of, mine, midnight, past.usual_by_now(hour_of(now_us)))

    async def _kept_for(self, now_us: int) -> _Kept:
        hour = now_us // HOUR_US
        if self._kept is None or self._kept.hour != hour:
            midnight = now_us // DAY_US * DAY_US
            cells = await self._alerts.cells(self._dims, midnight - DAYS * DAY_US, midnight)
            rates = rates_of(await self._alerts.cells(("day", "tier"), midnight - RATE_DAYS * DAY_US, midnight))
            hours = await self._alerts.hours(midnight - PASSING_DAYS * DAY_US, midnight)
            known = await asyncio.to_thread(pasts, cells, hours, rates, midnight // DAY_US)
            drifting = await self._drifting(midnight)
            self._kept = _Kept(hour, known, await self._habits(hour * HOUR_US), drifting)
        return self._kept

    async def _drifting(self, midnight: int) -> dict[str, list[Drifting]]:
        """Weeks that ended yesterday: they stay so all day."""
        if self._kept is not None and self._kept.hour * HOUR_US // DAY_US == midnight // DAY_US:
            return self._kept.drifting
        rows = await self._alerts.paid(midnight - 7 * WEEKS * DAY_US, midnight)
        return await asyncio.to_thread(drifting_of, rows, self._tier, midnight // DAY_US)

    async def _habits(self, hour_us: int) -> dict[tuple[str, Scope], int]:
        """Scopes that had calls in the same hours of each day looked at."""
        habits: dict[tuple[str, Scope], int] | None = None
        for days in SAME_HOURS:
            until = hour_us - days * DAY_US
            calls = await self._calls(until - SILENT_HOURS * HOUR_US, until)
            habits = calls if habits is None else {key: min(n, calls.get(key, 0)) for key, n in habits.items()}
        return {key: n for key, n in (habits or {}).items() if n >= USUAL_CALLS}

    async def _calls(self, since_us: int, until_us: int) -> dict[tuple[str, Scope], int]:
        found: dict[tuple[str, Scope], int] = {}
        for cell in await self._alerts.cells(("hour", "hour_feature"), since_us, until_us):
            key = (cell.tenant, TOTAL if cell.dims == "hour" else Scope("feature", cell.a))
            found[key] = found.get(key, 0) + cell.calls
        return found

    async def _silences(self, habits: Mapping[tuple[str, Scope], int], now_us: int) -> dict[str, list[Silence]]:
        if not habits:
            return {}
        hour_us = now_us // HOUR_US * HOUR_US
        calls = await self._calls(hour_us - SILENT_HOURS * HOUR_US, hour_us + HOUR_US)
        found: dict[str, list[Silence]] = {}
        for (tenant, scope), usual in habits.items():
            if not calls.get((tenant, scope)):
                found.setdefault(tenant, []).append(Silence(scope, SILENT_HOURS, usual))
        return {tenant: _whole_first(silences) for tenant, silences in found.items()}

    async def _with_budgets(self, found: dict[str, Seen], now_us: int) -> dict[str, Seen]:
        if self._budgets is None:
            return found
        every = {tenant: await self._budgets.budgets(tenant, now_us) for tenant in found}
        known = self.levels.add([budget for mine in every.values() for budget in mine], now_us)
        return found | {
            tenant: msgspec.structs.replace(
                seen, budgets=[each for each in known if each.id in {b.id for b in every[tenant]}]
            )
            for tenant, seen in found.items()
        }

    def _with_prices(self, seen: Seen) -> Seen:
        if self._prices is None:
            return seen
        spent = {
            spend.scope.name: spend.history.mean_of_7
            for spend in seen.spends
            if spend.scope.kind == "model" and spend.scope.name and spend.history.mean_of_7 > 0
        }
        return msgspec.structs.replace(seen, price_changes=self._prices.changes(spent, seen.now_us))


def _whole_first(silences: list[Silence]) -> list[Silence]:
    """Where all are silent, that says it; the features need not."""
    return [each for each in silences if each.scope == TOTAL] or silences


def _spent(cells: Iterable[Cell]) -> dict[Scope, Nano]:
    """Today's cost by scope, the total first, there even where nothing was spent."""
    found: dict[Scope, Nano] = {TOTAL: 0}
    for cell in cells:
        scope = scope_of(cell)
        if scope is not None:
            found[scope] = found.get(scope, 0) + cell.cost
    return found


def _counts(cells: Iterable[Cell], lost: Iterable[Lost]) -> list[Counts]:
    losses = {TOTAL if each.whole else Scope("feature", each.feature): each.cost for each in lost}
    found = []
    for cell in cells:
        scope = scope_of(cell)
        if scope is not None and scope.kind in ("total", "feature", "model"):
            found.append(
                Counts(
                    scope, cell.calls, cell.errors, cell.cost, cell.unpriced, cell.unknown, cell.tokens_without_cost,
                    losses.get(scope, 0),
                )
            )  # fmt: skip
    return found


def sums_of(cells: Iterable[Cell], midnight: int, share: float) -> Sums:
    """Pairs of one tenant: today (the day that begins at `midnight`) beside `share` of the mean of the days before."""
    spent: dict[str, dict[tuple[str, str], list[Nano]]] = {name: {} for name in Sums._fields}
    for cell in cells:
        sums = spent[cell.dims].setdefault((cell.a, cell.b), [0, 0])
        sums[0 if cell.bucket_us >= midnight else 1] += cell.cost

    def pairs(name: str) -> Pairs:
        return {pair: Change(now, int(before * share / CAUSE_DAYS)) for pair, (now, before) in spent[name].items()}

    return Sums(*map(pairs, Sums._fields))
