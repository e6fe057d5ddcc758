"""The six metrics, each from the sums of one scope. Pure arithmetic: whole numbers until the last division."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from farthing.finops.metrics.facts import LEAST_MONTHS, Facts
from farthing.finops.metrics.metric import Beside, Metric, Target, amount_verdict, ratios, share_verdict, trend_of
from farthing.finops.tiers import STUDENT, TierOf
from farthing.finops.trend import Trend, trend
from farthing.model.money import Nano, show_dollars
from farthing.model.routes import TIERS
from farthing.store.days import Day
from farthing.store.rollups import DAY_US, month_of
from farthing.store.users import UserMonth

CHEAPER = ("small", "mid")
APART = (STUDENT, "embedding", "")
"""Kinds of model that the tier mix counts apart."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NOT_KEPT = "not kept for this scope"


def cost_per_query(facts: Facts, most: Nano) -> Metric:
    """All that was spent, errands included, over the queries of callers that did not fail and whose cost is known."""
    spent = {day.day_us: day.cost for day in facts.daily}
    queries = {day.day_us: day.priced for day in facts.daily}
    for errand in facts.errands:
        queries[errand.day_us] -= errand.priced
    cost, count = (_span(facts, series) for series in (spent, queries))
    series = [(day // DAY_US, spent[day], queries[day]) for day in spent if facts.in_trend(day)]
    found, means = trend_of(series, "a cost per query")
    target = Target(f"at most {show_dollars(most)}", most=most) if most else Target("not rising; set dollars_per_query")
    beside = []
    if facts.above_a_dollar is not None:
        above, sized = facts.above_a_dollar
        means_above = "calls that cost more than $1 (to 6 %) of all calls whose cost is known; the target is none"
        beside.append(Beside("above $1", above, sized, means_above))
    failed = sum(day.errors for day in facts.daily if facts.in_span(day.day_us))
    calls = sum(day.calls for day in facts.daily if facts.in_span(day.day_us))
    beside.append(Beside("failed", failed, calls, "calls that failed of all calls; what they cost is in the cost"))
    return Metric(
        "cost_per_query", "cost per query", "dollars", cost, "known cost of all calls, Farthing's own included", count,
        "callers' calls that did not fail and whose cost is known; cache hits count", target,
        amount_verdict(cost / count if count else None, target, found), trend=found, trend_means=means, beside=tuple(beside),
        daily=ratios(series),
    )  # fmt: skip


def cost_per_user(facts: Facts, most: Nano, revenue: Nano) -> Metric:
    """Of the last whole month of the span, or of the running one where there is none."""
    name, title = "cost_per_user_month", "cost per user per month"
    denominator = "users that calls named, each once a calendar month (UTC)"
    if revenue and not most:
        target = Target(f"below the revenue of {show_dollars(revenue)}", most=revenue)
    else:
        target = Target(f"at most {show_dollars(most)}", most=most) if most else Target("set dollars_per_user_month")
    if not facts.months:
        why = NOT_KEPT if facts.months is None else "no calls"
        return Metric(
            name, title, "dollars", 0, "", 0, denominator, target, "too little data",
            trend_means=why, notes=(f"users by month: {why}; they are kept in all and by feature",),
        )  # fmt: skip
    this_month = month_of(facts.now_us)
    whole = [month for month in facts.months if month.month_us < this_month]
    month = whole[-1] if whole else facts.months[-1]
    found, means = _months_trend(whole)
    value = month.cost / month.users if month.users else None
    verdict = amount_verdict(value, target, None) if target.most is not None else "no target"
    beside = [
        Beside("calls without a user", month.calls_of_nobody, month.calls + month.calls_of_nobody, "calls that named no user of all calls of the month; their cost is not in the figure"),
        Beside("calls per user", month.calls, month.users, "calls of named users over these users", "ratio"),
    ]  # fmt: skip
    if revenue:
        beside.append(
            Beside(
                "of revenue", month.cost, revenue * month.users, "cost of named users over revenue per user and month"
            )
        )
    which = _month_name(month.month_us)
    notes = [f"{which}, {'a whole month' if whole else 'which is not over'}"]
    notes += [f"{each.user} cost {show_dollars(each.cost)}, {each.calls:,} calls" for each in facts.dearest or ()][:3]
    return Metric(
        name, title, "dollars", month.cost, f"known cost of named users in {which}", month.users, denominator, target,
        "too little data" if value is None else verdict, trend=found, trend_means=means, beside=tuple(beside), notes=tuple(notes),
    )  # fmt: skip


def _months_trend(whole: Sequence[UserMonth]) -> tuple[Trend | None, str]:
    """Months are compared with all others: each is taken as the same weekday."""
    points = [(round(each.month_us / DAY_US / 7) * 7, each.cost / each.users) for each in whole if each.users]
    found = trend(points, least=LEAST_MONTHS)
    if found is None:
        return None, f"a trend needs {LEAST_MONTHS} whole months in the span"
    return found, f"a cost per user of {found.days} whole months"


def token_efficiency(facts: Facts) -> Metric:
    """Output that somebody could use, over all tokens that were paid for."""
    lost = {int(row.key): row for row in facts.waste or ()}

    def useful(day: Day) -> int:
        row = lost.get(day.day_us)
        return day.out_tokens - (row.lost_out + row.left_out if row is not None else 0)

    def billed(day: Day) -> int:
        return day.in_tokens + day.out_tokens

    series = [(day.day_us // DAY_US, useful(day), billed(day)) for day in facts.daily if facts.in_trend(day.day_us)]
    found, means = trend_of(series, "a token efficiency")
    now = [day for day in facts.daily if facts.in_span(day.day_us)]
    numerator, denominator = sum(map(useful, now)), sum(map(billed, now))
    target = Target("not falling")
    calls, cost = sum(day.calls for day in now), sum(day.cost for day in now)
    beside = [
        Beside("cached input", sum(day.cached_tokens for day in now), sum(day.in_tokens for day in now), "input tokens read from providers' caches of all input tokens"),
        Beside("tokens per call", denominator, calls, "billed tokens over all calls", "ratio"),
    ]  # fmt: skip
    if facts.transactions is not None and facts.transactions[1]:
        means_of = "tokens of all calls of the transactions that began in the span, over these transactions"
        beside.append(Beside("tokens per transaction", *facts.transactions, means_of, "ratio"))
    notes = []
    if facts.waste is None:
        notes.append(f"waste is {NOT_KEPT}: all output counts as useful here")
    else:
        beside += _wasted(facts, now, cost, denominator)
    return Metric(
        "token_efficiency", "token efficiency", "share", numerator,
        "output tokens of tries that answered and whose client stayed", denominator,
        "tokens of all tries: input (cached too) and output", target,
        amount_verdict(numerator / denominator if denominator else None, target, found), trend=found, trend_means=means, beside=tuple(beside), notes=tuple(notes),
        daily=ratios(series),
    )  # fmt: skip


def _wasted(facts: Facts, now: Sequence[Day], cost: Nano, billed: int) -> list[Beside]:
    rows = [row for row in facts.waste or () if facts.in_span(int(row.key))]

    def total(name: str) -> int:
        return sum(getattr(row, name) for row in rows)

    written = total("written_tokens")
    return [
        Beside("lost tries: cost", total("lost_cost"), cost, "known cost of retries, hedges and failed tries, of all cost"),
        Beside("lost tries: tokens", total("lost_in") + total("lost_out"), billed, "their tokens of all billed tokens"),
        Beside("abandoned: cost", total("left_cost"), cost, "known cost of tries whose client left, of all cost"),
        Beside("lost, cost unknown", total("cost_unknown"), sum(day.calls for day in now), "lost or abandoned tries whose cost nobody knows, over all calls"),
        Beside("reasoning", total("reasoning_tokens"), sum(day.out_tokens for day in now), "output that models thought and did not say, of all output; it counts as useful"),
        Beside("cache writes never read", _unread(facts, now), written, "at least so many of the tokens written to providers' caches were never read: writes less reads, by model where kept"),
    ]  # fmt: skip


def _unread(facts: Facts, now: Iterable[Day]) -> int:
    """A lower bound: a token that was read is taken to have been written by us, and each write to have been read once."""
    if facts.waste_by_model is None or facts.by_model is None:
        written = sum(row.written_tokens for row in facts.waste or () if facts.in_span(int(row.key)))
        return max(0, written - sum(day.cached_tokens for day in now))
    read: dict[str, int] = {}
    for day in facts.by_model:
        if facts.in_span(day.day_us):
            read[day.value] = read.get(day.value, 0) + day.cached_tokens
    return sum(max(0, row.written_tokens - read.get(row.key, 0)) for row in facts.waste_by_model)


def cache_hit_rate(facts: Facts, least: float) -> Metric:
    """Of all calls of callers; of those that the cache was allowed to answer beside it."""
    errands: dict[int, int] = {}
    for errand in facts.errands:
        errands[errand.day_us] = errands.get(errand.day_us, 0) + errand.calls

    def callers(day: Day) -> int:
        return day.calls - errands.get(day.day_us, 0)

    series = [(day.day_us // DAY_US, day.cache_hits, callers(day)) for day in facts.daily if facts.in_trend(day.day_us)]
    found, means = trend_of(series, "a hit rate")
    now = [day for day in facts.daily if facts.in_span(day.day_us)]
    hits, calls, cacheable = (sum(get(day) for day in now) for get in (lambda day: day.cache_hits, callers, lambda day: day.cacheable))  # fmt: skip
    verdict, low, high = share_verdict(hits, calls, least)
    beside = (
        Beside("of cacheable", hits, cacheable, "hits of the calls that the cache was allowed to answer"),
        Beside("cacheable", cacheable, calls, "calls that the cache was allowed to answer, of callers' calls"),
    )
    return Metric(
        "cache_hit_rate", "cache hit rate", "share", hits, "calls that Farthing's cache answered", calls, "callers' calls, whether or not the cache may answer them",
        Target(f"at least {least * 100:.0f} %", least=least), verdict, low, high, found, means, beside,
        daily=ratios(series),
    )  # fmt: skip


class TierDay(NamedTuple):
    """What the models of one tier did on one day."""

    day_us: int
    kind: str
    """A tier, or one of `APART`."""
    calls: int
    """Answered by a model."""
    hits: int
    """Answered by the cache in place of such a model."""
    tokens: int
    cost: Nano


def by_tier(facts: Facts, tier: TierOf) -> Iterator[TierDay]:
    """What a tier mix is summed from, in the order of days; nothing where models are not kept for the scope."""
    for day in facts.by_model or ():
        answered = day.calls - day.cache_hits
        yield TierDay(day.day_us, tier(day.value), answered, day.cache_hits, day.in_tokens + day.out_tokens, day.cost)


def tier_mix(facts: Facts, least: float, tier: TierOf) -> Metric:
    """Of the calls that a general model answered: cache hits, students and models of no tier are counted apart."""
    name, title = "tier_mix", "cheaper tiers"
    target = Target(f"at least {least * 100:.0f} %", least=least)
    denominator = "calls that a small, mid or flagship model answered"
    if facts.by_model is None:
        return Metric(
            name, title, "share", 0, "", 0, denominator, target, "too little data",
            notes=(f"models are {NOT_KEPT}; they are kept in all and by feature, team and task",),
        )  # fmt: skip
    errands = {day.day_us for day in facts.errands}
    daily: dict[int, list[int]] = {}
    calls = dict.fromkeys((*TIERS, *APART), 0)
    tokens, cost, hits = dict(calls), dict(calls), 0
    for each in by_tier(facts, tier):
        if each.kind in TIERS and facts.in_trend(each.day_us):
            sums = daily.setdefault(each.day_us // DAY_US, [0, 0])
            sums[0] += each.calls * (each.kind in CHEAPER)
            sums[1] += each.calls
        if facts.in_span(each.day_us):
            hits += each.hits
            calls[each.kind] += each.calls
            tokens[each.kind] += each.tokens
            cost[each.kind] += each.cost
    series = [(day, sums[0], sums[1]) for day, sums in sorted(daily.items())]
    found, means = trend_of(series, "a tier mix")
    verdict, low, high = share_verdict(_cheaper(calls), _of_tiers(calls), least)
    everything = sum(calls.values()) + hits
    beside = [
        Beside("small alone", calls["small"], _of_tiers(calls), "calls that a small model answered, of the same calls"),
        Beside("by tokens", _cheaper(tokens), _of_tiers(tokens), "their tokens, cheaper tiers of all tiers"),
        Beside("by dollars", _cheaper(cost), _of_tiers(cost), "their known cost, cheaper tiers of all tiers"),
        Beside("cache hits, apart", hits, everything, "calls that no model answered, of all calls"),
        Beside("students, apart", calls[STUDENT], everything, "calls that distilled models answered, of all calls"),
        Beside("embeddings, apart", calls["embedding"], everything, "calls for vectors, of all calls"),
        Beside("no tier, apart", calls[""], everything, "calls of models of no known tier, or never sent, of all calls"),
    ]  # fmt: skip
    notes = ("Farthing's own calls are in it",) if errands else ()
    return Metric(
        name, title, "share", _cheaper(calls), "calls that a small or mid model answered", _of_tiers(calls), denominator, target,
        verdict, low, high, found, means, tuple(beside), notes, ratios(series),
    )  # fmt: skip


def _cheaper(sums: dict[str, int]) -> int:
    return sum(sums[kind] for kind in CHEAPER)


def _of_tiers(sums: dict[str, int]) -> int:
    return sum(sums[kind] for kind in TIERS)


def _span(facts: Facts, series: dict[int, int]) -> int:
    return sum(number for day, number in series.items() if facts.in_span(day))


def _month_name(month_us: int) -> str:
    return day_name(month_us)[:7]


def day_name(us: int) -> str:
    """The UTC date."""
    return (EPOCH + timedelta(microseconds=us)).date().isoformat()
