"""All sums that the overview is made from, read in one go from rollups. Knows nothing of how they are shown."""

from collections.abc import Mapping
from datetime import date
from typing import NamedTuple

from farthing.dashboard.memory import Memory
from farthing.dashboard.periods import Period
from farthing.finops import forecasts, next_savings
from farthing.finops.forecast import DAYS as HISTORY_DAYS
from farthing.finops.forecast import Pattern, pattern_of
from farthing.finops.forecasts import Forecasts
from farthing.finops.metrics import Metrics, Options
from farthing.finops.metrics.facts import Facts, Scope
from farthing.finops.metrics.facts import read as read_facts
from farthing.finops.metrics.report import report
from farthing.finops.tiers import TierOf
from farthing.model.money import Nano
from farthing.store import LeverRow, ReportRow, reading
from farthing.store.days import days
from farthing.store.engine import Connection
from farthing.store.rollups import DAY_US

LEAD_DAYS = 8
"""Days before the first that are looked at for its seven-day average."""
MINUTE_US = 60_000_000
EPOCH = date(1970, 1, 1).toordinal()


class Overview(NamedTuple):
    """Of one tenant, period and scope."""

    total: list[ReportRow]
    """By day."""
    facts: Facts
    metrics: Metrics
    before: dict[str, Nano] | None
    """Cost by feature in the period before; None where features are not kept for the scope."""
    cost_before: Nano
    history: dict[int, Nano]
    """Cost of days (microseconds), as far back as forecasts and thresholds look."""
    forecast: Forecasts
    pattern: Pattern | None
    """How the spending of all goes over the week."""
    levers: list[LeverRow] | None
    """None where the scope is not all calls: levers are summed for these alone."""
    next: next_savings.Sums | None
    is_new: bool
    """Whether the tenant has no call at all."""

    @property
    def spent(self) -> Nano:
        return sum(row.cost for row in self.total)

    @property
    def baseline(self) -> Nano:
        return sum(row.baseline for row in self.total)

    @property
    def saved(self) -> Nano:
        return sum(row.saved for row in self.total)

    @property
    def calls(self) -> int:
        return sum(row.calls for row in self.total)

    def calls_of_state(self, state: str) -> int:
        return sum(row.calls_by_state.get(state, 0) for row in self.total)


def read(
    connection: Connection, memory: Memory, period: Period, now_us: int, tenant: str, where: Mapping[str, str],
    options: Options, tier: TierOf,
) -> Overview:  # fmt: skip
    """What was read within the same minute is given again if the sums of no day of the period and before it have changed.
    Raises BadRequest for a scope that no sums are kept for."""
    since, until = period.since_us, period.until_us
    first = max(0, min(since - period.days * DAY_US, now_us - HISTORY_DAYS * DAY_US) - LEAD_DAYS * DAY_US)
    seen = reading.report(connection, "day", first, until, tenant=tenant, where=where)
    key, stamp = ("overview", tenant, period, tuple(sorted(where.items()))), (seen, now_us // MINUTE_US)
    found: Overview | None = memory.get(key, stamp)
    if found is None:
        found = _read(connection, seen, period, now_us, tenant, where, options, tier)
        memory.keep(key, stamp, found)
    return found


def _read(
    connection: Connection, seen: list[ReportRow], period: Period, now_us: int, tenant: str, where: Mapping[str, str],
    options: Options, tier: TierOf,
) -> Overview:  # fmt: skip
    since, until = period.since_us, period.until_us
    facts = read_facts(connection, Scope(since, until, tenant, dict(where)), now_us)
    before, today = period.before(), now_us - now_us % DAY_US
    history = {_us(row.key): row.cost for row in seen}
    whole = [history.get(day, 0) for day in range(today - HISTORY_DAYS * DAY_US, today, DAY_US)]
    total = [row for row in seen if since <= _us(row.key) < until]
    return Overview(
        total, facts, report(facts, options, tier), _by_feature(connection, facts, before, tenant, where),
        sum(cost for day, cost in history.items() if before.since_us <= day < before.until_us), history,
        forecasts.read(connection, now_us, tenant=tenant, where=where), pattern_of(whole, today // DAY_US),
        None if where else reading.levers(connection, since, until, tenant=tenant),
        None if where else next_savings.read(connection, now_us, tenant),
        not total and not days(connection, 0, tenant=tenant),
    )  # fmt: skip


def _us(day: str) -> int:
    """The beginning of an ISO date."""
    return (date.fromisoformat(day).toordinal() - EPOCH) * DAY_US


def _by_feature(
    connection: Connection, facts: Facts, period: Period, tenant: str, where: Mapping[str, str]
) -> dict[str, Nano] | None:  # fmt: skip
    """Of the period before; read again only where facts do not go back so far."""
    if facts.by_feature is None:
        return None
    found = facts.by_feature
    if period.since_us < facts.scope.since_us - facts.scope.length_us:
        by = "" if "feature" in where else "feature"
        found = days(connection, period.since_us, period.until_us, by=by, tenant=tenant, where=where)
    costs: dict[str, Nano] = {}
    for day in found:
        if period.since_us <= day.day_us < period.until_us:
            name = where.get("feature", day.value)
            costs[name] = costs.get(name, 0) + day.cost
    return costs
