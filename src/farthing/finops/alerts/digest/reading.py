"""What a week was like for one tenant, beside the week before: spending and what moved it, alerts, savings, budgets near their
end, corrections. From sums; nothing here is told to anybody."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from farthing.finops.alerts.cause import Change, Sums, explained
from farthing.finops.alerts.finding import Finding, Scope
from farthing.finops.alerts.seen import BudgetSeen
from farthing.finops.alerts.sources import BudgetSource
from farthing.model.money import NANO_PER_DOLLAR, Nano
from farthing.store import Store
from farthing.store.alerts import Alerts, Cell, Entry
from farthing.store.corrections import Corrections
from farthing.store.rollups import DAY_US

WEEK_US = 7 * DAY_US
MOST = 5
"""Movers, and alerts, that are named."""
LEAST_MOVE = NANO_PER_DOLLAR
LEAST_SHARE = 0.02
"""Of the dearer of the two weeks, below which a change of a feature is no mover."""
NEAR_END = 0.8
LIKELY = 0.5
PAIRS = ("feature_model", "user_feature", "team_model")


class Mover(msgspec.Struct, frozen=True):
    """A feature that cost more, or less, than in the week before. Amounts in nano-dollars."""

    feature: str
    now: Nano
    before: Nano
    calls: int
    calls_before: int
    cause: str = ""

    @property
    def change(self) -> Nano:
        return self.now - self.before


class Told(msgspec.Struct, frozen=True):
    """An alert that was told of in the week."""

    rule: str
    scope: str
    text: str
    at_stake: Nano
    over: bool
    """It is over by now."""


class Saved(msgspec.Struct, frozen=True):
    """What a lever took off, as it is booked."""

    lever: str
    now: Nano
    before: Nano


class Digest(msgspec.Struct, frozen=True):
    """One week of one tenant; whole UTC days. Amounts in nano-dollars."""

    tenant: str
    since_us: int
    until_us: int
    cost: Nano = 0
    cost_before: Nano = 0
    calls: int = 0
    calls_before: int = 0
    without_cost: int = 0
    """Calls of the week whose cost nobody knows."""
    movers: tuple[Mover, ...] = ()
    """The biggest change first."""
    alerts: tuple[Told, ...] = ()
    """The most expensive first; `alerts_told` counts all."""
    alerts_told: int = 0
    alerts_open: int = 0
    savings: tuple[Saved, ...] = ()
    budgets: tuple[BudgetSeen, ...] = ()
    """Those of which most is spent, or that will probably end above their limit."""
    corrections: Nano = 0
    """Posted for days of the week; not in `cost`."""

    @property
    def empty(self) -> bool:
        return not (self.calls or self.calls_before or self.alerts_told or self.corrections)


class Digests:
    """Reads digests. Methods raise StoreError."""

    def __init__(self, store: Store, alerts: Alerts, budgets: BudgetSource | None = None) -> None:
        self._store = store
        self._alerts = alerts
        self._budgets = budgets

    async def tenants(self, until_us: int) -> list[str]:
        """Those that had calls in the two weeks that end then."""
        cells = await self._alerts.cells(("day",), until_us - 2 * WEEK_US, until_us)
        return sorted({cell.tenant for cell in cells})

    async def read(self, tenant: str, until_us: int, now_us: int) -> Digest:
        """The seven days before `until_us`, the beginning of a UTC day."""
        since = until_us - WEEK_US
        every = await self._alerts.cells(("day", "feature", *PAIRS), since - WEEK_US, until_us)
        cells = [cell for cell in every if cell.tenant == tenant]
        history = await self._alerts.history(tenant, limit=10_000)
        standings = {each.id: each.state != "ok" for each in await self._alerts.standings(tenant)}
        told = _told(history, since, until_us, standings)
        posted = await Corrections(self._store).entries(since, until_us, tenant=tenant)
        days = [cell for cell in cells if cell.dims == "day"]
        now, before = ([cell for cell in days if (cell.bucket_us >= since) == late] for late in (True, False))
        return Digest(
            tenant, since, until_us, cost=sum(cell.cost for cell in now), cost_before=sum(cell.cost for cell in before),
            calls=sum(cell.calls for cell in now), calls_before=sum(cell.calls for cell in before),
            without_cost=sum(cell.unpriced + cell.unknown for cell in now),
            movers=await asyncio.to_thread(movers, cells, since), alerts=tuple(told[:MOST]), alerts_told=len(told),
            alerts_open=sum(standings.values()), savings=await self._savings(tenant, since, until_us),
            budgets=await self._near_end(tenant, now_us), corrections=sum(each.amount for each in posted),
        )  # fmt: skip

    async def _savings(self, tenant: str, since: int, until: int) -> tuple[Saved, ...]:
        now = {row.lever: row.saved for row in await self._store.levers(since, until, tenant=tenant)}
        before = {row.lever: row.saved for row in await self._store.levers(since - WEEK_US, since, tenant=tenant)}
        found = [Saved(lever, now.get(lever, 0), before.get(lever, 0)) for lever in now.keys() | before.keys()]
        return tuple(sorted(found, key=lambda each: (-each.now, each.lever)))

    async def _near_end(self, tenant: str, now_us: int) -> tuple[BudgetSeen, ...]:
        if self._budgets is None:
            return ()
        every = await self._budgets.budgets(tenant, now_us)
        near = [each for each in every if each.limit > 0 and _is_near(each)]
        return tuple(sorted(near, key=lambda each: (-each.spent / each.limit, each.id))[:MOST])


def _is_near(budget: BudgetSeen) -> bool:
    return budget.spent >= NEAR_END * budget.limit or (budget.chance_over or 0.0) > LIKELY


def _told(history: Iterable[Entry], since: int, until: int, is_open: dict[str, bool]) -> list[Told]:
    """Each alert once, as it was told last."""
    found: dict[str, Told] = {}
    for entry in history:  # the newest first
        if since <= entry.at_us < until and entry.what in ("raised", "escalated") and entry.alert_id not in found:
            each = entry.standing
            scope = f"{each.scope_kind} {each.scope}".strip()
            over = not is_open.get(entry.alert_id, False)
            found[entry.alert_id] = Told(each.rule, scope, each.text, each.at_stake, over)
    return sorted(found.values(), key=lambda each: (-each.at_stake, each.rule, each.scope))


def movers(cells: Sequence[Cell], since: int) -> tuple[Mover, ...]:
    """Features whose cost changed most, each with what drives it."""
    cost: dict[str, list[Nano]] = {}
    calls: Counter[tuple[str, int]] = Counter()
    for cell in cells:
        if cell.dims == "feature":
            place = 0 if cell.bucket_us >= since else 1
            cost.setdefault(cell.a, [0, 0])[place] += cell.cost
            calls[cell.a, place] += cell.calls
    most = max(sum(each[0] for each in cost.values()), sum(each[1] for each in cost.values()))
    least = max(LEAST_MOVE, int(LEAST_SHARE * most))
    found = [
        Mover(feature, now, before, calls[feature, 0], calls[feature, 1])
        for feature, (now, before) in cost.items()
        if abs(now - before) >= least
    ]
    found = sorted(found, key=lambda each: (-abs(each.change), each.feature))[:MOST]
    rises, falls = (_sums(cells, since, late=late) for late in (True, False))
    return tuple(
        msgspec.structs.replace(each, cause=_cause(each, rises if each.change > 0 else falls)) for each in found
    )


def _cause(mover: Mover, sums: Sums) -> str:
    found = explained(Finding("digest", Scope("feature", mover.feature), "", "warn", ""), sums).cause
    return found if mover.change > 0 else found.replace(" of the rise is ", " of the fall is ", 1)


def _sums(cells: Iterable[Cell], since: int, *, late: bool) -> Sums:
    """Pairs of both weeks; what rose where `late`, else what fell: then the weeks change places."""
    spent: dict[str, dict[tuple[str, str], list[Nano]]] = {name: {} for name in Sums._fields}
    for cell in cells:
        if cell.dims in spent:
            place = 0 if (cell.bucket_us >= since) == late else 1
            spent[cell.dims].setdefault((cell.a, cell.b), [0, 0])[place] += cell.cost
    return Sums(*({pair: Change(*both) for pair, both in spent[name].items()} for name in Sums._fields))
