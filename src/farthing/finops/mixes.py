"""How many calls were sent to which tier, by feature. It is about what was chosen; what models answered is the metric's tier mix."""

from collections.abc import Sequence

import msgspec

from farthing.model.routes import TIERS
from farthing.quality.errand import FEATURES as ERRANDS
from farthing.store import ReportRow

TARGET = 0.70
CHEAPER = ("small", "mid")
TOTAL = "total"


class Mix(msgspec.Struct):
    """Calls of one feature by the tier that was chosen for them."""

    feature: str
    tiers: dict[str, int]
    other: int = 0
    """Asked for by name, answered from the cache, or refused."""

    @property
    def routed(self) -> int:
        return sum(self.tiers.values())

    @property
    def cheaper(self) -> float | None:
        """Share of the routed calls that went to small or mid."""
        return sum(self.tiers[tier] for tier in CHEAPER) / self.routed if self.routed else None


def mixes_of(rows: Sequence[ReportRow]) -> list[Mix]:
    """By feature, the busiest first; without calls that Farthing sends itself."""
    found: dict[str, Mix] = {}
    for row in rows:
        if row.key in ERRANDS:
            continue
        mix = found.setdefault(row.key, Mix(row.key, dict.fromkeys(TIERS, 0)))
        if row.also in mix.tiers:
            mix.tiers[row.also] += row.calls
        else:
            mix.other += row.calls
    return sorted(found.values(), key=lambda mix: (-mix.routed, -mix.other, mix.feature))


def total_of(mixes: Sequence[Mix]) -> Mix:
    return Mix(TOTAL, {tier: sum(mix.tiers[tier] for mix in mixes) for tier in TIERS}, sum(mix.other for mix in mixes))
