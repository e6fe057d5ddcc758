"""More than twice the seven-day average, in total and for each."""

from farthing.finops.alerts.finding import TOTAL
from farthing.finops.alerts.rules.day_spend import DaySpend
from farthing.finops.alerts.sensitivity import Floors
from unit.finops.alerts.spending import AGENT, DOLLAR, seen, spend

RULE = DaySpend(("total", "feature"), Floors())


def test_twice_the_average_is_the_edge_to_the_nano_dollar() -> None:
    assert RULE(seen(spend([20.0] * 10, 40.0))) == []
    (found,) = RULE(seen(spend([20.0] * 10, 40.000000001)))
    assert (found.scope, found.period, found.level, found.at_stake) == (AGENT, "2025-11-25", "alert", 20 * DOLLAR + 1)
    assert "$40.00 today, 2.0 times its seven-day average of $20.00" in found.text


def test_floors_hold_in_money_and_in_percent() -> None:
    assert RULE(seen(spend([1.0] * 10, 5.9))) == []  # $4.90 more
    assert len(RULE(seen(spend([1.0] * 10, 6.1)))) == 1
    percent = DaySpend(("feature",), Floors(0, 10.0))
    assert percent(seen(spend([1.0] * 10, 10.9))) == []  # $9.90 of $100
    assert len(percent(seen(spend([1.0] * 10, 11.1)))) == 1


def test_it_is_seen_during_the_day_before_it_is_certain() -> None:
    (found,) = RULE(seen(spend([24.0] * 10, 16.0, hour=4.0)))
    assert found.level in ("warn", "alert") and "on its way to" in found.text
    assert found.value > 48 * DOLLAR
    assert RULE(seen(spend([24.0] * 10, 4.0, hour=4.0))) == []


def test_only_what_is_asked_for_is_looked_at_and_nothing_without_history() -> None:
    assert DaySpend(("team",), Floors())(seen(spend([20.0] * 10, 400.0))) == []
    assert RULE(seen(spend([], 400.0))) == [] and RULE(seen(spend([1.0, 1.0], 400.0))) == []
    assert [found.scope for found in RULE(seen())] == []
    assert RULE(seen(spend([20.0] * 10, 400.0, TOTAL)))[0].text.startswith("All spending has spent")
