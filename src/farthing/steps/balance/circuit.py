"""The circuit breaker of one deployment: after some failures in a row it is left alone, then tried with one call at a time.

Knows nothing of calls; whoever sends tells it how that went.
"""

import random
from collections.abc import Callable
from typing import Literal

Position = Literal["closed", "open", "half-open"]
PROBED_S = 0.1
"""How long others wait before they look again whether the probe came back."""
JITTER = 0.2
"""Deployments that failed together are not tried together."""


class Circuit:
    """Seconds are those of the `clock` that gives `now`."""

    __slots__ = ("_after", "_dice", "_open_s", "_probing", "failures", "position", "since", "until", "why")

    def __init__(self, open_after: int, open_s: float, dice: Callable[[], float] = random.random) -> None:
        self._after = open_after
        self._open_s = open_s
        self._dice = dice
        self._probing = False
        self.position: Position = "closed"
        self.failures = 0
        """In a row."""
        self.why = ""
        """Of the latest failure."""
        self.since = 0.0
        """When the outage began; 0 while there is none."""
        self.until = 0.0
        """When it is tried again."""

    def wait(self, now: float) -> float:
        """Seconds until a call may be sent; 0 means now."""
        if self.position == "closed":
            return 0.0
        if now < self.until:
            return self.until - now
        return PROBED_S if self._probing else 0.0

    def sent(self) -> None:
        """A call goes there; while the circuit is not closed it is a probe."""
        if self.position != "closed":
            self._probing = True
            self.position = "half-open"

    def undecided(self) -> None:
        """A call ended without telling anything of the deployment."""
        self._probing = False

    def succeeded(self) -> None:
        self.failures = 0
        if self.position != "closed":
            self._probing = False
            self.position, self.since, self.why = "closed", 0.0, ""

    def failed(self, now: float, why: str, *, for_s: float = 0.0) -> None:
        """A failure; one that is known to last opens the circuit at once, `for_s` seconds."""
        self.failures += 1
        self.why = why
        was_probe, self._probing = self._probing, False
        if for_s or was_probe or (self.position == "closed" and self.failures >= self._after):
            self.since = self.since or now
            self.position = "open"
            self.until = now + (for_s or self._open_s) * (1.0 + JITTER * self._dice())
