"""The report of metrics: the six of one scope, with cost by feature as a table."""

from collections.abc import Sequence

import msgspec

from farthing.finops.metrics.facts import Facts, Scope
from farthing.finops.metrics.facts import read as read_facts
from farthing.finops.metrics.metric import Metric, Target, trend_of
from farthing.finops.metrics.six import (
    NOT_KEPT,
    cache_hit_rate,
    cost_per_query,
    cost_per_user,
    tier_mix,
    token_efficiency,
)
from farthing.finops.tiers import TierOf
from farthing.finops.trend import Trend
from farthing.model.money import Nano
from farthing.store.corrections import Correction, entries_of
from farthing.store.days import Day
from farthing.store.engine import Connection
from farthing.store.rollups import DAY_US

MOST_TRENDS = 20
"""Features, the dearest first, whose trend is worked out."""


class Options(msgspec.Struct, frozen=True):
    """What figures are held against. Amounts in nano-dollars, 0 for none; shares of 1."""

    most_per_query: Nano = 0
    most_per_user: Nano = 0
    revenue_per_user: Nano = 0
    least_hits: float = 0.30
    least_cheaper: float = 0.70


class FeatureCost(msgspec.Struct, frozen=True):
    """What one feature cost in the span. Amounts in nano-dollars."""

    feature: str
    """Empty: the calls that said none."""
    cost: Nano
    before: Nano
    """In the span of the same length before it."""
    calls: int
    priced: int
    """Those of them that did not fail and whose cost is known: what a query is divided by."""
    without_cost: int
    trend: Trend | None = None
    """Of its daily cost; days without a call are zero."""

    @property
    def per_query(self) -> float | None:
        return self.cost / self.priced if self.priced else None


class Metrics(msgspec.Struct, frozen=True):
    """The whole report. Amounts in nano-dollars."""

    scope: Scope
    now_us: int
    calls: int
    cost: Nano
    without_cost: int
    """Calls whose cost is not known, or not wholly: it is in no figure."""
    errands: int
    """Calls that Farthing sent itself: their cost is in `cost`, they are no queries."""
    metrics: tuple[Metric, ...]
    features: tuple[FeatureCost, ...]
    """Dearest first."""
    corrections: tuple[Correction, ...] = ()
    """Posted for these days. They are in no figure: an entry is of a day, and of no call."""

    @property
    def corrected(self) -> Nano:
        """The cost with its corrections."""
        return self.cost + sum(each.amount for each in self.corrections)

    def metric(self, name: str) -> Metric:
        """Raises KeyError for a name that there is not."""
        return {each.name: each for each in self.metrics}[name]


def read(connection: Connection, scope: Scope, options: Options, tier: TierOf, now_us: int) -> Metrics:
    """The report, from rollups alone. Raises BadRequest for a scope that nothing is kept for."""
    found = report(read_facts(connection, scope, now_us), options, tier)
    return msgspec.structs.replace(found, corrections=tuple(_corrections(connection, scope)))


def _corrections(connection: Connection, scope: Scope) -> list[Correction]:
    """An entry is of a day, a provider and a model: it belongs to no feature, team or user."""
    if set(scope.where) - {"model"}:
        return []
    posted = entries_of(connection, scope.since_us, scope.until_us, scope.tenant)
    return [each for each in posted if each.model == scope.where.get("model", each.model)]


def report(facts: Facts, options: Options, tier: TierOf) -> Metrics:
    now = [day for day in facts.daily if facts.in_span(day.day_us)]
    features = _features(facts)
    return Metrics(
        scope=facts.scope, now_us=facts.now_us, calls=sum(day.calls for day in now), cost=sum(day.cost for day in now),
        without_cost=sum(day.without_cost for day in now),
        errands=sum(day.calls for day in facts.errands if facts.in_span(day.day_us)),
        metrics=(
            cost_per_query(facts, options.most_per_query),
            cost_per_user(facts, options.most_per_user, options.revenue_per_user),
            token_efficiency(facts),
            cache_hit_rate(facts, options.least_hits),
            tier_mix(facts, options.least_cheaper, tier),
            _cost_by_feature(facts, features),
        ),
        features=tuple(features),
    )  # fmt: skip


def _features(facts: Facts) -> list[FeatureCost]:
    """By feature, the dearest first."""
    if facts.by_feature is None:
        return []
    rows: dict[str, list[Day]] = {}
    for day in facts.by_feature:
        rows.setdefault(day.value, []).append(day)
    found = [_feature(facts, name, days) for name, days in rows.items()]
    found = sorted((each for each in found if each.calls or each.before), key=lambda each: (-each.cost, each.feature))
    return [
        msgspec.structs.replace(each, trend=_trend(facts, rows[each.feature])) if place < MOST_TRENDS else each
        for place, each in enumerate(found)
    ]


def _feature(facts: Facts, name: str, days: Sequence[Day]) -> FeatureCost:
    now = [day for day in days if facts.in_span(day.day_us)]
    first = facts.scope.since_us - facts.scope.length_us
    return FeatureCost(
        name, sum(day.cost for day in now), sum(day.cost for day in days if first <= day.day_us < facts.scope.since_us),
        sum(day.calls for day in now), sum(day.priced for day in now), sum(day.without_cost for day in now),
    )  # fmt: skip


def _trend(facts: Facts, days: Sequence[Day]) -> Trend | None:
    spent = {day.day_us: day.cost for day in days if facts.in_trend(day.day_us)}
    if not spent:
        return None
    end = min(facts.scope.until_us, facts.now_us - facts.now_us % DAY_US)
    whole = range(min(spent), end, DAY_US)
    return trend_of([(day // DAY_US, spent.get(day, 0), 1) for day in whole], "a cost")[0]


def _cost_by_feature(facts: Facts, features: Sequence[FeatureCost]) -> Metric:
    """The dearest feature's share; the table says the rest."""
    title, target = "cost by feature", Target("no feature rising")
    if facts.by_feature is None:
        return Metric(
            "cost_by_feature", title, "share", 0, "", 0, "", target, "too little data",
            notes=(f"features are {NOT_KEPT}; they are kept in all and by model, tier and user",),
        )  # fmt: skip
    total = sum(each.cost for each in features)
    tested = [each for each in features if each.trend is not None]
    rising = [each for each in tested if each.trend is not None and each.trend.direction == "up"]
    falling = sum(each.trend is not None and each.trend.direction == "down" for each in tested)
    named = ", ".join(each.feature or "(none)" for each in rising[:5])
    return Metric(
        "cost_by_feature", title, "share", features[0].cost if features else 0,
        f"known cost of the dearest feature, {features[0].feature or '(none)'}" if features else "", total,
        "known cost of all features", target, "too little data" if not tested else "rising" if rising else "no trend",
        trend_means=f"{len(rising)} of {len(tested)} features rise{f' ({named})' if named else ''}, {falling} fall; each is tested alone, so 1 in 40 seems to rise by chance",
    )  # fmt: skip
