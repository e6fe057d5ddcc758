"""Leases: what gateways may spend of budgets without asking again. Here is the law that all rests on:

    spent + all leases <= limit            of each budget, member and window, at every moment

A lease's amount is what its holder may still cause: free, reserved, or used by calls that the ledger has not written
yet. Amounts go up only in `take`, in one transaction that has locked the balance and sees all leases; they go down when
calls are written (`charges`), when a holder gives back what it did not use, and when a dead holder's journal has been
taken over. What a holder that vanished still held counts as spent until then. Each function is one transaction; all lock in
the same order: the holder, balances by their key, leases.
"""

from collections.abc import Sequence
from typing import NamedTuple

from farthing.model.budget import Budget
from farthing.model.windows import Period, Window, window_before
from farthing.store.charges import take_off
from farthing.store.engine import Connection, Row

NO_LIMIT = 1 << 60


class HolderGone(Exception):
    """The holder's leases were taken from it: what it thought to hold it may not spend."""


class Before(NamedTuple):
    """The window before, where what it left over is added."""

    window: str
    allowed: int
    most: int
    """At most so much is carried over."""
    existed: bool
    """Whether the budget was there for all of it, so that a window without any sum left all of its amount."""


class Want(NamedTuple):
    """What a gateway wants of one budget, all of it or, near its end, at least the least. In the budget's unit."""

    budget: str
    member: str
    window: str
    from_us: int
    also: tuple[str, ...]
    """Further windows that count (rolling spans)."""
    allowed: int
    least: int
    likely: int
    most: int
    """`least` must be there; up to `likely` is granted while it is there, up to `most` while it is little of what is left."""
    slice: int
    """What to lease beyond the call at hand while there is plenty."""
    before: Before | None = None

    @property
    def key(self) -> tuple[str, str, str]:
        return self.budget, self.member, self.window


class State(NamedTuple):
    """A budget's window, at one moment."""

    limit: int
    """The amount with raises and what was carried over."""
    spent: int
    mine: int
    """On lease to whoever asked."""
    others: int
    """On lease to holders that live."""
    lost: int
    """On lease to holders whose time is over: it counts as spent until it is reconciled."""
    holders: int = 0
    """Others that live and hold some of it."""
    carried: int = 0

    @property
    def left(self) -> int:
        """What nobody has spent or holds."""
        return self.limit - self.spent - self.mine - self.others - self.lost


class Taken(NamedTuple):
    """What came of it: an amount for each want, or none at all."""

    amounts: tuple[int, ...]
    """Empty where one of the budgets had too little."""
    states: tuple[State, ...]
    """Of each want, before anything was taken."""
    short: int = -1
    """Which of them had too little."""
    tight: tuple[bool, ...] = ()
    """Where so little is left that no more than the call's own need was given."""


def before_of(budget: Budget, period: Period, window: Window) -> Before | None:
    """The window before, for a budget whose rest rolls over."""
    former = window_before(period, window) if budget.roll_over else None
    if former is None:
        return None
    return Before(former.id, budget.allowed_at(former.from_us), budget.amount, 0 < budget.created_us <= former.from_us)


def register(connection: Connection, holder: str, now_us: int, ttl_us: int) -> None:
    """A gateway begins to hold leases."""
    connection.execute(
        "INSERT INTO budget_holders (holder, expires_us, begun_us) VALUES (?, ?, ?) ON CONFLICT (holder) DO NOTHING",
        (holder, now_us + ttl_us, now_us),
    )


def renew(connection: Connection, holder: str, now_us: int, ttl_us: int) -> None:
    """Raises HolderGone if its leases were taken from it."""
    expires = now_us + ttl_us
    if not connection.execute("UPDATE budget_holders SET expires_us = ? WHERE holder = ?", (expires, holder)):
        raise HolderGone(holder)


def take(
    connection: Connection,
    holder: str,
    wants: Sequence[Want],
    now_us: int,
    ttl_us: int,
) -> Taken:
    """Lease some of each budget, or nothing of any. Raises HolderGone.

    A refused want is noted, so that others who hold some of that budget give back what they do not need.
    """
    with connection.transaction():
        renew(connection, holder, now_us, ttl_us)
        for want in sorted(wants, key=lambda want: want.key):
            _lock(connection, want)
        states = tuple(_state(connection, want, holder, now_us) for want in wants)
        short = next((place for place, want in enumerate(wants) if states[place].left < want.least), -1)
        if short >= 0:
            connection.execute(
                "UPDATE budget_balances SET wanted_us = ? WHERE budget = ? AND member = ? AND window_id = ?",
                (now_us, *wants[short].key),
            )
            return Taken((), states, short)
        granted = [_share(want, state) for want, state in zip(wants, states, strict=True)]
        for want, (amount, _) in zip(wants, granted, strict=True):
            _add(connection, want.key, holder, amount)
        return Taken(tuple(amount for amount, _ in granted), states, -1, tuple(tight for _, tight in granted))


def give_back(connection: Connection, holder: str, amounts: dict[Row, int]) -> None:
    """Return what was leased and not used; (budget, member, window) -> amount."""
    with connection.transaction():
        take_off(connection, {(*key, holder): amount for key, amount in amounts.items() if amount > 0})
        connection.execute("DELETE FROM budget_leases WHERE holder = ? AND amount <= 0", (holder,))


def contended(connection: Connection, since_us: int) -> list[Row]:
    """Budgets of which somebody wanted more than was left: budget, member, window, and when (by its own clock)."""
    return connection.query(
        "SELECT budget, member, window_id, wanted_us FROM budget_balances WHERE wanted_us > ?", (since_us,)
    )


def release(connection: Connection, holder: str) -> int:
    """Return all that a holder holds: its journal has been taken over, or somebody vouches that it is dead. How much. A
    holder that began anew after its leases were taken away goes by the same name and a number."""
    with connection.transaction():
        return take_back(connection, holder)


def take_back(connection: Connection, holder: str) -> int:
    """`release` as a part of a transaction."""
    names = (holder, f"{holder}.%")
    connection.execute("DELETE FROM budget_holders WHERE holder = ? OR holder LIKE ?", names)
    held = connection.query("SELECT amount FROM budget_leases WHERE holder = ? OR holder LIKE ?", names)
    connection.execute("DELETE FROM budget_leases WHERE holder = ? OR holder LIKE ?", names)
    return sum(int(row[0]) for row in held)


def lost(connection: Connection, now_us: int) -> list[Row]:
    """Holders whose time is over and that still hold something: holder, when it ended, budget, member, window, amount."""
    return connection.query(
        "SELECT l.holder, coalesce(h.expires_us, 0), l.budget, l.member, l.window_id, l.amount FROM budget_leases l "
        "LEFT JOIN budget_holders h ON h.holder = l.holder WHERE l.amount > 0 AND coalesce(h.expires_us, 0) <= ? "
        "ORDER BY l.holder, l.budget, l.member, l.window_id",
        (now_us,),
    )


def held(connection: Connection, budget: str, windows: Sequence[str], now_us: int) -> list[Row]:
    """What gateways hold of a budget in these windows: holder, when its time is over, whether it is, member, amount; the
    largest first."""
    marks = ",".join("?" * len(windows))
    rows = connection.query(
        "SELECT l.holder, coalesce(h.expires_us, 0), l.member, CAST(sum(l.amount) AS BIGINT) FROM budget_leases l "
        f"LEFT JOIN budget_holders h ON h.holder = l.holder WHERE l.budget = ? AND l.window_id IN ({marks}) AND l.amount > 0 "
        "GROUP BY 1, 2, 3 ORDER BY 4 DESC, 1, 3 LIMIT 1000",
        (budget, *windows),
    )
    return [(holder, int(until), int(until) <= now_us, member, int(amount)) for holder, until, member, amount in rows]


def members(connection: Connection, budget: str, windows: Sequence[str], limit: int = 1000) -> list[str]:
    """Members of a budget that spent or hold something in these windows, those who spent most first."""
    marks = ",".join("?" * len(windows))
    rows = connection.query(
        f"SELECT member, sum(spent) FROM budget_balances WHERE budget = ? AND window_id IN ({marks}) AND window_id <> '' "
        "GROUP BY member ORDER BY 2 DESC, 1 LIMIT ?",
        (budget, *windows, limit),
    )
    return [row[0] for row in rows]


def state(connection: Connection, want: Want, now_us: int, holder: str = "") -> State:
    """Where a budget stands. The lease of `holder` is told apart."""
    with connection.snapshot():
        return _state(connection, want, holder, now_us, carry=False)


def prune(connection: Connection, budget: str, member: str, keep: Sequence[str]) -> int:
    """Forget the sums of a rolling span's buckets but those to keep: the others no span touches any more. How many."""
    marks = ",".join("?" * len(keep))
    return connection.execute(
        f"DELETE FROM budget_balances WHERE budget = ? AND member = ? AND window_id <> '' AND window_id NOT IN ({marks})",
        (budget, member, *keep),
    )


def _lock(connection: Connection, want: Want) -> None:
    """Make the balance's row if need be, and keep others out of it. A rolling span has a row for all its buckets."""
    for window in ("", want.window) if want.also else (want.window,):
        connection.execute(
            "INSERT INTO budget_balances (budget, member, window_id, spent, from_us) VALUES (?, ?, ?, 0, ?) "
            "ON CONFLICT (budget, member, window_id) DO UPDATE SET from_us = excluded.from_us",
            (want.budget, want.member, window, want.from_us),
        )


def _state(connection: Connection, want: Want, holder: str, now_us: int, *, carry: bool = True) -> State:
    carried = _carried(connection, want, keep=carry)
    windows = (want.window, *want.also)
    marks = ",".join("?" * len(windows))
    where = f"budget = ? AND member = ? AND window_id IN ({marks})"
    values = (want.budget, want.member, *windows)
    spent = connection.query(f"SELECT sum(spent) FROM budget_balances WHERE {where}", values)[0][0]
    mine = others = gone = holders = 0
    for name, amount, expires in connection.query(
        "SELECT l.holder, l.amount, coalesce(h.expires_us, 0) FROM budget_leases l "
        f"LEFT JOIN budget_holders h ON h.holder = l.holder WHERE {where} AND l.amount > 0",
        values,
    ):
        if name == holder:
            mine += int(amount)
        elif expires > now_us:
            others += int(amount)
            holders += 1
        else:
            gone += int(amount)
    return State(want.allowed + carried, int(spent or 0), mine, others, gone, holders, carried)


def _carried(connection: Connection, want: Want, *, keep: bool) -> int:
    """What the window before left over, worked out once, at the first lease of the new one."""
    before = want.before
    if before is None:
        return 0
    row = connection.query(
        "SELECT carried FROM budget_balances WHERE budget = ? AND member = ? AND window_id = ?", want.key
    )
    if row and row[0][0] is not None:
        return int(row[0][0])
    carried = _left_over(connection, want, before)
    if keep:
        connection.execute(
            "UPDATE budget_balances SET carried = ? WHERE budget = ? AND member = ? AND window_id = ?",
            (carried, *want.key),
        )
    return carried


def _left_over(connection: Connection, want: Want, before: Before) -> int:
    key = (want.budget, want.member, before.window)
    where = "WHERE budget = ? AND member = ? AND window_id = ?"
    sums = connection.query(f"SELECT spent, coalesce(carried, 0) FROM budget_balances {where}", key)
    if not sums and not before.existed:
        return 0
    spent, carried = (int(sums[0][0]), int(sums[0][1])) if sums else (0, 0)
    leased = int(connection.query(f"SELECT coalesce(sum(amount), 0) FROM budget_leases {where}", key)[0][0])
    return max(0, min(before.most, before.allowed + carried - spent - leased))


def _share(want: Want, state: State) -> tuple[int, bool]:
    """How much to lease: a slice while there is plenty, near the end just what the call at hand needs."""
    left = state.left
    need = fair(want.least, want.likely, want.most, left)
    portion = max(0, min(want.slice, left // (2 * (state.holders + 2))))
    return (need, True) if portion < need else (portion, False)


def fair(least: int, likely: int, most: int, left: int) -> int:
    """What one call may reserve of what is left: all that it could use where that is little, else what it is likely to
    use, else what is there. `left` is not below `least`."""
    return max(least, min(left, most, max(likely, left // SHARE)))


SHARE = 8
"""One call reserves up to this part of what is left; a larger want is cut down towards what is likely."""


def _add(connection: Connection, key: Row, holder: str, amount: int) -> None:
    connection.execute(
        "INSERT INTO budget_leases (budget, member, window_id, holder, amount) VALUES (?, ?, ?, ?, ?) "
        "ON CONFLICT (budget, member, window_id, holder) DO UPDATE SET amount = budget_leases.amount + excluded.amount",
        (*key, holder, amount),
    )


def ended(connection: Connection, holder: str, amounts: dict[Row, int]) -> None:
    """A holder stops: it gives back what it did not use. What calls on their way to the ledger use stays leased."""
    give_back(connection, holder, amounts)
    with connection.transaction():
        connection.execute(
            "DELETE FROM budget_holders WHERE holder = ? AND NOT EXISTS (SELECT 1 FROM budget_leases WHERE holder = ?)",
            (holder, holder),
        )
