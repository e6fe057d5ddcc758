"""Levels, speed and forecast of budgets."""

from hypothesis import given
from hypothesis import strategies as st

from farthing.finops.alerts.rules.budget_forecast import BudgetForecast
from farthing.finops.alerts.rules.budget_level import BudgetLevel
from farthing.finops.alerts.rules.burn_rate import BurnRate
from farthing.finops.alerts.seen import BudgetSeen
from unit.finops.alerts.spending import DOLLAR, NOON_US, seen

HOUR_US = 3_600_000_000
MONTH_H = 720


def budget(spent: int, limit: int = 100 * DOLLAR, **more: object) -> BudgetSeen:
    starts = NOON_US - 240 * HOUR_US
    return BudgetSeen(
        "b1", "support", "2025-11", limit, spent, starts_us=starts, ends_us=starts + MONTH_H * HOUR_US, **more
    )  # type: ignore[arg-type]


@given(st.integers(1, 10**15), st.integers(0, 2 * 10**15))
def test_levels_are_exact_at_each_edge(limit: int, spent: int) -> None:
    found = BudgetLevel((50, 80, 100))(seen(budgets=[budget(spent, limit)]))
    passed = [percent for percent in (50, 80, 100) if spent * 100 >= limit * percent]
    assert [each.step for each in found] == ([passed[-1] * 10] if passed else [])
    assert all(each.level == ("alert" if spent >= limit else "warn") for each in found)


def test_a_level_says_what_is_left() -> None:
    (found,) = BudgetLevel()(seen(budgets=[budget(80 * DOLLAR)]))
    assert found.text == "80 % of the budget support ($100.00) is spent; $20.00 is left for 20 days."
    assert found.period == "2025-11"
    (found,) = BudgetLevel()(seen(budgets=[budget(103 * DOLLAR)]))
    assert "$3.00 above it" in found.text and found.at_stake == 3 * DOLLAR
    assert BudgetLevel()(seen(budgets=[budget(5, 0)])) == []


def test_it_burns_only_if_the_long_and_the_short_span_say_so() -> None:
    rule = BurnRate(DOLLAR)
    even = 100 * DOLLAR // MONTH_H
    fast = ((1.0, 40 * DOLLAR), (1 / 12, 42 * DOLLAR - even))
    (found,) = rule(seen(budgets=[budget(42 * DOLLAR + even, spent_before=fast)]))
    assert found.level == "alert" and "burns 1" in found.text and "before its window ends" in found.text
    over = ((1.0, 40 * DOLLAR), (1 / 12, 42 * DOLLAR))
    assert rule(seen(budgets=[budget(42 * DOLLAR, spent_before=over)])) == []
    assert rule(seen(budgets=[budget(42 * DOLLAR)])) == []


def test_an_even_pace_is_how_money_is_meant_to_go() -> None:
    even = 100 * DOLLAR // MONTH_H
    spent = even * 240
    levels = tuple((hours, spent - round(even * hours)) for hours in (1 / 12, 0.5, 1.0, 6.0, 72.0))
    assert BurnRate(0)(seen(budgets=[budget(spent, spent_before=levels)])) == []
    slow = tuple((hours, spent - round(2 * even * hours)) for hours in (6.0, 72.0))
    (found,) = BurnRate(0)(seen(budgets=[budget(spent, spent_before=slow)]))
    assert found.level == "warn" and "2.0 times its even pace" in found.text


def test_a_forecast_is_told_above_its_chance() -> None:
    foreseen = {"forecast": 130 * DOLLAR, "forecast_low": 110 * DOLLAR, "forecast_high": 150 * DOLLAR}
    rule = BudgetForecast(0.5)
    assert rule(seen(budgets=[budget(40 * DOLLAR, chance_over=0.5, **foreseen)])) == []
    (found,) = rule(seen(budgets=[budget(40 * DOLLAR, chance_over=0.97, **foreseen)]))
    assert "$130.00 ($110.00 to $150.00) of $100.00; the chance that it ends above is 97 %" in found.text
    assert found.at_stake == 30 * DOLLAR
    assert rule(seen(budgets=[budget(40 * DOLLAR)])) == []
    assert rule(seen(budgets=[budget(100 * DOLLAR, chance_over=1.0, **foreseen)])) == []
