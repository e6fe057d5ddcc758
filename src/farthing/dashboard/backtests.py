"""What the rules would have told of the last days. Months of a large ledger take seconds of CPU, so a process of its own works
it out when somebody asks, and it is kept for an hour."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress

import msgspec

from farthing.dashboard.aside import Aside, CannotDo
from farthing.finops.alerts.backtest import Fired, backtest
from farthing.finops.alerts.catalog import looks_at_users, rules_for, single_call_limit
from farthing.settings import AlertSettings
from farthing.store import Store, engine_for
from farthing.store.alerts import Alerts

FRESH_S = 3600.0
WAIT_S = 5.0
"""How long a page waits; then it says that it is being worked out."""
PATIENCE_S = 120.0
MOST_KEPT = 32

Key = tuple[str, int, int]
"""Tenant, and the span: from, up to."""


class Backtests:
    """`url` is the store's."""

    def __init__(self, url: str, settings: AlertSettings, clock: Callable[[], float] = time.monotonic) -> None:
        self._url = url
        self._settings = msgspec.structs.replace(settings, channels={})  # nobody is told, and secrets stay here
        self._clock = clock
        self._aside = Aside(PATIENCE_S)
        self._kept: OrderedDict[Key, tuple[list[Fired], float]] = OrderedDict()
        self._under_way: dict[Key, asyncio.Task[None]] = {}

    async def of(self, tenant: str, since_us: int, until_us: int, wait_s: float = WAIT_S) -> list[Fired] | None:
        """Oldest first; None where it is being worked out, or could not be."""
        key = tenant, since_us, until_us
        found = self._kept.get(key)
        if found is None or found[1] <= self._clock():
            with suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(self._work(key)), wait_s)
            found = self._kept.get(key)
        return found[0] if found is not None else None

    def _work(self, key: Key) -> "asyncio.Task[None]":
        task = self._under_way.get(key)
        if task is None:
            task = self._under_way[key] = asyncio.create_task(self._replay(key))
            task.add_done_callback(lambda _: self._under_way.pop(key, None))
        return task

    async def _replay(self, key: Key) -> None:
        with suppress(CannotDo):  # the page says that it is not known, and the next one tries again
            self._kept[key] = await self._aside.run(replayed, self._url, self._settings, *key), self._clock() + FRESH_S
            self._kept.move_to_end(key)
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)

    def close(self) -> None:
        for task in self._under_way.values():
            task.cancel()
        self._aside.close()


def replayed(url: str, settings: AlertSettings, tenant: str, since_us: int, until_us: int) -> list[Fired]:
    """Runs in the process of its own. The same as `farthing alerts backtest`."""
    return asyncio.run(_replayed(url, settings, tenant, since_us, until_us))


async def _replayed(url: str, settings: AlertSettings, tenant: str, since_us: int, until_us: int) -> list[Fired]:
    store = Store(engine_for(url))
    try:
        return await backtest(
            Alerts(store), rules_for(settings), single_call_limit(settings), since_us, until_us, tenant=tenant,
            users=looks_at_users(settings),
        )  # fmt: skip
    finally:
        await store.close()
