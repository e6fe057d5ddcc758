"""Tells people on the pages how far the story is: through the store, since the pages are another process's."""

import os

from farthing.model.principal import OPERATOR
from farthing.store import Store
from farthing.store.progress import Work, end, say
from farthing.store.store import now_us

LABEL = "The shop's last thirty days are being written"
EVERY_US = 1_000_000


class Teller:
    """By the clock of the machine: the story's own is elsewhere."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._name = f"demo {os.getpid()}"
        self._begun_us = now_us()
        self._said_us = 0

    async def say(self, done: int, whole: int) -> None:
        """`done` of `whole`; not more often than people can look. Raises StoreError."""
        at_us = now_us()
        if at_us - self._said_us >= EVERY_US:
            self._said_us = at_us
            work = Work(self._name, OPERATOR, LABEL, done, whole, self._begun_us, at_us)
            await self._store.do(lambda connection: say(connection, work))

    async def end(self) -> None:
        await self._store.do(lambda connection: end(connection, self._name))
