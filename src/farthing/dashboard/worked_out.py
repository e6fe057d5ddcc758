"""Answers about a span of days that take seconds of CPU: worked out aside when somebody asks, kept for an hour. Whoever comes
first may see that one is not ready yet; what is an hour old is given once more while it is made anew."""

import asyncio
import functools
import time
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Generic, TypeVar

from farthing.dashboard.aside import Aside, CannotDo

FRESH_S = 3600.0
MOST_KEPT = 64

T = TypeVar("T")
Key = tuple[str, int, int]
"""Tenant, and the span: from, up to."""


class WorkedOut(Generic[T]):
    """`work` gets `first` and the key, in a process of its own. A page waits `wait_s` for it, the process `patience_s`."""

    def __init__(
        self, work: Callable[..., T], *first: Any, wait_s: float, patience_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self._work = functools.partial(work, *first)
        self._wait_s = wait_s
        self._clock = clock
        self._aside = Aside(patience_s)
        self._kept: OrderedDict[Key, tuple[T, float]] = OrderedDict()
        self._under_way: dict[Key, asyncio.Task[None]] = {}

    async def of(self, tenant: str, since_us: int, until_us: int, wait_s: float | None = None) -> T | None:
        """None where it is being worked out, or could not be."""
        key = tenant, since_us, until_us
        kept = self._kept.get(key)
        if kept is None or kept[1] <= self._clock():
            task = self._begun(key)
            if kept is None:
                with suppress(TimeoutError):
                    await asyncio.wait_for(asyncio.shield(task), self._wait_s if wait_s is None else wait_s)
        found = self._kept.get(key)
        return found[0] if found is not None else None

    def _begun(self, key: Key) -> "asyncio.Task[None]":
        task = self._under_way.get(key)
        if task is None:
            task = self._under_way[key] = asyncio.create_task(self._keep(key))
            task.add_done_callback(lambda _: self._under_way.pop(key, None))
        return task

    async def _keep(self, key: Key) -> None:
        with suppress(CannotDo):  # the page says that it is not known, and the next one tries again
            self._kept[key] = await self._aside.run(self._work, *key), self._clock() + FRESH_S
            self._kept.move_to_end(key)
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)

    def close(self) -> None:
        for task in self._under_way.values():
            task.cancel()
        self._aside.close(wait=True)
