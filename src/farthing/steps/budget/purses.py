"""All purses of this gateway: reserve in memory while there is enough in hand, else ask the store, once for many calls.

A call reserves all its budgets or none. Where the store says that too little is left, the answer depends on why: while
calls under way hold some of it, it may come back (`BudgetBusy`, after the call's patience); where nobody holds any, it is
used up (`BudgetExceeded`). In the background leases are renewed, unused ones given back, and changes of budgets heard of.
A gateway stops using its leases by its own clock well before the store takes them for lost.
"""

import asyncio
import logging
import random
import time
from collections.abc import Callable, Coroutine, Iterable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

from farthing.model.budget import Budget
from farthing.model.charge import Charge
from farthing.model.windows import Window
from farthing.steps.budget.index import Held, Index
from farthing.steps.budget.purse import Part, Purse, Slice, charge_of
from farthing.steps.budget.quote import Quote
from farthing.steps.budget.refusals import busy, exceeded, unavailable
from farthing.store import leases
from farthing.store.budgets import Budgets
from farthing.store.engine import Connection, Row
from farthing.store.errors import StoreError
from farthing.store.leases import HolderGone, State, Taken, Want
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
DRY_S = 0.5
"""How long a refusal of the store is believed."""
AGAIN_S = 0.05
"""How soon the store is asked again where money is held by calls under way."""
MORE_S = 0.5
"""How long a stream may wait for more."""
STORE_S = 5.0
"""How long the store may take to answer."""
MOST_PURSES = 50_000

T = TypeVar("T")
log = logging.getLogger("farthing.budgets")


class Reservation:
    """What was set aside for one attempt."""

    __slots__ = ("_purses", "out", "parts", "quote", "unleased")

    def __init__(self, purses: "Purses", quote: Quote, out: int) -> None:
        self._purses = purses
        self.quote = quote
        self.out = out
        """Tokens of output that it pays for, of all choices together."""
        self.parts: list[Part] = []
        self.unleased: list[tuple[str, Charge]] = []
        """Unit and charge of budgets that are only charged: soft ones, and lenient ones without a store."""

    def settle(self, used: dict[str, int]) -> None:
        """The attempt is over; `used` by unit. What is not used is free at once. A second word counts no more."""
        parts, self.parts = self.parts, []
        for part in parts:
            part.settle(used[part.purse.budget.unit])
            if part.slice is not part.purse.slice or (part.purse.tight and part.slice.free > 0):
                self._purses.return_soon(part.purse)
        unleased, self.unleased = self.unleased, []
        for unit, charge in unleased:
            charge.amount += used[unit]


class Purses:
    """See the module. `holder` is the name of this process's journal, by which its leases come back after a kill."""

    def __init__(
        self, store: Store, budgets: Budgets, holder: str, *, clock: Callable[[], float] = time.monotonic,
        now_us: Callable[[], int] = lambda: time.time_ns() // 1000,
    ) -> None:  # fmt: skip
        self._store = store
        self._budgets = budgets
        self._base = holder
        self._times = 0
        self._holder = holder
        self._registered = False
        self._clock = clock
        self._now_us = now_us
        self.index = Index(())
        self._changes = -1
        self._purses: dict[tuple[str, str], Purse] = {}
        self._usable_until = 0.0
        self._renewed_at = self._heard_at = self._swept_at = 0.0
        self._ending: set[Purse] = set()
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
                for holder in {self._holder, *amounts}:
                    await self._store.do(partial(leases.ended, holder=holder, amounts=amounts.get(holder, {})))

    def reserve_now(
        self, charges: list[Charge], held: Sequence[Held], quote: Quote, likely: int, most: int
    ) -> Reservation | None:  # fmt: skip
        """Reserve from what is in hand, for an answer of `likely` up to `most` tokens. None where that is too little."""
        now_us, holder, out = self._now_us(), self._holder, most
        found = []
        for budget, member in held:
            largest = quote.need(budget.unit, most)
            if not largest:
                continue  # what costs nothing fits into any budget
            purse = self._purse(budget, member)
            purse.turn(now_us, holder)
            if not purse.has_plenty(largest):
                offer = purse.offers(quote.need(budget.unit, likely), largest)
                if offer < 0:
                    return None
                if offer < largest:
                    out = min(out, quote.pays(budget.unit, offer))
            if purse.ended:
                self._ending.add(purse)
            found.append((purse, largest))
        if found and self._clock() >= self._usable_until:
            return None
        reservation = Reservation(self, quote, out)
        for purse, largest in found:
            amount = largest if out == most else quote.need(purse.budget.unit, out)
            slice = purse.slice
            charge = charge_of(charges, purse.budget.id, purse.member, slice.id, holder)
            reservation.parts.append(Part(purse, charge, amount))
            if slice.free < purse.low and not purse.filling and not purse.tight:
                self._fill_ahead(purse, amount)
        return reservation

    async def reserve(
        self, charges: list[Charge], held: Sequence[Held], quote: Quote, floor: int, likely: int, most: int,
        patience_s: float,
    ) -> Reservation:  # fmt: skip
        """The same, with the store asked for more. An answer of `floor` tokens is enough where nobody holds anything
        that could come back. Raises BudgetExceeded, BudgetBusy, BudgetUnavailable."""
        until = self._clock() + patience_s
        pause = 0.01
        alone = False  # nobody else holds anything of a budget that has too little left
        waits_for: Purse | None = None
        while True:
            reservation = self.reserve_now(charges, held, quote, likely, most)
            if reservation is not None:
                return reservation
            lacking = self._lacking(held, quote, likely, most)
            now = self._clock()
            for purse in lacking:
                need = quote.need(purse.budget.unit, floor)
                if now < purse.dry_until and need > purse.left_most:
                    raise exceeded(purse, need, self._now_us())
            waiting = [purse for purse in lacking if purse.filling or purse.busy_until > now]
            if not waiting and lacking:
                try:
                    taken = await self._asked(lacking, quote, likely, most, most if alone else likely)
                except StoreError as error:
                    self.trouble = error.message
                    strict = next((purse for purse in lacking if purse.budget.strict), None)
                    if strict is not None:
                        raise unavailable(strict) from error
                    return self._without(charges, held, lacking, quote, most)
                if taken is None or taken.amounts:
                    continue
                short = lacking[taken.short]
                waits_for = short
                if self._nobody_flies(short, taken.states[taken.short]) and likely > floor:
                    likely, alone = floor, True
                    continue
                now = self._clock()
            if now >= until:
                raise busy(waits_for or (waiting or lacking)[0])
            await asyncio.sleep(min(pause * (0.75 + random.random() / 2), max(until - now, 0.001)))
            pause = min(pause * 1.5, 0.1)

    async def more(self, reservation: Reservation, tokens: int) -> bool:
        """Reserve so many tokens of output more, in all its budgets or none. False where there is too little."""
        quote, out = reservation.quote, reservation.out + tokens
        until = self._clock() + MORE_S
        while True:
            needs = [(part, quote.need(part.purse.budget.unit, out) - part.amount) for part in reservation.parts]
            lacking = [(part.purse, need, need, need) for part, need in needs if not part.can_extend(need)]
            if not lacking:
                for part, need in needs:
                    part.extend(need)
                reservation.out = out
                return True
            if any(part.slice is not part.purse.slice for part, _ in needs) or self._clock() >= until:
                return False
            if any(purse.filling for purse, *_ in lacking):
                await asyncio.sleep(RETURN_S)
                continue
            try:
                taken = await self._take(lacking)
            except StoreError as error:
                self.trouble = error.message
                return False
            if taken is None or not taken.amounts:
                return False

    def only_charge(self, reservation: Reservation, charges: list[Charge], held: Iterable[Held]) -> None:
        """Charge these budgets in the end, without any limit."""
        now_us = self._now_us()
        for budget, member in held:
            purse = self._purse(budget, member)
            purse.turn(now_us, self._holder)
            charge = charge_of(charges, budget.id, member, purse.window.id, "")
            reservation.unleased.append((budget.unit, charge))

    def return_soon(self, purse: Purse) -> None:
        """What lies free there may be what another gateway waits for."""
        if not self._returning:
            asyncio.get_running_loop().call_later(RETURN_S, self._return_now)
        self._returning.add(purse)

    def _return_now(self) -> None:
        purses, self._returning = self._returning, set()
        self._start(self._give_back(purses))

    def _purse(self, budget: Budget, member: str) -> Purse:
        key = (budget.id, member)
        purse = self._purses.get(key)
        if purse is None:
            purse = self._purses[key] = Purse(budget, member)
        return purse

    def _lacking(self, held: Sequence[Held], quote: Quote, likely: int, most: int) -> list[Purse]:
        """The purses that have too little for the attempt; all of them where the leases are too old to be used."""
        stale = self._clock() >= self._usable_until
        found = []
        for budget, member in held:
            largest = quote.need(budget.unit, most)
            purse = self._purse(budget, member)
            if largest and (stale or purse.offers(quote.need(budget.unit, likely), largest) < 0):
                found.append(purse)
        return found

    def _without(
        self, charges: list[Charge], held: Sequence[Held], lacking: list[Purse], quote: Quote, most: int
    ) -> Reservation:  # fmt: skip
        """The store is away, and the budgets that lack say that their calls are then served."""
        reservation = Reservation(self, quote, most)
        self.only_charge(reservation, charges, held)
        log.warning("served without budget %s: the store cannot be asked", lacking[0].budget.id)
        return reservation

    def _nobody_flies(self, purse: Purse, state: State) -> bool:
        """Whether all that is leased of the budget lies idle in this very slice. Else mark when to ask again."""
        now = self._clock()
        idle = max(0, purse.slice.free)
        purse.left_most = state.limit - state.spent - state.lost
        purse.dry_until = now + DRY_S
        if state.others <= 0 and state.mine - idle <= 0:
            purse.left_most = state.left + idle
            return True
        purse.busy_until = now + AGAIN_S
        return False

    async def _asked(
        self, purses: list[Purse], quote: Quote, least: int, most: int, up_to: int
    ) -> Taken | None:  # fmt: skip
        """What the store says to an attempt that writes `least` to `most` tokens, and may have `up_to` whatever others may want; None where the leases were taken away, so that all begins anew. Raises StoreError."""
        needs = []
        for purse in purses:
            unit = purse.budget.unit
            needs.append((purse, quote.need(unit, least), quote.need(unit, up_to), quote.need(unit, most)))
        task = asyncio.get_running_loop().create_task(self._take(needs))
        self._keep(task)
        done, _ = await asyncio.wait({task}, timeout=STORE_S)
        if not done:
            raise StoreError("the store does not answer in time")
        return task.result()

    async def _take(self, needs: list[tuple[Purse, int, int, int]]) -> Taken | None:
        """One transaction for all. It ends by itself, whoever waits for it, so that what was granted is known here."""
        now, now_us = self._clock(), self._now_us()
        for purse, *_ in needs:
            purse.filling = True
            purse.turn(now_us, self._holder)
        slices = [purse.slice for purse, *_ in needs]
        wants = [purse.want(now_us, now, least, up_to, most) for purse, least, up_to, most in needs]
        holder = self._holder
        try:
            taken = await self._do(partial(self._take_in, holder=holder, wants=wants, now_us=now_us))
        except HolderGone:
            self._begin_anew(holder)
            return None
        finally:
            for purse, *_ in needs:
                purse.filling = False
        self._usable_until = max(self._usable_until, now + USABLE_S)
        self._renewed_at = now
        for place, (purse, *_) in enumerate(needs):
            self._received(purse, slices[place], taken, place, now_us)
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
            self._ending.add(purse)
            return
        purse.left = max(0, state.left - amount)
        purse.tight = taken.tight[place]
        purse.low = amount // 4
        purse.dry_until = purse.busy_until = 0.0
        purse.asked_at, purse.used = self._clock(), 0
        if purse.tight and slice.free > 0:
            self.return_soon(purse)

    def _fill_ahead(self, purse: Purse, amount: int) -> None:
        """Ask for the next slice while there is still some of this one."""
        purse.filling = True
        self._start(self._ahead(purse, amount))

    async def _ahead(self, purse: Purse, amount: int) -> None:
        with suppress(StoreError):
            await self._take([(purse, 0, 0, amount)])

    def _begin_anew(self, holder: str) -> None:
        """The leases were taken away: what is thought to be in hand is not. What flies is charged without a lease."""
        if holder != self._holder:
            return
        log.warning("the leases of %s were taken away; beginning anew", holder)
        self._times += 1
        self._holder = f"{self._base}.{self._times}"
        self._registered = False
        self._usable_until = 0.0
        for purse in self._purses.values():
            purse.slice.free = 0
            purse.drop(self._holder)

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
        self._ending.add(purse)

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
        now = self._clock()
        if now - self._heard_at >= CHANGES_S:
            self._heard_at = now
            await self._hear()
        if not self._registered:
            return
        if now - self._renewed_at >= RENEW_S and self._purses:
            await self._renew(now)
        wanted = await self._do(partial(leases.contended, since_us=self._now_us() - round(TTL_S * 1e6)))
        back = {purse for row in wanted if (purse := self._is_wanted(row)) is not None}
        if now - self._swept_at >= SWEEP_S:
            self._swept_at = now
            back |= self._sweep(now)
        back |= self._ending
        self._ending = set()
        if back:
            await self._give_back(back)
            self._ending |= {purse for purse in back if purse.ended}

    async def _renew(self, now: float) -> None:
        holder = self._holder
        try:
            await self._do(partial(leases.renew, holder=holder, now_us=self._now_us(), ttl_us=round(TTL_S * 1e6)))
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
        now_us = self._now_us()
        back = set()
        for key, purse in list(self._purses.items()):
            if purse.window.until_us and not purse.window.from_us <= now_us < purse.window.until_us:
                purse.turn(now_us, self._holder)
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
