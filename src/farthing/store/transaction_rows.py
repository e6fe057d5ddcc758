"""Business transactions from the rows of the ledger: for stores that had calls before there were transactions, for making
them anew, and for the proof that all sums agree. Posted costs and outcomes are rows of their own and are kept."""

from collections.abc import Iterator

from farthing.model.record import Record
from farthing.model.transaction import ToolUse
from farthing.store.engine import Connection, Row
from farthing.store.schema import CALL_COLUMNS
from farthing.store.schema_transactions import COST_COLUMNS, TRANSACTION_KEY, TRANSACTION_REST, TRANSACTION_SUMS
from farthing.store.transaction_state import (
    TABLES,
    Adds,
    Cells,
    Key,
    State,
    key_of,
    merged,
    put_drivers,
    put_state,
)
from farthing.store.transactions import add_cells, apply, state_of, states, with_attempts

PAGE = 1_000
_ALL = ", ".join((*TRANSACTION_KEY, *TRANSACTION_SUMS, *TRANSACTION_REST))


def fill(connection: Connection) -> None:
    """Gather the calls of a store that was upgraded; once."""
    due = "SELECT n FROM marks WHERE name = 'transactions' AND n = 0"
    if connection.query(due):
        with connection.transaction(alone=True):
            if connection.query(due):
                rebuild(connection)
                connection.execute("UPDATE marks SET n = 1 WHERE name = 'transactions'")


def rebuild(connection: Connection) -> None:
    """Make transactions and their sums anew. Only inside a transaction, with the calls locked."""
    said = [
        state_of(row) for row in connection.query(f"SELECT {_ALL} FROM transactions WHERE outcome IS NOT NULL")
    ]  # fmt: skip
    for table in ("transactions", *TABLES):
        connection.execute(f"DELETE FROM {table}")
    for page in _pages(connection):
        apply(connection, page, with_drivers=False)
    for page in _pages(connection):
        cells: Cells = {}
        for key, state in states(connection, sorted(page)).items():
            put_drivers(cells, key, state.day_us, page[key].drivers)
        add_cells(connection, cells)
    for start in range(0, len(said), PAGE):
        apply(connection, {key: Adds(said=state.said) for key, state in said[start : start + PAGE]})


def check(connection: Connection) -> list[str]:
    """Where rows and sums of transactions differ from what calls, costs and outcomes give, in words."""
    kept = dict(map(state_of, connection.query(f"SELECT {_ALL} FROM transactions")))
    made = {key: State(said=state.said) for key, state in kept.items() if state.said is not None}
    drivers: dict[Key, Adds] = {}
    for page in _pages(connection):
        for key, adds in page.items():
            made[key] = merged(made.get(key, State()), adds)
            every = drivers.setdefault(key, Adds()).drivers
            for driver, sums in adds.drivers.items():
                every[driver] = [had + more for had, more in zip(every.get(driver, [0] * len(sums)), sums, strict=True)]
    wrong = [
        f"transaction {key} holds {kept.get(key)}, its calls and costs give {made.get(key)}"
        for key in sorted(kept.keys() | made.keys())
        if kept.get(key) != made.get(key)
    ]
    cells: Cells = {}
    for key, state in made.items():
        put_state(cells, key, state, 1)
    for key, adds in drivers.items():
        put_drivers(cells, key, made[key].day_us, adds.drivers)
    return (wrong + _wrong_cells(connection, cells))[:20]


def _wrong_cells(connection: Connection, cells: Cells) -> list[str]:
    kept: Cells = {}
    for table, (key, sums) in TABLES.items():
        for row in connection.query(f"SELECT {', '.join((*key, *sums))} FROM {table}"):
            kept[table, tuple(row[: len(key)])] = [int(number) for number in row[len(key) :]]
    held = {cell: sums for cell, sums in kept.items() if any(sums)}
    given = {cell: sums for cell, sums in cells.items() if any(sums)}
    different = sorted(cell for cell in held.keys() | given.keys() if held.get(cell) != given.get(cell))
    return [f"{cell} holds {held.get(cell)}, the transactions give {given.get(cell)}" for cell in different]


def _pages(connection: Connection) -> Iterator[dict[Key, Adds]]:
    """All calls and costs of transactions, in parts."""
    after: Row = ("", -1, "")
    while True:
        rows = connection.query(
            f"SELECT {', '.join(CALL_COLUMNS)} FROM calls WHERE transaction_id <> '' "
            "AND (transaction_id, started_us, id) > (?, ?, ?) ORDER BY transaction_id, started_us, id LIMIT ?",
            (*after, PAGE),
        )
        if rows:
            yield _adds(with_attempts(connection, rows))
            after = tuple(rows[-1][_PLACE[name]] for name in ("transaction_id", "started_us", "id"))
        if len(rows) < PAGE:
            break
    last: Row = ("", "", "", "")
    while True:
        rows = connection.query(
            f"SELECT {', '.join(COST_COLUMNS)} FROM transaction_costs WHERE (tenant, type, id, cost_id) > (?, ?, ?, ?) "
            "ORDER BY tenant, type, id, cost_id LIMIT ?",
            (*last, PAGE),
        )
        if rows:
            yield _tool_adds(rows)
            last = tuple(rows[-1][:4])
        if len(rows) < PAGE:
            return


_PLACE = {name: place for place, name in enumerate(CALL_COLUMNS)}


def _adds(records: list[Record]) -> dict[Key, Adds]:
    found: dict[Key, Adds] = {}
    for record in records:
        found.setdefault(key_of(record), Adds()).call(record)
    return found


def _tool_adds(rows: list[Row]) -> dict[Key, Adds]:
    found: dict[Key, Adds] = {}
    for tenant, kind, id_, _, name, count, cost, at_us in rows:
        found.setdefault((tenant, kind, id_), Adds()).tool(ToolUse(name, count, cost), at_us)
    return found
