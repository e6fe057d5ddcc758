"""Lines that go alone to the cheap tier of one place, which may refuse them: those that must leave it first are tried first, a
few at a time as long as it refuses most, and each is given up in time for an ordinary call. Knows nothing of how lines are
sent.
"""

from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count
from typing import NamedTuple

from farthing.model.batch import Job, Line, Way
from farthing.model.money import Nano

MOSTLY = 0.5
"""Share of tries that were refused above which only a few are made."""
PROBES = 4
"""So many at a time."""
SMOOTHING = 0.1
MOST_REFUSED = 0.99
TAKES_S = 60.0
"""About what a call takes there."""
DEEP = 4
"""Lines waiting for each slot above which no more need to wait here."""
FORGOTTEN_S = 1800.0
"""After so long without a try half of what is known of refusals counts no more."""


class Waiting(NamedTuple):
    """A line that this gateway holds, and that is to go alone."""

    line: Line
    job: Job
    way: Way
    worst: Nano = 0
    """What it can cost at most; known where its job has a cap, or the day."""
    last_us: int = 0
    """Of one for the cheap tier: when it must go as an ordinary call; 0: at its deadline."""
    again: bool = False
    """It is under way on the cheap tier, and takes too long there."""

    @property
    def promoted(self) -> bool:
        """Whether it is in a batch as well."""
        return bool(self.line.shard) and self.line.state == "sent" and not self.again

    @property
    def leaves_us(self) -> int:
        return self.last_us or self.line.deadline_us

    def at_once(self) -> "Waiting":
        """The same as an ordinary call."""
        return self._replace(way="now", last_us=0)


class Flexing:
    """See the module. `now` gives seconds that never go back."""

    def __init__(self, most: int, now: Callable[[], float]) -> None:
        self._most = most
        self._now = now
        self._heap: list[tuple[int, int, Waiting]] = []
        self._order = count()
        self._under_way: dict[str, Waiting] = {}
        self._overdue: set[str] = set()
        self._refused = 0.0
        self._told_at = now()

    def __len__(self) -> int:
        """How many wait here."""
        return len(self._heap)

    @property
    def refused(self) -> float:
        """Share of tries that were refused lately."""
        left: float = 0.5 ** ((self._now() - self._told_at) / FORGOTTEN_S)
        return min(MOST_REFUSED, self._refused * left)

    @property
    def at_once(self) -> int:
        """How many may be under way at a time."""
        return min(self._most, PROBES) if self.refused > MOSTLY else self._most

    @property
    def room(self) -> int:
        return max(0, self.at_once - len(self._under_way))

    @property
    def wait_s(self) -> float:
        """When a line that comes now would have its turn; 0: soon."""
        return len(self) / self.at_once * TAKES_S if len(self) >= DEEP * self.at_once else 0.0

    def add(self, waiting: Waiting) -> None:
        heappush(self._heap, (waiting.leaves_us, next(self._order), waiting))

    def next(self) -> Waiting | None:
        return heappop(self._heap)[2] if self._heap else None

    def began(self, call_id: str, waiting: Waiting) -> None:
        self._under_way[call_id] = waiting

    def ended(self, call_id: str, refused: bool) -> None:
        self._under_way.pop(call_id, None)
        self._overdue.discard(call_id)
        self._refused = self.refused + SMOOTHING * (refused - self.refused)
        self._told_at = self._now()

    def overdue(self, now_us: int) -> list[Waiting]:
        """Those that must go as ordinary calls now: they wait here no longer, and one that is under way is told of once."""
        found: list[Waiting] = []
        while self._heap and self._heap[0][0] <= now_us:
            found.append(heappop(self._heap)[2].at_once())
        for call_id, waiting in self._under_way.items():
            if waiting.last_us and waiting.last_us <= now_us and call_id not in self._overdue:
                self._overdue.add(call_id)
                found.append(waiting.at_once()._replace(again=True))
        return found
