"""The thread that writes the cache: batches, hits, verdicts, expiry and budgets. Nobody waits for it but who drops.

While the cache cannot be written, calls go on: what waits is found in memory, and the oldest of it is forgotten.
"""

import logging
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from farthing.store.engine import Connection
from farthing.store.entries import rows, writing
from farthing.store.entries.health import Health
from farthing.store.entries.place import Place
from farthing.store.entries.waiting import Taken, Waiting
from farthing.store.entries.worth import Budgets
from farthing.store.entries.writing import Batch
from farthing.store.errors import RowRefused, StoreError
from farthing.store.sealing import Wrapping

T = TypeVar("T")

_PATIENCE_S = 2.0
_UPKEEP_S = 60.0
_PRUNE_S = 3600.0
"""How often verdicts are counted through: all of them are read for it."""
_LOOK_S = 1.0
"""How often it is checked whether the file is still there."""

log = logging.getLogger(__name__)


class Writer:
    """Writes from the moment it is made. One a process."""

    def __init__(
        self, place: Place, wrapping: Wrapping, waiting: Waiting, health: Health, *, budgets: Budgets, flush_s: float,
        now_us: Callable[[], int], kept: bool = True,
    ) -> None:  # fmt: skip
        self._place = place
        self._wrapping = wrapping
        self._waiting = waiting
        self._budgets = budgets
        self._flush_s = flush_s
        self._kept = kept
        self._now_us = now_us
        self._connection: Connection | None = None
        self._looked_at = 0.0
        self._kept_up_at = float("-inf")
        self._pruned_at = float("-inf")
        self._writing = threading.RLock()
        self._wake = threading.Event()
        self._ending = threading.Event()
        self.health = health
        self.written = 0
        """Entries that were handed to the store."""
        self.refused = 0
        """Entries, links and verdicts that the store refuses for what is in them."""
        self._thread = threading.Thread(target=self._run, name="cache writer", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        self._wake.set()

    def end(self, grace_s: float) -> None:
        """Write what waits, if it is to be kept, for at most `grace_s`. Blocks."""
        self._ending.set()
        self._wake.set()
        self._thread.join(grace_s + _PATIENCE_S)

    def do(self, work: Callable[[Connection], T]) -> T:
        """Run `work` between two batches. Blocks; raises StoreError."""
        with self._writing:
            return self._with_connection(work)

    def flush(self) -> None:
        """Write what waits now. Blocks; raises StoreError."""
        with self._writing:
            while self._write_some():
                pass

    def _run(self) -> None:
        while not self._ending.is_set():
            self._wake.wait(self._flush_s)
            self._wake.clear()
            if not self.health.resting and (self._kept or not self._ending.is_set()):
                self._try(self._turn)
        if self._kept:
            self._try(self.flush)
        with self._writing:
            self._disconnect()

    def _turn(self) -> None:
        self.flush()
        if time.monotonic() > self._kept_up_at + _UPKEEP_S:
            self.do(self._keep_up)
            self._kept_up_at = time.monotonic()

    def _try(self, work: Callable[[], object]) -> None:
        try:
            work()
        except StoreError as error:
            self.health.failed(error.message, "new answers are kept in memory and forgotten when that is full")
        except Exception as error:  # whatever it is, this thread must go on: nobody else writes
            log.exception("the cache's writer failed")
            self.health.failed(repr(error), "new answers are not kept")
        else:
            self.health.worked()

    def _write_some(self) -> bool:
        """Write one batch; whether there was anything."""
        taken = self._waiting.take()
        if not taken:
            return False
        try:
            batch = self._batch(taken)
            self._with_connection(partial(self._write, batch))
        except RowRefused as error:
            self._write_one_by_one(taken, error)
        except BaseException:
            self._waiting.give_back(taken)
            raise
        self.written += len(taken.entries)
        self._waiting.done(taken)
        return True

    def _batch(self, taken: Taken) -> Batch:
        return Batch(
            [rows.entry_row(self._wrapping, entry) for entry in taken.entries],
            [rows.link_row(self._wrapping, link) for link in taken.links],
            taken.hits,
            taken.verdicts,
        )

    def _write(self, batch: Batch, connection: Connection) -> None:
        writing.write(
            connection, batch, seal=self._wrapping.mark, budgets=self._budgets, now_us=self._now_us()
        )  # fmt: skip

    def _write_one_by_one(self, taken: Taken, why: RowRefused) -> None:
        """Something in the batch is refused: forget that, keep the rest. Hits are only counters and go."""
        log.warning("the cache's store refuses a row: %s", why)
        batch = self._batch(taken)
        for one in (
            *(Batch([row], [], {}, []) for row in batch.entries),
            *(Batch([], [row], {}, []) for row in batch.links),
            *(Batch([], [], {}, [verdict]) for verdict in batch.verdicts),
        ):
            try:
                self._with_connection(partial(self._write, one))
            except RowRefused:
                self.refused += 1

    def _keep_up(self, connection: Connection) -> None:
        now_us = self._now_us()
        writing.drop_expired(connection, now_us)
        writing.forget_old_notes(connection, now_us)
        self._place.tidy(connection)
        if time.monotonic() > self._pruned_at + _PRUNE_S:
            writing.forget_old_verdicts(connection, now_us)
            self._pruned_at = time.monotonic()

    def _with_connection(self, work: Callable[[Connection], T]) -> T:
        try:
            return work(self._connected())
        except StoreError as error:
            self._disconnect()
            if not self._place.mend(error):
                raise
        return work(self._connected())

    def _connected(self) -> Connection:
        if self._connection is not None and time.monotonic() > self._looked_at + _LOOK_S:
            self._looked_at = time.monotonic()
            if self._place.gone(self._connection):
                self._disconnect()
        if self._connection is None:
            self._connection = self._place.connect(_PATIENCE_S)
            self._looked_at = time.monotonic()
            if self._wrapping.mark:
                self._drop_unsealed(self._connection)
        return self._connection

    def _drop_unsealed(self, connection: Connection) -> None:
        dropped = writing.drop_unsealed(connection)
        if dropped:
            log.warning("%d cache entries that were not sealed are dropped: a key is given now", dropped)

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
