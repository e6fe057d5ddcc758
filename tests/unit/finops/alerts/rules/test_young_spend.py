"""Absolute caps where there is nothing to compare with."""

from farthing.finops.alerts.rules.young_spend import YoungSpend
from unit.finops.alerts.spending import DOLLAR, seen, spend

RULE = YoungSpend(("feature",), 50 * DOLLAR)


def test_the_young_have_a_cap_and_the_grown_have_none() -> None:
    (found,) = RULE(seen(spend([1.0] * 3, 51.0)))
    assert "above the cap of $50.00" in found.text and found.at_stake == DOLLAR
    assert RULE(seen(spend([1.0] * 3, 50.0))) == []
    assert RULE(seen(spend([1.0] * 14, 51.0))) == []
    assert len(RULE(seen(spend([], 51.0)))) == 1


def test_what_was_dear_yesterday_too_is_no_news() -> None:
    assert RULE(seen(spend([60.0] * 3, 61.0))) == []
    assert len(RULE(seen(spend([60.0] * 3, 91.0)))) == 1
