"""What the rules would have told of the last days."""

import asyncio
import time
from collections.abc import Callable

import msgspec

from farthing.dashboard.worked_out import WorkedOut
from farthing.finops.alerts.backtest import Fired, backtest
from farthing.finops.alerts.catalog import looks_at_users, rules_for, single_call_limit
from farthing.settings import AlertSettings
from farthing.store import Store, engine_for
from farthing.store.alerts import Alerts


class Backtests(WorkedOut[list[Fired]]):
    """Oldest first. `url` is the store's."""

    def __init__(self, url: str, settings: AlertSettings, clock: Callable[[], float] = time.monotonic) -> None:
        silent = msgspec.structs.replace(settings, channels={})  # nobody is told, and secrets stay here
        super().__init__(replayed, url, silent, wait_s=5.0, patience_s=120.0, clock=clock)


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
