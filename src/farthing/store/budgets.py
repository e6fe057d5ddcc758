"""The budgets in a store: who made them, how they change. What is spent of them is `leases` and `charges`.

Budgets that `farthing.toml` declares are written at each start and belong to that file: commands and the API change only
what they made themselves. Raises are kept with the budget, whoever declared it.
"""

from collections.abc import Sequence

import msgspec

from farthing.model.budget import Budget, Raise
from farthing.model.principal import OPERATOR
from farthing.model.windows import resets_us, window_at
from farthing.store import audit, leases
from farthing.store.engine import Connection
from farthing.store.store import Store, now_us

_encode = msgspec.json.encode

SETTINGS = "farthing.toml"
"""Who changes the budgets that settings declare."""


class Standing(msgspec.Struct, frozen=True):
    """One member of a budget, in its present window. Amounts in the budget's unit, times in microseconds since 1970."""

    budget: str
    member: str
    window: str
    from_us: int
    until_us: int
    resets_us: int
    limit: int
    """With raises, and what was carried over."""
    spent: int
    reserved: int
    """What gateways hold that live: reserved by calls under way, or ready for the next."""
    lost: int
    """What gateways held that vanished; it counts as spent."""
    left: int
    carried: int = 0


class Lost(msgspec.Struct, frozen=True):
    """One lease of a gateway that vanished."""

    holder: str
    ended_us: int
    budget: str
    member: str
    window: str
    amount: int


class Lease(msgspec.Struct, frozen=True):
    """What one gateway holds of one member's budget in its present window, in the budget's unit."""

    holder: str
    expires_us: int
    """When its time is over unless it says again that it lives; 0 where nobody knows."""
    is_lost: bool
    """Whether that was before now: it counts as spent."""
    member: str
    amount: int


class Budgets:
    """Methods raise StoreError."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def every(self) -> list[Budget]:
        """All budgets, by name."""
        return await self._store.do(_every)

    async def one(self, budget_id: str) -> Budget | None:
        return await self._store.do(lambda connection: _find(connection, budget_id))

    async def standings(
        self, budgets: Sequence[Budget], now_us: int, most_members: int = 100
    ) -> list[Standing]:  # fmt: skip
        """Where these budgets stand in their present windows: each member that spent or holds something, those who
        spent most first; a budget without members once."""
        return await self._store.do(lambda connection: _standings(connection, budgets, now_us, most_members))

    async def leases(self, budget: Budget, now_us: int) -> list[Lease]:
        """What gateways hold of it in its present window, the largest first."""
        window = window_at(budget.period, now_us)
        rows = await self._store.do(
            lambda connection: leases.held(connection, budget.id, (window.id, *window.also), now_us)
        )
        return [Lease(*row) for row in rows]

    async def lost(self, now_us: int) -> list[Lost]:
        """What gateways held that vanished: it counts as spent until it is reconciled."""
        rows = await self._store.do(lambda connection: leases.lost(connection, now_us))
        return [Lost(*row) for row in rows]

    async def release(self, holder: str, *, who: str = "") -> int:
        """Give back what a gateway held, on somebody's word that it is dead. How much, in the budgets' units."""
        return await self._store.do(lambda connection: _release(connection, holder, who))

    async def changes(self) -> int:
        """A number that grows with each change of a budget."""
        return await self._store.do(_changes)

    async def put(self, budget: Budget, *, who: str = "") -> None:
        """Add or replace one that is not declared in the settings. Raises ValueError for one that is, or is none."""
        budget.check()
        await self._store.do(lambda connection: _put(connection, budget, who))

    async def remove(self, budget_id: str, *, who: str = "") -> bool:
        """Whether there was one. Raises ValueError for one that settings declare."""
        return await self._store.do(lambda connection: _remove(connection, budget_id, who))

    async def add_raise(self, budget_id: str, more: Raise, *, who: str = "") -> Budget | None:
        """More for a time, whoever declared the budget; None where there is no such budget."""
        return await self._store.do(lambda connection: _raise(connection, budget_id, more, who))

    async def declare(self, budgets: Sequence[Budget]) -> None:
        """Make those of the settings what these are. Budgets made elsewhere give way to a declared one of their name."""
        for budget in budgets:
            budget.check()
        await self._store.do(lambda connection: _declare(connection, budgets))


def _standings(connection: Connection, budgets: Sequence[Budget], now_us: int, most: int) -> list[Standing]:
    found = []
    for budget in budgets:
        period = budget.period
        window = window_at(period, now_us)
        members = leases.members(connection, budget.id, (window.id, *window.also), most)
        if not members and not budget.has_members:
            members = [""]
        for member in members:
            want = leases.Want(
                budget.id, member, window.id, window.from_us, window.also, budget.allowed_at(now_us), 0, 0, 0, 0,
                leases.before_of(budget, period, window),
            )  # fmt: skip
            seen = leases.state(connection, want, now_us)
            found.append(
                Standing(
                    budget.id, member, window.id, window.from_us, window.until_us, resets_us(period, window), seen.limit,
                    seen.spent, seen.others, seen.lost, seen.left, seen.carried,
                )
            )  # fmt: skip
    return found


def _every(connection: Connection) -> list[Budget]:
    rows = connection.query("SELECT body FROM budgets ORDER BY id")
    return [msgspec.json.decode(row[0], type=Budget) for row in rows]


def _find(connection: Connection, budget_id: str) -> Budget | None:
    rows = connection.query("SELECT body FROM budgets WHERE id = ?", (budget_id,))
    return msgspec.json.decode(rows[0][0], type=Budget) if rows else None


def _changes(connection: Connection) -> int:
    return int(connection.query("SELECT n FROM marks WHERE name = 'budgets'")[0][0])


def _count(connection: Connection) -> None:
    connection.execute("UPDATE marks SET n = n + 1 WHERE name = 'budgets'")


def _write(connection: Connection, budget: Budget) -> None:
    connection.execute(
        "INSERT INTO budgets (id, source, body) VALUES (?, ?, ?) "
        "ON CONFLICT (id) DO UPDATE SET source = excluded.source, body = excluded.body",
        (budget.id, budget.source, _encode(budget).decode()),
    )


def _put(connection: Connection, budget: Budget, who: str) -> None:
    with connection.transaction():
        _count(connection)  # first: whoever changes budgets waits here for others who do
        former = _find(connection, budget.id)
        if former is not None and former.source == "settings":
            raise ValueError(_DECLARED.format(budget.id))
        kept = _kept(budget, former, "store")
        _write(connection, kept)
        _note(connection, former, kept, who)


def _remove(connection: Connection, budget_id: str, who: str) -> bool:
    with connection.transaction():
        _count(connection)
        former = _find(connection, budget_id)
        if former is not None and former.source == "settings":
            raise ValueError(_DECLARED.format(budget_id))
        connection.execute("DELETE FROM budgets WHERE id = ?", (budget_id,))
        if former is not None:
            _note(connection, former, None, who)
        return former is not None


def _raise(connection: Connection, budget_id: str, more: Raise, who: str) -> Budget | None:
    with connection.transaction():
        _count(connection)
        former = _find(connection, budget_id)
        if former is None:
            return None
        budget = msgspec.structs.replace(former, raises=(*former.raises, more), changed_us=now_us())
        budget.check()
        _write(connection, budget)
        audit.note(connection, "budget", budget_id, "raised", tenant=budget.tenant, who=who, more=more)
        return budget


def _declare(connection: Connection, budgets: Sequence[Budget]) -> None:
    with connection.transaction():
        # An empty change, so that gateways that start at the same time take turns.
        connection.execute("UPDATE marks SET n = n + 0 WHERE name = 'budgets'")
        former = {budget.id: budget for budget in _every(connection)}
        wanted = {budget.id: _kept(budget, former.get(budget.id), "settings") for budget in budgets}
        changed = [budget for budget in wanted.values() if not _same(budget, former.get(budget.id))]
        gone = [each.id for each in former.values() if each.source == "settings" and each.id not in wanted]
        for budget in changed:
            _write(connection, budget)
        for budget_id in gone:
            connection.execute("DELETE FROM budgets WHERE id = ?", (budget_id,))
        if changed or gone:
            _count(connection)
        for budget in changed:
            _note(connection, former.get(budget.id), budget, SETTINGS)
        for budget_id in gone:
            _note(connection, former[budget_id], None, SETTINGS)


def _release(connection: Connection, holder: str, who: str) -> int:
    with connection.transaction():
        given = leases.take_back(connection, holder)
        audit.note(connection, "budget", holder, "released", tenant=OPERATOR, who=who, amount=given)
    return given


def _note(connection: Connection, before: Budget | None, after: Budget | None, who: str) -> None:
    budget = after or before
    assert budget is not None
    what = "made" if before is None else "removed" if after is None else "changed"
    audit.note(connection, "budget", budget.id, what, tenant=budget.tenant, who=who, before=before, after=after)


def _kept(budget: Budget, former: Budget | None, source: str) -> Budget:
    """The budget with what stays of its former self: when it was made, and its raises."""
    now = now_us()
    made = former.created_us if former is not None else budget.created_us or now
    raises = budget.raises or (former.raises if former is not None else ())
    return msgspec.structs.replace(budget, source=source, created_us=made, changed_us=now, raises=raises)


def _same(budget: Budget, former: Budget | None) -> bool:
    return former is not None and msgspec.structs.replace(former, changed_us=budget.changed_us) == budget


_DECLARED = "the budget {} is declared in farthing.toml; change it there, or raise it for a time"
