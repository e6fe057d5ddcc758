"""The day that is not over: what it will come to, from what was spent so far and how usual days pass.

The rest of the day is taken to go on at the pace so far, drawn towards the usual pace while little of the day is over
(a gamma prior worth a tenth of a day). The clock is read two hours ahead: a nightly job that starts early, or the hour
that daylight saving moves, is no accident.
"""

from collections.abc import Sequence

from farthing.model.money import Nano

PRIOR = 0.1
"""The weight of the usual pace, in days."""
AHEAD_H = 2.0
HOURS = 24


class Passing:
    """How a usual day of a scope passes: the share of its spending that is over by each hour."""

    def __init__(self, hours: Sequence[Nano]) -> None:
        """`hours`: spending by hour of the day, summed over usual days; empty or nothing: each hour alike."""
        total = sum(hours)
        shares = [spent / total for spent in hours] if total > 0 else [1 / HOURS] * HOURS
        self._over = [sum(shares[:hour]) for hour in range(HOURS)] + [1.0]

    def share(self, hour: float) -> float:
        """The share that is over at `hour` (0 to 24, with a fraction)."""
        if hour >= HOURS:
            return 1.0
        whole = int(hour)
        return self._over[whole] + (hour - whole) * (self._over[whole + 1] - self._over[whole])


class Today:
    """What was spent since midnight UTC, at `hour` o'clock."""

    def __init__(self, spent: Nano, hour: float, passing: Passing) -> None:
        self.spent = spent
        self.hour = hour
        self.share = 1.0 if hour >= HOURS else passing.share(min(HOURS, hour + AHEAD_H))
        """What is taken to be over; a cautious figure."""

    @property
    def over(self) -> bool:
        return self.hour >= HOURS

    def projected(self, usual: float) -> float:
        """What the day comes to, where it usually comes to `usual`."""
        if self.over or usual <= 0:
            return float(self.spent)
        pace = (self.spent + PRIOR * usual) / ((self.share + PRIOR) * usual)
        return self.spent + (1 - self.share) * usual * pace
