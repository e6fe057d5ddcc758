"""A model, a key or a feature that was never seen before spends money: an event of its own, right or wrong."""

from farthing.finops.alerts.finding import Finding
from farthing.finops.alerts.seen import Seen
from farthing.finops.alerts.words import subject
from farthing.model.money import Nano, show_dollars

NAME = "newcomer"
KINDS = ("model", "key", "feature")
KNOWN_DAYS = 7
"""Days with spending before anything counts as new: at the start all is."""


class Newcomer:
    """See the module. `least`: nano-dollars of today from which on it is told."""

    name = NAME

    def __init__(self, least: Nano) -> None:
        self._least = least

    def __call__(self, seen: Seen) -> list[Finding]:
        if seen.known_days < KNOWN_DAYS:
            return []
        return [
            Finding(
                NAME, spend.scope, seen.day, "warn",
                f"{subject(spend.scope)} is new: nothing of it was seen in the weeks before, and it has spent "
                f"{show_dollars(spend.today.spent)} today.",
                value=spend.today.spent, at_stake=spend.today.spent,
            )
            for spend in seen.spends
            if spend.first_seen and spend.scope.kind in KINDS and spend.scope.name and spend.today.spent >= self._least
        ]  # fmt: skip
