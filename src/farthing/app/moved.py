"""A clock that a story or a replay moves by itself. It never goes back, and nobody waits for it."""

from farthing.model.clock import Clock


class Moved:
    """See the module. Begins at `start_us`, microseconds since 1970."""

    def __init__(self, start_us: int) -> None:
        self._start_us = start_us
        self.now_us = start_us
        self.clock = Clock(lambda: self.now_us, self._monotonic, self._sleep)

    def to(self, at_us: int) -> None:
        """It is that late, if it was not later before."""
        self.now_us = max(self.now_us, at_us)

    def passes(self, seconds: float) -> None:
        self.now_us += round(seconds * 1e6)

    def _monotonic(self) -> float:
        return (self.now_us - self._start_us) / 1e6 + 1.0

    async def _sleep(self, seconds: float) -> None:
        self.passes(seconds)
