"""The plan that a gateway makes of its own calls once a week, and whenever somebody asks for one: in a process of its own, so that
calls do not feel it, and by one gateway of all that share the store.

It stands beside the gateway and not in it: what a plan needs (a whole gateway to ask the calls again) lies above it.
"""

import asyncio
import functools
import importlib
import logging
import os
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime

from farthing.app import build as app
from farthing.dashboard.aside import Aside, CannotDo
from farthing.finops.alerts.digest.weekly import last_due
from farthing.finops.plans.document import packed
from farthing.gateway.asgi import Build, Endpoints
from farthing.model.clock import SYSTEM
from farthing.settings import AlertDigestSettings, Settings
from farthing.store import Store, StoreError, open_store
from farthing.store.past_calls import any_calls
from farthing.store.plans import LAPSES_US, Plans
from farthing.store.rollups import HOUR_US

LOOK_S = 30.0
"""Between two looks at whether somebody asked for a plan."""
PATIENCE_S = LAPSES_US / 1e6 - 600
"""A plan that takes longer is given up before another gateway may take it for one whose maker is gone."""
NICE = 15
WHO = "a gateway, each week"
log = logging.getLogger("farthing.plan")

Made = tuple[str, list[str]]
"""What is kept, and whose calls it is about."""
Work = Callable[[int], Awaitable[Made]]


def build_for(settings: Settings, file: str = "") -> Build:
    """How to build a gateway that plans; can be pickled."""
    return functools.partial(build, settings, file=file)


async def build(settings: Settings, stack: AsyncExitStack, file: str = "") -> Endpoints:
    """The gateway's endpoints, with the plan's schedule beside them. What must be closed is left in `stack`."""
    endpoints = await app.build(settings, stack, file)
    store = await open_store(settings.store.url.reveal())
    stack.push_async_callback(store.close)
    aside = Aside(PATIENCE_S, idle_s=1.0)
    stack.callback(functools.partial(aside.close, wait=True))
    weekly = Weekly(settings, store, lambda now_us: aside.run(made, settings, now_us))
    task = asyncio.create_task(weekly.run())
    stack.push_async_callback(_end, task)
    return endpoints


async def _end(task: "asyncio.Task[None]") -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


class Weekly:
    """See the module. `work` makes a plan as of a moment; it raises CannotDo."""

    def __init__(self, settings: Settings, store: Store, work: Work, now_us: Callable[[], int] = SYSTEM.now_us) -> None:
        self._settings = settings
        self._store = store
        self._plans = Plans(store)
        self._work = work
        self._now_us = now_us

    async def run(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            with suppress(StoreError):
                await self.look()

    async def look(self) -> int:
        """Make what is due or asked for; its number, 0 where there is nothing to make. Raises StoreError."""
        now = self._now_us()
        no = await self._plans.take_asked(now) or (await self._week(now) if self._settings.plan.weekly else 0)
        if no:
            await self._make(no, now)
        return no

    async def _week(self, now_us: int) -> int:
        """Of a ledger that had calls before the day: nobody is told of a week without any."""
        rules = self._settings.plan
        due = last_due(AlertDigestSettings(weekday=rules.weekday, hour=rules.hour), now_us)
        week = f"{datetime.fromtimestamp(due / 1e6, UTC):%Y-%m-%d}"
        if not await self._store.do(lambda connection: any_calls(connection, before_us=due - HOUR_US)):
            return 0
        return await self._plans.claim(week, now_us, WHO)

    async def _make(self, no: int, now_us: int) -> None:
        try:
            body, tenants = await self._work(now_us)
        except CannotDo as error:
            log.warning("plan %d could not be made: %s", no, error)
            await self._plans.fail(no, f"{error}")
            return
        except asyncio.CancelledError:
            await self._plans.release(no)
            raise
        await self._plans.keep(body, tenants, self._now_us(), "", no=no)
        log.info("plan %d was made", no)


def made(settings: Settings, now_us: int) -> Made:
    """Runs in the process of its own."""
    os.nice(NICE)
    return asyncio.run(make(settings, now_us))


async def make(settings: Settings, now_us: int) -> Made:
    """The plan of the settings' store. Raises BadRequest for a ledger without calls, StoreError, SettingsError."""
    documents = importlib.import_module("farthing.planner.documents")  # a replay has parts that a gateway does not load
    store = await open_store(settings.store.url.reveal())
    try:
        asked = documents.Asked(settings)
        found, tenants = await documents.of_gateway(settings, store, now_us, asked, lambda what, done, total: None)
        return packed(found), tenants
    finally:
        await store.close()
