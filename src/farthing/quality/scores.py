"""How good the answers of calls in a hold-out were, on their way to the store: by checks and people, in both arms alike.

Only what is seen in both arms the same way may go in, or the arms cannot be compared; second answers are drawn for
treated calls alone and stay out. Waits in memory and is written in batches; a call whose row the ledger has not written
yet is tried again. Belongs to one process.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from typing import Protocol

from farthing.store import StoreError
from farthing.store.arms import Scored

log = logging.getLogger("farthing.quality")

MOST_WAITING = 20_000
TRIES = 5
"""How often a score is taken to the store before its call is given up as lost."""


class Kept(Protocol):
    """Where scores are kept."""

    async def add_scores(self, scores: Sequence[Scored]) -> list[str]:
        """The ids of calls that are not there yet. Raises StoreError."""


class Scores:
    """See the module."""

    def __init__(self, kept: Kept, every_s: float = 15.0) -> None:
        self._kept = kept
        self._every_s = every_s
        self._task: asyncio.Task[None] | None = None
        self._waiting: deque[tuple[Scored, int]] = deque(maxlen=MOST_WAITING)

    def __len__(self) -> int:
        """How many wait."""
        return len(self._waiting)

    def start(self) -> None:
        """Write every so often from now on."""
        self._task = asyncio.get_running_loop().create_task(self._go_on())

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self.flush()

    def add(self, call_id: str, score: float) -> None:
        """An answer was found to be so good, 0 to 1."""
        self._waiting.append((Scored(call_id, score), 0))

    async def _go_on(self) -> None:
        while True:
            await asyncio.sleep(self._every_s)
            await self.flush()

    async def flush(self) -> None:
        """Write what waits. Never raises: the next time is soon."""
        batch = list(self._waiting)
        if not batch:
            return
        self._waiting.clear()
        try:
            missing = set(await self._kept.add_scores([scored for scored, _ in batch]))
        except StoreError as error:
            log.warning("scores of hold-outs wait for the store", extra={"error": type(error).__name__})
            self._waiting.extend(batch)
            return
        self._waiting.extend(
            (scored, tries + 1) for scored, tries in batch if scored.call_id in missing and tries + 1 < TRIES
        )
