"""Fewer of a week's cacheable calls are hits than the target says. Once a week."""

from farthing.finops.alerts.finding import TOTAL, Finding
from farthing.finops.alerts.seen import Seen
from farthing.finops.alerts.words import percent
from farthing.model.money import show_dollars

NAME = "cache_hits"
LEAST_CALLS = 200


class CacheHits:
    """See the module. `target` is a share."""

    name = NAME

    def __init__(self, target: float) -> None:
        self._target = target

    def __call__(self, seen: Seen) -> list[Finding]:
        rates = seen.rates
        if rates.cacheable < LEAST_CALLS or rates.hits >= self._target * rates.cacheable:
            return []
        missing = self._target * rates.cacheable - rates.hits
        paid = max(1, rates.calls - rates.hits)
        worth = int(missing * rates.cost / paid)
        return [
            Finding(
                NAME, TOTAL, seen.week, "warn",
                f"{percent(rates.hits / rates.cacheable)} of the last seven days' {rates.cacheable:,} cacheable calls were cache "
                f"hits, below the target of {percent(self._target)}. At the mean cost of a call the rest is worth "
                f"{show_dollars(worth)} a week.",
                value=rates.cost, usual=max(0, rates.cost - worth), at_stake=worth,
            )
        ]  # fmt: skip
