"""What lines say and were answered, where their jobs are in the queue; and their texts are forgotten. Moves no line."""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from farthing.model.batch import LINE_ENDS, Line, LineState, Sent
from farthing.store.batch import cells, moves
from farthing.store.batch.rows import ANSWERS, BODIES, LINES, PLAIN, Key, among, flat, line_of, marks, parts, texts_of
from farthing.store.engine import Connection
from farthing.store.sealing import Unreadable, Wrapping


def results(
    connection: Connection, job_id: str, after_no: int = -1, limit: int = 1000, states: Sequence[LineState] = LINE_ENDS, *,
    wrapping: Wrapping = PLAIN, bodies: bool = False, lenient: bool = False,
) -> list[Line]:  # fmt: skip
    """Lines of a job in these states by number, with their answers, and with what they say if that is wanted. Raises
    Unreadable for an answer that was sealed with another key: whoever delivers it would deliver nothing, and may drop it.
    `lenient`: it is left out."""
    rows = connection.query(
        f"SELECT {LINES} FROM batch_lines WHERE job = ? AND no > ? AND state IN ({marks(len(states), '?')}) ORDER BY no LIMIT ?",
        (job_id, after_no, *states, limit),
    )
    found = [line_of(row)[0] for row in rows]
    keys = [(line.job, line.no) for line in found]
    answers = texts_of(connection, ANSWERS, keys, wrapping)
    asked = texts_of(connection, BODIES, keys, wrapping) if bodies else {}
    if not lenient and None in answers.values():
        raise Unreadable("answers of lines were sealed with another key than batch.encryption_key is now")
    for line in found:
        line.answer = answers.get((line.job, line.no)) or b""
        line.body = asked.get((line.job, line.no)) or b""
    return found


def get(connection: Connection, job_id: str, no: int, *, wrapping: Wrapping = PLAIN) -> Line | None:
    """One line with what it says and its answer, as far as they can be read."""
    every = ("waiting", "sent", *LINE_ENDS)
    found = results(connection, job_id, no - 1, 1, every, wrapping=wrapping, bodies=True, lenient=True)
    return found[0] if found and found[0].no == no else None


def of_calls(connection: Connection, call_ids: Sequence[str], *, wrapping: Wrapping = PLAIN) -> list[tuple[Line, Sent]]:
    """Lines by the calls of their runs that are not settled, with what they say. A line comes as of that run even where it has
    been sent again since; its state says whether it has ended."""
    runs = list(moves.runs_by_call(connection, call_ids).values())
    keys = [run.key for run in runs]
    lines = _read(connection, keys)
    bodies = texts_of(connection, BODIES, keys, wrapping)
    found = []
    for run in runs:
        line = msgspec.structs.replace(lines[run.key], body=bodies.get(run.key) or b"", call_id=run.call_id)
        run.sent.call_id = run.call_id
        found.append((line, run.sent))
    return found


def _read(connection: Connection, keys: Sequence[Key]) -> dict[Key, Line]:
    found: dict[Key, Line] = {}
    for some in parts(sorted(set(keys))):
        sql = f"SELECT {LINES} {among('batch_lines', len(some))}"
        found.update(((row[0], row[1]), line_of(row)[0]) for row in connection.query(sql, flat(some)))
    return found


class Position(NamedTuple):
    """Where a job is in the queue."""

    before: int
    """Lines of the same tenant and model that go first, about."""
    waiting: int
    sent: int


def position(connection: Connection, job_id: str) -> Position:
    """Where a job is in the queue; counts its lines one by one."""
    counts: dict[str, int] = dict(
        connection.query(
            "SELECT state, count(*) FROM batch_lines WHERE job = ? AND state IN ('waiting', 'sent') GROUP BY state", (job_id,)
        )
    )  # fmt: skip
    first = connection.query(
        f"SELECT {LINES} FROM batch_lines WHERE job = ? AND state = 'waiting' ORDER BY rank, deadline_us, no LIMIT 1",
        (job_id,),
    )
    before = cells.before(connection, line_of(first[0])[0]) if first else 0
    return Position(before, counts.get("waiting", 0), counts.get("sent", 0))


def forget_texts(connection: Connection, job_id: str, states: Sequence[LineState]) -> None:
    """Drop what lines in these states say and were answered."""
    for table in (BODIES, ANSWERS):
        connection.execute(
            f"DELETE FROM {table} WHERE job = ? AND no IN (SELECT no FROM batch_lines WHERE job = ? AND state IN "
            f"({marks(len(states), '?')}))",
            (job_id, job_id, *states),
        )
