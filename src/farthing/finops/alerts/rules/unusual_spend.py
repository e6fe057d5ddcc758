"""Today costs more than this scope's weekday, level and noise explain: the robust rule beside the plain one.

It finds what doubles on a quiet Sunday, which no average over the week shows, and stays calm where a scope is noisy by
nature. See `history` for the model, `sensitivity` for the knob.
"""

from collections.abc import Collection
from math import log, sqrt

from farthing.finops.alerts.finding import Finding
from farthing.finops.alerts.seen import Seen, Spend
from farthing.finops.alerts.sensitivity import Floors, Sensitivity
from farthing.finops.alerts.words import subject, times
from farthing.model.money import show_dollars

NAME = "unusual_spend"
EARLY_NOISE = 0.35
"""What a projection from the first hour errs by (log), falling with the square root of what is left of the day."""


class UnusualSpend:
    """See the module."""

    name = NAME

    def __init__(self, kinds: Collection[str], floors: Floors, sensitivity: Sensitivity) -> None:
        self._kinds = frozenset(kinds)
        self._floors = floors
        self._sensitivity = sensitivity

    def __call__(self, seen: Seen) -> list[Finding]:
        day = seen.day
        least = max(self._floors.least(seen.usual_total), int(seen.usual_total * self._sensitivity.percent / 100))
        found = (self._look(spend, day, least) for spend in seen.spends if spend.scope.kind in self._kinds)
        return [finding for finding in found if finding is not None]

    def _look(self, spend: Spend, day: str, least: int) -> Finding | None:
        usual = spend.usual
        if usual is None or spend.today.spent < least // 4:
            return None
        comes_to = spend.today.projected(usual.expected)
        expected = usual.expected
        if comes_to <= self._sensitivity.ratio * expected or comes_to - expected < least:
            return None
        noise = sqrt(usual.noise**2 + EARLY_NOISE**2 * (1 - spend.today.share))
        if log(comes_to / expected) <= self._sensitivity.z * noise:
            return None
        on_its_way = "" if spend.today.over else f" ({show_dollars(spend.today.spent)} so far)"
        return Finding(
            NAME, spend.scope, day, "warn",
            f"{subject(spend.scope)} comes to "
            f"{show_dollars(int(comes_to))} today{on_its_way}, {times(comes_to / expected)} what this weekday usually "
            f"costs ({show_dollars(int(expected))}); its noise explains up to {times(self._ceiling(usual.noise))}.",
            value=int(comes_to), usual=int(expected), at_stake=int(comes_to - expected),
        )  # fmt: skip

    def _ceiling(self, noise: float) -> float:
        return float(max(self._sensitivity.ratio, 2.718281828 ** (self._sensitivity.z * noise)))
