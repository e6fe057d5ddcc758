"""Lines of a shard that may be late: how many of them there are by deadline, and the first of them. Reads only; a line is
promoted when it begins to be sent alone (`lines.begin_all`)."""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from farthing.model.batch import Line
from farthing.store.batch.rows import BODIES, LINES, PLAIN, flat, line_of, texts_of
from farthing.store.engine import Connection
from farthing.store.sealing import Wrapping

_NAMES = ", ".join(f"l.{name}" for name in LINES.split(", "))
_STILL_IN = (
    "FROM batch_sent s JOIN batch_lines l ON l.job = s.job AND l.no = s.no WHERE s.shard = ? AND l.call_id = s.call_id"
)


class Group(NamedTuple):
    """Lines of one shard and about one deadline that were not sent again since."""

    deadline_us: int
    """The earliest that it may be."""
    until_us: int
    """No line of it has this or a later one."""
    n: int
    model: str
    """As one of them asked for it."""


def groups(
    connection: Connection, shard_id: str, now_us: int = 0, widths: Sequence[tuple[int, int]] = ()
) -> list[Group]:  # fmt: skip
    """By deadline, rounded down to a multiple of a width: the first of the (time left up to, width) that holds for it; 1 for what
    none does. All in microseconds."""
    width = "1"
    if widths:
        width = "CASE " + "WHEN l.deadline_us <= ? THEN CAST(? AS BIGINT) " * len(widths) + "ELSE 1 END"
    bounds = flat([(now_us + left_us, width_us) for left_us, width_us in widths])
    rows = connection.query(
        f"SELECT deadline_us / width * width, width, count(*), max(model) FROM (SELECT l.deadline_us AS deadline_us, l.model AS model, "
        f"CAST({width} AS BIGINT) AS width {_STILL_IN} AND l.state = 'sent') AS grouped GROUP BY 1, 2 ORDER BY 1, 2",
        (*bounds, shard_id),
    )
    return [Group(int(from_us), int(from_us) + int(wide), int(count), model) for from_us, wide, count, model in rows]


class Late(NamedTuple):
    """A line that may go alone as well."""

    line: Line
    held: int
    """What it can cost at most in its shard."""


def first(
    connection: Connection, shard_id: str, until_us: int, limit: int, *, wrapping: Wrapping = PLAIN
) -> list[Late]:
    """Those with the earliest deadlines, all before `until_us`, with what they say."""
    rows = connection.query(
        f"SELECT {_NAMES}, s.sent {_STILL_IN} AND l.state = 'sent' AND l.deadline_us < ? ORDER BY l.deadline_us, l.job, l.no LIMIT ?",
        (shard_id, until_us, limit),
    )
    found = [Late(line_of(row[:-1])[0], _helds.decode(row[-1]).held) for row in rows]
    bodies = texts_of(connection, BODIES, [(line.job, line.no) for line, _ in found], wrapping)
    for line, _ in found:
        line.body = bodies.get((line.job, line.no)) or b""
    return found


class _Held(msgspec.Struct):
    held: int = 0


_helds = msgspec.json.Decoder(_Held)
