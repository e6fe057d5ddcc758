"""What budgets keep for lines that are with a provider: the worst that each can come to there, from when it is sent to when
its answer is booked, however long that takes and whoever books it.

    packing    the budgets that hold for a line, the window of now in each, and what it may need of it
    settling   it is charged what it used, in that same window

Whether there is room says whoever writes the holds down, in the transaction in which the lines are sent. Here a line is only
refused that could not find room even if all that others hold came back. Knows nothing of providers and batches.
"""

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from farthing.model.batch import Hold, Sent
from farthing.model.call import Call, Deployment
from farthing.model.charge import Charge
from farthing.model.money import Nano
from farthing.model.record import Attempt
from farthing.model.windows import window_at
from farthing.steps.budget.index import Held
from farthing.steps.budget.purse import Purse
from farthing.steps.budget.quote import Quote
from farthing.steps.budget.refusals import exceeded
from farthing.steps.budget.step import Budget
from farthing.store import Store, StoreError, leases
from farthing.store.batch.holds import HOLDER
from farthing.store.leases import Want, before_of

TIER = "batch"
"""The service tier that lines of a batch are billed at."""
LOOKED_S = 1.0
"""How long is believed what the store said of a budget."""
MEMORY = 10_000
UNSENT = frozenset(("error", "unreachable"))


class Kept(NamedTuple):
    """What a line needs."""

    holds: list[Hold]
    soft: list[Hold]
    """Budgets that are charged and never refuse."""
    worst: Nano
    tokens: int
    """Of input, at an upper estimate."""


class Holding:
    """See the module."""

    def __init__(
        self, store: Store, budget: Budget, *, clock: Callable[[], float] = time.monotonic,
        now_us: Callable[[], int] = lambda: time.time_ns() // 1000,
    ) -> None:  # fmt: skip
        self._store = store
        self._budget = budget
        self._clock = clock
        self._now_us = now_us
        self._looked: dict[tuple[str, str, str], tuple[float, Purse]] = {}

    async def of(self, call: Call, deployment: Deployment) -> Kept:
        """What the line must have set aside. Raises BudgetExceeded, CallTooDear, UnpricedModel."""
        quote, held, out = self._budget.worst(call, deployment, TIER)
        now_us = self._now_us()
        holds = []
        for each in held.hard:
            hold = _hold(each, quote, out, now_us)
            if not hold.amount:
                continue  # what costs nothing fits into any budget
            await self._refuse_what_cannot_fit(each, hold, now_us)
            holds.append(hold)
        soft = [_hold(each, quote, out, now_us) for each in held.soft]
        return Kept(holds, soft, quote.nano(out), quote.in_tokens)

    async def _refuse_what_cannot_fit(self, held: Held, hold: Hold, now_us: int) -> None:
        purse = await self._look(held, hold.window, now_us)
        if purse is not None and hold.amount > purse.left_most:
            raise exceeded(purse, hold.amount, now_us)

    async def _look(self, held: Held, window_id: str, now_us: int) -> Purse | None:
        """The budget's window as the store saw it a moment ago; None where it cannot be asked, which refuses nothing."""
        key = (held.budget.id, held.member, window_id)
        found = self._looked.get(key)
        if found is not None and self._clock() < found[0] and found[1].budget == held.budget:
            return found[1]
        purse = Purse(held.budget, held.member)
        window = purse.window = window_at(purse.period, now_us)
        want = Want(
            held.budget.id, held.member, window.id, window.from_us, window.also, held.budget.allowed_at(now_us), 0, 0, 0, 0,
            before_of(held.budget, purse.period, window),
        )  # fmt: skip
        try:
            state = await self._store.do(partial(leases.state, want=want, now_us=now_us, holder=HOLDER))
        except StoreError:
            return None
        purse.state, purse.left_most = state, state.limit - state.spent - state.lost
        if len(self._looked) >= MEMORY:
            self._looked.clear()
        self._looked[key] = (self._clock() + LOOKED_S, purse)
        return purse


def charges(sent: Sent, attempts: Sequence[Attempt]) -> list[Charge]:
    """What budgets pay for a line's answer, in the windows that admitted it. From no lease: what was held is freed in full by
    whoever writes the line's call."""
    found = []
    for hold in (*sent.holds, *sent.soft):
        if used := _used(attempts, hold):
            found.append(Charge(hold.budget, hold.member, hold.window, "", used))
    return found


def _hold(held: Held, quote: Quote, out: int, now_us: int) -> Hold:
    budget = held.budget
    window = window_at(budget.period, now_us)
    return Hold(budget.id, held.member, window.id, quote.need(budget.unit, out), budget.unit)


def _used(attempts: Sequence[Attempt], hold: Hold) -> int:
    """In the budget's unit; all that was held where nobody knows."""
    used = 0
    for attempt in attempts:
        if attempt.outcome in UNSENT:
            continue
        if attempt.usage is None or attempt.cost_state in ("unknown", "unpriced"):
            return max(used, hold.amount)
        match hold.unit:
            case "money":
                used += attempt.cost
            case "tokens":
                used += attempt.usage.total_in + attempt.usage.total_out
            case _:
                used = 1
    return used
