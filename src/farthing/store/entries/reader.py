"""Reads of the cache for calls: quick, never an exception, a miss if the store does not answer in time.

A file is read on the event loop itself, since that takes tens of microseconds and a thread would cost more than the
read; after a read that took long, threads read for a while: a quarter of a second the first time, since a busy machine
may just have done something else, and longer each time it happens again. A server is always read by threads.
"""

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

from farthing.store.engine import Connection
from farthing.store.entries.health import Health
from farthing.store.entries.place import Place
from farthing.store.errors import RowRefused, StoreError

T = TypeVar("T")

_THREADS = 4
_CONNECT_S = 0.5
"""How long a connection may wait for tables that another one makes; whoever has more patience waits as long."""
_SLOW_S = 0.012
"""A read on the event loop that takes longer is one too many. Not less: each lets go of Python's lock, and getting it back
from another thread that computes takes up to 5 ms, twice in a row at times, however quick the disk."""
_UNHURRIED_S = 30.0
"""Whoever has so much patience reads on the event loop, however long it takes."""
_THREADS_FIRST_S, _THREADS_LONGEST_S = 0.25, 60.0
_ALL_WELL = 500
"""Quick reads in a row after which a slow one is the first again."""
_LOOK_S = 1.0
_CACHE_KB = 16_000
"""Pages that the event loop's connection keeps: the index over 100,000 fingerprints stays in memory."""
_BUSY_MS = 2
"""Readers of a file never wait for its writer; whatever else holds it must not hold up the event loop."""


class Reader:
    """Connections for reading. Made in any thread; `quick` only on the event loop."""

    def __init__(self, place: Place, health: Health, *, patience_s: float) -> None:
        self._place = place
        self._patience_s = patience_s
        self._connect_s = max(_CONNECT_S, patience_s)
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="cache reader")
        self._idle: list[Connection] = []
        self._own: Connection | None = None
        self._looked_at = 0.0
        self._threads_until = 0.0
        self._threads_for_s = 0.0
        self._quick_reads = 0
        self._closed = threading.Event()
        self.health = health

    async def quick(self, work: Callable[[Connection], T], otherwise: T) -> T:
        """For a call: `otherwise` if the store cannot answer within the patience."""
        if self.health.resting:
            return otherwise
        own = self._connection_here()
        if own is None:
            return await self._patiently(work, otherwise)
        began = time.perf_counter()
        try:
            found = work(own)
        except (StoreError, RowRefused) as error:
            self._own = None
            own.close()
            self._failed(error)
            return otherwise
        self._note_time(time.perf_counter() - began)
        self.health.worked()
        return found

    async def slow(self, work: Callable[[Connection], T]) -> T:
        """For people and background work. Raises StoreError."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._with_connection, work)

    def _connection_here(self) -> Connection | None:
        """The event loop's own connection, if it may read by itself now."""
        now = time.monotonic()
        if self._own is None or now < self._threads_until:
            return None
        if now > self._looked_at + _LOOK_S:
            self._looked_at = now
            if self._place.gone(self._own):
                self._own.close()
                self._own = None
        return self._own

    def _note_time(self, took_s: float) -> None:
        """Leave reading to threads for a while if the event loop had to wait for it."""
        if took_s <= _SLOW_S or self._patience_s >= _UNHURRIED_S:
            self._quick_reads += 1
            return
        if self._quick_reads >= _ALL_WELL:
            self._threads_for_s = 0.0
        self._quick_reads = 0
        self._threads_for_s = min(max(2 * self._threads_for_s, _THREADS_FIRST_S), _THREADS_LONGEST_S)
        self._threads_until = time.monotonic() + self._threads_for_s

    async def _patiently(self, work: Callable[[Connection], T], otherwise: T) -> T:
        try:
            found = await asyncio.wait_for(self.slow(work), self._patience_s)
        except TimeoutError:
            self.health.failed(f"{self._place.where} did not answer within {self._patience_s:g} s", _THEN)
            return otherwise
        except (StoreError, RowRefused) as error:
            self._failed(error)
            return otherwise
        self.health.worked()
        if self._own is None and self._place.local and self._idle:
            with suppress(IndexError, StoreError):
                own = self._idle.pop()
                own.query(f"PRAGMA busy_timeout={_BUSY_MS}")
                own.query(f"PRAGMA cache_size=-{_CACHE_KB}")
                self._own = own
                self._looked_at = time.monotonic()
        return found

    def _failed(self, error: StoreError | RowRefused) -> None:
        if isinstance(error, StoreError):
            self.health.failed(error.message, _THEN)
            if not self._closed.is_set():
                self._pool.submit(self._place.mend, error)  # it looks through the whole file: no call waits for that

    def _with_connection(self, work: Callable[[Connection], T]) -> T:
        connection = self._taken()
        try:
            found = work(connection)
        except BaseException:
            connection.close()
            raise
        if self._closed.is_set():
            connection.close()
        else:
            self._idle.append(connection)
        return found

    def _taken(self) -> Connection:
        while self._idle:
            with suppress(IndexError):
                connection = self._idle.pop()
                if not self._place.gone(connection):
                    return connection
                connection.close()
        return self._place.connect(self._connect_s)

    async def close(self) -> None:
        self._closed.set()
        if self._own is not None:
            self._own.close()
            self._own = None
        self._pool.shutdown(wait=False, cancel_futures=True)
        while self._idle:
            self._idle.pop().close()


_THEN = "calls go on as misses"
