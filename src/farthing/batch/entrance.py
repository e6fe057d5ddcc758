"""Where jobs come in: many that are handed in at the same time become one transaction, and each hears how its own went.

A job is safe in the store before whoever handed it in is told so. Knows nothing of what jobs are made from.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import NamedTuple

from farthing.model.batch import Job, Line
from farthing.store import Store
from farthing.store.batch import jobs, lines
from farthing.store.batch.rows import PLAIN
from farthing.store.engine import Connection
from farthing.store.sealing import Wrapping

MOST = 500
"""Jobs of one transaction."""


class _Handed(NamedTuple):
    job: Job
    lines: Sequence[Line]
    also: Callable[[Connection], None] | None
    written: "asyncio.Future[None]"


class Entrance:
    """`told` is called when something new has come in. What lines say is kept in that `wrapping`."""

    def __init__(self, store: Store, told: Callable[[], None], wrapping: Wrapping = PLAIN) -> None:
        self._store = store
        self._told = told
        self._wrapping = wrapping
        self._waiting: list[_Handed] = []
        self._writer: asyncio.Task[None] | None = None

    async def hand_in(
        self, job: Job, lines: Sequence[Line], also: Callable[[Connection], None] | None = None
    ) -> None:  # fmt: skip
        """Keep the job with its lines, and do `also` in the same transaction. Raises StoreError where it may not have been
        kept, Duplicate where it is there."""
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Handed(job, lines, also, written))
        if self._writer is None:
            self._writer = asyncio.create_task(self._write())
        await written

    async def close(self) -> None:
        """Wait until all that was handed in is written."""
        if self._writer is not None:
            await asyncio.gather(self._writer, return_exceptions=True)

    async def _write(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
                await self._keep(batch)
                self._told()
        finally:
            self._writer = None

    async def _keep(self, batch: list[_Handed]) -> None:
        """All of them, or, where that fails for one of them, each by itself."""
        try:
            await self._store.do(lambda connection: _add(connection, batch, self._wrapping))
        except Exception as error:
            if len(batch) == 1:
                _answer(batch[0], error)
                return
            for each in batch:
                await self._keep([each])
            return
        for each in batch:
            _answer(each, None)


def _add(connection: Connection, batch: Sequence[_Handed], wrapping: Wrapping) -> None:
    with connection.transaction():
        for each in batch:
            jobs.add(connection, each.job)
            if each.also is not None:
                each.also(connection)
        lines.add(connection, [line for each in batch for line in each.lines], wrapping=wrapping)


def _answer(handed: _Handed, error: Exception | None) -> None:
    if handed.written.done():  # whoever waited has gone
        return
    if error is None:
        handed.written.set_result(None)
    else:
        handed.written.set_exception(error)
