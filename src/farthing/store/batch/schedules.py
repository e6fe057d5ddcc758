"""Each time that a recurring job was due: who starts it, which job it became, and whether its results were written.

The first to note an occurrence holds it for some time; it is another's only where that time is over and no job came of it.
Each function is one transaction, or a part of the caller's.
"""

from collections.abc import Sequence
from typing import Literal

import msgspec

from farthing.store.engine import Connection, Row
from farthing.store.schema_schedules import OCCURRENCE_COLUMNS

State = Literal["due", "started", "written", "failed", "missed"]
"""`started`: there is a job; `written`: so are its results; `missed`: nobody was there for too long."""
_ALL = ", ".join(OCCURRENCE_COLUMNS)


class Occurrence(msgspec.Struct):
    """See the module. Moments are microseconds since 1970, 0: not yet."""

    name: str
    due_us: int
    state: State = "due"
    holder: str = ""
    held_until_us: int = 0
    job: str = ""
    output: str = ""
    """The file that results are to be in; empty: none."""
    error: str = ""
    started_us: int = 0
    ended_us: int = 0
    """When nothing was left to be done about it."""


def known_since(connection: Connection, name: str, spec: str, now_us: int) -> int:
    """Since when a schedule is known as it is. What was due before is not caught up with."""
    with connection.transaction():
        connection.execute(
            "INSERT INTO batch_schedules (name, spec, since_us) VALUES (?, ?, ?) ON CONFLICT (name) DO NOTHING",
            (name, spec, now_us),
        )
        connection.execute(
            "UPDATE batch_schedules SET spec = ?, since_us = ? WHERE name = ? AND spec <> ?", (spec, now_us, name, spec)
        )
        return int(connection.query("SELECT since_us FROM batch_schedules WHERE name = ?", (name,))[0][0])


def claim(connection: Connection, name: str, due_us: int, holder: str, now_us: int, until_us: int) -> bool:
    """Whether the occurrence is the holder's to start, until then. It is not while somebody starts another one of the schedule:
    what takes longer than it recurs would run many times at once."""
    row = (name, due_us, "due", holder, until_us, "", "", "", 0, 0)
    marks = ", ".join("?" * len(row))
    with connection.transaction():
        connection.execute(
            "UPDATE batch_schedules SET name = name WHERE name = ?", (name,)
        )  # whoever else comes waits here
        if connection.query(
            "SELECT 1 FROM batch_occurrences WHERE name = ? AND due_us <> ? AND ended_us = 0 AND state = 'due' AND holder <> '' "
            "AND held_until_us > ? LIMIT 1",
            (name, due_us, now_us),
        ):  # fmt: skip
            return False
        if connection.execute(
            f"INSERT INTO batch_occurrences ({_ALL}) VALUES ({marks}) ON CONFLICT (name, due_us) DO NOTHING", row
        ) > 0:  # fmt: skip
            return True
        return connection.execute(
            "UPDATE batch_occurrences SET holder = ?, held_until_us = ? WHERE name = ? AND due_us = ? AND state = 'due' "
            "AND ended_us = 0 AND held_until_us <= ?",
            (holder, until_us, name, due_us, now_us),
        ) > 0  # fmt: skip


def hold(connection: Connection, found: Occurrence, holder: str, until_us: int) -> bool:
    """Hold it until then; False where it is not the holder's any more."""
    return connection.execute(
        "UPDATE batch_occurrences SET held_until_us = ? WHERE name = ? AND due_us = ? AND holder = ? AND ended_us = 0",
        (until_us, found.name, found.due_us, holder),
    ) > 0  # fmt: skip


def put_off(connection: Connection, found: Occurrence, holder: str, until_us: int, error: str) -> None:
    """Leave it alone until then; anybody tries it again afterwards. Nothing is done where it is not the holder's any more."""
    connection.execute(
        "UPDATE batch_occurrences SET held_until_us = ?, holder = '', error = ? "
        "WHERE name = ? AND due_us = ? AND holder = ? AND ended_us = 0",
        (until_us, error, found.name, found.due_us, holder),
    )


def started(
    connection: Connection, found: Occurrence, holder: str, job: str, output: str, now_us: int
) -> bool:  # fmt: skip
    """It became this job; False where it is not the holder's any more. In the transaction that adds the job."""
    return connection.execute(
        "UPDATE batch_occurrences SET state = 'started', job = ?, output = ?, error = '', started_us = ?, held_until_us = 0, "
        "ended_us = ? WHERE name = ? AND due_us = ? AND holder = ? AND state = 'due' AND ended_us = 0",
        (job, output, now_us, 0 if output else now_us, found.name, found.due_us, holder),
    ) > 0  # fmt: skip


def end(connection: Connection, found: Occurrence, state: State, now_us: int, error: str = "") -> None:
    """Nothing is left to be done about it."""
    connection.execute(
        "UPDATE batch_occurrences SET state = ?, error = ?, ended_us = ?, held_until_us = 0 WHERE name = ? AND due_us = ?",
        (state, error, now_us, found.name, found.due_us),
    )


def to_write(
    connection: Connection, names: Sequence[str], holder: str, now_us: int, until_us: int
) -> Occurrence | None:  # fmt: skip
    """One whose job has ended and whose results are to be written; it is the holder's until then."""
    if not names:
        return None
    with connection.transaction():
        rows = connection.query(
            f"SELECT {', '.join(f'o.{name}' for name in OCCURRENCE_COLUMNS)} FROM batch_occurrences o "
            "JOIN batch_jobs j ON j.id = o.job WHERE o.ended_us = 0 AND o.state = 'started' AND o.held_until_us <= ? "
            f"AND j.ended_us > 0 AND o.name IN ({', '.join('?' * len(names))}) ORDER BY o.due_us LIMIT 1",
            (now_us, *names),
        )
        for row in rows:
            found = _occurrence(row)
            taken = connection.execute(
                "UPDATE batch_occurrences SET holder = ?, held_until_us = ? WHERE name = ? AND due_us = ? AND ended_us = 0 "
                "AND held_until_us <= ?",
                (holder, until_us, found.name, found.due_us, now_us),
            )
            return found if taken > 0 else None
    return None


def get(connection: Connection, name: str, due_us: int) -> Occurrence | None:
    rows = connection.query(f"SELECT {_ALL} FROM batch_occurrences WHERE name = ? AND due_us = ?", (name, due_us))
    return _occurrence(rows[0]) if rows else None


def begun(connection: Connection, name: str) -> list[int]:
    """When those were due that somebody began to start, and that are neither started nor given up; the oldest first."""
    rows = connection.query(
        "SELECT due_us FROM batch_occurrences WHERE name = ? AND ended_us = 0 AND state = 'due' ORDER BY due_us",
        (name,),
    )
    return [int(row[0]) for row in rows]


def any_held(connection: Connection, now_us: int) -> bool:
    """Whether somebody is at one, who may have died of it."""
    return bool(
        connection.query("SELECT 1 FROM batch_occurrences WHERE ended_us = 0 AND holder <> '' AND held_until_us > ? LIMIT 1", (now_us,))
    )  # fmt: skip


def newest(connection: Connection, name: str, limit: int = 1) -> list[Occurrence]:
    """The latest occurrences of a schedule."""
    rows = connection.query(
        f"SELECT {_ALL} FROM batch_occurrences WHERE name = ? ORDER BY due_us DESC LIMIT ?", (name, limit)
    )
    return [_occurrence(row) for row in rows]


def _occurrence(row: Row) -> Occurrence:
    return Occurrence(*row)
