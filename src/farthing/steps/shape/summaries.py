"""Summaries of what is left out of conversations, made once and kept in memory, within bounds. No text of them leaves this
process but in the requests that they are for; another gateway, or a later one, makes its own.

A summary is made off the caller's path: until it is there the conversation goes on with what it has.
"""

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable

from farthing.model.errors import FarthingError

log = logging.getLogger("farthing.prompts")

MOST = 2_000
MOST_BYTES = 16 * 1024 * 1024
LONGEST = 16 * 1024
"""Characters of one; a longer one is no summary."""
AT_ONCE = 8
"""Summaries under way; what is wanted beyond them is wanted again at the next turn."""
PAUSE_S = 60.0
"""How long nothing is tried again after a failure."""

Key = tuple[str, bytes]
"""Tenant, digest of what is summed up."""
Write = Callable[[str, str, str], Awaitable[str]]
"""Tenant, region, text -> its summary, empty where there is none. Raises FarthingError."""


class Summaries:
    """See the module."""

    def __init__(self, write: Write, clock: Callable[[], float] = time.monotonic) -> None:
        self._write = write
        self._clock = clock
        self._kept: OrderedDict[Key, str] = OrderedDict()
        self._bytes = 0
        self._used: set[Key] = set()
        self._tasks: dict[Key, asyncio.Task[None]] = {}
        self._paused_until = 0.0

    def of(self, key: Key) -> str:
        """The summary; empty where there is none yet."""
        found = self._kept.get(key, "")
        if found:
            self._kept.move_to_end(key)
        return found

    def is_new(self, key: Key) -> bool:
        """Whether nobody has asked this of the summary before."""
        if key in self._used:
            return False
        self._used.add(key)
        return True

    def want(self, key: Key, region: str, text: Callable[[], str]) -> None:
        """Have one made of `text`, unless it is under way."""
        if key in self._tasks or len(self._tasks) >= AT_ONCE or self._clock() < self._paused_until:
            return
        task = asyncio.get_running_loop().create_task(self._make(key, region, text()))
        self._tasks[key] = task
        task.add_done_callback(lambda _: self._tasks.pop(key, None))

    async def settle(self) -> None:
        """Wait for what is under way."""
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def close(self) -> None:
        for task in list(self._tasks.values()):
            task.cancel()
        await self.settle()

    async def _make(self, key: Key, region: str, text: str) -> None:
        try:
            made = (await self._write(key[0], region, text)).strip()
        except FarthingError as error:
            self._paused_until = self._clock() + PAUSE_S
            log.info("a summary was not to be had", extra={"error": type(error).__name__})
            return
        if made and len(made) <= LONGEST:
            self._keep(key, made)
        else:
            self._paused_until = self._clock() + PAUSE_S

    def _keep(self, key: Key, made: str) -> None:
        self._kept[key] = made
        self._bytes += len(made)
        while self._kept and (len(self._kept) > MOST or self._bytes > MOST_BYTES):
            forgotten, old = self._kept.popitem(last=False)
            self._used.discard(forgotten)
            self._bytes -= len(old)
