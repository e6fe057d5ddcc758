"""The cache's store as the gateway sees it: entries of answers, their extra questions, hits and verdicts.

Everything is asked for with a tenant, and nothing of another tenant is ever found; `purge`, `tenants` and `changes`,
which fills the index, are the exceptions. All of it may be lost at any time: then calls are misses.

A drop is seen at once: here because it is taken from memory first, and on every other gateway on this store because a
hit is served only after `get` or `read` has read its row. `changes` tells other gateways' indexes about it.
"""

import asyncio
import math
import time
from collections.abc import Callable, Collection, Sequence

from farthing.store.engine import Connection, Row
from farthing.store.entries import reading, rows, writing
from farthing.store.entries.health import Health
from farthing.store.entries.opened import Opened
from farthing.store.entries.place import Place, place_for
from farthing.store.entries.reader import Reader
from farthing.store.entries.values import (
    HITS,
    Changes,
    Entry,
    Link,
    Position,
    ProbeCount,
    Stats,
    Tally,
    Vector,
    Verdict,
    Which,
    Worth,
)
from farthing.store.entries.waiting import Waiting
from farthing.store.entries.worth import Budgets
from farthing.store.entries.writer import Writer
from farthing.store.errors import StoreError
from farthing.store.sealing import Unreadable, Wrapping

_LARGE = 64 * 1024
"""Bytes of a stored answer from which a thread opens it."""

_MOST_COST = 10**15
"""Nano-dollars, so that sums over all entries stay whole numbers of the engines: a million dollars."""

_MOST_REMEMBERED = 10_000


def _clock_us() -> int:
    return time.time_ns() // 1000


async def open_entries(
    ledger_url: str, *, wrapping: Wrapping | None = None, budgets: Budgets | None = None, flush_s: float = 0.2,
    queue: int = 2000, queue_bytes: int = 64 * 1024 * 1024, patience_s: float = 0.25,
    now_us: Callable[[], int] = _clock_us, kept: bool = True,
) -> "Entries":  # fmt: skip
    """The cache of the ledger at `ledger_url`: a file beside a SQLite ledger's, or tables in its PostgreSQL database.

    Raises StoreError only for a URL that names no store. If the cache cannot be used now, `trouble` says why, calls are
    misses, and it is tried again. `queue` entries of `queue_bytes` may wait to be written; a call waits at most
    `patience_s` for a read; `now_us` is the clock of expiry in the background. If they are not to be `kept`, what waits at the end
    is not written, and nothing was there before.
    """
    entries = Entries(
        place_for(ledger_url), wrapping or Wrapping(), budgets or Budgets(), flush_s=flush_s,
        waiting=Waiting(queue, queue_bytes), patience_s=patience_s, now_us=now_us, kept=kept,
    )  # fmt: skip
    await entries.warm()
    return entries


class Entries:
    """See the module. Methods that say nothing of StoreError raise none."""

    def __init__(
        self, place: Place, wrapping: Wrapping, budgets: Budgets, *, flush_s: float, waiting: Waiting, patience_s: float,
        now_us: Callable[[], int], kept: bool = True,
    ) -> None:  # fmt: skip
        self._place = place
        self._wrapping = wrapping
        self._waiting = waiting
        self._now_us = now_us
        self._kept = kept
        self._lately = Opened()
        self._dead: dict[tuple[str, str], None] = {}
        reading_health = Health("read")
        self._reader = Reader(place, reading_health, patience_s=patience_s)
        self._writer = Writer(
            place,
            wrapping,
            waiting,
            Health("written", reading_health),
            budgets=budgets,
            flush_s=flush_s,
            now_us=now_us,
            kept=kept,
        )

    @property
    def trouble(self) -> str:
        """Why the cache cannot be read or written now, and what to do; empty if it can."""
        return self._reader.health.trouble or self._writer.health.trouble

    @property
    def forgotten(self) -> int:
        """Entries that were never written because too many waited, or because the store refuses what is in them."""
        return self._waiting.forgotten + self._writer.refused

    async def warm(self) -> None:
        """Connect now, so that the first call does not wait for it."""
        await self._reader.quick(_nothing, None)
        await self._reader.quick(_nothing, None)

    async def close(self, grace_s: float = 2.0) -> None:
        """Write what waits, for at most `grace_s`."""
        await asyncio.to_thread(self._writer.end, grace_s)
        await self._reader.close()

    # Calls

    async def get(self, tenant: str, exact: bytes, *, now_us: int) -> Entry | None:
        """The entry with this exact fingerprint, if it may be served at `now_us`. Without its vector."""
        waiting = self._waiting.exact(tenant, exact)
        if waiting is not None:
            return self._served(waiting, now_us)
        if not self._kept and not self._writer.written:
            return None
        known = self._lately.find(tenant, exact)
        mark, row = await self._reader.quick(
            lambda db: reading.exact_row(db, self._wrapping, tenant, exact, known and known[0]), reading.NOTHING
        )
        if known is not None and mark == known[0]:
            return self._served(known[1], now_us)
        entry = await self._opened(row)
        if mark is None or entry is None or entry.tenant != tenant or entry.exact != exact:
            return None
        self._lately.keep(mark, entry)
        return self._served(entry, now_us)

    async def get_many(self, tenant: str, exact: Sequence[bytes], *, now_us: int) -> dict[bytes, Entry]:
        """Those that may be served of the entries with these fingerprints."""
        found: dict[bytes, Entry] = {}
        rest = []
        for print_ in dict.fromkeys(exact):
            waiting = self._waiting.exact(tenant, print_)
            if waiting is None:
                rest.append(print_)
            elif self._served(waiting, now_us):
                found[print_] = waiting
        if rest:
            none: list[Row] = []
            for row in await self._reader.quick(lambda db: reading.exact_rows(db, self._wrapping, tenant, rest), none):
                entry = await self._opened(row)
                if entry is not None and entry.tenant == tenant and self._served(entry, now_us):
                    found[entry.exact] = entry
        return found

    async def read(self, tenant: str, entry_id: str, *, now_us: int) -> Entry | None:
        """The entry with this id, if it may be served at `now_us`. Without its vector."""
        waiting = self._waiting.entry(tenant, entry_id)
        if waiting is not None:
            return self._served(waiting, now_us)
        row = await self._reader.quick(lambda db: reading.id_row(db, self._wrapping, tenant, entry_id), None)
        entry = await self._opened(row)
        if entry is None or entry.tenant != tenant or entry.id != entry_id:
            return None
        return self._served(entry, now_us)

    async def links(self, tenant: str, entry_id: str) -> list[Link]:
        """The extra questions of an entry, oldest first, without their vectors."""
        none: list[Link] = []
        stored = await self._reader.quick(lambda db: reading.links(db, self._wrapping, tenant, entry_id), none)
        known = {link.id for link in stored}
        return stored + [link for link in self._waiting.links(tenant, entry_id) if link.id not in known]

    def put(self, entry: Entry) -> bool:
        """Hand in an entry; it is found at once and written soon. False if it is no sound entry, or a drop was meant for it
        too.

        It replaces the tenant's entry with the same exact fingerprint, and inherits its hits. Never blocks.
        """
        texts = (
            entry.id, entry.tenant, entry.scope, entry.owner, entry.team, entry.format, entry.model, entry.asked,
            entry.target, entry.encoder, entry.source_call, *entry.tags,
        )  # fmt: skip
        numbers = (
            entry.cost,
            entry.baseline,
            entry.in_tokens,
            entry.out_tokens,
            entry.created_us,
            entry.expires_us,
            entry.hits,
        )
        if not (entry.id and entry.tenant and 0 <= entry.cost <= _MOST_COST and rows.sound(texts, numbers)):
            return False
        if self._waiting.much:
            self._writer.wake()
        return self._waiting.add(entry)

    def link(self, link: Link) -> bool:
        """Hand in one more question of an entry; written soon, if the entry is there and is the same tenant's."""
        if not (link.tenant and rows.sound((link.id, link.tenant, link.entry_id, link.source), (link.created_us,))):
            return False
        self._waiting.add_link(link)
        return True

    def hit(self, tenant: str, entry_id: str, *, at_us: int) -> None:
        """Note that the entry was served: what is used stays longer."""
        self._waiting.add_hit(tenant, entry_id, at_us)

    def verdict(self, verdict: Verdict) -> bool:
        """Hand in a verdict; a later one of the same call and source replaces it. Never blocks."""
        texts = (
            verdict.tenant, verdict.scope, verdict.entry_id, verdict.call_id, verdict.source, verdict.judge,
        )  # fmt: skip
        if not verdict.tenant or math.isnan(verdict.similarity) or not rows.sound(texts, (verdict.at_us,)):
            return False
        self._waiting.add_verdict(verdict)
        return True

    # Dropping

    async def drop(self, tenant: str, which: Which) -> int:
        """Drop the tenant's entries that are meant, with their links; how many there were.

        It also meets entries of calls that began before it and are written later, here or on another gateway. Raises
        StoreError if the store cannot be written; entries that were named by id are then still never served here.
        """
        now_us = self._now_us()
        for entry_id in which.ids or ():
            self._bury(tenant, entry_id)

        def work(connection: Connection) -> int:
            waited = self._waiting.drop(tenant, which, now_us)
            return waited + writing.drop(connection, tenant, which, now_us)

        return await self._dropping(work, tenant, which, now_us)

    async def unlink(self, tenant: str, link_id: str) -> bool:
        """Drop one extra question; whether it was there. Raises StoreError."""

        def work(connection: Connection) -> bool:
            waited = self._waiting.drop_link(tenant, link_id)
            return writing.unlink(connection, tenant, link_id) or waited

        return await asyncio.to_thread(self._writer.do, work)

    async def purge(self) -> int:
        """Drop every entry of every tenant; verdicts stay. Raises StoreError."""
        now_us = self._now_us()

        def work(connection: Connection) -> int:
            waited = self._waiting.drop(None, Which(), now_us)
            purged = writing.purge(connection, now_us)
            self._place.tidy(connection, everything=True)
            return waited + purged

        return await self._dropping(work, None, Which(), now_us)

    async def _dropping(self, work: Callable[[Connection], int], tenant: str | None, which: Which, now_us: int) -> int:
        try:
            return await asyncio.to_thread(self._writer.do, work)
        except StoreError:
            self._waiting.drop(tenant, which, now_us)
            raise

    # The index

    async def changes(self, since: Position, *, limit: int = 1000) -> Changes:
        """What came and went since `since`, for every tenant; from `Position()` on all there is, oldest first.

        Ask about once a second, and again at once while there is `more`. Raises StoreError.
        """
        return await self._reader.slow(lambda db: reading.changes(db, self._wrapping, since, limit))

    async def vectors(self, tenant: str, context: bytes, *, limit: int = 100_000) -> list[Vector]:
        """All vectors of one context, to load it into the index again. Raises StoreError."""
        return await self._reader.slow(lambda db: reading.vectors(db, self._wrapping, tenant, context, limit))

    # People and background work

    async def flush(self) -> None:
        """Write what waits now. Raises StoreError."""
        await asyncio.to_thread(self._writer.flush)

    async def entries(
        self, tenant: str, which: Which | None = None, *, limit: int = 50, before_us: int | None = None
    ) -> list[Entry]:
        """The newest first, also those that expired, without vectors. Raises StoreError."""
        which = which or Which()
        return await self._reader.slow(lambda db: reading.entries(db, self._wrapping, tenant, which, limit, before_us))

    async def stats(self, tenant: str) -> Stats:
        """Raises StoreError."""
        return await self._reader.slow(lambda db: reading.stats(db, tenant))

    async def dearest(
        self, tenant: str, *, scope: str | None = None, pinned: bool = False, limit: int = 20
    ) -> list[Worth]:  # fmt: skip
        """The entries that saved most, or of those that people approved; without their texts. Raises StoreError."""
        return await self._reader.slow(lambda db: reading.dearest(db, tenant, limit, scope=scope, pinned=pinned))

    async def tenants(self) -> list[str]:
        """Who has entries. Raises StoreError."""
        return await self._reader.slow(reading.tenants)

    async def counts(
        self, tenant: str, scope: str, edges: Sequence[float], *, since_us: int = 0, sources: Collection[str] = HITS,
        judge: str | None = None,
    ) -> list[Tally]:  # fmt: skip
        """Verdicts of a scope by similarity: a bucket from each edge to the next. With `judge`, those of people and of that
        judge only. Raises StoreError."""
        return await self._reader.slow(
            lambda db: reading.tallies(db, tenant, scope, edges, since_us=since_us, sources=sources, judge=judge)
        )

    async def probes(self, tenant: str, judge: str, *, near: float) -> list[ProbeCount]:
        """Probes of a judge in each scope of the tenant; those with a similarity of `near` or more are counted apart.
        Raises StoreError."""
        return await self._reader.slow(lambda db: reading.probes(db, tenant, judge, near))

    async def verdicts(
        self, tenant: str, scope: str | None = None, *, since_us: int = 0, wrong: bool | None = None, limit: int = 100,
        sources: Collection[str] = HITS,
    ) -> list[Verdict]:  # fmt: skip
        """The newest first. Raises StoreError."""
        return await self._reader.slow(
            lambda db: reading.verdicts(db, tenant, scope, since_us=since_us, wrong=wrong, limit=limit, sources=sources)
        )

    def _served(self, entry: Entry, now_us: int) -> Entry | None:
        return entry if reading.alive(entry, now_us) and (entry.tenant, entry.id) not in self._dead else None

    async def _opened(self, row: Row | None) -> Entry | None:
        if row is None:
            return None
        try:
            if len(row[-1]) < _LARGE:
                return rows.entry(self._wrapping, row)
            return await asyncio.to_thread(rows.entry, self._wrapping, row)
        except Unreadable:
            self._unreadable(row)
            return None

    def _unreadable(self, row: Row) -> None:
        """Damaged, or tampered with: never served again. The next answer to the same question replaces it."""
        id_, tenant = row[0], row[1]
        self._bury(tenant, id_)
        self._reader.health.note(f"an entry of the cache in {self._place.where} is damaged and is not served")

    def _bury(self, tenant: str, entry_id: str) -> None:
        self._dead[tenant, entry_id] = None
        if len(self._dead) > _MOST_REMEMBERED:
            del self._dead[next(iter(self._dead))]


def _nothing(connection: Connection) -> None:
    """Only connects."""
