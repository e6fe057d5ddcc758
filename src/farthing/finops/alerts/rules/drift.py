"""What a call of a feature costs, its tokens, or the share of its calls on dearer models rises slowly, over weeks: no day is
out of order, and yet the month is. See `drift` for the test. Told once a month; what falls is nobody's trouble."""

from math import exp, log

from farthing.finops.alerts.drift import (
    Drifting,
    PerCall,
    Rise,
    cost_per_call,
    dear_share,
    ratio,
    rise,
    tokens_per_call,
)
from farthing.finops.alerts.finding import Finding
from farthing.finops.alerts.seen import Seen
from farthing.finops.alerts.sensitivity import Floors
from farthing.finops.alerts.words import number, percent, subject, times
from farthing.model.money import Nano, show_dollars

NAME = "drift"
MONTH = 30
"""Days that what is at stake is of."""
LATELY = 2
"""Weeks whose calls say how many there are now."""
NOISES = 4.5
POINTS = 0.15
"""Share of calls that moved to dearer models, from which on it is notable."""


class Drift:
    """See the module. `percent`: a rise of cost or tokens from which on it is notable; `least`: nano-dollars a month."""

    name = NAME

    def __init__(self, percent: float, least: Nano, floors: Floors) -> None:
        self._least_rise = log(1 + percent / 100)
        self._least = least
        self._floors = floors

    def __call__(self, seen: Seen) -> list[Finding]:
        least = max(self._least, int(MONTH * seen.usual_total * self._floors.percent / 100))
        found = (self._look(each, seen.now.strftime("%Y-%m"), least) for each in seen.drifting)
        return [finding for finding in found if finding is not None]

    def _look(self, feature: Drifting, month: str, least: Nano) -> Finding | None:
        weeks = feature.weeks
        lately = _sum([day for week in weeks[-LATELY:] for day in week])
        if not lately.calls:
            return None
        a_month = lately.cost * MONTH // (7 * LATELY)
        cost = rise(weeks, cost_per_call, self._least_rise, NOISES)
        tokens = rise(weeks, tokens_per_call, self._least_rise, NOISES)
        tiers = rise(weeks, dear_share, POINTS, NOISES)
        if cost is not None:
            said, at_stake = _of_cost(cost), int(a_month * (1 - 1 / ratio(cost)))
        elif tokens is not None:
            said, at_stake = f"{_of_tokens(tokens)}.", int(a_month * (1 - 1 / ratio(tokens)))
        elif tiers is not None:
            said, at_stake = f"{_of_tiers(tiers)}.", _moved(lately, tiers) * MONTH // (7 * LATELY)
        else:
            return None
        if at_stake < least:
            return None
        causes = [_of_tokens(tokens)] if cost and tokens else []
        causes += [_of_tiers(tiers)] if tiers and (cost or tokens) else []
        return Finding(
            NAME, feature.scope, month, "warn",
            f"{subject(feature.scope)}: {said} At its present number of calls that is {show_dollars(at_stake)} a month.",
            value=a_month, usual=a_month - at_stake, at_stake=at_stake, cause=f"{'; '.join(causes)}." if causes else "",
        )  # fmt: skip


def _sum(days: list[PerCall]) -> PerCall:
    found = PerCall()
    for day in days:
        found = found.plus(day)
    return found


def _moved(lately: PerCall, tiers: Rise) -> Nano:
    """What the calls cost more that moved to dearer models."""
    small, small_cost = lately.tiered - lately.dear, lately.tiered_cost - lately.dear_cost
    if not lately.dear or not small:
        return int(lately.dear_cost * (tiers.now - tiers.before))
    more = lately.dear_cost / lately.dear - small_cost / small
    return max(0, int(more * lately.tiered * (tiers.now - tiers.before)))


def _of_cost(found: Rise) -> str:
    before, now = (show_dollars(round(1000 * exp(level))) for level in (found.before, found.now))
    return (
        f"a thousand calls cost {now}, {number(found.weeks - 1, 'week')} ago {before} ({times(ratio(found))}), rising from "
        "week to week."
    )


def _of_tokens(found: Rise) -> str:
    return (
        f"tokens of a call went from {exp(found.before):,.0f} to {exp(found.now):,.0f} ({times(ratio(found))}) in "
        f"{number(found.weeks - 1, 'week')}"
    )


def _of_tiers(found: Rise) -> str:
    return (
        f"{percent(min(1.0, found.now))} of its calls are on models above the small tier, {percent(max(0.0, found.before))} "
        f"{number(found.weeks - 1, 'week')} ago"
    )
