"""What hold-outs show of a span of days. Millions of calls take a second of CPU, so a process of its own works it out, and it
is kept for an hour; whoever comes first may see that it is not ready yet."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from contextlib import closing, suppress
from typing import NamedTuple

from farthing.dashboard.aside import Aside, CannotDo
from farthing.quality.holdout import Proof, prove
from farthing.store import arms, engine_for

FRESH_S = 3600.0
WAIT_S = 0.5
"""How long a page waits for what is not known yet; a small ledger takes less once the process runs."""
MOST_KEPT = 64
PATIENCE_S = 60.0

Key = tuple[str, int, int]


class _Kept(NamedTuple):
    proofs: list[Proof]
    until: float


class Proofs:
    """`url` is the store's."""

    def __init__(self, url: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._url = url
        self._clock = clock
        self._aside = Aside(PATIENCE_S)
        self._kept: OrderedDict[Key, _Kept] = OrderedDict()
        self._under_way: dict[Key, asyncio.Task[None]] = {}

    async def of(self, tenant: str, since_us: int, until_us: int, wait_s: float = WAIT_S) -> list[Proof] | None:
        """By lever; None where it is being worked out. What is an hour old is given once more while it is made anew."""
        key = tenant, since_us, until_us
        kept = self._kept.get(key)
        if kept is None or kept.until <= self._clock():
            task = self._work(key)
            if kept is None:
                with suppress(TimeoutError):
                    await asyncio.wait_for(asyncio.shield(task), wait_s)
        found = self._kept.get(key)
        return found.proofs if found is not None else None

    def _work(self, key: Key) -> "asyncio.Task[None]":
        task = self._under_way.get(key)
        if task is None:
            task = self._under_way[key] = asyncio.create_task(self._prove(key))
            task.add_done_callback(lambda _: self._under_way.pop(key, None))
        return task

    async def _prove(self, key: Key) -> None:
        with suppress(CannotDo):  # the page says that it is not known, and the next one tries again
            self._kept[key] = _Kept(await self._aside.run(proven, self._url, *key), self._clock() + FRESH_S)
            self._kept.move_to_end(key)
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)

    def close(self) -> None:
        for task in self._under_way.values():
            task.cancel()
        self._aside.close()


def proven(url: str, tenant: str, since_us: int, until_us: int) -> list[Proof]:
    """Runs in the process of its own."""
    with closing(engine_for(url).connect()) as connection:
        sums = arms.sums(connection, since_us, tenant=tenant)
    return prove(each for each in sums if each.day_us < until_us)
