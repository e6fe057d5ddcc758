"""How much may be tried again: a share of all calls, and the pauses in between. Knows nothing of what failed."""

import random
from collections.abc import Callable

WINDOW_S = 60.0
ALWAYS = 10
"""So many retries in a window are never too many: with few calls a share means nothing."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 2.0


class RetryBudget:
    """Retries may be a share of the calls of about the last minute, so that a provider in trouble is not pushed under."""

    __slots__ = ("_share", "_since", "calls", "retries")

    def __init__(self, percent: float) -> None:
        self._share = percent / 100
        self._since = 0.0
        self.calls = 0.0
        """Whoever serves a call adds one."""
        self.retries = 0.0

    def take(self, now: float) -> bool:
        """Whether one more is within the budget; if so it is counted."""
        age = now - self._since
        if age > WINDOW_S:
            fading = WINDOW_S / age
            self.calls *= fading
            self.retries *= fading
            self._since = now - WINDOW_S
        if self._share <= 0 or self.retries >= max(ALWAYS, self.calls * self._share):
            return False
        self.retries += 1
        return True


def pause_s(tries: int, dice: Callable[[], float] = random.random) -> float:
    """Seconds before a deployment is asked once more after `tries` tries: twice as long each time, between half and all
    of it by chance, so that calls that failed together do not come back together."""
    return float(min(FIRST_PAUSE_S * 2.0 ** (tries - 1), LONGEST_PAUSE_S) * (0.5 + dice() / 2))
