"""The six metrics as cards: figure, target, verdict, line of days, and how each is counted."""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from markupsafe import Markup

from farthing.dashboard.charts import spark
from farthing.dashboard.formats import NONE, count, money, percent
from farthing.dashboard.table import Column, Row, Table
from farthing.dashboard.view import View
from farthing.finops.metrics import FeatureCost, Metric, Metrics
from farthing.finops.trend import Trend

WORSE_UP = ("cost_per_query", "cost_per_user_month", "cost_by_feature")
"""Metrics of which less is better."""
MOST_FEATURES = 20
Look = Literal["good", "bad", "warn", ""]


class Card(NamedTuple):
    """One metric."""

    title: str
    value: str
    target: str
    verdict: str
    look: Look
    trend: str
    """What its days do, in words; empty where nothing can be said."""
    line: Markup
    note: str
    """What is divided by what."""
    beside: list[tuple[str, str, str]]
    """Name, figure, what it means."""
    notes: list[str]
    href: str


def cards(view: View, found: Metrics) -> list[Card]:
    return [_card(view, found, each) for each in found.metrics]


def _card(view: View, found: Metrics, metric: Metric) -> Card:
    return Card(
        metric.title, shown(metric.value, metric.unit), metric.target.words, metric.verdict, _look(metric),
        trend_words(metric.trend), spark.line(metric.daily), _note(metric),
        [(each.name, shown(each.value, each.unit), each.means) for each in metric.beside if each.denominator],
        [*metric.notes, *([metric.trend_means] if metric.trend_means else [])], _href(view, found, metric),
    )  # fmt: skip


def shown(value: float | None, unit: str) -> str:
    if value is None:
        return NONE
    return money(value) if unit == "dollars" else percent(value) if unit == "share" else count(value)


def _note(metric: Metric) -> str:
    """Both halves, with their sizes: a share of what, a price of which calls."""
    if not metric.denominator:
        return metric.denominator_means and f"of {metric.denominator_means}: none"
    upper = money(metric.numerator) if metric.unit == "dollars" or metric.name == "cost_by_feature" else count(metric.numerator)  # fmt: skip
    lower = money(metric.denominator) if metric.name == "cost_by_feature" else count(metric.denominator)
    return f"{upper} ({metric.numerator_means}) over {lower} ({metric.denominator_means})"


def _look(metric: Metric) -> Look:
    match metric.verdict:
        case "met":
            return "good"
        case "missed":
            return "bad"
        case "too close to tell":
            return "warn"
        case "rising":
            return "bad" if metric.name in WORSE_UP else "good"
        case "falling":
            return "good" if metric.name in WORSE_UP else "bad"
    return ""


def trend_words(trend: Trend | None) -> str:
    """`rises 12 % a month`; without a tested direction `no trend`."""
    if trend is None:
        return ""
    month = trend.a_month
    if trend.direction == "none" or month is None:
        return "no trend"
    verb = "rises" if trend.direction == "up" else "falls"
    share = abs(month[0])
    return f"{verb} {share:.0%} a month".replace("%", " %") if share < 1 else f"{verb} steeply"


def _href(view: View, found: Metrics, metric: Metric) -> str:
    """The calls that the figure is about."""
    if metric.name == "cost_by_feature" and found.features:
        return view.calls(feature=found.features[0].feature)
    return view.calls()


def table(found: Metrics) -> Table:
    """The same, for a file."""
    columns = (
        Column("metric", "Metric"), Column("value", "Value"), Column("unit", "Unit"), Column("numerator", "Numerator"),
        Column("denominator", "Denominator"), Column("target", "Target"), Column("verdict", "Verdict"), Column("trend", "Trend"),
    )  # fmt: skip
    rows = [
        Row((each.title, each.value, "nano-dollars" if each.unit == "dollars" else each.unit, each.numerator, each.denominator, each.target.words, each.verdict, trend_words(each.trend)))
        for each in found.metrics
    ]  # fmt: skip
    return Table("metrics", "The six metrics", columns, rows)


def features(view: View, found: Metrics, before: Mapping[str, int] | None, label: str, is_so_far: bool) -> Table:
    """By feature, the dearest first; `label` names the period before. Many are cut: the page on spending has them all."""
    known = before or {}
    every = [each for each in found.features if each.calls or known.get(each.feature)]
    total = sum(each.cost for each in every)
    shown_ = every if len(every) <= MOST_FEATURES + 1 else every[:MOST_FEATURES]
    rows = [_feature(view, each, total, known.get(each.feature, 0)) for each in shown_]
    rest = every[len(shown_) :]
    if rest:
        rows.append(_others(rest, total, sum(known.get(each.feature, 0) for each in rest)))
    columns = (
        Column("feature", "Feature"), Column("cost", "Cost", "money"), Column("share", "Share", "percent"),
        Column("change", "Change", "change", f"Against {label}."),
        Column("per_query", "Per query", "money", "Cost over calls that did not fail and whose cost is known."),
        Column("queries", "Queries", "count", "Calls that did not fail and whose cost is known."),
        Column("trend", "Trend", "text", "Of the daily cost over eight weeks, each weekday with its like; tested."),
        Column("without_cost", "No cost known", "count", "Calls that are in no amount."),
    )  # fmt: skip
    note = f"Change: against {label}." + (" Today is not over." if is_so_far else "")
    more = view.href("/spend") if rest else ""
    return Table("features", "By feature", columns, rows, note=note, empty=_no_features(found), more=more)


def _feature(view: View, each: FeatureCost, total: int, before: int) -> Row:
    values = (
        each.feature, each.cost, each.cost / total if total else None, _change(each.cost, before), each.per_query, each.priced,
        trend_words(each.trend), each.without_cost or None,
    )  # fmt: skip
    href, calls = view.href("/spend", feature=each.feature), view.calls(feature=each.feature)
    return Row(values, href=href, calls=calls, mark="" if each.calls else "quiet")


def _others(rest: Sequence[FeatureCost], total: int, before: int) -> Row:
    cost, priced = sum(each.cost for each in rest), sum(each.priced for each in rest)
    unknown = sum(each.without_cost for each in rest)
    share, per_query = cost / total if total else None, cost / priced if priced else None
    values = (
        f"{count(len(rest))} others",
        cost,
        share,
        _change(cost, before),
        per_query,
        priced,
        None,
        unknown or None,
    )
    return Row(values, mark="quiet")


def _no_features(found: Metrics) -> str:
    if found.calls and found.scope.where:
        return f"Features are not kept apart for {' and '.join(found.scope.where)}; take the filter away to see them."
    return "No calls in this period."


def _change(now: int, before: int) -> float | None:
    return (now - before) / before if before else None
