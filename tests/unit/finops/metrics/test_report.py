"""The six metrics say what the calls' own rows say, to the nano-dollar, whatever the span and scope; on both engines."""

import random
from collections.abc import Callable, Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.finops.metrics import Metrics, Options, read
from farthing.finops.metrics.facts import Scope
from farthing.finops.tiers import TierOf, tier_of
from farthing.model.errors import BadRequest
from farthing.model.record import Record
from farthing.settings import FinopsSettings, RoutingSettings, Settings
from farthing.store import Store
from farthing.store.engine import Connection
from farthing.store.rollups import DAY_US, month_of
from laws import examples
from unit.finops.traffic import FIRST_US, traffic

TIER = tier_of(Settings(routing=RoutingSettings(small=["gpt-5.4-mini"]), finops=FinopsSettings(students=["tiny-*"])))
KNOWN = ("reported", "computed", "estimated")
DAYS = 45
NOW_US = FIRST_US + DAYS * DAY_US
CALLS = traffic(400, DAYS, seed=4)

laws = examples(15)
scopes = st.sampled_from(
    [{}, {"feature": "chat"}, {"team": "growth"}, {"project": "shop"}, {"model": "gpt-5.4"}, {"task": "qa"}, {"tier": "small"},
     {"key": "k1"}, {"user": "ana"}, {"feature": "chat", "model": "gpt-5.4"}, {"user": "ana", "feature": "chat"}]
)  # fmt: skip
COLUMN = {"key": "key_id"}


def chosen(where: dict[str, str], tenant: str, since: int, until: int) -> list[Record]:
    return [
        call
        for call in CALLS
        if since <= call.started_us < until
        and (not tenant or call.tenant == tenant)
        and all(getattr(call, COLUMN.get(name, name)) == value for name, value in where.items())
    ]


def total(calls: Iterable[Record], what: Callable[[Record], int]) -> int:
    return sum(map(what, calls))


def own(call: Record) -> bool:
    return call.feature.startswith("farthing ")


@pytest.fixture
async def filled(store: Store) -> Store:
    await store.write(CALLS)
    return store


@laws
@given(
    where=scopes,
    tenant=st.sampled_from(["", "default", "acme"]),
    first=st.integers(0, DAYS),
    length=st.integers(1, DAYS),
)
def test_each_figure_is_what_the_rows_give(
    filled: Store, connection: Connection, where: dict[str, str], tenant: str, first: int, length: int
) -> None:
    since = FIRST_US + first * DAY_US
    until = since + length * DAY_US
    report = read(connection, Scope(since, until, tenant, where), Options(), TIER, NOW_US)
    calls = chosen(where, tenant, since, until)
    assert (report.calls, report.cost) == (len(calls), total(calls, lambda call: call.cost))
    assert report.without_cost == total(calls, lambda call: call.cost_state not in KNOWN)
    answered = [call for call in calls if call.outcome in ("ok", "left") and call.cost_state in KNOWN]
    queries = report.metric("cost_per_query")
    assert queries.numerator == report.cost
    assert queries.denominator == total(answered, lambda call: bool(where) or not own(call))
    check_tokens(report, where, calls)
    hits = report.metric("cache_hit_rate")
    assert hits.numerator == total(calls, lambda call: call.cache in ("exact", "semantic"))
    assert hits.denominator == total(calls, lambda call: bool(where) or not own(call))
    assert hits.beside[0].denominator == total(calls, lambda call: call.cache != "")
    check_tiers(report, where, calls)
    check_users(report, where, tenant, since, until)
    check_features(report, where, tenant, calls)


def check_tokens(report: Metrics, where: dict[str, str], calls: list[Record]) -> None:
    metric = report.metric("token_efficiency")
    assert metric.denominator == total(calls, lambda call: call.in_tokens + call.out_tokens)
    if len(where) > 1 or "user" in where:
        assert metric.numerator == total(calls, lambda call: call.out_tokens)
        assert "waste is not kept" in metric.notes[0]
        return
    answering = [
        attempt
        for call in calls
        if call.outcome == "ok"
        for attempt in call.attempts
        if attempt.no == max(each.no for each in call.attempts) and attempt.usage is not None
    ]
    assert metric.numerator == sum(attempt.usage.total_out for attempt in answering if attempt.usage is not None)
    beside = {each.name: each for each in metric.beside}
    left = [call for call in calls if call.outcome == "left" and call.attempts]
    last = [[each for each in call.attempts if each.no == call.attempts[-1].no] for call in left]
    assert beside["abandoned: cost"].numerator == sum(each.cost for attempts in last for each in attempts)
    useful = total([call for call in calls if call.outcome == "ok"], lambda call: sum(each.cost for each in call.attempts if each.no == call.attempts[-1].no))  # fmt: skip
    assert beside["lost tries: cost"].numerator == report.cost - useful - beside["abandoned: cost"].numerator


def check_tiers(report: Metrics, where: dict[str, str], calls: list[Record]) -> None:
    metric = report.metric("tier_mix")
    if not set(where) <= {"feature", "team", "task", "model"}:
        assert metric.denominator == 0 and "models are not kept" in metric.notes[0]
        return
    by_models = [call for call in calls if call.cache not in ("exact", "semantic")]
    cheaper = [call for call in by_models if TIER(call.model) in ("small", "mid")]
    general = [call for call in by_models if TIER(call.model) in ("small", "mid", "flagship")]
    assert (metric.numerator, metric.denominator) == (len(cheaper), len(general))
    beside = {each.name: each for each in metric.beside}
    assert beside["students, apart"].numerator == total(by_models, lambda call: call.model == "tiny-triage")
    assert beside["by dollars"].denominator == total(
        calls, lambda call: call.cost if TIER(call.model) in ("small", "mid", "flagship") else 0
    )
    assert sum(each.numerator for name, each in beside.items() if "apart" in name) + metric.denominator == len(calls)


def check_users(report: Metrics, where: dict[str, str], tenant: str, since: int, until: int) -> None:
    metric = report.metric("cost_per_user_month")
    if not set(where) <= {"feature"}:
        assert metric.denominator == 0 and "not kept" in metric.notes[0]
        return
    this_month = month_of(NOW_US)
    months = sorted(
        {month_of(call.started_us) for call in chosen(where, tenant, month_of(since), until_of_month(until))}
    )
    if not months:
        assert metric.value is None
        return
    whole = [month for month in months if month < this_month]
    month = whole[-1] if whole else months[-1]
    calls = [call for call in chosen(where, tenant, month, until_of_month(month + 1)) if call.user]
    assert metric.denominator == len({(call.tenant, call.user) for call in calls})
    assert metric.numerator == total(calls, lambda call: call.cost)


def until_of_month(until: int) -> int:
    """The end of the month that the last moment before `until` is in."""
    return month_of(month_of(until - 1) + 32 * DAY_US)


def check_features(report: Metrics, where: dict[str, str], tenant: str, calls: list[Record]) -> None:
    if not set(where) <= {"feature", "model", "tier", "user"} or (len(where) > 1 and "feature" not in where):
        assert report.features == ()
        return
    scope = report.scope
    before = chosen(where, tenant, scope.since_us - scope.length_us, scope.since_us)
    names = {call.feature for call in calls} | {call.feature for call in before if call.cost}
    assert {each.feature for each in report.features} == names
    for each in report.features:
        assert each.cost == total(calls, lambda call, name=each.feature: call.cost * (call.feature == name))  # type: ignore[misc]
        assert each.before == total(before, lambda call, name=each.feature: call.cost * (call.feature == name))  # type: ignore[misc]


def test_what_no_rollup_keeps_is_refused(filled: Store, connection: Connection) -> None:
    with pytest.raises(BadRequest, match="no sums are kept"):
        read(connection, Scope(FIRST_US, NOW_US, "", {"team": "growth", "user": "ana"}), Options(), TIER, NOW_US)


def test_nothing_yet(store: Store, connection: Connection) -> None:
    report = read(connection, Scope(FIRST_US, NOW_US), Options(), TIER, NOW_US)
    assert [metric.value for metric in report.metrics] == [None] * 6
    assert {metric.verdict for metric in report.metrics} <= {"too little data"}


def test_targets_and_verdicts(filled: Store, connection: Connection) -> None:
    scope = Scope(FIRST_US, NOW_US)

    def verdicts(options: Options) -> list[str]:
        return [metric.verdict for metric in read(connection, scope, options, TIER, NOW_US).metrics[:5]]

    strict = Options(most_per_query=1, most_per_user=1, least_hits=0.9, least_cheaper=0.9)
    easy = Options(most_per_query=10**12, most_per_user=10**15, least_hits=0.1, least_cheaper=0.1)
    assert [each for at, each in enumerate(verdicts(strict)) if at != 2] == ["missed"] * 4
    assert [each for at, each in enumerate(verdicts(easy)) if at != 2] == ["met"] * 4
    users = read(connection, scope, Options(revenue_per_user=10**15), TIER, NOW_US).metric("cost_per_user_month")
    assert users.verdict == "met" and users.beside[-1].denominator == 10**15 * users.denominator


def a_day_of(number: int, dice: random.Random, dear: float) -> Record:
    call = traffic(1, 1, seed=number)[0]
    call.started_us = FIRST_US + number * DAY_US
    call.outcome, call.cost_state, call.feature, call.cache = "ok", "computed", "chat", ""
    call.cost = call.baseline = round(10**6 * dear * dice.uniform(0.95, 1.05))
    call.attempts, call.savings = [], []
    return call


async def test_a_cost_that_falls_is_said_to_fall_and_one_that_does_not_is_not(
    store: Store, connection: Connection
) -> None:
    dice = random.Random(2)
    await store.write([a_day_of(number, dice, 0.99**number) for number in range(DAYS)])
    await store.write([a_day_of(number + 1000, dice, 1.0) for number in range(DAYS)])
    falling = read(connection, Scope(NOW_US - 30 * DAY_US, NOW_US), Options(), TIER, NOW_US).metric("cost_per_query")
    assert falling.verdict == "falling" and falling.trend is not None and falling.trend.high < 0
    steady = Scope(FIRST_US + 1000 * DAY_US, FIRST_US + (1000 + DAYS) * DAY_US)
    report = read(connection, steady, Options(), TIER, steady.until_us)
    assert report.metric("cost_per_query").verdict == "no trend"
    assert report.metric("cost_by_feature").verdict == "no trend"


def test_tiers_are_by_settings_then_by_what_is_known() -> None:
    tier: TierOf = TIER
    assert [tier(name) for name in ("gpt-5.4-mini", "tiny-triage", "nobody-knows-it", "text-embedding-3-small")] == [
        "small", "student", "", "embedding",
    ]  # fmt: skip
