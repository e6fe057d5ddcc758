"""All purses of this gateway, and the store that fills them: once for many calls, ahead of need where it can.

In the background leases are renewed, unused ones given back, and changes of budgets heard of. A gateway stops using its
leases by its own clock well before the store takes them for lost. Knows nothing of calls; who may reserve what is
`reserving`.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple, TypeVar

from farthing.model.budget import Budget
from farthing.model.windows import Window
from farthing.steps.budget.index import Index
from farthing.steps.budget.purse import Purse, Slice
from farthing.store import leases
from farthing.store.budgets import Budgets
from farthing.store.engine import Connection, Row
from farthing.store.errors import StoreError
from farthing.store.leases import HolderGone, Taken, Want
from farthing.store.store import Store

TTL_S = 60.0
"""After so long without a word the store counts what a holder holds as lost, that is as spent."""
USABLE_S = 40.0
"""The holder stops using it earlier, so that no clock need agree with another."""
RENEW_S = 10.0
TICK_S = 0.5
"""How often is looked whether others want what lies idle here."""
CHANGES_S = 2.0
IDLE_S = 60.0
"""What nobody used for so long is given back."""
SWEEP_S = 5.0
RETURN_S = 0.02
"""Near a budget's end what a call did not use is given back after so long."""
STORE_S = 5.0
"""How long the store may take to answer."""
MOST_PURSES = 50_000

T = TypeVar("T")
log = logging.getLogger("farthing.budgets")


class Need(NamedTuple):
    """What an attempt lacks of one budget, in its unit: `least` must be there; up to `likely` is taken while it is there,
    up to `most` while that is little of what is left."""

    purse: Purse
    least: int
    likely: int
    most: int


class Purses:
    """See the module. `holder` is the name of this process's journal, by which its leases come back after a kill."""

    def __init__(
        self, store: Store, budgets: Budgets, holder: str, *, clock: Callable[[], float] = time.monotonic,
        now_us: Callable[[], int] = lambda: time.time_ns() // 1000, sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:  # fmt: skip
        self._store = store
        self._budgets = budgets
        self._base = holder
        self._times = 0
        self.holder = holder
        """Whose leases they are: the base, and a number once they were taken away."""
        self._registered = False
        self.clock = clock
        self.now_us = now_us
        self.sleep = sleep
        """Waits so many seconds of `clock`."""
        self.index = Index(())
        self._changes = -1
        self._purses: dict[tuple[str, str], Purse] = {}
        self._usable_until = 0.0
        self._renewed_at = self._heard_at = self._swept_at = 0.0
        self.ending: set[Purse] = set()
        """Purses with slices of earlier windows, to be given back as what they reserved comes home."""
        self._returning: set[Purse] = set()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._ticker: asyncio.Task[None] | None = None
        self.trouble = ""
        """Why the store cannot be asked now; empty while it can."""

    async def start(self) -> None:
        """Load the budgets and keep up with them. Raises StoreError."""
        await self._hear()
        self._ticker = asyncio.create_task(self._tick_on(), name="budgets")

    async def close(self) -> None:
        """Give back what is not used; after the ledger has written its last call."""
        if self._ticker is not None:
            self._ticker.cancel()
            with suppress(asyncio.CancelledError):
                await self._ticker
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=STORE_S)
        amounts = self._collect(self._purses.values())
        if self._registered:
            with suppress(StoreError):
                for holder in {self.holder, *amounts}:
                    await self._store.do(partial(leases.ended, holder=holder, amounts=amounts.get(holder, {})))

    async def settle(self) -> None:
        """What is under way to or from the store has arrived, for whoever drives the clock."""
        if self._returning:
            self._return_now()
        while self._tasks:
            await asyncio.wait(self._tasks)

    @property
    def usable(self) -> bool:
        """Whether the leases are fresh enough to be spent."""
        return self.clock() < self._usable_until

    def of(self, budget: Budget, member: str) -> Purse:
        key = (budget.id, member)
        purse = self._purses.get(key)
        if purse is None:
            purse = self._purses[key] = Purse(budget, member)
        return purse

    async def ask(self, needs: list[Need]) -> Taken | None:
        """What the store says to what an attempt lacks: all of it or nothing. None where the leases were taken away, so that
        all begins anew. Raises StoreError, also where the store takes too long."""
        task = asyncio.get_running_loop().create_task(self._take(needs))
        self._keep(task)
        try:
            done, _ = await asyncio.wait({task}, timeout=STORE_S)
            if not done:
                raise StoreError("the store does not answer in time")
            return task.result()
        except StoreError as error:
            self.trouble = error.message
            raise

    def fill_ahead(self, purse: Purse, amount: int) -> None:
        """Ask for the next slice while there is still some of this one."""
        purse.filling = True
        self._start(self._ahead(purse, amount))

    def return_soon(self, purse: Purse) -> None:
        """What lies free there may be what another gateway waits for."""
        if not self._returning:
            asyncio.get_running_loop().call_later(RETURN_S, self._return_now)
        self._returning.add(purse)

    def _return_now(self) -> None:
        purses, self._returning = self._returning, set()
        self._start(self._give_back(purses))

    async def _take(self, needs: list[Need]) -> Taken | None:
        """One transaction for all. It ends by itself, whoever waits for it, so that what was granted is known here."""
        now, now_us = self.clock(), self.now_us()
        for need in needs:
            need.purse.filling = True
            need.purse.turn(now_us, self.holder)
        slices = [need.purse.slice for need in needs]
        wants = [need.purse.want(now_us, now, need.least, need.likely, need.most) for need in needs]
        holder = self.holder
        try:
            taken = await self._do(partial(self._take_in, holder=holder, wants=wants, now_us=now_us))
        except HolderGone:
            self._begin_anew(holder)
            return None
        finally:
            for need in needs:
                need.purse.filling = False
        self._usable_until = max(self._usable_until, now + USABLE_S)
        self._renewed_at = now
        for place, need in enumerate(needs):
            self._received(need.purse, slices[place], taken, place, now_us)
        return taken

    def _take_in(self, connection: Connection, *, holder: str, wants: list[Want], now_us: int) -> Taken:
        if not self._registered:
            leases.register(connection, holder, now_us, round(TTL_S * 1e6))
            self._registered = True
        return leases.take(connection, holder, wants, now_us, round(TTL_S * 1e6))

    def _received(self, purse: Purse, slice: Slice, taken: Taken, place: int, now_us: int) -> None:
        state = taken.states[place]
        purse.state = state
        if not taken.amounts:
            return
        amount = taken.amounts[place]
        slice.free += amount
        if slice is not purse.slice:  # its window ended meanwhile
            if slice not in purse.ended:
                purse.ended.append(slice)
            self.ending.add(purse)
            return
        purse.left = max(0, state.left - amount)
        purse.tight = taken.tight[place]
        purse.low = amount // 4
        purse.dry_until = purse.busy_until = 0.0
        purse.asked_at, purse.used = self.clock(), 0
        if purse.tight and slice.free > 0:
            self.return_soon(purse)

    async def _ahead(self, purse: Purse, amount: int) -> None:
        with suppress(StoreError):
            await self._take([Need(purse, 0, 0, amount)])

    def _begin_anew(self, holder: str) -> None:
        """The leases were taken away: what is thought to be in hand is not. What flies is charged without a lease."""
        if holder != self.holder:
            return
        log.warning("the leases of %s were taken away; beginning anew", holder)
        self._times += 1
        self.holder = f"{self._base}.{self._times}"
        self._registered = False
        self._usable_until = 0.0
        for purse in self._purses.values():
            purse.slice.free = 0
            purse.drop(self.holder)

    async def _give_back(self, purses: Iterable[Purse]) -> None:
        """Return what is free; it is not in hand from this moment on. What cannot be returned now is in hand again."""
        amounts = self._collect(purses)
        for holder, mine in amounts.items():
            try:
                await self._do(partial(leases.give_back, holder=holder, amounts=mine))
            except StoreError as error:
                self.trouble = error.message
                for (budget, member, window), amount in mine.items():
                    self._put_back(str(budget), str(member), str(window), holder, amount)

    def _collect(self, purses: Iterable[Purse]) -> dict[str, dict[Row, int]]:
        found: dict[str, dict[Row, int]] = {}
        for purse in purses:
            for slice in (purse.slice, *purse.ended):
                if slice.free > 0 and slice.holder:
                    key = (purse.budget.id, purse.member, slice.id)
                    mine = found.setdefault(slice.holder, {})
                    mine[key] = mine.get(key, 0) + slice.free
                    slice.free = 0
            purse.ended = [slice for slice in purse.ended if slice.flying]
        return found

    def _put_back(self, budget: str, member: str, window: str, holder: str, amount: int) -> None:
        purse = self._purses.get((budget, member))
        if purse is None:
            return  # it was dropped with its budget; the next start reconciles
        for slice in (purse.slice, *purse.ended):
            if slice.id == window and slice.holder == holder:
                slice.free += amount
                return
        slice = Slice(window, holder)
        slice.free = amount
        purse.ended.append(slice)
        self.ending.add(purse)

    async def _tick_on(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            try:
                await self._tick()
                self.trouble = ""
            except StoreError as error:
                self.trouble = error.message
            except Exception:  # whatever it is, leases must be renewed
                log.exception("the look after budgets failed")

    async def _tick(self) -> None:
        now = self.clock()
        if now - self._heard_at >= CHANGES_S:
            self._heard_at = now
            await self._hear()
        if not self._registered:
            return
        if now - self._renewed_at >= RENEW_S and self._purses:
            await self._renew(now)
        wanted = await self._do(partial(leases.contended, since_us=self.now_us() - round(TTL_S * 1e6)))
        back = {purse for row in wanted if (purse := self._is_wanted(row)) is not None}
        if now - self._swept_at >= SWEEP_S:
            self._swept_at = now
            back |= self._sweep(now)
        back |= self.ending
        self.ending = set()
        if back:
            await self._give_back(back)
            self.ending |= {purse for purse in back if purse.ended}

    async def _renew(self, now: float) -> None:
        holder = self.holder
        try:
            await self._do(partial(leases.renew, holder=holder, now_us=self.now_us(), ttl_us=round(TTL_S * 1e6)))
            self._usable_until = max(self._usable_until, now + USABLE_S)
            self._renewed_at = now
        except HolderGone:
            self._begin_anew(holder)

    def _is_wanted(self, row: Row) -> Purse | None:
        budget, member, window, when = row
        purse = self._purses.get((budget, member))
        if purse is None or purse.window.id != window or purse.wanted_us == when:
            return None
        purse.wanted_us = when
        purse.tight = True
        return purse

    def _sweep(self, now: float) -> set[Purse]:
        """Purses of which something lies idle, or whose window is over; those that nobody needs are forgotten."""
        now_us = self.now_us()
        back = set()
        for key, purse in list(self._purses.items()):
            if purse.window.until_us and not purse.window.from_us <= now_us < purse.window.until_us:
                purse.turn(now_us, self.holder)
            if purse.ended or (purse.slice.free > 0 and now - purse.asked_at > IDLE_S and not purse.used):
                back.add(purse)
            elif purse.is_idle() and (len(self._purses) > MOST_PURSES or now - purse.asked_at > IDLE_S):
                del self._purses[key]
            if now - purse.asked_at > IDLE_S:
                purse.asked_at, purse.used = now, 0
        return back

    async def _hear(self) -> None:
        """Take over what changed. A changed budget's slice is given back, so that the new limit holds at once."""
        changes = await self._budgets.changes()
        if changes == self._changes:
            return
        index = Index(await self._budgets.every())
        self._changes, self.index = changes, index
        changed = []
        for (budget_id, _), purse in list(self._purses.items()):
            budget = index.budgets.get(budget_id)
            if budget is None or budget != purse.budget:
                if budget is not None:
                    if budget.period != purse.period:
                        purse.window = Window("", 0, 0)  # the next call finds the new one
                    purse.budget, purse.period = budget, budget.period
                purse.dry_until = purse.busy_until = 0.0
                changed.append(purse)
        if changed:
            await self._give_back(changed)

    async def _do(self, work: Callable[[Connection], T]) -> T:
        return await self._store.do(work)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        self._keep(asyncio.get_running_loop().create_task(work))

    def _keep(self, task: "asyncio.Task[Any]") -> None:
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: "asyncio.Task[Any]") -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # whoever waited has raised it
