"""How much lines may cost today: a cap for each day, evened out over its hours, over all gateways that share the store.

What is settled and what may yet come of lines that are under way is read from the store now and then; between two readings
this gateway counts what it sends. Amounts are nano-dollars.
"""

from collections.abc import Awaitable, Callable, Sequence

from farthing.batch.smoothing import AHEAD, may_spend, ready_us
from farthing.model.batch import Line
from farthing.model.money import Nano
from farthing.model.windows import FOREVER_US, period, window_at

READ_S = 5.0
LAST_S = 90.0
"""With so much time left a line can still be dealt out and called."""
TOGETHER = 50
"""Lines that get one moment."""


class Spending:
    """`spent` tells what lines cost since a moment, with what those under way may cost at most. Without a cap nothing is
    read."""

    name = "spending"

    def __init__(
        self, cap: Nano, zone: str, spent: Callable[[int], Awaitable[Nano]], now_us: Callable[[], int],
    ) -> None:  # fmt: skip
        self._cap = cap
        self._zone = zone
        self._spent = spent
        self._now_us = now_us
        self._known: Nano | None = None
        self._sent: Nano = 0
        self._before: Nano = 0
        """Sent before the latest reading, which may not have seen it."""

    @property
    def capped(self) -> bool:
        return bool(self._cap)

    def allows(self, worst: Nano, *, urgent: bool = False) -> bool:
        """Whether so much may be spent now; if so it is taken as spent. What is dearer than a whole day's cap never may.
        `urgent`: it would miss its deadline, so it goes ahead of the clock, as far as the cap itself has room."""
        if not self._cap:
            return True
        if self._known is None:
            return False
        spent = self._known + self._sent + self._before
        ahead = 1.0 if urgent else AHEAD
        if worst > may_spend(self._cap, spent, now_us=self._now_us(), zone=self._zone, ahead=ahead):
            return False
        self._sent += worst
        return True

    def is_urgent(self, line: Line) -> bool:
        """Whether it has no more time than a call needs."""
        return line.deadline_us - self._now_us() <= LAST_S * 1e6

    def turns(self, wanted: Sequence[tuple[Line, Nano]]) -> dict[int, list[Line]]:
        """When lines that may not be spent on now may go, one after another in this order, if they cost what they can at worst
        and nothing else goes before; by moments. None waits for longer than until it is urgent; one that is waits until its
        deadline, where it expires."""
        found: dict[int, list[Line]] = {}
        now_us = self._now_us()
        need = 0
        for first in range(0, len(wanted), TOGETHER):
            some = wanted[first : first + TOGETHER]
            need += sum(worst for _, worst in some)
            ready_us = self._ready_us(need, some[0][1], now_us)
            for line, _ in some:
                last_us = line.deadline_us if self.is_urgent(line) else line.deadline_us - int(LAST_S * 1e6)
                found.setdefault(max(now_us, min(ready_us, last_us)), []).append(line)
        return found

    def _ready_us(self, need: Nano, least: Nano, now_us: int) -> int:
        if self._known is None:
            return now_us + 1_000_000
        spent = self._known + self._sent + self._before
        at_us = ready_us(self._cap, spent, min(need, max(least, self._cap)), now_us=now_us, zone=self._zone)
        return max(at_us, now_us + 1_000_000) if at_us else FOREVER_US

    async def turn(self) -> float:
        """Read anew what was spent."""
        if not self._cap:
            return 3600.0
        day = window_at(period("day", self._zone), self._now_us())
        self._before, self._sent = self._sent, 0
        self._known = await self._spent(day.from_us)
        return READ_S

    async def close(self) -> None:
        """There is nothing to end."""
