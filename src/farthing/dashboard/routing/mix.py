"""How much the cheaper tiers do: by calls, dollars and tokens, over time and in all. Cache hits stand apart."""

from collections.abc import Sequence
from typing import NamedTuple

from farthing.dashboard.charts.chart import Chart
from farthing.dashboard.formats import NONE, count, percent
from farthing.dashboard.shares import Share, chart
from farthing.dashboard.table import Column, Row, Table
from farthing.dashboard.view import View
from farthing.finops.metrics.facts import Facts
from farthing.finops.metrics.metric import Metric
from farthing.finops.metrics.six import APART, CHEAPER, TierDay, by_tier, tier_mix
from farthing.finops.mixes import Mix as Sent
from farthing.finops.mixes import total_of
from farthing.finops.tiers import TierOf
from farthing.model.routes import TIERS

LOOKS = {"small": 3, "mid": 2, "flagship": 1}
NAMES = {"student": "distilled models", "embedding": "embeddings", "": "of no known tier"}
STATES = {"met": "good", "missed": "bad", "too close to tell": "warn"}


class Mix(NamedTuple):
    """Of a period and scope."""

    metric: Metric
    days: list[TierDay]
    """Of the period."""
    kept: bool
    """Whether models are kept for the scope."""


def mix_of(facts: Facts, least: float, tier: TierOf) -> Mix:
    found = [each for each in by_tier(facts, tier) if facts.in_span(each.day_us)]
    return Mix(tier_mix(facts, least, tier), found, facts.by_model is not None)


def tiles(view: View, mix: Mix) -> list[dict[str, str]]:
    metric = mix.metric
    beside = {each.name: each for each in metric.beside}
    target = metric.target.words
    if not metric.denominator:
        return [{"title": "Cheaper tiers", "value": NONE, "note": f"no call that a model answered; target: {target}"}]
    hits, dollars, tokens = beside["cache hits, apart"], beside["by dollars"], beside["by tokens"]
    interval = f"; 95 %: {percent(metric.low)} to {percent(metric.high)}" if metric.low is not None else ""
    return [
        {
            "title": "Cheaper tiers, of calls", "value": percent(metric.value), "state": STATES.get(metric.verdict, ""),
            "note": f"{count(metric.numerator)} of {count(metric.denominator)}; target: {target}{interval}", "href": view.href("/spend", by="model"),
        },
        {"title": "Of dollars", "value": percent(dollars.value), "note": "of the known cost of the same calls"},
        {"title": "Of tokens", "value": percent(tokens.value), "note": f"of {count(tokens.denominator)}"},
        {
            "title": "Cache hits, apart", "value": percent(hits.value), "href": view.href("/cache"),
            "note": f"{count(hits.numerator)} of {count(hits.denominator)} calls were answered by no model",
        },
    ]  # fmt: skip


def over_time(view: View, mix: Mix, least: float) -> Chart:
    calls: dict[str, dict[int, int]] = {tier: {} for tier in TIERS}
    for each in mix.days:
        if each.kind in calls:
            calls[each.kind][each.day_us] = calls[each.kind].get(each.day_us, 0) + each.calls
    of = {day: sum(each.get(day, 0) for each in calls.values()) for day in {each.day_us for each in mix.days}}
    shares = [Share(tier, LOOKS[tier], calls[tier]) for tier in TIERS]
    return chart("Tiers of the models that answered", view.filters.period, shares, of, "calls", least, CHEAPER)


def table(view: View, mix: Mix) -> Table:
    """By tier; shares are of the three tiers, what stands apart has none."""
    sums: dict[str, list[int]] = {kind: [0, 0, 0] for kind in (*TIERS, *APART)}
    hits = 0
    for each in mix.days:
        for place, number in enumerate((each.calls, each.tokens, each.cost)):
            sums[each.kind][place] += number
        hits += each.hits
    whole = [sum(sums[tier][place] for tier in TIERS) for place in range(3)]
    rows = [_row(view, tier, sums[tier], whole) for tier in TIERS]
    rows += [_row(view, kind, sums[kind], None) for kind in APART if any(sums[kind])]
    rows.append(Row(("cache hits", hits, *[None] * 6), mark="quiet"))
    columns = (
        Column("tier", "Tier"), Column("calls", "Calls", "count"), Column("of_calls", "Of calls", "percent"),
        Column("tokens", "Tokens", "count"), Column("of_tokens", "Of tokens", "percent"),
        Column("cost", "Cost", "money"), Column("of_cost", "Of cost", "percent"), Column("per_call", "Per call", "money"),
    )  # fmt: skip
    return Table(
        "mix", "By tier", columns, rows if any(map(any, sums.values())) or hits else [],
        note="Of the models that answered, as they were called by name or chosen. What stands below the three tiers is in no share.",
    )  # fmt: skip


def _row(view: View, kind: str, sums: Sequence[int], whole: Sequence[int] | None) -> Row:
    calls, tokens, cost = sums
    shares = (
        [None] * 3 if whole is None else [part / all_ if all_ else None for part, all_ in zip(sums, whole, strict=True)]
    )
    per_call = cost / calls if calls else None
    values = (NAMES.get(kind, kind), calls, shares[0], tokens, shares[1], cost, shares[2], per_call)
    return Row(values, href=view.href("/spend", by="model"), mark="" if whole is not None else "quiet")


def sent(view: View, mixes: Sequence[Sent]) -> Table:
    """What routing chose, by feature; as `farthing report tiers` has it."""
    rows = [_sent(view, each, view.calls(feature=each.feature)) for each in mixes]
    if len(mixes) > 1:
        rows.append(_sent(view, total_of(mixes), "", "total"))
    columns = (
        Column("feature", "Feature"), *(Column(tier, tier.capitalize(), "count") for tier in TIERS),
        Column("no_tier", "Not routed", "count", "Asked for by name, answered from the cache, or refused."),
        Column("cheaper", "Cheaper tiers", "percent", "Of the calls that were routed."),
    )  # fmt: skip
    return Table("sent", "Where routing sent calls", columns, rows, empty="No call in this period and scope.")


def _sent(view: View, each: Sent, calls: str, mark: str = "") -> Row:
    values = (each.feature, *(each.tiers[tier] for tier in TIERS), each.other, each.cheaper)
    href = view.href("/spend", feature=each.feature) if not mark else ""
    return Row(values, href=href, calls=calls, mark="total" if mark else "")
