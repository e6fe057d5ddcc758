"""Fewer of a week's routed calls are on the small tier than the target says. Once a week."""

from farthing.finops.alerts.finding import TOTAL, Finding
from farthing.finops.alerts.seen import Seen
from farthing.finops.alerts.words import percent
from farthing.model.money import show_dollars

NAME = "cheap_tier"
LEAST_CALLS = 200


class CheapTier:
    """See the module. `target` is a share."""

    name = NAME

    def __init__(self, target: float) -> None:
        self._target = target

    def __call__(self, seen: Seen) -> list[Finding]:
        rates = seen.rates
        if rates.tiered < LEAST_CALLS or rates.small >= self._target * rates.tiered:
            return []
        return [
            Finding(
                NAME, TOTAL, seen.week, "warn",
                f"{percent(rates.small / rates.tiered)} of the last seven days' {rates.tiered:,} routed calls were on the small "
                f"tier, below the target of {percent(self._target)}; those on others cost {show_dollars(rates.other_tier_cost)}.",
                value=rates.other_tier_cost, at_stake=rates.other_tier_cost,
            )
        ]  # fmt: skip
