"""How fast a deployment answers, as a number that rises at once and falls slowly (a peak-sensitive moving average).

A slow answer counts in full the moment it is seen; good ones win the trust back over some seconds. What was not heard of
for a while is forgotten, so that a deployment that was slow is tried again. Knows nothing of calls.
"""

from math import exp

TAU_S = 4.0
"""Seconds in which a peak fades to a third, under steady samples or none."""


class PeakEwma:
    """Seconds. Zero means that nothing is known, which makes a deployment worth a try."""

    __slots__ = ("_at", "value")

    def __init__(self) -> None:
        self.value = 0.0
        """As it was at the last sample."""
        self._at = 0.0

    def add(self, sample: float, now: float) -> None:
        old = self.value
        if sample < old:
            keep = exp((self._at - now) / TAU_S)
            sample = old * keep + sample * (1.0 - keep)
        self.value = sample
        self._at = now

    def at(self, now: float) -> float:
        """What it is by now, without a new sample."""
        return self.value * exp((self._at - now) / TAU_S) if self.value else 0.0
