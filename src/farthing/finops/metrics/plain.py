"""The report of metrics as plain values, for JSON: the same for the command line and the admin API."""

import math
from typing import Any

import msgspec

from farthing.finops.metrics.metric import Beside, Metric
from farthing.finops.metrics.report import FeatureCost, Metrics, Options
from farthing.finops.trend import Trend
from farthing.model.money import Nano, nano_from_dollars
from farthing.settings import FinopsSettings


def options_of(settings: FinopsSettings, revenue: Nano = 0) -> Options:
    """What figures are held against by the settings; `revenue` goes before theirs."""
    return Options(
        most_per_query=nano_from_dollars(settings.dollars_per_query),
        most_per_user=nano_from_dollars(settings.dollars_per_user_month),
        revenue_per_user=revenue or nano_from_dollars(settings.revenue_per_user_month),
        least_hits=settings.cache_hit_percent / 100,
        least_cheaper=settings.cheap_tier_percent / 100,
    )


def plain(report: Metrics) -> dict[str, Any]:
    """Amounts are integer nano-dollars; a value of the unit `dollars` is in nano-dollars too."""
    return {
        "since_us": report.scope.since_us, "until_us": report.scope.until_us, "tenant": report.scope.tenant,
        "where": report.scope.where, "calls": report.calls, "cost": report.cost, "calls_without_cost": report.without_cost,
        "own_calls": report.errands, "metrics": [_metric(each) for each in report.metrics],
        "features": [_feature(each) for each in report.features],
        "corrections": msgspec.to_builtins(report.corrections), "cost_corrected": report.corrected,
    }  # fmt: skip


def _metric(metric: Metric) -> dict[str, Any]:
    known = msgspec.structs.asdict(metric)
    del known["daily"]  # figures of days are asked for by day
    return known | {
        "value": metric.value,
        "target": msgspec.structs.asdict(metric.target),
        "trend": plain_trend(metric.trend),
        "beside": [_beside(each) for each in metric.beside],
    }


def _beside(beside: Beside) -> dict[str, Any]:
    return msgspec.structs.asdict(beside) | {"value": beside.value}


def _feature(feature: FeatureCost) -> dict[str, Any]:
    return msgspec.structs.asdict(feature) | {"per_query": feature.per_query, "trend": plain_trend(feature.trend)}


def plain_trend(found: Trend | None) -> dict[str, Any] | None:
    """A bound that the days do not give is null."""
    if found is None:
        return None
    finite = {
        name: value if not isinstance(value, float) or math.isfinite(value) else None
        for name, value in msgspec.structs.asdict(found).items()
    }
    return finite | {"direction": found.direction}
