"""Takes calls over from the step, and writes them down behind its back: reading, redacting and sealing are done in a thread,
in parcels. Memory is bounded: what comes when it is full is dropped and counted. Deletes what has come to its end.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

import msgspec

from farthing.steps.capture.reading import Taken, read
from farthing.store.captures import Captured
from farthing.store.errors import StoreError

FLUSH_S = 1.0
PRUNE_S = 600.0
"""Between two looks for what has come to its end."""
MOST = 2_000
MOST_BYTES = 32 * 1024 * 1024
"""Of calls that wait to be written."""
PARCEL = 200
DAY_US = 86_400_000_000

log = logging.getLogger("farthing.capture")


class Captures(Protocol):
    """Where they are kept."""

    async def add(self, captured: list[Captured]) -> int: ...
    async def trim(self, tenant: str, most: int) -> int: ...
    async def prune(self, now_us: int) -> int: ...


class Rules(msgspec.Struct, frozen=True):
    """How they are kept; see the settings of the same names."""

    redact: bool = True
    keep_days: float = 30.0
    max_rows: int = 50_000
    max_chars: int = 32_000


class Keeper:
    """See the module."""

    def __init__(self, captures: Captures, rules: Rules, now_us: Callable[[], int]) -> None:
        self._captures = captures
        self._rules = rules
        self._now_us = now_us
        self._waiting: list[Taken] = []
        self._bytes = 0
        self._added: dict[str, int] = {}
        """Rows by tenant since it was last trimmed."""
        self._tasks: list[asyncio.Task[None]] = []
        self.dropped = 0
        """Calls that found no room, or that could not be written."""
        self.left_out = 0
        """Calls from which nothing can be learned."""

    def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._tasks = [
            loop.create_task(self._every(FLUSH_S, self.flush), name="captures"),
            loop.create_task(self._every(PRUNE_S, self.prune, at_once=True), name="expiry of captures"),
        ]

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with suppress(asyncio.CancelledError):
                await task
        self._tasks = []
        await self.flush()

    def take(self, taken: Taken) -> None:
        """Keep it, if there is room. Never raises."""
        size = taken.size
        if len(self._waiting) >= MOST or self._bytes + size > MOST_BYTES:
            self.dropped += 1
            return
        self._waiting.append(taken)
        self._bytes += size

    async def flush(self) -> None:
        """Write down all that waits. What cannot be written is dropped: the calls have been answered, and nothing else
        depends on it."""
        while self._waiting:
            parcel, self._waiting = self._waiting[:PARCEL], self._waiting[PARCEL:]
            self._bytes -= sum(each.size for each in parcel)
            found = await asyncio.to_thread(self._read, parcel)
            self.left_out += len(parcel) - len(found)
            try:
                await self._write(found)
            except StoreError as error:
                self.dropped += len(found)
                log.warning("captured calls were not written", extra={"error": error.message, "calls": len(found)})

    async def prune(self) -> None:
        """Delete what has come to its end."""
        try:
            gone = await self._captures.prune(self._now_us())
        except StoreError as error:
            log.warning("captured calls that ended were not deleted yet", extra={"error": error.message})
            return
        if gone:
            log.info("captured calls came to their end", extra={"calls": gone})

    def _read(self, parcel: list[Taken]) -> list[Captured]:
        rules, keep_us = self._rules, round(self._rules.keep_days * DAY_US)
        read_ = (
            read(each, redacted=rules.redact, most_chars=rules.max_chars, expires_us=each.at_us + keep_us)
            for each in parcel
        )
        return [each for each in read_ if each is not None]

    async def _write(self, found: list[Captured]) -> None:
        """Raises StoreError."""
        await self._captures.add(found)
        most = self._rules.max_rows
        for each in found:
            self._added[each.tenant] = (
                self._added.get(each.tenant, most) + 1
            )  # the first time: what is there is not known
        for tenant, rows in list(self._added.items()):
            if rows >= max(1, most // 100):
                await self._captures.trim(tenant, most)
                self._added[tenant] = 0

    async def _every(
        self, seconds: float, work: Callable[[], "asyncio.Future[None] | object"], *, at_once: bool = False
    ) -> None:
        if not at_once:
            await asyncio.sleep(seconds)
        while True:
            try:
                await work()  # type: ignore[misc]
            except Exception as error:  # nobody waits for it, so nobody else would hear
                log.warning("keeping captured calls failed", extra={"error": type(error).__name__})
            await asyncio.sleep(seconds)
