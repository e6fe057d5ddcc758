"""Today costs more than twice the trailing seven-day average: in total, and for each feature, team and model.

Plain on purpose: anybody can check it with a calculator. It is evaluated during the day on what the day comes to, and
certain once that much is spent. What it cannot know, weekdays and noise, is the part of `unusual_spend`.
"""

from collections.abc import Collection

from farthing.finops.alerts.finding import Finding
from farthing.finops.alerts.seen import Seen, Spend
from farthing.finops.alerts.sensitivity import Floors
from farthing.finops.alerts.words import subject, times
from farthing.model.money import show_dollars

NAME = "day_spend"


class DaySpend:
    """See the module. `kinds`: the kinds of scopes that are looked at."""

    name = NAME

    def __init__(self, kinds: Collection[str], floors: Floors, ratio: float = 2.0) -> None:
        self._kinds = frozenset(kinds)
        self._floors = floors
        self._ratio = ratio

    def __call__(self, seen: Seen) -> list[Finding]:
        day, least = seen.day, self._floors.least(seen.usual_total)
        found = (self._look(spend, day, least) for spend in seen.spends if spend.scope.kind in self._kinds)
        return [finding for finding in found if finding is not None]

    def _look(self, spend: Spend, day: str, least: int) -> Finding | None:
        mean = spend.history.mean_of_7
        if mean <= 0 or spend.history.too_young:
            return None
        comes_to = int(spend.today.projected(mean))
        if comes_to <= self._ratio * mean or comes_to - mean < least or spend.today.spent < least // 4:
            return None
        spent = spend.today.spent
        certain = spent > self._ratio * mean
        how = (
            f"has spent {show_dollars(spent)} today, {times(spent / mean)} its seven-day average of {show_dollars(mean)} a day"
            if certain
            else f"is on its way to {show_dollars(comes_to)} today, {times(comes_to / mean)} its seven-day average of "
            f"{show_dollars(mean)} a day ({show_dollars(spent)} so far)"
        )
        return Finding(
            NAME, spend.scope, day, "alert" if certain or comes_to > 2 * self._ratio * mean else "warn",
            f"{subject(spend.scope)} {how}.",
            value=comes_to, usual=mean, at_stake=comes_to - mean,
        )  # fmt: skip
