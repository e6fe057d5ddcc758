"""Something too young to have usual spending costs much in a day: an absolute cap, since there is nothing to compare with."""

from collections.abc import Collection

from farthing.finops.alerts.finding import Finding
from farthing.finops.alerts.seen import Seen, Spend
from farthing.finops.alerts.words import number, subject
from farthing.model.money import Nano, show_dollars

NAME = "young_spend"
GROWS = 1.5
"""Times its own dearest day: what was known yesterday is no news today."""


class YoungSpend:
    """See the module. `cap` is nano-dollars a day."""

    name = NAME

    def __init__(self, kinds: Collection[str], cap: Nano) -> None:
        self._kinds = frozenset(kinds)
        self._cap = cap

    def __call__(self, seen: Seen) -> list[Finding]:
        return [
            self._finding(spend, seen.day)
            for spend in seen.spends
            if spend.scope.kind in self._kinds and spend.history.young and self._too_much(spend)
        ]

    def _too_much(self, spend: Spend) -> bool:
        return spend.today.spent > self._cap and spend.today.spent > GROWS * max(spend.history.days, default=0)

    def _finding(self, spend: Spend, day: str) -> Finding:
        spent, days = spend.today.spent, len(spend.history.days)
        return Finding(
            NAME, spend.scope, day, "warn",
            f"{subject(spend.scope)} has spent {show_dollars(spent)} today, above the cap of {show_dollars(self._cap)} for what has "
            f"less than two weeks of history ({number(days, 'day')}).",
            value=spent, usual=self._cap, at_stake=spent - self._cap,
        )  # fmt: skip
