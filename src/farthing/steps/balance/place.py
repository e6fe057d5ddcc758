"""One deployment at run time: what is under way there, how fast it is, how much it takes, whether it is well.

Models that share a deployment by other names share its state. Knows nothing of how one is chosen.
"""

import asyncio
import random
from collections import deque
from collections.abc import Callable

from farthing.model.call import Deployment
from farthing.settings import BalanceSettings
from farthing.steps.balance.circuit import Circuit
from farthing.steps.balance.headroom import Buckets, Room
from farthing.steps.balance.latency import PeakEwma

BUSY_S = 0.05
"""What a full deployment is said to need until the next call ends; nobody can know."""


class State:
    """What is known of a model at a provider. Seconds are those of the clock that gives `now`."""

    __slots__ = (
        "_number", "_unanswered", "circuit", "failures", "first", "in_flight", "max_in_flight", "model", "name", "provider",
        "room", "served", "total", "waiters",
    )  # fmt: skip

    def __init__(
        self, deployment: Deployment, settings: BalanceSettings, buckets: Buckets,
        dice: Callable[[], float] = random.random,
    ) -> None:  # fmt: skip
        self.name = deployment.name
        self.provider = deployment.provider
        self.model = deployment.model
        self.max_in_flight = deployment.max_in_flight
        self.circuit = Circuit(settings.open_after, settings.open_s, dice)
        self.room = Room(deployment, buckets)
        self.first = PeakEwma()
        """Until the first byte of a stream."""
        self.total = PeakEwma()
        """Until the end of a whole answer."""
        self.served = 0
        self.failures = 0
        """Since the start, as `served`."""
        self._unanswered: tuple[dict[int, float], dict[int, float]] = ({}, {})
        """When each call was sent that waits for its answer, the oldest first: plain ones, and streams."""
        self.in_flight = 0
        """Calls under way, streams to their end."""
        self.waiters: deque[asyncio.Future[None]] = deque()
        self._number = 0

    def enter(self, now: float, *, stream: bool) -> int:
        """A call is sent there; the number is for `heard`."""
        self._number = number = self._number + 1
        self._unanswered[stream][number] = now
        self.in_flight += 1
        if self.circuit.position != "closed":
            self.circuit.sent()
        return number

    def heard(self, number: int, *, stream: bool) -> None:
        """The call waits for its answer no longer."""
        self._unanswered[stream].pop(number, None)

    def leave(self) -> None:
        """A call has ended, however that was."""
        self.in_flight -= 1
        if self.waiters:
            self._wake()

    @property
    def full(self) -> bool:
        return bool(self.max_in_flight) and self.in_flight >= self.max_in_flight

    def wait(self, tokens: float, now: float) -> float:
        """Seconds until a call of so many tokens may be sent there; 0 means now."""
        wait = max(self.circuit.wait(now), self.room.wait(tokens, now))
        return max(wait, BUSY_S) if self.full else wait

    def slowness(self, now: float, *, stream: bool) -> float:
        """Seconds that a call there is likely to take to its first byte, or to its end if it is no stream; one that waits
        for longer counts already, and many of them a little."""
        known = (self.first if stream else self.total).at(now)
        unanswered = self._unanswered[stream]
        if unanswered:
            known = max(known, now - next(iter(unanswered.values()))) * (1.0 + len(unanswered) / 16)
        return known

    async def turn(self, patience_s: float) -> bool:
        """Wait until a call there ends, the first to come first; False if none did in time."""
        waits = asyncio.get_running_loop().create_future()
        self.waiters.append(waits)
        try:
            async with asyncio.timeout(patience_s):
                await waits
        except TimeoutError:
            return False
        finally:
            if waits.cancelled() and waits in self.waiters:
                self.waiters.remove(waits)
        return True

    def _wake(self) -> None:
        while self.waiters:
            waits = self.waiters.popleft()
            if not waits.done():
                waits.set_result(None)
                return


class Place:
    """A deployment of a model, and its state."""

    __slots__ = ("deployment", "name", "price", "priced_until", "state")

    def __init__(self, deployment: Deployment, state: State) -> None:
        self.deployment = deployment
        self.name = deployment.name
        self.state = state
        self.price: int | None = None
        """Nano-dollars of a usual call there; None where no price is known."""
        self.priced_until = 0.0
