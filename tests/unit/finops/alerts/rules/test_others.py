"""Newcomers, prices, targets, waste, errors, prices that are not known, silence, dear calls."""

from farthing.finops.alerts.finding import TOTAL, Scope
from farthing.finops.alerts.rules import single_call
from farthing.finops.alerts.rules.cache_hits import CacheHits
from farthing.finops.alerts.rules.cheap_tier import CheapTier
from farthing.finops.alerts.rules.errors import Errors
from farthing.finops.alerts.rules.newcomer import Newcomer
from farthing.finops.alerts.rules.no_data import NoData
from farthing.finops.alerts.rules.price_change import PriceChanges
from farthing.finops.alerts.rules.unpriced import Unpriced
from farthing.finops.alerts.rules.waste import Waste
from farthing.finops.alerts.seen import Counts, PriceChange, Rates, Seen, Silence
from farthing.store.alerts import Dear
from unit.finops.alerts.spending import AGENT, DOLLAR, NOON_US, seen, spend

MODEL = Scope("model", "m-1")


def test_a_newcomer_is_told_once_there_is_a_history_of_others() -> None:
    rule = Newcomer(DOLLAR)
    (found,) = rule(seen(spend([], 1.0, MODEL)))
    assert "is new" in found.text and found.scope == MODEL
    assert rule(seen(spend([], 0.99, MODEL))) == []
    assert rule(seen(spend([1.0], 5.0, MODEL))) == []
    assert rule(seen(spend([], 5.0, Scope("team", "x")))) == []
    young = seen(spend([], 5.0, MODEL))
    assert rule(Seen(NOON_US, spends=young.spends, known_days=6)) == []


def test_a_price_change_names_each_rate_and_what_it_means() -> None:
    changes = [
        PriceChange("m-1", "uncached_in", 2_500_000, 3_000_000, "2025-12-01", 40 * DOLLAR),
        PriceChange("m-1", "out", 10_000_000, 15_000_000, "2025-12-01", 40 * DOLLAR),
    ]
    (found,) = PriceChanges()(seen(price_changes=changes))
    assert "out $10.00 -> $15.00, uncached_in $2.50 -> $3.00" in found.text and found.at_stake == 20 * DOLLAR
    assert PriceChanges(60)(seen(price_changes=changes)) == []


def test_targets_need_calls_and_are_told_once_a_week() -> None:
    rates = Rates(calls=1_000, cost=100 * DOLLAR, cacheable=1_000, hits=200, tiered=1_000, small=600, other_tier_cost=9)
    (hits,) = CacheHits(0.3)(seen(rates=rates))
    assert hits.period == "2025-W48" and "20 % of the last seven days' 1,000 cacheable calls" in hits.text
    assert hits.at_stake == 100 * 100 * DOLLAR // 800
    (tier,) = CheapTier(0.7)(seen(rates=rates))
    assert "60 % of the last seven days' 1,000 routed calls" in tier.text
    few = Rates(calls=100, cacheable=100, tiered=100)
    assert CacheHits(0.3)(seen(rates=few)) == [] and CheapTier(0.7)(seen(rates=few)) == []
    met = rates._replace(hits=300, small=700)
    assert CacheHits(0.3)(seen(rates=met)) == [] and CheapTier(0.7)(seen(rates=met)) == []


def test_waste_has_a_floor_and_a_share() -> None:
    rule = Waste(0.05, DOLLAR)
    (found,) = rule(seen(wasted=6 * DOLLAR, retries=1))
    assert found.text == "Tries that came to nothing cost $6.00 today, 6.0 % of $100.00, with 1 retry."
    assert rule(seen(wasted=5 * DOLLAR)) == []
    assert Waste(0.0, 10 * DOLLAR)(seen(wasted=6 * DOLLAR)) == []


def test_errors_are_a_share_and_enough_of_them() -> None:
    rule = Errors(0.2)
    (found,) = rule(seen(counts=[Counts(AGENT, 100, 21, DOLLAR, lost=DOLLAR // 2)]))
    assert found.text.startswith("Feature agent: 21 % of 100 calls failed today") and found.at_stake == DOLLAR // 2
    assert rule(seen(counts=[Counts(AGENT, 100, 20), Counts(AGENT, 20, 19), Counts(MODEL, 100, 99)])) == []


def test_calls_without_a_cost_are_named_by_model() -> None:
    priced = Counts(Scope("model", "b"), 100, unknown=5)
    (found,) = Unpriced()(seen(counts=[Counts(MODEL, 3, unpriced=2, tokens_without_cost=900), priced]))
    assert "2 calls of today to model m-1 (900 tokens)" in found.text
    (unknown,) = Unpriced()(seen(counts=[Counts(MODEL, 100, unknown=30)]))
    assert "reported no usage" in unknown.text


def test_silence_is_a_state_of_its_own() -> None:
    (found,) = NoData()(seen(silences=[Silence(TOTAL, 3, 40)]))
    assert found.level == "no-data" and "no call for 3 hours" in found.text


def test_dear_calls_of_a_day_are_counted_together() -> None:
    calls = [Dear(f"c{n}", NOON_US, "default", "agent", "m-1", "ana", n * DOLLAR) for n in (2, 3)]
    one = single_call.finding(calls[:1], DOLLAR, "2025-11-25")
    assert one.text == "One call of feature agent cost $2.00, more than $1.00: call c2, model m-1, user ana."
    more = single_call.finding(calls, DOLLAR, "2025-11-25", before=8, cost_before=10 * DOLLAR)
    assert (more.count, more.value, more.step) == (10, 15 * DOLLAR, 2)
    assert more.text.endswith("Today 10 such calls cost $15.00.") and "call c3" in more.text
