"""What budgets keep for lines that are with providers: leases of one holder that never expires.

So the law of leases covers them: spent + all leases <= limit. A hold belongs to a line, not to a gateway; it is released in
the transaction that writes the line's call, or puts the line back. That call's charges name no holder: they are spent in
full, and the hold is freed in full, whatever the one makes of the other.
"""

from collections.abc import Iterable, Sequence

import msgspec

from farthing.model.batch import Hold, Sent
from farthing.model.budget import Budget
from farthing.model.windows import FOREVER_US, Window, window_at
from farthing.store import leases
from farthing.store.batch.rows import marks, parts
from farthing.store.charges import take_off
from farthing.store.engine import Connection, Row
from farthing.store.leases import Want

HOLDER = "batch"

_budgets = msgspec.json.Decoder(Budget)


class HoldRefused(Exception):
    """A budget, or a job's cap, has too little left for what was to be sent; nothing was held."""

    def __init__(self, budget: str, member: str = "", job: str = "") -> None:
        super().__init__(budget or f"the cap of {job}")
        self.budget = budget
        """Empty where it was a job's cap."""
        self.member = member
        self.job = job
        self.want: Want | None = None


def take(connection: Connection, sents: Sequence[Sent], now_us: int) -> None:
    """Hold what these lines can cost, all or nothing; a hold is of the window of now. Only inside the transaction that sends
    them. Holds of budgets that were removed since are struck off. Raises HoldRefused."""
    all_ = [hold for sent in sents for hold in sent.holds if hold.amount > 0]
    if not all_:
        return
    budgets = _of(connection, {hold.budget for hold in all_})
    for sent in sents:
        sent.holds = [hold for hold in sent.holds if hold.budget in budgets]
    windows = {id_: window_at(budget.period, now_us) for id_, budget in budgets.items()}
    amounts = _summed([hold for sent in sents for hold in sent.holds if hold.amount > 0], windows)
    wants = [
        _want(budgets[budget], member, windows[budget], amount, now_us)
        for (budget, member, _), amount in sorted(amounts.items())
    ]
    if not wants:
        return
    leases.register(connection, HOLDER, now_us, FOREVER_US - now_us)
    taken = leases.take(connection, HOLDER, wants, now_us, FOREVER_US - now_us)
    if taken.short >= 0:
        want = wants[taken.short]
        refused = HoldRefused(want.budget, want.member)
        refused.want = want
        raise refused


def ask_back(connection: Connection, refused: HoldRefused, now_us: int) -> None:
    """Note that somebody wanted more of the budget than was left, so that gateways give back what they do not need: the
    transaction that was refused noted it, and was undone."""
    want = refused.want
    if want is not None:
        connection.execute(
            "UPDATE budget_balances SET wanted_us = ? WHERE budget = ? AND member = ? AND window_id = ?",
            (now_us, *want.key),
        )


def release(connection: Connection, sents: Iterable[Sent]) -> None:
    """Free what was held for these lines. Only inside a transaction, after budgets were charged in it."""
    amounts = _summed([hold for sent in sents for hold in sent.holds if hold.amount > 0], {})
    if not amounts:
        return
    take_off(connection, {(*key, HOLDER): amount for key, amount in amounts.items()})
    connection.execute("DELETE FROM budget_leases WHERE holder = ? AND amount <= 0", (HOLDER,))


def held(connection: Connection) -> dict[Row, int]:
    """All that is held: (budget, member, window) -> amount in the budget's unit."""
    rows = connection.query(
        "SELECT budget, member, window_id, amount FROM budget_leases WHERE holder = ? AND amount > 0", (HOLDER,)
    )
    return {(budget, member, window): int(amount) for budget, member, window, amount in rows}


def _summed(all_: Iterable[Hold], windows: dict[str, Window]) -> dict[tuple[str, str, str], int]:
    """Amounts by budget, member and window. Holds are put into these windows: what was prepared in the last one is spent in
    this one."""
    amounts: dict[tuple[str, str, str], int] = {}
    for hold in all_:
        window = windows.get(hold.budget)
        if window is not None:
            hold.window = window.id
        key = (hold.budget, hold.member, hold.window)
        amounts[key] = amounts.get(key, 0) + hold.amount
    return amounts


def _of(connection: Connection, ids: set[str]) -> dict[str, Budget]:
    """Those of the budgets that are there."""
    found = (
        _budgets.decode(row[0])
        for some in parts(sorted(ids))
        for row in connection.query(f"SELECT body FROM budgets WHERE id IN ({marks(len(some), '?')})", some)
    )
    return {budget.id: budget for budget in found}


def _want(budget: Budget, member: str, window: Window, amount: int, now_us: int) -> Want:
    return Want(
        budget.id, member, window.id, window.from_us, window.also, budget.allowed_at(now_us), amount, amount, amount, 0,
        leases.before_of(budget, budget.period, window),
    )  # fmt: skip
