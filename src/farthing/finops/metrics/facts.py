"""What the six metrics are made from: sums of one scope, read from the rollups in one go. No call's row is looked at."""

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from farthing.model.errors import BadRequest
from farthing.model.money import NANO_PER_DOLLAR
from farthing.quality.errand import FEATURES as ERRANDS
from farthing.store import users, waste
from farthing.store.days import Day, calls_above, days, tokens_of_transactions
from farthing.store.engine import Connection
from farthing.store.rollups import DAY_US, MONTH_US, month_of
from farthing.store.users import UserCost, UserMonth
from farthing.store.waste import WasteRow

TREND_DAYS = 56
"""Days before the end that a trend looks at, if the span itself is shorter: each weekday eight times."""
MOST_TREND_DAYS = 182
"""And at most; what happened before is another story, and each pair of days costs time."""


LEAST_MONTHS = 6
"""Whole months that a trend of users needs."""


class Scope(msgspec.Struct, frozen=True):
    """Which calls: whole UTC days from `since_us` to `until_us`, one tenant or all, names fixed to a value."""

    since_us: int
    until_us: int
    """The first moment that is not counted."""
    tenant: str = ""
    where: dict[str, str] = {}

    @property
    def length_us(self) -> int:
        return self.until_us - self.since_us


class Facts(NamedTuple):
    """Sums of a scope. None where no rollup keeps them for such a scope."""

    scope: Scope
    now_us: int
    daily: list[Day]
    """Of the span and of the days of its trends before it."""
    errands: list[Day]
    """Those of them that Farthing sent itself: judges, shadows. Their cost counts, but they are nobody's queries."""
    waste: list[WasteRow] | None
    """By day."""
    waste_by_model: list[WasteRow] | None
    months: list[UserMonth] | None
    """Users, by month."""
    dearest: list[UserCost] | None
    """Of the last whole month, or the running one where there is none."""
    by_model: list[Day] | None
    by_feature: list[Day] | None
    """Also of the span before, which is as long."""
    above_a_dollar: tuple[int, int] | None
    """Calls above one dollar, and calls whose cost is known."""
    transactions: tuple[int, int] | None = None
    """Tokens of the transactions that began in the span, and how many these are."""

    def in_span(self, day_us: int) -> bool:
        return self.scope.since_us <= day_us < self.scope.until_us

    def in_trend(self, day_us: int) -> bool:
        """Whether the day is one of the trend's: whole, and not too long ago."""
        first = self.scope.until_us - max(min(self.scope.length_us, MOST_TREND_DAYS * DAY_US), TREND_DAYS * DAY_US)
        return first <= day_us < min(self.scope.until_us, self.now_us - self.now_us % DAY_US)


def read(connection: Connection, scope: Scope, now_us: int) -> Facts:
    """All sums that there are for the scope. Raises BadRequest for a scope that nothing is kept for."""
    tenant, where = scope.tenant, scope.where
    since, until = max(0, min(scope.since_us, scope.until_us - TREND_DAYS * DAY_US)), scope.until_us
    daily = days(connection, since, until, tenant=tenant, where=where)
    errands = _errands(connection, since, scope)
    feature = where.get("feature") if set(where) <= {"feature"} else None
    has_users = set(where) <= {"feature"}
    months, dearest = _months(connection, scope, now_us, feature) if has_users else (None, None)
    has_sizes = set(where) <= {"model"}
    return Facts(
        scope=scope,
        now_us=now_us,
        daily=daily,
        errands=errands,
        waste=_waste(connection, "day", since, scope),
        waste_by_model=_waste(connection, "model", scope.since_us, scope),
        months=months,
        dearest=dearest,
        by_model=_days(connection, since, until, "model", tenant, where),
        by_feature=_days(connection, min(since, scope.since_us - scope.length_us), until, "feature", tenant, where),
        above_a_dollar=(
            calls_above(connection, NANO_PER_DOLLAR, scope.since_us, until, tenant=tenant, model=where.get("model"))
            if has_sizes
            else None
        ),
        transactions=(tokens_of_transactions(connection, scope.since_us, until, tenant=tenant) if not where else None),
    )


def of_shares(connection: Connection, scope: Scope, now_us: int) -> Facts:
    """Only what the hit rate and the tier mix need: whoever shows these alone has them sooner. Raises BadRequest likewise."""
    tenant, where = scope.tenant, scope.where
    since, until = max(0, min(scope.since_us, scope.until_us - TREND_DAYS * DAY_US)), scope.until_us
    return Facts(
        scope=scope, now_us=now_us, daily=days(connection, since, until, tenant=tenant, where=where),
        errands=_errands(connection, since, scope), waste=None, waste_by_model=None, months=None, dearest=None,
        by_model=_days(connection, since, until, "model", tenant, where), by_feature=None, above_a_dollar=None,
    )  # fmt: skip


def _errands(connection: Connection, since_us: int, scope: Scope) -> list[Day]:
    """They have no scope but all."""
    if scope.where:
        return []
    return [
        day
        for own in ERRANDS
        for day in days(connection, since_us, scope.until_us, tenant=scope.tenant, where={"feature": own})
    ]


def _of(months: list[UserMonth], now_us: int) -> int:
    """The month that the metric is about."""
    whole = [month.month_us for month in months if month.month_us < month_of(now_us)]
    return whole[-1] if whole else months[-1].month_us


def _months(
    connection: Connection, scope: Scope, now_us: int, feature: str | None
) -> tuple[list[UserMonth], list[UserCost]]:  # fmt: skip
    """All months of a span that is long enough for a trend of them; else the one that the metric is about, because a month
    of many users takes long to count."""
    first, last, running = month_of(scope.since_us), month_of(scope.until_us - 1), month_of(now_us)
    asked = min(last, running)
    if asked == running and first < running:
        asked = month_of(running - 1)
    if scope.length_us < LEAST_MONTHS * MONTH_US:
        found, dearest = users.month(connection, asked, tenant=scope.tenant, feature=feature)
        if found is not None:
            return [found], dearest
    months = users.months(connection, scope.since_us, scope.until_us, tenant=scope.tenant, feature=feature)
    if not months:
        return [], []
    return months, users.month(connection, _of(months, now_us), tenant=scope.tenant, feature=feature)[1]


def _waste(connection: Connection, by: str, since_us: int, scope: Scope) -> list[WasteRow] | None:
    try:
        return waste.report(connection, by, since_us, scope.until_us, tenant=scope.tenant, where=scope.where)
    except BadRequest:
        return None


def _days(
    connection: Connection, since_us: int, until_us: int, by: str, tenant: str, where: Mapping[str, str]
) -> list[Day] | None:  # fmt: skip
    if by in where:
        rows = days(connection, since_us, until_us, tenant=tenant, where=where)
        return [row._replace(value=where[by]) for row in rows]
    try:
        return days(connection, since_us, until_us, by=by, tenant=tenant, where=where)
    except BadRequest:
        return None
