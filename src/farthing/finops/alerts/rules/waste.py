"""Retries and hedges cost a notable part of the day: attempts that were paid for and gave no answer."""

from farthing.finops.alerts.finding import TOTAL, Finding
from farthing.finops.alerts.seen import Seen
from farthing.finops.alerts.words import percent
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
                f"Retries and hedges that gave no answer cost {show_dollars(seen.wasted)} today, "
                f"{percent(seen.wasted / cost)} of {show_dollars(cost)}.",
                value=seen.wasted, usual=int(self._share * cost), at_stake=seen.wasted,
            )
        ]  # fmt: skip
