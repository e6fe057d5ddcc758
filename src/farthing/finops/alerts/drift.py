"""Whether something of a feature's calls rises slowly, over weeks: a test of weekly levels that no single day can sway.

The days before today are cut into weeks that end yesterday, so that each holds every weekday once; a week's level is the
median of its days. A rise is one if the weekly levels go up nearly without exception (Kendall's S, one-sided 1 %), if the
line through them (Theil and Sen: the median of all slopes) rises by a notable amount from the first week to the last, and
if that is several times what the levels err by around the line. Floats are fine: these are thresholds, not the ledger.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import combinations
from math import exp, log
from statistics import median
from typing import NamedTuple

from farthing.finops.alerts.finding import Scope
from farthing.finops.tiers import TierOf
from farthing.model.money import Nano
from farthing.store.days import Paid
from farthing.store.rollups import DAY_US

WEEKS = 8
LEAST_WEEKS = 5
LEAST_CALLS = 20
"""Of a day that counts: what few calls come to is luck."""
LEAST_DAYS = 3
"""Of a week that counts."""
SURE = {5: 10, 6: 13, 7: 17, 8: 20}
"""Kendall's S from which on so many levels rise by luck in at most one of a hundred cases (5: 1 in 120)."""
LEAST_NOISE = 0.02
TIERS = ("small", "mid", "flagship")
DEAR = TIERS[1:]


class PerCall(NamedTuple):
    """Calls of one feature on one day that were paid for and whose cost is known: no cache hits. Cost in nano-dollars."""

    calls: int = 0
    cost: Nano = 0
    tokens: int = 0
    tiered: int = 0
    """Calls to models that have a tier."""
    dear: int = 0
    """Those of them that were not on the small tier."""
    tiered_cost: Nano = 0
    dear_cost: Nano = 0

    def plus(self, other: "PerCall") -> "PerCall":
        return PerCall(*(one + more for one, more in zip(self, other, strict=True)))


class Drifting(NamedTuple):
    """The weeks before today of one scope, day by day, for what rises slowly."""

    scope: Scope
    weeks: Sequence[Sequence[PerCall]]
    """Oldest first; the last one ended yesterday."""


class Rise(NamedTuple):
    """From the first week to the last, by the line."""

    before: float
    now: float
    weeks: int


Measure = Callable[[PerCall], float | None]


def cost_per_call(day: PerCall) -> float | None:
    return log(day.cost / day.calls) if day.calls >= LEAST_CALLS and day.cost > 0 else None


def tokens_per_call(day: PerCall) -> float | None:
    return log(day.tokens / day.calls) if day.calls >= LEAST_CALLS and day.tokens > 0 else None


def dear_share(day: PerCall) -> float | None:
    return day.dear / day.tiered if day.tiered >= LEAST_CALLS else None


def weeks_of(days: Mapping[int, PerCall], today: int) -> list[list[PerCall]]:
    """The weeks before today (days since 1970), oldest first; days without calls are left out."""
    return [
        [days[day] for day in range(today - 7 * back, today - 7 * back + 7) if day in days]
        for back in range(WEEKS, 0, -1)
    ]


def drifting_of(rows: Iterable[Paid], tier: TierOf, today: int) -> dict[str, list[Drifting]]:
    """By tenant, each feature's weeks before today (days since 1970)."""
    found: dict[tuple[str, str], dict[int, PerCall]] = {}
    for row in rows:
        kind = tier(row.model)
        tiered, dear = kind in TIERS, kind in DEAR
        more = PerCall(
            row.calls, row.cost, row.tokens, row.calls * tiered, row.calls * dear, row.cost * tiered, row.cost * dear
        )
        days = found.setdefault((row.tenant, row.feature), {})
        day = row.day_us // DAY_US
        days[day] = days.get(day, PerCall()).plus(more)
    by_tenant: dict[str, list[Drifting]] = {}
    for (tenant, feature), days in found.items():
        by_tenant.setdefault(tenant, []).append(Drifting(Scope("feature", feature), weeks_of(days, today)))
    return by_tenant


def rise(weeks: Sequence[Sequence[PerCall]], measure: Measure, least: float, noises: float) -> Rise | None:
    """The rise of a measure, None where there is none. `least`: what is notable; `noises`: how many times what weekly levels
    err by. Only the last weeks that have a level each are looked at."""
    levels: list[float] = []
    for week in reversed(weeks):
        values = [value for day in week if (value := measure(day)) is not None]
        if len(values) < LEAST_DAYS:
            break
        levels.insert(0, median(values))
    if len(levels) < LEAST_WEEKS:
        return None
    pairs = list(combinations(range(len(levels)), 2))
    signs = sum((levels[b] > levels[a]) - (levels[b] < levels[a]) for a, b in pairs)
    slope = median((levels[b] - levels[a]) / (b - a) for a, b in pairs)
    start = median(level - slope * place for place, level in enumerate(levels))
    errors = [abs(level - start - slope * place) for place, level in enumerate(levels)]
    end = start + slope * (len(levels) - 1)
    if (
        signs < SURE[len(levels)]
        or end - start < least
        or end - start < noises * (1.4826 * median(errors) + LEAST_NOISE)
    ):
        return None
    return Rise(start, end, len(levels))


def ratio(rise: Rise) -> float:
    """Of a measure that is a logarithm."""
    return exp(rise.now - rise.before)
