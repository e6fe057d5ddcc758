"""Reserving for one attempt: from what is in hand while that is enough, else with the store asked for more.

All its budgets or none. Where the store says that too little is left, the answer depends on why: while calls under way hold
some of it, it may come back (`BudgetBusy`, after the call's patience); where nobody holds any, it is used up
(`BudgetExceeded`). Knows nothing of leases and how they are kept.
"""

import asyncio
import logging
import random
from collections.abc import Iterable, Sequence

from farthing.model.charge import Charge
from farthing.steps.budget.index import Held
from farthing.steps.budget.purse import Part, Purse, charge_of
from farthing.steps.budget.purses import RETURN_S, Need, Purses
from farthing.steps.budget.quote import Quote
from farthing.steps.budget.refusals import busy, exceeded, unavailable
from farthing.store.errors import StoreError
from farthing.store.leases import State

DRY_S = 0.5
"""How long a refusal of the store is believed."""
AGAIN_S = 0.05
"""How soon the store is asked again where money is held by calls under way."""
MORE_S = 0.5
"""How long a stream may wait for more."""

log = logging.getLogger("farthing.budgets")


class Reservation:
    """What was set aside for one attempt."""

    __slots__ = ("_purses", "out", "parts", "quote", "unleased")

    def __init__(self, purses: Purses, quote: Quote, out: int) -> None:
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


class Reserving:
    """See the module."""

    def __init__(self, purses: Purses) -> None:
        self._purses = purses

    def reserve_now(
        self, charges: list[Charge], held: Sequence[Held], quote: Quote, likely: int, most: int, now_us: int
    ) -> Reservation | None:  # fmt: skip
        """Reserve from what is in hand, for an answer of `likely` up to `most` tokens. None where that is too little."""
        purses = self._purses
        holder, out = purses.holder, most
        found = []
        for budget, member in held:
            largest = quote.need(budget.unit, most)
            if not largest:
                continue  # what costs nothing fits into any budget
            purse = purses.of(budget, member)
            purse.turn(now_us, holder)
            if not purse.has_plenty(largest):
                offer = purse.offers(quote.need(budget.unit, likely), largest)
                if offer < 0:
                    return None
                if offer < largest:
                    out = min(out, quote.pays(budget.unit, offer))
            if purse.ended:
                purses.ending.add(purse)
            found.append((purse, largest))
        if found and not purses.usable:
            return None
        reservation = Reservation(purses, quote, out)
        for purse, largest in found:
            amount = largest if out == most else quote.need(purse.budget.unit, out)
            slice = purse.slice
            charge = charge_of(charges, purse.budget.id, purse.member, slice.id, holder)
            reservation.parts.append(Part(purse, charge, amount))
            if slice.free < purse.low and not purse.filling and not purse.tight:
                purses.fill_ahead(purse, amount)
        return reservation

    async def reserve(
        self, charges: list[Charge], held: Sequence[Held], quote: Quote, floor: int, likely: int, most: int,
        patience_s: float,
    ) -> Reservation:  # fmt: skip
        """The same, with the store asked for more. An answer of `floor` tokens is enough where nobody holds anything
        that could come back. Raises BudgetExceeded, BudgetBusy, BudgetUnavailable."""
        until = self._purses.clock() + patience_s
        pause = 0.01
        alone = False  # nobody else holds anything of a budget that has too little left
        waits_for: Purse | None = None
        while True:
            reservation = self.reserve_now(charges, held, quote, likely, most, self._purses.now_us())
            if reservation is not None:
                return reservation
            lacking = self._lacking(held, quote, likely, most)
            now = self._purses.clock()
            for purse in lacking:
                need = quote.need(purse.budget.unit, floor)
                if now < purse.dry_until and need > purse.left_most:
                    raise exceeded(purse, need, self._purses.now_us())
            waiting = [purse for purse in lacking if purse.filling or purse.busy_until > now]
            if not waiting and lacking:
                try:
                    taken = await self._purses.ask(_needs(lacking, quote, likely, most if alone else likely, most))
                except StoreError as error:
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
                now = self._purses.clock()
            if now >= until:
                raise busy(waits_for or (waiting or lacking)[0])
            is_coming = any(
                purse.filling for purse in waiting
            )  # from the store, which knows no clock but the machine's
            sleep = asyncio.sleep if is_coming else self._purses.sleep
            await sleep(min(pause * (0.75 + random.random() / 2), max(until - now, 0.001)))
            pause = min(pause * 1.5, 0.1)

    async def more(self, reservation: Reservation, tokens: int) -> bool:
        """Reserve so many tokens of output more, in all its budgets or none. False where there is too little."""
        quote, out = reservation.quote, reservation.out + tokens
        until = self._purses.clock() + MORE_S
        while True:
            needs = [(part, quote.need(part.purse.budget.unit, out) - part.amount) for part in reservation.parts]
            lacking = [Need(part.purse, need, need, need) for part, need in needs if not part.can_extend(need)]
            if not lacking:
                for part, need in needs:
                    part.extend(need)
                reservation.out = out
                return True
            if any(part.slice is not part.purse.slice for part, _ in needs) or self._purses.clock() >= until:
                return False
            if any(need.purse.filling for need in lacking):
                await asyncio.sleep(RETURN_S)
                continue
            try:
                taken = await self._purses.ask(lacking)
            except StoreError:
                return False
            if taken is None or not taken.amounts:
                return False

    def only_charge(self, reservation: Reservation, charges: list[Charge], held: Iterable[Held]) -> None:
        """Charge these budgets in the end, without any limit."""
        now_us = self._purses.now_us()
        for budget, member in held:
            purse = self._purses.of(budget, member)
            purse.turn(now_us, self._purses.holder)
            charge = charge_of(charges, budget.id, member, purse.window.id, "")
            reservation.unleased.append((budget.unit, charge))

    def _lacking(self, held: Sequence[Held], quote: Quote, likely: int, most: int) -> list[Purse]:
        """The purses that have too little for the attempt; all of them where the leases are too old to be used."""
        stale = not self._purses.usable
        found = []
        for budget, member in held:
            largest = quote.need(budget.unit, most)
            purse = self._purses.of(budget, member)
            if largest and (stale or purse.offers(quote.need(budget.unit, likely), largest) < 0):
                found.append(purse)
        return found

    def _without(
        self, charges: list[Charge], held: Sequence[Held], lacking: list[Purse], quote: Quote, most: int
    ) -> Reservation:  # fmt: skip
        """The store is away, and the budgets that lack say that their calls are then served."""
        reservation = Reservation(self._purses, quote, most)
        self.only_charge(reservation, charges, held)
        log.warning("served without budget %s: the store cannot be asked", lacking[0].budget.id)
        return reservation

    def _nobody_flies(self, purse: Purse, state: State) -> bool:
        """Whether all that is leased of the budget lies idle in this very slice. Else mark when to ask again."""
        now = self._purses.clock()
        idle = max(0, purse.slice.free)
        purse.left_most = state.limit - state.spent - state.lost
        purse.dry_until = now + DRY_S
        if state.others <= 0 and state.mine - idle <= 0:
            purse.left_most = state.left + idle
            return True
        purse.busy_until = now + AGAIN_S
        return False


def _needs(purses: Iterable[Purse], quote: Quote, least: int, likely: int, most: int) -> list[Need]:
    """The same numbers of tokens in each budget's unit."""
    return [
        Need(purse, *(quote.need(purse.budget.unit, tokens) for tokens in (least, likely, most))) for purse in purses
    ]
