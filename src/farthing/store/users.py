"""Users of a month, counted each once, from sums by month, user and feature. Knows nothing of what a user is worth."""

import msgspec

from farthing.model.money import Nano
from farthing.store.engine import Connection
from farthing.store.rollups import month_of


class UserMonth(msgspec.Struct, frozen=True):
    """The calls of one calendar month (UTC). Amounts in nano-dollars."""

    month_us: int
    users: int = 0
    """Users that were named, each once; the same name at two tenants is two users."""
    calls: int = 0
    """Their calls."""
    cost: Nano = 0
    calls_of_nobody: int = 0
    """Calls that named no user."""
    cost_of_nobody: Nano = 0
    calls_without_cost: int = 0
    """Of all these calls, those whose cost nobody knows."""


class UserCost(msgspec.Struct, frozen=True):
    """What one user cost in a month."""

    tenant: str
    user: str
    calls: int
    cost: Nano


def months(
    connection: Connection, since_us: int, until_us: int, *, tenant: str = "", feature: str | None = None
) -> list[UserMonth]:  # fmt: skip
    """The months that the span touches, oldest first, as far as there were calls. Each is whole: the span is widened."""
    tests, values = _tests(month_of(max(0, since_us)), until_us, tenant, feature)
    rows = connection.query(
        "SELECT bucket_us, named, sum(one), CAST(sum(calls) AS BIGINT), CAST(sum(cost) AS BIGINT), "
        "CAST(sum(without_cost) AS BIGINT) FROM (SELECT bucket_us, tenant, a, CASE WHEN a = '' THEN 0 ELSE 1 END AS named, "
        "1 AS one, sum(calls) AS calls, sum(cost) AS cost, "
        "sum(CASE WHEN cost_state IN ('unpriced', 'unknown') THEN calls ELSE 0 END) AS without_cost "
        f"FROM rollups WHERE {tests} GROUP BY bucket_us, tenant, a) AS each_user GROUP BY bucket_us, named ORDER BY 1, 2",
        values,
    )
    found: dict[int, UserMonth] = {}
    for month, named, users, *numbers in rows:
        calls, cost, without_cost = map(int, numbers)
        so_far = found.get(month, UserMonth(month))
        without_cost += so_far.calls_without_cost
        if named:
            changed = msgspec.structs.replace(so_far, users=int(users), calls=calls, cost=cost)
        else:
            changed = msgspec.structs.replace(so_far, calls_of_nobody=calls, cost_of_nobody=cost)
        found[month] = msgspec.structs.replace(changed, calls_without_cost=without_cost)
    return list(found.values())


def month(
    connection: Connection, month_us: int, *, tenant: str = "", feature: str | None = None, dearest: int = 5
) -> tuple[UserMonth | None, list[UserCost]]:  # fmt: skip
    """One month, None where it had no calls, and the named users who cost most in it. The users are gone through once."""
    tests, values = _tests(month_of(month_us), 0, tenant, feature)
    named = "CASE WHEN a = '' THEN 0 ELSE 1 END"
    rows = connection.query(
        "WITH each_user AS MATERIALIZED (SELECT tenant, a, CAST(sum(calls) AS BIGINT) AS calls, "
        "CAST(sum(cost) AS BIGINT) AS cost, "
        "CAST(sum(CASE WHEN cost_state IN ('unpriced', 'unknown') THEN calls ELSE 0 END) AS BIGINT) AS without_cost "
        f"FROM rollups WHERE {tests} GROUP BY tenant, a) "
        "SELECT tenant, a, 1 AS users, calls, cost, without_cost, 2 AS kind FROM (SELECT * FROM each_user WHERE a <> '' "
        "ORDER BY cost DESC, tenant, a LIMIT ?) AS top UNION ALL "
        f"SELECT '', '', count(*), CAST(sum(calls) AS BIGINT), CAST(sum(cost) AS BIGINT), CAST(sum(without_cost) AS BIGINT), {named} "
        f"FROM each_user GROUP BY {named}",
        [*values, dearest],
    )
    top = [UserCost(row[0], row[1], int(row[3]), int(row[4])) for row in rows if row[6] == 2]
    sums = {row[6]: [int(number) for number in row[2:6]] for row in rows if row[6] != 2}
    if not sums:
        return None, []
    users, calls, cost, unknown = sums.get(1, [0, 0, 0, 0])
    _, calls_of_nobody, cost_of_nobody, more = sums.get(0, [0, 0, 0, 0])
    found = UserMonth(month_of(month_us), users, calls, cost, calls_of_nobody, cost_of_nobody, unknown + more)
    return found, sorted(top, key=lambda each: (-each.cost, each.tenant, each.user))


def _tests(first_us: int, until_us: int, tenant: str, feature: str | None) -> tuple[str, list[object]]:
    """One month where `until_us` is 0: the engine then sums the cells in their own order, in half the time."""
    tests = ["dims = 'user_month'", *(["bucket_us >= ?", "bucket_us < ?"] if until_us else ["bucket_us = ?"])]
    values: list[object] = [first_us, until_us] if until_us else [first_us]
    for column, value in (("tenant", tenant or None), ("b", feature)):
        if value is not None:
            tests.append(f"{column} = ?")
            values.append(value)
    return " AND ".join(tests), values
