"""All sums that the overview is made from, read in one go from rollups. Knows nothing of how they are shown."""

from collections.abc import Mapping
from typing import NamedTuple

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
from farthing.model.errors import BadRequest
from farthing.model.money import Nano
from farthing.store import LeverRow, ReportRow, reading
from farthing.store.days import Day, days
from farthing.store.engine import Connection
from farthing.store.rollups import DAY_US


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
    connection: Connection, period: Period, now_us: int, tenant: str, where: Mapping[str, str], options: Options,
    tier: TierOf,
) -> Overview:  # fmt: skip
    """Raises BadRequest for a scope that no sums are kept for."""
    since, until = period.since_us, period.until_us
    total = reading.report(connection, "day", since, until, tenant=tenant, where=where)
    facts = read_facts(connection, Scope(since, until, tenant, dict(where)), now_us)
    before = period.before()
    today = now_us - now_us % DAY_US
    first = min(since, today - HISTORY_DAYS * DAY_US) - 8 * DAY_US
    history = {day.day_us: day.cost for day in days(connection, max(0, first), until, tenant=tenant, where=where)}
    return Overview(
        total, facts, report(facts, options, tier),
        _by_feature(connection, before, tenant, where),
        sum(day.cost for day in days(connection, before.since_us, before.until_us, tenant=tenant, where=where)),
        history, forecasts.read(connection, now_us, tenant=tenant, where=where),
        pattern_of([history.get(day, 0) for day in range(today - HISTORY_DAYS * DAY_US, today, DAY_US)], today // DAY_US),
        None if where else reading.levers(connection, since, until, tenant=tenant),
        None if where else next_savings.read(connection, now_us, tenant),
        not total and not days(connection, 0, tenant=tenant),
    )  # fmt: skip


def _by_feature(
    connection: Connection, period: Period, tenant: str, where: Mapping[str, str]
) -> dict[str, Nano] | None:  # fmt: skip
    try:
        found: list[Day] = days(
            connection, period.since_us, period.until_us, by="" if "feature" in where else "feature", tenant=tenant,
            where=where,
        )  # fmt: skip
    except BadRequest:
        return None
    costs: dict[str, Nano] = {}
    for day in found:
        name = where.get("feature", day.value)
        costs[name] = costs.get(name, 0) + day.cost
    return costs
