"""Charging budgets: part of the transaction that writes the calls, so that a call is charged once, or not at all.

What is charged moves from the holder's lease into what is spent. A charge without a lease (soft budgets, or a holder whose
lease was taken away) is spent all the same. A call that was cut off by a kill was noted with all that was reserved for it;
if it had ended by then, what it did not use may have been reserved for another. So a dead holder's calls are charged no
more than its lease, the latest first.
"""

from collections.abc import Iterable, Sequence

from farthing.model.charge import Charge
from farthing.model.record import Record
from farthing.store.engine import Connection, Row

COLUMNS = ("call_id", "budget", "member", "window_id", "amount")
BALANCE_KEY = ("budget", "member", "window_id")
LEASE_KEY = (*BALANCE_KEY, "holder")
_AT_ONCE = 150
"""Leases of one statement; each is five values."""


def settle(connection: Connection, records: Iterable[Record]) -> None:
    """Charge the budgets with these calls. Only inside the transaction that adds them."""
    rows: list[Row] = []
    balances: dict[Row, int] = {}
    leases: dict[Row, int] = {}
    left: dict[Row, int | None] = {}
    """Of the leases of dead holders, for the calls that are yet to be charged."""
    for record in sorted(records, key=_latest_first):
        mine: dict[Row, int] = {}
        for charge in record.charges:
            key = (charge.budget, charge.member, charge.window)
            lease = (*key, charge.holder)
            amount = charge.amount
            if record.outcome == "interrupted" and charge.holder:
                amount = _at_most(connection, amount, lease, left)
            if amount <= 0:
                continue
            mine[key] = mine.get(key, 0) + amount
            if charge.holder:
                leases[lease] = leases.get(lease, 0) + amount
        for key, amount in mine.items():
            rows.append((record.id, *key, amount))
            balances[key] = balances.get(key, 0) + amount
    if not rows:
        return
    connection.insert("budget_charges", COLUMNS, rows)
    spend(connection, balances)
    take_off(connection, leases)


def of_call(connection: Connection, call_id: str) -> list[Charge]:
    """What budgets paid for a call, by budget; from whose lease is not kept."""
    found = connection.query(
        "SELECT budget, member, window_id, amount FROM budget_charges WHERE call_id = ? ORDER BY budget, member, window_id",
        (call_id,),
    )
    return [Charge(budget, member, window, "", int(amount)) for budget, member, window, amount in found]


def _latest_first(record: Record) -> int:
    return -record.started_us


def _at_most(connection: Connection, amount: int, lease: Row, left: dict[Row, int | None]) -> int:
    """No more than the lease has left; as it is where the lease was taken away."""
    if lease not in left:
        found = connection.query(
            "SELECT amount FROM budget_leases WHERE budget = ? AND member = ? AND window_id = ? AND holder = ?", lease
        )
        left[lease] = int(found[0][0]) if found else None
    rest = left[lease]
    if rest is None:
        return amount
    amount = min(amount, rest)
    left[lease] = rest - amount
    return amount


def spend(connection: Connection, balances: dict[Row, int]) -> None:
    """Add to what is spent; the balances are locked in the order of their key, before any lease."""
    connection.add_up("budget_balances", BALANCE_KEY, ("spent",), [(*key, balances[key]) for key in sorted(balances)])


def take_off(connection: Connection, leases: dict[Row, int]) -> None:
    """Take from what holders may still cause; a lease is never below nothing."""
    rows = [(*key, leases[key]) for key in sorted(leases) if leases[key]]
    for start in range(0, len(rows), _AT_ONCE):
        _take_off(connection, rows[start : start + _AT_ONCE])


def _take_off(connection: Connection, rows: Sequence[Row]) -> None:
    marks = ",".join(["(?,?,?,?,CAST(? AS BIGINT))"] * len(rows))
    connection.execute(
        "UPDATE budget_leases SET amount = CASE WHEN amount > v.column5 THEN amount - v.column5 ELSE 0 END "
        f"FROM (VALUES {marks}) AS v WHERE budget = v.column1 AND member = v.column2 AND window_id = v.column3 "
        "AND holder = v.column4",
        [value for row in rows for value in row],
    )
