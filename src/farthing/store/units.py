"""Reading business transactions: sums by type, outcome and day, sizes, drivers and users from the tables of sums, and one
transaction by its name. Also the async face of posting. What follows from the sums is for `finops.units`."""

from collections.abc import Mapping, Sequence

import msgspec

from farthing.model.money import Nano
from farthing.model.transaction import ToolUse, split_name
from farthing.store.engine import Connection
from farthing.store.rollups import DAY_US, month_of, size_of
from farthing.store.rows import LATEST_US
from farthing.store.schema_transactions import DAY_SUMS, DRIVER_SUMS, USER_SUMS
from farthing.store.store import Store
from farthing.store.transaction_state import Key, State
from farthing.store.transactions import Post, Posted, costs_of, post, states

NEWEST_CALLS = 10_000
"""Calls among which the newest transactions are looked for."""


class UnitSums(msgspec.Struct, frozen=True):
    """Sums over the transactions of one type, outcome and knowledge of cost. Amounts in nano-dollars."""

    type: str
    outcome: str
    """Empty: nobody said yet."""
    state: str
    """known; partly (some cost is not known); empty (an outcome alone)."""
    transactions: int = 0
    calls: int = 0
    errors: int = 0
    retries: int = 0
    """Tries beyond the first of each call."""
    without_cost: int = 0
    """Calls whose cost is not known, or not wholly."""
    cost: Nano = 0
    """Of calls, as far as it is known."""
    lost_cost: Nano = 0
    """Part of it: of tries that came to nothing."""
    in_tokens: int = 0
    out_tokens: int = 0
    tools: int = 0
    tools_unpriced: int = 0
    tool_cost: Nano = 0
    with_revenue: int = 0
    """Transactions whose revenue was posted."""
    revenue: Nano = 0
    with_human: int = 0
    """Transactions with minutes of people."""
    human_s: int = 0
    lasted_us: int = 0


class DriverSums(msgspec.Struct, frozen=True):
    """What one model, feature or tool did for transactions. Cost in nano-dollars, as far as it is known."""

    kind: str
    name: str
    uses: int = 0
    """Calls, or uses of the tool."""
    retries: int = 0
    without_cost: int = 0
    cost: Nano = 0
    lost_cost: Nano = 0


class UserSums(msgspec.Struct, frozen=True):
    """Transactions of one user, or of all users of a plan. Amounts in nano-dollars."""

    user: str
    plan: str
    users: int = 1
    """Users that are named."""
    user_months: int = 1
    """Users that are named, counted in each month."""
    transactions: int = 0
    successes: int = 0
    unknown: int = 0
    """Transactions whose cost is not wholly known."""
    calls: int = 0
    cost: Nano = 0
    tool_cost: Nano = 0
    with_revenue: int = 0
    revenue: Nano = 0
    with_human: int = 0
    human_s: int = 0


class UnitBook(msgspec.Struct, frozen=True):
    """All that reports of a span need."""

    sums: list[UnitSums]
    sizes: dict[tuple[str, str], list[tuple[int, int]]]
    """By type and outcome: cost of a transaction (nano-dollars, within 3.2 %) and how many there are, cheapest first. Only
    those whose cost is known."""
    drivers: list[tuple[str, DriverSums]]
    """With their type, dearest first."""
    plans: list[UserSums]
    """By type of plan; months are whole."""
    users: list[UserSums]
    """Dearest first."""


class Units:
    """Transactions in a store. Methods raise StoreError if it cannot be used."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def post(self, posts: Sequence[Post]) -> Posted:
        """Add costs and outcomes, all or none; each cost counts once, of outcomes the latest."""
        return await self._store.do(lambda connection: post(connection, posts))

    async def one(self, tenant: str, kind: str, id_: str) -> State | None:
        key: Key = (tenant, kind, id_)
        found = await self._store.do(lambda connection: states(connection, [key]))
        return found.get(key)

    async def costs(self, tenant: str, kind: str, id_: str) -> list[tuple[ToolUse, int, bool]]:
        """Tools of one, oldest first; see `transactions.costs_of`."""
        return await self._store.do(lambda connection: costs_of(connection, (tenant, kind, id_)))

    async def newest(
        self, since_us: int, until_us: int, *, tenant: str, kind: str, limit: int = 50
    ) -> list[tuple[str, State]]:
        """Those of a type with a call in the span, by their latest; found among its newest `NEWEST_CALLS` calls."""
        return await self._store.do(
            lambda connection: newest(connection, since_us, until_us, tenant=tenant, kind=kind, limit=limit)
        )

    async def book(
        self, since_us: int, until_us: int, *, tenant: str = "", kind: str | None = None, users: int = 10
    ) -> UnitBook:  # fmt: skip
        """Sums of the transactions whose first call is in the span, which is widened to whole UTC days."""
        return await self._store.do(
            lambda connection: book(connection, since_us, until_us, tenant=tenant, kind=kind, users=users)
        )


def book(
    connection: Connection, since_us: int, until_us: int, *, tenant: str = "", kind: str | None = None, users: int = 10
) -> UnitBook:  # fmt: skip
    """`Units.book`, at one moment of the store."""
    first, end = since_us - since_us % DAY_US, min(-(-until_us // DAY_US) * DAY_US, LATEST_US)
    tests, values = _tests("day_us", first, end, tenant, kind)
    with connection.snapshot():
        return UnitBook(
            _sums(connection, tests, values),
            _sizes(connection, tests, values),
            _drivers(connection, tests, values),
            *_people(connection, first, end, tenant, kind, users),
        )


def newest(
    connection: Connection, since_us: int, until_us: int, *, tenant: str, kind: str, limit: int = 50
) -> list[tuple[str, State]]:  # fmt: skip
    """`Units.newest`, by the index of times."""
    rows = connection.query(
        "SELECT transaction_id FROM (SELECT transaction_id, tenant, started_us FROM calls WHERE started_us >= ? AND started_us < ? "
        "ORDER BY started_us DESC LIMIT ?) AS latest WHERE tenant = ? AND transaction_id <> '' ORDER BY started_us DESC",
        (since_us, until_us, NEWEST_CALLS, tenant),
    )
    ids: dict[str, None] = {}
    for (name,) in rows:
        of, id_ = split_name(name)
        if of == kind:
            ids[id_] = None
            if len(ids) >= limit:
                break
    found = states(connection, [(tenant, kind, id_) for id_ in ids])
    return [(id_, found[tenant, kind, id_]) for id_ in ids if (tenant, kind, id_) in found]


def _tests(
    column: str, since: int, until: int, tenant: str, kind: str | None
) -> tuple[str, list[object]]:  # fmt: skip
    tests, values = [f"{column} >= ?", f"{column} < ?"], [since, until]
    named: list[object] = [*values]
    for name, value in (("tenant", tenant or None), ("type", kind)):
        if value is not None:
            tests.append(f"{name} = ?")
            named.append(value)
    return " AND ".join(tests), named


def _summed(names: Sequence[str]) -> str:
    return ", ".join(f"CAST(sum({name}) AS BIGINT)" for name in names)


def _sums(connection: Connection, tests: str, values: Sequence[object]) -> list[UnitSums]:
    rows = connection.query(
        f"SELECT type, outcome, state, {_summed(DAY_SUMS)} FROM transaction_days WHERE {tests} "
        "GROUP BY type, outcome, state HAVING sum(transactions) <> 0 ORDER BY type, outcome, state",
        values,
    )
    return [UnitSums(*row) for row in rows]


def _sizes(
    connection: Connection, tests: str, values: Sequence[object]
) -> dict[tuple[str, str], list[tuple[int, int]]]:  # fmt: skip
    found: dict[tuple[str, str], list[tuple[int, int]]] = {}
    rows = connection.query(
        f"SELECT type, outcome, bin, CAST(sum(n) AS BIGINT) FROM transaction_bins WHERE {tests} "
        "GROUP BY type, outcome, bin HAVING sum(n) <> 0 ORDER BY type, outcome, bin",
        values,
    )
    for kind, outcome, bin_, n in rows:
        found.setdefault((kind, outcome), []).append((size_of(int(bin_)), int(n)))
    return found


def _drivers(connection: Connection, tests: str, values: Sequence[object]) -> list[tuple[str, DriverSums]]:
    rows = connection.query(
        f"SELECT type, kind, name, {_summed(DRIVER_SUMS)} FROM transaction_drivers WHERE {tests} "
        "GROUP BY type, kind, name HAVING sum(uses) <> 0",
        values,
    )
    found = [(row[0], DriverSums(*row[1:])) for row in rows]
    return sorted(found, key=lambda each: (each[0], -each[1].cost, each[1].kind, each[1].name))


def _people(
    connection: Connection, since: int, until: int, tenant: str, kind: str | None, most: int
) -> tuple[list[UserSums], list[UserSums]]:  # fmt: skip
    """Plans, and the dearest users. Each row of a user is read three times and put in groups once: the plans' amounts need
    no users, the users' place needs no amounts but one, and all amounts are added up for the dearest alone."""
    first = month_of(since)
    tests, values = _tests("month_us", first, until, tenant, kind)
    tests += " AND transactions <> 0"
    sums = connection.query(
        f"SELECT plan, {_summed(USER_SUMS)} FROM transaction_users WHERE {tests} GROUP BY plan ORDER BY plan", values
    )
    users, dearest = _ranked(connection, tests, values, _months(connection, first, until, tenant, kind), most)
    plans = [UserSums("", plan, *users.get(plan, (0, 0)), *map(int, row)) for plan, *row in sums]
    return plans, _dearest(connection, tests, values, dearest)


def _months(connection: Connection, first: int, until: int, tenant: str, kind: str | None) -> list[int]:
    """The months of the span in which there may be transactions."""
    after = month_of(month_of(max(first, until - 1)) + 32 * DAY_US)
    tests, values = _tests("day_us", first, after, tenant, kind)
    rows = connection.query(f"SELECT DISTINCT day_us FROM transaction_days WHERE {tests}", values)
    return sorted({month_of(int(row[0])) for row in rows})


_User = tuple[str, str, str]
"""Tenant, user, plan."""


def _ranked(
    connection: Connection, tests: str, values: Sequence[object], months: Sequence[int], most: int
) -> tuple[dict[str, tuple[int, int]], dict[_User, int]]:  # fmt: skip
    """By plan: named users, and these counted in each month. The dearest users with the number of their months."""
    in_months = " + ".join(f"max(CASE WHEN month_us = {month} THEN 1 ELSE 0 END)" for month in months) or "0"
    rows = connection.query(
        f"WITH each_user AS MATERIALIZED (SELECT tenant, user_id, plan, {in_months} AS months, sum(cost + tool_cost) AS cost "
        f"FROM transaction_users WHERE {tests} AND user_id <> '' GROUP BY tenant, user_id, plan) "
        "SELECT tenant, user_id, plan, months, 1 AS users FROM (SELECT * FROM each_user ORDER BY cost DESC, user_id, plan "
        "LIMIT ?) AS top UNION ALL "
        "SELECT '', '', plan, CAST(sum(months) AS BIGINT), count(*) FROM each_user GROUP BY plan",
        [*values, most],
    )
    users = {plan: (int(count), int(in_all)) for _, user, plan, in_all, count in rows if not user}
    return users, {(tenant, user, plan): int(in_all) for tenant, user, plan, in_all, _ in rows if user}


def _dearest(
    connection: Connection, tests: str, values: Sequence[object], dearest: Mapping[_User, int]
) -> list[UserSums]:  # fmt: skip
    if not dearest:
        return []
    who = f"(tenant, user_id, plan) IN (VALUES {', '.join(['(?, ?, ?)'] * len(dearest))})"
    rows = connection.query(
        f"SELECT tenant, user_id, plan, {_summed(USER_SUMS)} FROM transaction_users WHERE {tests} AND {who} "
        "GROUP BY tenant, user_id, plan ORDER BY sum(cost + tool_cost) DESC, user_id, plan",
        [*values, *(name for user in dearest for name in user)],
    )
    return [
        UserSums(user, plan, 1, dearest[tenant, user, plan], *map(int, row)) for tenant, user, plan, *row in rows
    ]  # fmt: skip
