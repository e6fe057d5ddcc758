"""Lines of a shard that may be late: how many of them there are by deadline, and the first of them. Reads only; a line is
promoted when it begins to be sent alone (`lines.begin`)."""

from typing import NamedTuple

from farthing.model.batch import Line
from farthing.store.batch.rows import BODIES, LINES, PLAIN, line_of, texts_of
from farthing.store.engine import Connection
from farthing.store.sealing import Wrapping

_NAMES = ", ".join(f"l.{name}" for name in LINES.split(", "))
_STILL_IN = (
    "FROM batch_sent s JOIN batch_lines l ON l.job = s.job AND l.no = s.no WHERE s.shard = ? AND l.call_id = s.call_id"
)


class Group(NamedTuple):
    """Lines of one shard and deadline that were not sent again since."""

    deadline_us: int
    n: int


def groups(connection: Connection, shard_id: str, width_us: int = 1) -> list[Group]:
    """By deadline, rounded down to a multiple of the width."""
    rows = connection.query(
        f"SELECT l.deadline_us / ? * ?, count(*) {_STILL_IN} AND l.state = 'sent' GROUP BY 1 ORDER BY 1",
        (width_us, width_us, shard_id),
    )
    return [Group(int(deadline), int(count)) for deadline, count in rows]


def first(
    connection: Connection, shard_id: str, until_us: int, limit: int, *, wrapping: Wrapping = PLAIN
) -> list[Line]:
    """Those with the earliest deadlines, all before `until_us`, with what they say."""
    rows = connection.query(
        f"SELECT {_NAMES} {_STILL_IN} AND l.state = 'sent' AND l.deadline_us < ? ORDER BY l.deadline_us, l.job, l.no LIMIT ?",
        (shard_id, until_us, limit),
    )
    found = [line_of(row)[0] for row in rows]
    bodies = texts_of(connection, BODIES, [(line.job, line.no) for line in found], wrapping)
    for line in found:
        line.body = bodies.get((line.job, line.no)) or b""
    return found
