"""How many lines may be at one deployment beside the calls of people who wait for theirs.

A place with a known number of slots (`max_in_flight`) is kept full: a line takes a slot as soon as it is free, unless a
call waits for one. Elsewhere, and there too, no more than `most` lines are under way at a time. Where the number of slots
is not known, it is looked for: more at once as long as that gets more done in a second, fewer as soon as it only makes
each wait longer (Little's law: what is under way = throughput x time of each; beyond the slots only the time grows).
Knows nothing of lines and the store.
"""

from typing import Protocol

GAIN = 0.5
"""Of what a step up in concurrency should bring in throughput, the part that must be seen for it to stay."""
STEP = 0.25
WINDOW_S = 2.0
WINDOW_ENDS = 5
"""Ends for each line under way that a window of measurement has at least, so that chance does not decide."""
NOTICED_S = 0.15
"""A wait for a slot that people notice: if the usual one is longer, a slot is kept free for them."""
REMEMBERED_S = 30.0
"""How long after people's latest call a slot is kept free."""
SMOOTHING = 0.1
FIRST = 4


class Occupied(Protocol):
    """What must be known of a place; `steps.balance.place.State` is one."""

    @property
    def in_flight(self) -> int: ...
    @property
    def max_in_flight(self) -> int: ...
    def wait(self, tokens: float, now: float) -> float: ...


class Pace:
    """Of one place. Seconds are of the clock that gives `now`."""

    def __init__(self, state: Occupied, most: int, *, climbs: bool = False) -> None:
        """`climbs`: look for the number of slots where it is not known; else `most` lines at once."""
        self._state = state
        self._most = most
        self._climbs = climbs and not state.max_in_flight
        self._limit = float(min(FIRST, most) if self._climbs else most)
        self._line_s = 0.0
        self._others_at = -REMEMBERED_S
        self._window_from = 0.0
        self._window_ends = 0
        self._window_full = True
        self._rate = 0.0
        self._up = True
        self.lines = 0
        """Under way here."""

    @property
    def limit(self) -> int:
        """Lines at once, if nobody else is there."""
        slots = self._state.max_in_flight
        return min(slots, self._most) if slots else max(1, int(self._limit))

    def room(self, now: float) -> int:
        """How many lines may be sent now."""
        state = self._state
        if state.in_flight > self.lines:
            self._others_at = now
        slots = state.max_in_flight
        room = self.limit - self.lines
        if slots:
            room = min(room, slots - self._kept_free(now) - state.in_flight)
        elif self._climbs:
            room = self.limit - state.in_flight
        if room <= 0 or state.wait(0, now) > 0:
            return 0
        return room

    def wait(self, now: float) -> float:
        """Seconds until the place takes calls again, as far as it is known; 0: it does."""
        return 0.0 if self._state.in_flight else self._state.wait(0, now)

    def began(self, now: float) -> None:
        if not self._window_from:
            self._window_from = now
        self.lines += 1

    def ended(self, took_s: float, now: float) -> None:
        self.lines -= 1
        self._line_s += SMOOTHING * (took_s - self._line_s) if self._line_s else took_s
        self._window_ends += 1
        if self._climbs:
            self._measure(now)

    def starved(self) -> None:
        """There was nothing to send: what is measured now says nothing about the place."""
        self._window_full = False

    def _kept_free(self, now: float) -> int:
        """A slot for people, while they call and a slot that is free next would be too late."""
        slots = self._state.max_in_flight
        recently = now - self._others_at < REMEMBERED_S
        return 1 if recently and slots > 1 and self._line_s / slots > NOTICED_S else 0

    def _measure(self, now: float) -> None:
        took = now - self._window_from
        if took < WINDOW_S or self._window_ends < WINDOW_ENDS * self._limit:
            return
        rate, full = self._window_ends / took, self._window_full
        self._window_from, self._window_ends, self._window_full = now, 0, True
        if full:
            self._step(rate)

    def _step(self, rate: float) -> None:
        """One step up while that pays, one step back where it did not; then again up, a while later."""
        before, self._rate = self._rate, rate
        if self._up and before and rate < before * (1 + GAIN * STEP):
            self._up = False
            self._limit = max(1.0, self._limit / (1 + STEP))
        else:
            self._up = self._limit < self._most
            self._limit = min(float(self._most), max(self._limit + 1, self._limit * (1 + STEP)))
