"""Errors and retries cost a notable part of the day: tries that were paid for and came to nothing."""

from farthing.finops.alerts.finding import TOTAL, Finding
from farthing.finops.alerts.seen import Seen
from farthing.finops.alerts.words import number, percent
from farthing.model.money import Nano, show_dollars

NAME = "waste"


class Waste:
    """See the module. `share` of the day's cost, and at least `least` nano-dollars."""

    name = NAME

    def __init__(self, share: float, least: Nano) -> None:
        self._share = share
        self._least = least

    def __call__(self, seen: Seen) -> list[Finding]:
        cost = seen.spends[0].today.spent if seen.spends else 0
        if cost <= 0 or seen.wasted < self._least or seen.wasted <= self._share * cost:
            return []
        return [
            Finding(
                NAME, TOTAL, seen.day, "warn",
                f"Tries that came to nothing cost {show_dollars(seen.wasted)} today, {percent(seen.wasted / cost)} of "
                f"{show_dollars(cost)}, with {number(seen.retries, 'retry', 'retries')}.",
                value=seen.wasted, usual=int(self._share * cost), at_stake=seen.wasted,
            )
        ]  # fmt: skip
