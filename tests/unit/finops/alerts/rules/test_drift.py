"""What the drift rule says: which measure, how much a month, and only above the floors."""

from collections.abc import Callable

import msgspec

from farthing.finops.alerts.drift import Drifting, PerCall, weeks_of
from farthing.finops.alerts.finding import Finding, Scope
from farthing.finops.alerts.rules.drift import Drift
from farthing.finops.alerts.sensitivity import Floors
from unit.finops.alerts.spending import DOLLAR, seen

TODAY = 20_000
AGENT = Scope("feature", "agent")


def look(day: Callable[[float], PerCall], least: int = 50 * DOLLAR) -> list[Finding]:
    """`day` makes calls of how far the eight weeks have passed, from 0 to 1."""
    days = {TODAY - 56 + place: day(place / 55) for place in range(56)}
    what = msgspec.structs.replace(seen(), drifting=[Drifting(AGENT, weeks_of(days, TODAY))])
    return Drift(20, least, Floors())(what)


def test_cost_with_its_cause() -> None:
    (found,) = look(lambda passed: PerCall(1000, int(10 * DOLLAR * (1 + passed)), int(10**6 * (1 + passed))))
    assert found.scope == AGENT and found.level == "warn" and len(found.period) == 7
    assert "a thousand calls cost $" in found.text and "7 weeks ago" in found.text and "a month" in found.text
    assert "tokens of a call went from 1,0" in found.cause
    assert found.value - found.usual == found.at_stake and 200 * DOLLAR < found.at_stake < 300 * DOLLAR


def test_tokens_alone() -> None:
    (found,) = look(lambda passed: PerCall(1000, 20 * DOLLAR, int(10**6 * (1 + passed))))
    assert "tokens of a call went from" in found.text and found.cause == ""


def test_tiers_alone() -> None:
    def day(passed: float) -> PerCall:
        dear = int(1000 * (0.1 + 0.5 * passed))
        return PerCall(1000, 20 * DOLLAR, 10**6, 1000, dear, 20 * DOLLAR, int(dear * 0.035 * DOLLAR))

    (found,) = look(day)
    assert "of its calls are on models above the small tier" in found.text and found.at_stake > 50 * DOLLAR


def test_floors() -> None:
    def cheap(passed: float) -> PerCall:
        return PerCall(1000, int(1.5 * DOLLAR * (1 + passed)), 10**6)

    assert look(cheap) == [] and len(look(cheap, DOLLAR)) == 1
    assert look(lambda passed: PerCall(1000, 10 * DOLLAR, 10**6)) == []
    assert look(lambda passed: PerCall()) == []
    assert look(lambda passed: PerCall(1000, int(20 * DOLLAR * (1 - passed / 2)), int(10**6 * (1 - passed / 2)))) == []
