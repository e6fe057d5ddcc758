"""Business transactions in the store: kept up to date in the very transaction that writes their calls, and by posts of costs
and outcomes. Each call and each cost counts once, however often it is handed in.

Writers take the tables in one order: rows of transactions by key, then sums. What a row held is read after its sums were
added, when no other writer can change it any more.
"""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from farthing.model.money import Nano
from farthing.model.record import Record
from farthing.model.transaction import ToolUse, joined_name
from farthing.store.engine import Connection, Row
from farthing.store.rows import record_of
from farthing.store.schema import ATTEMPT_COLUMNS, CALL_COLUMNS
from farthing.store.schema_transactions import COST_COLUMNS, TRANSACTION_KEY, TRANSACTION_REST, TRANSACTION_SUMS
from farthing.store.transaction_state import (
    TABLES,
    Adds,
    Cells,
    Driver,
    Key,
    Said,
    State,
    adds_of,
    key_of,
    merged,
    put_drivers,
    put_state,
)

_KEYS_AT_ONCE = 150
_ROWS_AT_ONCE = 60
_CALLS_AT_ONCE = 500
_WIDTH = len(TRANSACTION_KEY)

POSTED, FROM_CALL = "p:", "c:"
"""What ids of costs begin with: whoever posts cannot meet what a call brought."""


class Cost(msgspec.Struct, frozen=True):
    """A tool or external call of a transaction, as somebody posted it."""

    id: str
    """Posted again it counts once."""
    use: ToolUse
    at_us: int


class Post(msgspec.Struct, frozen=True):
    """What is posted of one transaction."""

    tenant: str
    type: str
    id: str
    costs: Sequence[Cost] = ()
    said: Said | None = None


class Posted(msgspec.Struct):
    """What came of posts."""

    costs: int = 0
    """Costs that were not there yet."""
    repeated: int = 0
    """Costs that were there already: nothing was added."""
    outcomes: int = 0
    tool_cost: Nano = 0
    """Of the new costs, as far as it is known."""


def gather(connection: Connection, records: Sequence[Record]) -> None:
    """Add calls to their transactions. Only inside the transaction that adds the calls, after them."""
    adds = adds_of(records)
    if adds:
        costs = [row for record in records if record.transaction and record.tools for row in _costs_of(record)]
        if costs:
            connection.insert("transaction_costs", COST_COLUMNS, sorted(costs))
        apply(connection, adds)


def follow(connection: Connection, before: Sequence[Record], after: Sequence[Record]) -> None:
    """Calls of the store got other amounts: let their transactions follow."""
    adds: dict[Key, Adds] = {}
    for sign, records in ((-1, before), (1, after)):
        for record in records:
            if record.transaction:
                adds.setdefault(key_of(record), Adds()).call(record, sign)
    if adds:
        apply(connection, adds)


def post(connection: Connection, posts: Iterable[Post]) -> Posted:
    """Add costs and outcomes, all or none."""
    done = Posted()
    with connection.transaction():
        adds: dict[Key, Adds] = {}
        for each in sorted(posts, key=lambda one: (one.tenant, one.type, one.id)):
            key = (each.tenant, each.type, each.id)
            for cost in sorted(each.costs, key=lambda one: one.id):
                if _is_new(connection, key, cost):
                    adds.setdefault(key, Adds()).tool(cost.use, cost.at_us)
                    done.costs += 1
                    done.tool_cost += cost.use.cost or 0
                else:
                    done.repeated += 1
            if each.said is not None:
                adds.setdefault(key, Adds()).end(each.said)
                done.outcomes += 1
        if adds:
            apply(connection, adds)
    return done


def _is_new(connection: Connection, key: Key, cost: Cost) -> bool:
    row = (*key, POSTED + cost.id, cost.use.name, cost.use.count, cost.use.cost, cost.at_us)
    return (
        connection.execute(
            f"INSERT INTO transaction_costs ({', '.join(COST_COLUMNS)}) VALUES (?, ?, ?, ?, ?, ?, ?, ?) "
            "ON CONFLICT DO NOTHING",
            row,
        )
        > 0
    )


def _costs_of(record: Record) -> list[Row]:
    return [
        (*key_of(record), f"{FROM_CALL}{record.id}:{no}", use.name, use.count, use.cost, record.started_us)
        for no, use in enumerate(record.tools)
    ]


def apply(connection: Connection, adds: Mapping[Key, Adds], *, with_drivers: bool = True) -> None:
    """Add to rows and to sums. Only inside a transaction, with the calls and costs there already."""
    keys = sorted(adds)
    connection.add_up(
        "transactions", TRANSACTION_KEY, TRANSACTION_SUMS, [(*key, *adds[key].sums) for key in keys]
    )  # fmt: skip
    cells: Cells = {}
    rows: list[Row] = []
    for key, now in states(connection, keys).items():
        more = adds[key]
        sums = tuple(held - new for held, new in zip(now.sums, more.sums, strict=True))
        before = msgspec.structs.replace(now, sums=sums)
        after = merged(before, more)
        put_state(cells, key, before, -1)
        put_state(cells, key, after, 1)
        if with_drivers:
            _move_drivers(connection, cells, key, before, after, more)
        if (rest := _rest(after)) != _rest(now):
            rows.append((*key, *rest))
    _write_rest(connection, rows)
    add_cells(connection, cells)


def _move_drivers(
    connection: Connection, cells: Cells, key: Key, before: State, after: State, more: Adds
) -> None:  # fmt: skip
    """Drivers are by the day of the transaction: where that changes, those of former calls go along."""
    put_drivers(cells, key, after.day_us, more.drivers)
    if before.first_us is not None and before.day_us != after.day_us:
        every = drivers_from_rows(connection, key)
        for sign, drivers in ((1, every), (-1, more.drivers)):
            put_drivers(cells, key, before.day_us, drivers, -sign)
            put_drivers(cells, key, after.day_us, drivers, sign)


def add_cells(connection: Connection, cells: Cells) -> None:
    """Add to the tables of sums, each in the order of its key."""
    by_table: dict[str, list[Row]] = {}
    for (table, key), sums in cells.items():
        if any(sums):
            by_table.setdefault(table, []).append((*key, *sums))
    for table, (key_columns, columns) in TABLES.items():
        if rows := by_table.get(table):
            connection.add_up(table, key_columns, columns, sorted(rows))


def states(connection: Connection, keys: Sequence[Key]) -> dict[Key, State]:
    """The rows of these transactions, as far as there are any."""
    found: dict[Key, State] = {}
    for start in range(0, len(keys), _KEYS_AT_ONCE):
        some = keys[start : start + _KEYS_AT_ONCE]
        rows = connection.query(
            f"SELECT {_COLUMNS} FROM (VALUES {','.join(['(?,?,?)'] * len(some))}) AS v "
            "JOIN transactions AS t ON t.tenant = v.column1 AND t.type = v.column2 AND t.id = v.column3",
            [value for key in some for value in key],
        )
        found.update((key, state) for key, state in map(state_of, rows))
    return found


_ALL = (*TRANSACTION_KEY, *TRANSACTION_SUMS, *TRANSACTION_REST)
_COLUMNS = ", ".join(f"t.{name}" for name in _ALL)


def state_of(row: Row) -> tuple[Key, State]:
    """Key and state in a row of `_ALL`."""
    first, last, user, plan, outcome, outcome_us, revenue, human_s, said_user, said_plan = row[-len(TRANSACTION_REST) :]
    said = None
    if outcome is not None:
        said = Said(outcome, outcome_us, revenue, human_s, said_user or "", said_plan or "")
    return (row[0], row[1], row[2]), State(tuple(row[3 : 3 + len(TRANSACTION_SUMS)]), first, last, user or "", plan or "", said)  # fmt: skip


def _rest(state: State) -> Row:
    """The columns of `TRANSACTION_REST`."""
    said = state.said
    words = (said.outcome, said.at_us, said.revenue, said.human_s, said.user, said.plan) if said else (None,) * 6
    return (state.first_us, state.last_us, state.user, state.plan, *words)


_TEXTS = ("user_id", "plan", "outcome", "said_user", "said_plan")
_MARKS = ",".join(f"CAST(? AS {'TEXT' if name in _TEXTS else 'BIGINT'})" for name in TRANSACTION_REST)


def _write_rest(connection: Connection, rows: Sequence[Row]) -> None:
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        some = rows[start : start + _ROWS_AT_ONCE]
        marks = ",".join([f"(?,?,?,{_MARKS})"] * len(some))
        new = ", ".join(f"{name} = v.column{place}" for place, name in enumerate(TRANSACTION_REST, _WIDTH + 1))
        connection.execute(
            f"UPDATE transactions SET {new} FROM (VALUES {marks}) AS v "
            "WHERE tenant = v.column1 AND type = v.column2 AND id = v.column3",
            [value for row in some for value in row],
        )


def drivers_from_rows(connection: Connection, key: Key) -> dict[Driver, list[int]]:
    """What caused the cost of a transaction, from its calls and costs."""
    adds = Adds()
    for record in calls_of(connection, key):
        adds.call(record)
    for use, at_us in _tools_of(connection, key):
        adds.tool(use, at_us)
    return adds.drivers


def calls_of(connection: Connection, key: Key) -> list[Record]:
    """The calls of a transaction, without their savings."""
    rows = connection.query(
        f"SELECT {', '.join(CALL_COLUMNS)} FROM calls WHERE transaction_id = ? AND transaction_id <> '' AND tenant = ? "
        "ORDER BY started_us, id",
        (joined_name(key[1], key[2]), key[0]),
    )
    return with_attempts(connection, rows)


def with_attempts(connection: Connection, calls: Sequence[Row]) -> list[Record]:
    """The records of these rows, without their savings."""
    attempts: dict[str, list[Row]] = {}
    for start in range(0, len(calls), _CALLS_AT_ONCE):
        ids = [row[0] for row in calls[start : start + _CALLS_AT_ONCE]]
        for row in connection.query(
            f"SELECT {', '.join(ATTEMPT_COLUMNS)} FROM attempts WHERE call_id IN ({', '.join('?' * len(ids))}) "
            "ORDER BY attempt_no, part_no",
            ids,
        ):
            attempts.setdefault(row[0], []).append(row)
    return [record_of(row, attempts.get(row[0], ()), ()) for row in calls]


def costs_of(connection: Connection, key: Key, limit: int = 1_000) -> list[tuple[ToolUse, int, bool]]:
    """Tools and external calls of a transaction, oldest first: when, and whether somebody posted it, else a call named it."""
    rows = connection.query(
        "SELECT name, count, cost, at_us, cost_id FROM transaction_costs WHERE tenant = ? AND type = ? AND id = ? "
        "ORDER BY at_us, cost_id LIMIT ?",
        (*key, limit),
    )
    return [
        (ToolUse(name, int(count), cost), int(at_us), cost_id.startswith(POSTED))
        for name, count, cost, at_us, cost_id in rows
    ]


def _tools_of(connection: Connection, key: Key) -> list[tuple[ToolUse, int]]:
    rows = connection.query(
        "SELECT name, count, cost, at_us FROM transaction_costs WHERE tenant = ? AND type = ? AND id = ?", key
    )
    return [(ToolUse(name, count, cost), at_us) for name, count, cost, at_us in rows]
