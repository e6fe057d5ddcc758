"""The store as the rest of Farthing sees it: async, for admin pages, reports and keys. Calls are written by the ledger.

Each method runs its blocking work in a thread with a connection of its own, so the event loop never waits for a disk.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import TypeVar

from farthing.model.principal import Key
from farthing.model.record import Record
from farthing.store import arms, keys, reading, transaction_rows, writing
from farthing.store.arms import ArmSums, Scored
from farthing.store.engine import Connection, Engine, engine_for
from farthing.store.errors import StoreError
from farthing.store.reading import CallRow, LeverRow, ReportRow
from farthing.store.schema import migrate

T = TypeVar("T")

_MOST_CONNECTIONS = 4


async def open_store(url: str) -> "Store":
    """The store at `url`, made or brought to this version's tables where needed.

    `sqlite:///farthing.db` is a file in the working folder, `sqlite:////var/lib/farthing.db` an absolute path,
    `postgresql://user@host/database` a server. Raises StoreError, which says what to do.
    """
    store = Store(engine_for(url))
    await store.prepare()
    return store


class Store:
    """Keys, reports and single calls. Methods raise StoreError if the store cannot be used now."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._idle: list[Connection] = []
        self._turn = asyncio.Semaphore(_MOST_CONNECTIONS)
        self._closed = False
        self._key_listeners: list[Callable[[], Awaitable[None]]] = []

    async def prepare(self) -> None:
        """Make the tables, or bring them to this version."""
        await self.do(transaction_rows.fill)

    def connect(self, patience_s: float = 10.0) -> Connection:
        """A new connection to a store that has its tables, even if it had to be made again. Blocks. Raises StoreError."""
        connection = self.engine.connect(patience_s)
        try:
            migrate(self.engine, connection)
        except BaseException:
            connection.close()
            raise
        return connection

    async def close(self) -> None:
        self._closed = True
        while self._idle:
            await asyncio.to_thread(self._idle.pop().close)

    async def write(self, records: Sequence[Record]) -> int:
        """Add the calls that are not there yet, all or nothing; how many these were. Raises RowRefused for a record
        that no database can hold."""
        return await self.do(lambda connection: writing.write(connection, records))

    async def call(self, call_id: str) -> Record | None:
        return await self.do(lambda connection: reading.call(connection, call_id))

    async def calls(
        self, *, since_us: int = 0, until_us: int | None = None, where: Mapping[str, str] | None = None,
        limit: int = 100, before: tuple[int, str] | None = None,
    ) -> list[CallRow]:  # fmt: skip
        """The newest calls first; see `reading.calls`."""
        return await self.do(
            lambda connection: reading.calls(
                connection, since_us=since_us, until_us=until_us, where=where, limit=limit, before=before
            )
        )

    async def report(
        self, by: str, since_us: int = 0, until_us: int | None = None, *, tenant: str = "",
        where: Mapping[str, str] | None = None,
    ) -> list[ReportRow]:  # fmt: skip
        """Sums from rollups; see `reading.report`."""
        return await self.do(
            lambda connection: reading.report(connection, by, since_us, until_us, tenant=tenant, where=where)
        )

    async def quantiles(
        self, kind: str, shares: Sequence[float], since_us: int = 0, until_us: int | None = None, *, tenant: str = "",
        model: str | None = None,
    ) -> list[int]:  # fmt: skip
        """Of durations or costs, from histograms; see `reading.quantiles`."""
        return await self.do(
            lambda connection: reading.quantiles(
                connection, kind, shares, since_us, until_us, tenant=tenant, model=model
            )
        )

    async def check(self) -> list[str]:
        """What does not agree in the ledger; see `reading.check`."""
        return await self.do(reading.check)

    async def rebuild(self) -> None:
        """Make all rollups anew from the rows."""
        await self.do(reading.rebuild)

    async def levers(self, since_us: int = 0, until_us: int | None = None, *, tenant: str = "") -> list[LeverRow]:
        """What each lever took off, from rollups; see `reading.levers`."""
        return await self.do(lambda connection: reading.levers(connection, since_us, until_us, tenant=tenant))

    async def arm_sums(self, since_us: int = 0, *, lever: str = "", tenant: str = "") -> list[ArmSums]:
        """What the estimator of hold-outs needs; see `arms.sums`."""
        return await self.do(lambda connection: arms.sums(connection, since_us, lever=lever, tenant=tenant))

    async def add_scores(self, scores: Sequence[Scored]) -> list[str]:
        """Quality of answers, joined to the arms of their calls; the ids that are not in the store yet. A call that is
        scored twice counts twice."""
        return await self.do(lambda connection: arms.add_scores(connection, scores))

    def when_keys_change(self, tell: Callable[[], Awaitable[None]]) -> None:
        """Have `tell` called after each change of a key through this object, before whoever made it goes on."""
        self._key_listeners.append(tell)

    async def _changed_keys(self, change: Callable[[Connection], T]) -> T:
        changed = await self.do(change)
        for tell in self._key_listeners:
            await tell()
        return changed

    async def add_key(self, key: Key, *, who: str = "") -> None:
        """Raises ValueError if its id or secret is there already. `who` is for the audit log; so below."""
        await self._changed_keys(lambda connection: keys.add(connection, key, who))

    async def keys(self) -> list[Key]:
        """All keys, also those revoked and expired, oldest first."""
        return await self.do(keys.every)

    async def key(self, key_id: str) -> Key | None:
        return await self.do(lambda connection: keys.by_id(connection, key_id))

    async def revoke_key(self, key_id: str, *, who: str = "") -> bool:
        """Whether there was such a key that was not revoked yet."""
        now = now_us()
        return await self._changed_keys(lambda connection: keys.revoke(connection, key_id, now, who))

    async def rotate_key(self, key_id: str, new_hash: bytes, *, grace_s: float = 0.0, who: str = "") -> bool:
        """Give the key a new secret; the old one works for `grace_s` more. False: no such key, or it is revoked."""
        until = now_us() + int(grace_s * 1e6) if grace_s > 0 else 0
        return await self._changed_keys(lambda connection: keys.rotate(connection, key_id, new_hash, until, who))

    async def key_changes(self) -> int:
        """A number that grows with each change of a key."""
        return await self.do(keys.changes)

    async def live_keys(self) -> tuple[int, list[Key]]:
        """`key_changes`, and the keys as they open the gateway: one for each secret that is not revoked."""
        return await self.do(keys.live)

    async def find_key(self, secret_hash: bytes) -> Key | None:
        """The key that this secret opens; revoked ones are not found, expired ones are."""
        return await self.do(lambda connection: keys.by_hash(connection, secret_hash))

    async def do(self, work: Callable[[Connection], T]) -> T:
        """Whatever `work` does with a connection, in a thread. For the parts of the store that have a class of their own."""
        async with self._turn:
            return await asyncio.to_thread(self._with_connection, work)

    def _with_connection(self, work: Callable[[Connection], T]) -> T:
        with self._borrowed() as connection:
            return work(connection)

    @contextmanager
    def _borrowed(self) -> Iterator[Connection]:
        """A connection; one that failed is not used again."""
        connection = self._taken()
        try:
            yield connection
        except StoreError:
            connection.close()
            raise
        except BaseException:
            self._put_back(connection)
            raise
        self._put_back(connection)

    def _taken(self) -> Connection:
        """A kept connection, if it still works: the server may have started again, the file may be another one."""
        with suppress(IndexError):
            while True:
                connection = self._idle.pop()
                try:
                    connection.query("SELECT 1")
                    return connection
                except StoreError:
                    connection.close()
        return self.connect()

    def _put_back(self, connection: Connection) -> None:
        if self._closed:
            connection.close()
        else:
            self._idle.append(connection)


def now_us() -> int:
    """Microseconds since 1970 (UTC)."""
    return time.time_ns() // 1000
