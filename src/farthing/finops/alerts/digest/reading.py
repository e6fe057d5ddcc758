"""What a week was like for one tenant, beside the week before: spending and what moved it, alerts, savings, budgets near their
end, corrections. From sums; nothing here is told to anybody."""

import asyncio
from collections.abc import Iterable, Sequence

import msgspec

from farthing.finops.alerts.cause import Change, Sums, explained
from farthing.finops.alerts.finding import Finding, Scope
from farthing.finops.alerts.seen import BudgetSeen
from farthing.finops.alerts.sources import BudgetSource
from farthing.finops.plans.happened import planned
from farthing.model.money import NANO_PER_DOLLAR, Nano
from farthing.store import Store
from farthing.store.alerts import Alerts, Entry
from farthing.store.corrections import Corrections
from farthing.store.days import Both, both
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
    plan: tuple[str, ...] = ()
    """What the plan before this week said, and what of it happened; in words."""

    @property
    def empty(self) -> bool:
        return not (self.calls or self.calls_before or self.alerts_told or self.corrections)


class Digests:
    """Reads digests. Methods raise StoreError."""

    def __init__(self, store: Store, alerts: Alerts, budgets: BudgetSource | None = None) -> None:
        self._store = store
        self._alerts = alerts
        self._budgets = budgets

    async def every(self, until_us: int, now_us: int) -> list[Digest]:
        """Of each tenant that had calls in the two weeks before `until_us`, the beginning of a UTC day."""
        rows = await self._rows(until_us)
        return [await self._made(tenant, mine, until_us, now_us) for tenant, mine in sorted(rows.items())]

    async def read(self, tenant: str, until_us: int, now_us: int) -> Digest:
        """Of one tenant."""
        rows = await self._rows(until_us)
        return await self._made(tenant, rows.get(tenant, []), until_us, now_us)

    async def _rows(self, until_us: int) -> dict[str, list[Both]]:
        since = until_us - WEEK_US
        dims = ("day", "feature", *PAIRS)
        found: dict[str, list[Both]] = {}
        for row in await self._store.do(lambda each: both(each, dims, since - WEEK_US, since, until_us)):
            found.setdefault(row.tenant, []).append(row)
        return found

    async def _made(self, tenant: str, rows: Sequence[Both], until_us: int, now_us: int) -> Digest:
        since = until_us - WEEK_US
        history = await self._alerts.history(tenant, limit=10_000)
        standings = {each.id: each.state != "ok" for each in await self._alerts.standings(tenant)}
        told = _told(history, since, until_us, standings)
        posted = await Corrections(self._store).entries(since, until_us, tenant=tenant)
        whole = next((row for row in rows if row.dims == "day"), Both("day", tenant, "", "", 0, 0, 0, 0, 0))
        return Digest(
            tenant, since, until_us, whole.cost, whole.cost_before, whole.calls, whole.calls_before, whole.without_cost,
            movers=await asyncio.to_thread(movers, rows), alerts=tuple(told[:MOST]), alerts_told=len(told),
            alerts_open=sum(standings.values()), savings=await self._savings(tenant, since, until_us),
            budgets=await self._near_end(tenant, now_us), corrections=sum(each.amount for each in posted),
            plan=await self._store.do(lambda connection: planned(connection, tenant, since + DAY_US, until_us)),
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


def movers(rows: Sequence[Both]) -> tuple[Mover, ...]:
    """Features whose cost changed most, each with what drives it."""
    features = [row for row in rows if row.dims == "feature"]
    most = max(sum(row.cost for row in features), sum(row.cost_before for row in features))
    least = max(LEAST_MOVE, int(LEAST_SHARE * most))
    found = [
        Mover(row.a, row.cost, row.cost_before, row.calls, row.calls_before)
        for row in features
        if abs(row.cost - row.cost_before) >= least
    ]
    found = sorted(found, key=lambda each: (-abs(each.change), each.feature))[:MOST]
    rises, falls = (_sums(rows, late=late) for late in (True, False))
    return tuple(
        msgspec.structs.replace(each, cause=_cause(each, rises if each.change > 0 else falls)) for each in found
    )


def _cause(mover: Mover, sums: Sums) -> str:
    found = explained(Finding("digest", Scope("feature", mover.feature), "", "warn", ""), sums).cause
    return found if mover.change > 0 else found.replace(" of the rise is ", " of the fall is ", 1)


def _sums(rows: Iterable[Both], *, late: bool) -> Sums:
    """Pairs of both weeks; what rose where `late`, else what fell: then the weeks change places."""
    spent: dict[str, dict[tuple[str, str], Change]] = {name: {} for name in Sums._fields}
    for row in rows:
        if row.dims in spent:
            change = Change(row.cost, row.cost_before) if late else Change(row.cost_before, row.cost)
            spent[row.dims][row.a, row.b] = change
    return Sums(*(spent[name] for name in Sums._fields))
