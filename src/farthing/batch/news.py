"""Tells whoever waits for a job that something of it has ended: at once where this gateway settled it, and every so often
in any case, since another gateway may have. Knows nothing of the store; who is woken looks there.
"""

import asyncio
from collections.abc import Iterable
from contextlib import suppress

SOON_S = 0.5
"""The first pause before a look for what other gateways settled; each is half as long again as the one before."""
LONGEST_S = 5.0
GROWTH = 1.5


class News:
    """One for a gateway."""

    def __init__(self) -> None:
        self._bells: dict[str, list[asyncio.Event]] = {}

    @property
    def waited_for(self) -> int:
        """Jobs that somebody waits for."""
        return len(self._bells)

    @property
    def jobs(self) -> list[str]:
        """Those jobs."""
        return list(self._bells)

    def tell(self, jobs: Iterable[str]) -> None:
        """Lines of these jobs have ended."""
        if self._bells:
            for job in set(jobs):
                for bell in self._bells.get(job, ()):
                    bell.set()

    def listen(self, job: str) -> "Listening":
        """To be entered before the first look into the store, so that nothing is missed between."""
        return Listening(self._bells, job)


class Listening:
    """One who waits: `with news.listen(job) as ear: while not await look(): await ear.next(left_s)`."""

    def __init__(self, bells: dict[str, list[asyncio.Event]], job: str) -> None:
        self._bells = bells
        self._job = job
        self._bell = asyncio.Event()
        self._pause = SOON_S

    def __enter__(self) -> "Listening":
        self._bells.setdefault(self._job, []).append(self._bell)
        return self

    def __exit__(self, *_: object) -> None:
        mine = self._bells[self._job]
        mine.remove(self._bell)
        if not mine:
            del self._bells[self._job]

    async def next(self, at_most_s: float) -> bool:
        """Wait for the next occasion to look, at most so long; whether there is news of this gateway's own."""
        pause = min(self._pause, max(0.0, at_most_s))
        self._pause = min(self._pause * GROWTH, LONGEST_S)
        with suppress(TimeoutError):
            await asyncio.wait_for(self._bell.wait(), pause)
        heard = self._bell.is_set()
        self._bell.clear()
        return heard
