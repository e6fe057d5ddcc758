"""Spending on AI that is no call: engineers, training, GPUs, tools. Entered by people or read from an export; each line has
a span of time that its cost is spread over. Lines of one source are replaced together, so that reading a file twice
counts it once."""

from collections.abc import Sequence

import msgspec

from farthing.model.money import Nano
from farthing.store.engine import Connection
from farthing.store.rows import LONGEST_NAME, mended_text
from farthing.store.schema import LINE_COLUMNS


class Line(msgspec.Struct, frozen=True):
    """One amount of money. Times in microseconds since 1970, UTC."""

    id: str
    kind: str
    cost: Nano
    from_us: int
    until_us: int
    """The first moment that it does not cover."""
    source: str = ""
    """Where it was read, such as a file's name."""
    project: str = ""
    name: str = ""
    """What it paid for, in words."""
    tenant: str = "default"

    def within(self, since_us: int, until_us: int) -> Nano:
        """Its share of a span, by time, rounded down; the parts of a divided span may so miss a nano-dollar each."""
        overlap = min(self.until_us, until_us) - max(self.from_us, since_us)
        return self.cost * overlap // (self.until_us - self.from_us) if overlap > 0 else 0


def replace(connection: Connection, tenant: str, source: str, lines: Sequence[Line]) -> int:
    """Let these be all lines of the source; how many there were before."""
    with connection.transaction():
        former = connection.execute("DELETE FROM budget_lines WHERE tenant = ? AND source = ?", (tenant, source))
        connection.insert("budget_lines", LINE_COLUMNS, [_row(line, tenant, source) for line in lines])
    return former


def remove(connection: Connection, tenant: str, source: str) -> int:
    """Forget the lines of a source; how many there were."""
    return replace(connection, tenant, source, ())


def every(connection: Connection, since_us: int = 0, until_us: int = 1 << 62, *, tenant: str = "") -> list[Line]:
    """Lines that touch the span, oldest first. `tenant` empty means all."""
    test, values = ("", ()) if not tenant else (" AND tenant = ?", (tenant,))
    rows = connection.query(
        f"SELECT {', '.join(LINE_COLUMNS)} FROM budget_lines WHERE until_us > ? AND from_us < ?{test} "
        "ORDER BY from_us, source, id",
        (since_us, until_us, *values),
    )
    return [Line(**dict(zip(LINE_COLUMNS, row, strict=True))) for row in rows]


def _row(line: Line, tenant: str, source: str) -> tuple[object, ...]:
    texts = [mended_text(text, LONGEST_NAME) for text in (line.id, tenant, source, line.kind, line.project, line.name)]
    return (*texts, line.from_us, line.until_us, line.cost)
