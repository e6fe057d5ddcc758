"""What a weekday, a level and noise do not explain."""

from farthing.finops.alerts.history import Shape
from farthing.finops.alerts.rules.unusual_spend import UnusualSpend
from farthing.finops.alerts.sensitivity import SENSITIVITIES, Floors
from unit.finops.alerts.spending import seen, spend

WEEK = [100.0] * 5 + [20.0] * 2
QUIET = Shape(noise=0.05)


def rule(sensitivity: str = "normal") -> UnusualSpend:
    return UnusualSpend(("feature",), Floors(), SENSITIVITIES[sensitivity])


def test_a_sunday_that_costs_as_much_as_a_monday_is_found() -> None:
    sunday = spend(WEEK * 5, 100.0, weekday=0)  # the days end with a Sunday, today is a Monday
    assert rule()(seen(sunday)) == []
    (found,) = rule()(seen(spend((WEEK * 6)[:-1], 100.0, weekday=6, shape=QUIET)))
    assert "times what this weekday usually costs ($20.00)" in found.text


def test_a_noisy_scope_is_given_more_room() -> None:
    calm, noisy = [50.0, 51.0] * 18, [30.0, 80.0, 45.0, 110.0, 25.0] * 7
    assert len(rule()(seen(spend(calm, 110.0, shape=QUIET)))) == 1
    assert rule()(seen(spend(noisy, 110.0))) == []


def test_the_knob_turns_one_way() -> None:
    day = spend([50.0, 56.0] * 18, 95.0, shape=Shape(noise=0.1))
    found = [len(rule(name)(seen(day))) for name in ("low", "normal", "high")]
    assert found == sorted(found) and found[-1] == 1 and found[0] == 0


def test_early_hours_need_more() -> None:
    days = [48.0] * 35
    assert rule()(seen(spend(days, 4.0, hour=1.0, shape=QUIET))) == []
    assert len(rule()(seen(spend(days, 96.0, hour=23.0, shape=QUIET)))) == 1


def test_without_three_days_it_says_nothing() -> None:
    assert rule()(seen(spend([5.0, 5.0], 500.0))) == []
