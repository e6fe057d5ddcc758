"""Calls on their way to the store: put in by the event loop in well under a microsecond, written by one thread in batches.

Nothing that was put in is dropped. While the store cannot be written the calls wait in memory and, for a `kill -9`, in
the journal's spill; `trouble` says why, and new calls can be held back (`full`, `room`).
"""

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress

from farthing.model.record import Record
from farthing.store import journal as journals
from farthing.store import writing
from farthing.store.engine import Connection
from farthing.store.errors import StoreError
from farthing.store.journal import Journal
from farthing.store.store import Store

BATCH = 2000
"""The most calls in one transaction; the more, the less its rollups cost a call, and the later other writers get their
turn."""

FLUSH_S = 0.2
"""Seconds that an ended call waits for others, to be written with them."""

_PATIENCE_S = 2.0
"""How long one write waits for another writer of a SQLite file before it counts as trouble."""

_LONGEST_PAUSE_S = 5.0

_SPILL_S = 0.5
"""How long an ended call is in memory alone while the store is in trouble."""

log = logging.getLogger(__name__)

Observer = Callable[[Sequence[Record]], None]


class Ledger:
    """One writer of the store. Made on the event loop; it writes from the moment it is made."""

    def __init__(
        self, store: Store, journal: Journal, *, queue: int = 20_000, flush_s: float = FLUSH_S, kept: bool = True,
        observers: Sequence[Observer] = (),
    ) -> None:  # fmt: skip
        """`queue`: calls that may wait before `full`. `observers` hear each batch after its commit, in the writer's
        thread; if it is not to be `kept` they are all who do, and nothing is written."""
        self._store = store
        self._journal = journal
        self._queue = queue
        self._flush_s = flush_s
        self._kept = kept
        self._observers = observers
        self._waiting: deque[Record] = deque()
        self._committed: deque[Record] = deque()
        self._batch: list[Record] = []
        self._spilled = 0
        self._handed_in = 0
        self._connection: Connection | None = None
        self._wake = threading.Event()
        self._ending = threading.Event()
        self._ended = False
        self._loop = asyncio.get_running_loop()
        self._moved = asyncio.Event()
        self._someone_waits = False
        self.trouble = ""
        """Why the store cannot be written now and what to do; empty while it can."""
        self.written = 0
        """Calls in the store that this ledger wrote."""
        self.refused = 0
        """Calls that the store refuses for what is in them; they are kept in the journal's folder."""
        self.lost = 0
        """Calls that could neither be written nor spilled by the end; the journal still knows that they took place."""
        self.observer_errors = 0
        self._thread = threading.Thread(target=self._run, name="ledger", daemon=True)
        self._thread.start()

    def put(self, record: Record) -> None:
        """Hand in a call that has ended. Never blocks, never drops."""
        self._waiting.append(record)
        self._handed_in += 1
        if len(self._waiting) == BATCH:
            self._wake.set()
        if self._ended:
            self._spill()

    def committed(self, records: Sequence[Record]) -> None:
        """Calls that have ended and that another writer of this process has put into the store: their notes in the journal
        are closed, and observers hear of them, when it is written or flushed next."""
        self._committed.extend(records)

    @property
    def waiting(self) -> int:
        """Calls that are not committed yet."""
        return len(self._waiting) + len(self._batch)

    @property
    def full(self) -> bool:
        """Whether so many calls wait that new ones should not be admitted."""
        return len(self._waiting) + len(self._batch) >= self._queue

    async def room(self, patience_s: float) -> bool:
        """Wait until the ledger is not full; False if it still is after `patience_s`."""
        return await self._until(lambda: not self.full, patience_s)

    async def flush(self, patience_s: float = 10.0) -> bool:
        """Wait until all that was put in is committed, and observers have heard of it; False if not after `patience_s`."""
        goal = self._handed_in
        self._wake.set()
        return await self._until(lambda: self._done >= goal and not self._committed, patience_s)

    async def settled(self, call_id: str, patience_s: float) -> bool:
        """Wait until a call is not on its way to the store any more; in vain, for at most `patience_s`, while that cannot be
        written."""
        return await self._until(lambda: self.find(call_id) is None or bool(self.trouble), patience_s)

    def find(self, call_id: str) -> Record | None:
        """A call that is not committed yet."""
        return next((record for record in (*self._waiting, *self._batch) if record.id == call_id), None)

    async def close(self, grace_s: float = 5.0) -> None:
        """Write what waits, for at most `grace_s`; what cannot be written then is spilled for the next start."""
        self._deadline = time.monotonic() + grace_s
        self._ending.set()
        self._wake.set()
        await asyncio.to_thread(self._thread.join, grace_s + _PATIENCE_S + 1.0)
        self._ended = True
        self._spill()
        self.lost = self.waiting - self._spilled

    _deadline = float("inf")

    @property
    def _done(self) -> int:
        return self.written + self.refused

    async def _until(self, true: Callable[[], bool], patience_s: float) -> bool:
        until = self._loop.time() + patience_s
        while True:
            self._moved.clear()
            self._someone_waits = True
            if true():
                return True
            left = until - self._loop.time()
            if left <= 0:
                return False
            with suppress(TimeoutError):
                await asyncio.wait_for(self._moved.wait(), left)

    def _run(self) -> None:
        pause = self._flush_s
        while not (self._ending.is_set() and (not self.waiting or time.monotonic() > self._deadline)):
            self._wake.wait(pause)
            self._wake.clear()
            self._take_note()
            pause = self._flush_s if self._write_all() else self._pause_after(pause)
        self._take_note()
        if self._connection is not None:
            self._connection.close()

    def _take_note(self) -> None:
        """Of what others have written."""
        if not self._committed:
            return
        while batch := [self._committed[place] for place in range(min(len(self._committed), BATCH))]:
            for record in batch:
                self._journal.close(record.id)
            for observer in self._observers:
                self._tell(observer, batch)
            for _ in batch:
                self._committed.popleft()
        self._tell_who_waits()

    def _pause_after(self, pause: float) -> float:
        """The store is in trouble: wait twice as long as before, without being woken by new calls; these go to disk."""
        until = time.monotonic() + pause
        while (left := until - time.monotonic()) > 0 and not self._ending.wait(min(left, _SPILL_S)):
            self._spill()
        return 0.1 if self._ending.is_set() else min(max(2 * pause, 0.1), _LONGEST_PAUSE_S)

    def _write_all(self) -> bool:
        """Write all that waits; False if the store is in trouble."""
        try:
            while self._take():
                self._write_batch()
        except StoreError as error:
            self._in_trouble(error.message)
            return False
        except Exception as error:  # whatever it is, this thread must go on: nobody else writes
            log.exception("the ledger's writer failed")
            self._in_trouble(f"the ledger's writer failed: {error!r}")
            return False
        if self.trouble:
            log.warning("the ledger can be written again")
        self.trouble = ""
        return True

    def _take(self) -> bool:
        while len(self._batch) < BATCH and self._waiting:
            self._batch.append(self._waiting.popleft())
        return bool(self._batch)

    def _write_batch(self) -> None:
        batch = list(self._batch)
        refused: list[Record] = []
        if not self._kept:
            return self._settled(batch, refused)
        if self._connection is None:
            self._connection = self._store.connect(_PATIENCE_S)

        def refuse(record: Record, why: str) -> None:
            journals.keep_refused(self._journal.folder, record, why)
            log.error("the store refuses call %s: %s", record.id, why)
            refused.append(record)

        writing.write_or_refuse(self._connection, batch, refuse)
        self._settled(batch, refused)

    def _settled(self, batch: list[Record], refused: list[Record]) -> None:
        """Committed: forget the notes, tell observers, then whoever waits."""
        self._spilled = max(0, self._spilled - len(batch))
        if not self._spilled:
            self._journal.forget_spill()
        for record in batch:
            self._journal.close(record.id)
        for observer in self._observers:
            self._tell(observer, [record for record in batch if record not in refused] if refused else batch)
        self._batch = []
        self.refused += len(refused)
        self.written += len(batch) - len(refused)
        self._tell_who_waits()

    def _tell_who_waits(self) -> None:
        if self._someone_waits:
            self._someone_waits = False
            with suppress(RuntimeError):  # the loop is closed: nobody waits
                self._loop.call_soon_threadsafe(self._moved.set)

    def _tell(self, observer: Observer, batch: Sequence[Record]) -> None:
        try:
            observer(batch)
        except Exception:  # an observer's failure must not stop the ledger; it is counted
            self.observer_errors += 1
            log.exception("an observer of the ledger failed")

    def _in_trouble(self, message: str) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        self._spill()
        if not self.trouble:
            log.warning("the ledger cannot be written: %s", message)
        safe = "they are safe on disk too" if self._spilled >= self.waiting else "they are in memory only"
        self.trouble = f"{message}. {self.waiting} calls wait, {safe}; it is tried again every few seconds"

    def _spill(self) -> None:
        """Put on disk what waits and is not there yet."""
        everything = [*self._batch, *self._waiting]
        if len(everything) > self._spilled:
            with suppress(OSError):
                self._journal.spill(everything[self._spilled :])
                self._spilled = len(everything)
