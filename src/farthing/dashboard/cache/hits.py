"""How often the cache answers, over time and by feature, and what that saves."""

from collections.abc import Mapping

from farthing.dashboard.cache.reading import Called
from farthing.dashboard.charts.chart import Chart
from farthing.dashboard.formats import count, money, percent
from farthing.dashboard.shares import Share, chart
from farthing.dashboard.table import Column, Row, Table
from farthing.dashboard.view import View
from farthing.finops.metrics.facts import Facts
from farthing.finops.metrics.six import cache_hit_rate
from farthing.steps.cache.standing import mode_of
from farthing.store import ReportRow
from farthing.store.entries import ScopeStats, Stats
from farthing.store.rollups import DAY_US

STATES = {"met": "good", "missed": "bad", "too close to tell": "warn"}
LOOKS = {"exact": 2, "semantic": 4, "hits": 2}
COLUMNS = (
    Column("feature", "Feature"), Column("mode", "Cache"), Column("calls", "Calls", "count"),
    Column("cacheable", "Cacheable", "count", "The cache is on, the temperature low enough, one answer wanted, and the call did not say no-cache."),
    Column("hits", "From the cache", "count"), Column("of_calls", "Of all", "percent"), Column("of_cacheable", "Of cacheable", "percent"),
    Column("answers", "Answers stored", "count"), Column("size", "Size", "exact"),
    Column("saved", "They saved", "money", "Hits of the answers that are still stored, times what each cost."),
)  # fmt: skip


def tiles(view: View, found: Called, least: float) -> list[dict[str, str]]:
    metric = cache_hit_rate(found.facts, least)
    cacheable = next(each for each in metric.beside if each.name == "of cacheable")
    interval = f"; 95 %: {percent(metric.low)} to {percent(metric.high)}" if metric.low is not None else ""
    rate = {
        "title": "Hit rate, of all calls", "value": percent(metric.value), "state": STATES.get(metric.verdict, ""),
        "note": f"{count(metric.numerator)} of {count(metric.denominator)}; target: {metric.target.words}{interval}",
    }  # fmt: skip
    allowed = {
        "title": "Of cacheable calls", "value": percent(cacheable.value),
        "note": f"of {count(cacheable.denominator)} that the cache was allowed to answer",
    }  # fmt: skip
    return [rate, allowed, _kinds(view, found), *_saved(found)]


def _kinds(view: View, found: Called) -> dict[str, str]:
    """Exact and semantic hits apart."""
    exact, semantic = (sum(cache == kind for _, cache in found.answered) for kind in ("exact", "semantic"))
    whose = (
        "of the period" if found.told_apart else f"of the newest {len(found.answered):,} calls; no sums of it are kept"
    )
    return {"title": "Semantic hits", "value": count(semantic), "note": f"and {count(exact)} exact ones, {whose}", "href": view.calls(cache="semantic")}  # fmt: skip


def _saved(found: Called) -> list[dict[str, str]]:
    if found.lever is None:
        return []
    own = f", after {money(found.lever.overhead)} of its own" if found.lever.overhead else ""
    state = "good" if found.lever.saved > 0 else "bad" if found.lever.saved < 0 else ""
    return [{"title": "Saved by the cache", "value": money(found.lever.saved), "note": f"booked for the period{own}", "state": state, "href": "/#savings"}]  # fmt: skip


def over_time(view: View, found: Called, least: float) -> Chart:
    """Exact and semantic apart where each hit of the period is known by itself."""
    facts, period = found.facts, view.filters.period
    hits = {day.day_us: day.cache_hits for day in facts.daily if facts.in_span(day.day_us)}
    if found.told_apart:
        shares = [Share(kind, LOOKS[kind], _by_day(found, kind)) for kind in ("exact", "semantic")]
    else:
        shares = [Share("hits", LOOKS["hits"], hits)]
    return chart(
        "Calls that the cache answered", period, shares, _callers(facts), "calls", least, [each.name for each in shares]
    )


def _by_day(found: Called, kind: str) -> dict[int, int]:
    days: dict[int, int] = {}
    for at, cache in found.answered:
        if cache == kind:
            days[at - at % DAY_US] = days.get(at - at % DAY_US, 0) + 1
    return days


def _callers(facts: Facts) -> Mapping[int, int]:
    """Calls of callers by day, as the metric counts them."""
    calls = {day.day_us: day.calls for day in facts.daily if facts.in_span(day.day_us)}
    for errand in facts.errands:
        if errand.day_us in calls:
            calls[errand.day_us] -= errand.calls
    return calls


def table(view: View, rows: list[ReportRow] | None, stats: Stats | None) -> Table:
    stored = {each.scope: each for each in stats.scopes} if stats is not None else {}
    feature = view.where.get("feature")
    known = {row.key: row for row in rows or ()}
    names = [*known, *(name for name in stored if name not in known and feature in (None, name))]
    return Table(
        "features", "By feature", COLUMNS, [_row(view, name, known.get(name, ReportRow(name)), stored.get(name)) for name in names],
        empty="No call in this period and scope, and nothing is stored." if rows is not None else "Hits by feature are not kept for this scope. Take a filter away.",
    )  # fmt: skip


def _row(view: View, name: str, row: ReportRow, stored: ScopeStats | None) -> Row:
    mode = mode_of(view.sources.settings.cache, name)
    values = (
        name, mode, row.calls, row.cacheable, row.cache_hits, row.cache_hits / row.calls if row.calls else None,
        row.cache_hits / row.cacheable if row.cacheable else None, stored.entries if stored is not None else None,
        size(stored.bytes) if stored is not None else None, stored.saved if stored is not None else None,
    )  # fmt: skip
    return Row(
        values, href=view.href(feature=name), calls=view.calls(feature=name), mark="quiet" if mode == "off" else ""
    )


def size(bytes_: int) -> str:
    return f"{bytes_ / 2**20:,.1f} MiB" if bytes_ >= 2**20 else f"{bytes_ / 2**10:,.1f} KiB"
