"""Sums of the lines that wait to be taken, kept in the transactions that move lines, so that nobody counts a million.

A cell is a tenant, model, format and rank; when lines are due, rounded down by up to a sixty-fourth of the time that they
were given; and when they came, rounded down to eight seconds. Knows nothing of the lines' states.
"""

from typing import NamedTuple

from farthing.model.batch import Line
from farthing.store.engine import Connection, Row
from farthing.store.schema_batch import CELL_KEY, CELL_SUMS

CAME_US = 8_000_000
_PARTS = 64
_LEAST_S = 1


class Waiting(NamedTuple):
    """Lines of one kind that may be taken now."""

    tenant: str
    model: str
    wire: str
    priority: int
    deadline_us: int
    """None of them is due before."""
    n: int
    bytes: int
    oldest_us: int
    """When the first of them was handed in, up to eight seconds early."""


def cell_of(line: Line) -> Row:
    given_s = (line.deadline_us - line.queued_us) // (_PARTS * 1_000_000)
    width = 1_000_000 << (max(_LEAST_S, given_s).bit_length() - 1)
    return (
        line.tenant, line.model, line.wire, -line.priority, line.deadline_us // width * width,
        line.queued_us // CAME_US * CAME_US,
    )  # fmt: skip


class Cells:
    """Changes of the sums, put down together in the order of their key."""

    def __init__(self) -> None:
        self._changes: dict[Row, list[int]] = {}

    def add(self, line: Line, sign: int = 1) -> None:
        change = self._changes.setdefault(cell_of(line), [0, 0])
        change[0] += sign
        change[1] += sign * line.size

    def put(self, connection: Connection) -> None:
        """Only inside the transaction that moves the lines."""
        rows = [(*key, *self._changes[key]) for key in sorted(self._changes) if self._changes[key] != [0, 0]]
        if rows:
            connection.add_up("batch_cells", CELL_KEY, CELL_SUMS, rows)


def waiting(connection: Connection) -> list[Waiting]:
    rows = connection.query(
        "SELECT tenant, model, wire, -rank, due_us, CAST(sum(n) AS BIGINT), CAST(sum(bytes) AS BIGINT), min(came_us) "
        "FROM batch_cells WHERE n > 0 GROUP BY tenant, model, wire, rank, due_us ORDER BY due_us, tenant, model, wire, rank"
    )
    return [Waiting(*row) for row in rows]


def groups(connection: Connection, tenant: str = "", model: str = "") -> dict[str, list[str]]:
    """Tenants of which lines may be taken, and the models that these name."""
    named = [(name, value) for name, value in (("tenant", tenant), ("model", model)) if value]
    where = "".join(f" AND {name} = ?" for name, _ in named)
    found: dict[str, list[str]] = {}
    for whose, what in connection.query(
        f"SELECT DISTINCT tenant, model FROM batch_cells WHERE n > 0{where} ORDER BY tenant, model",
        [value for _, value in named],
    ):
        found.setdefault(whose, []).append(what)
    return found


def before(connection: Connection, line: Line) -> int:
    """How many of its tenant's lines for the same model are to be taken before one like this; about so many."""
    _, _, _, rank, due_us, _ = cell_of(line)
    rows = connection.query(
        "SELECT CAST(coalesce(sum(n), 0) AS BIGINT) FROM batch_cells WHERE tenant = ? AND model = ? AND "
        "(rank < ? OR (rank = ? AND due_us < ?))",
        (line.tenant, line.model, rank, rank, due_us),
    )
    return int(rows[0][0])


def tidy(connection: Connection) -> None:
    """Forget cells that are empty."""
    connection.execute("DELETE FROM batch_cells WHERE n = 0 AND bytes = 0")
