"""Jobs: handed in, validated, cancelled, paged through and forgotten. Their sums are kept by whoever ends their lines.

Each function is one transaction, or a part of the caller's. An empty tenant is all of them.
"""

from collections.abc import Iterator, Sequence

import msgspec

from farthing.model.batch import Job, JobError, JobState
from farthing.store.batch import moves
from farthing.store.batch.cells import Cells
from farthing.store.batch.rows import (
    ANSWERS,
    BODIES,
    JOBS,
    LATER,
    LINES,
    NOWHERE,
    OPEN,
    job_of,
    job_row,
    line_of,
    marks,
)
from farthing.store.engine import Connection
from farthing.store.errors import Duplicate
from farthing.store.schema_batch import JOB_COLUMNS

DELETED_US = 1
"""When a job's time is over that was deleted: before it began."""
_CHUNK = 5000
"""Lines of a job that are moved by one statement."""
_encode = msgspec.json.encode


def add(connection: Connection, job: Job) -> None:
    """Raises Duplicate if it is there."""
    row = job_row(job)
    done = connection.execute(
        f"INSERT INTO batch_jobs ({', '.join(JOB_COLUMNS)}) VALUES ({marks(len(row), '?')}) ON CONFLICT (id) DO NOTHING",
        row,
    )
    if done <= 0:
        raise Duplicate(f"job {job.id} is there already")


def get(connection: Connection, job_id: str, *, tenant: str = "") -> Job | None:
    rows = connection.query(f"SELECT {JOBS} FROM batch_jobs WHERE id = ?", (job_id,))
    job = job_of(rows[0]) if rows else None
    return job if job is not None and tenant in ("", job.tenant) else None


def page(
    connection: Connection, *, tenant: str, origins: Sequence[str] = (), after: str = "", before: str = "", limit: int = 20,
    states: Sequence[JobState] = (), key_id: str = "",
) -> list[Job]:  # fmt: skip
    """The newest first: those that follow the job `after`, or the ones right in front of `before`. Not what was deleted.
    `key_id`: what this key handed in."""
    where, values = [f"expires_us <> {DELETED_US}"], list[object]()
    for column, value in (("tenant", tenant), ("key_id", key_id)):
        if value:
            where.append(f"{column} = ?")
            values.append(value)
    for column, names in (("origin", origins), ("state", states)):
        if names:
            where.append(f"{column} IN ({marks(len(names), '?')})")
            values += names
    for name, sign in ((after, "<"), (before, ">")):
        if name:
            found = connection.query("SELECT created_us FROM batch_jobs WHERE id = ?", (name,))
            if not found:
                return []
            where.append(f"(created_us, id) {sign} (?, ?)")
            values += [found[0][0], name]
    order = "ASC" if before and not after else "DESC"
    rows = connection.query(
        f"SELECT {JOBS} FROM batch_jobs WHERE {' AND '.join(where)} ORDER BY created_us {order}, id {order} LIMIT ?",
        (*values, limit),
    )
    jobs = [job_of(row) for row in rows]
    return jobs if order == "DESC" else jobs[::-1]


def any_open(connection: Connection) -> bool:
    """Whether there is a job that has not ended."""
    return bool(connection.query("SELECT 1 FROM batch_jobs WHERE ended_us = 0 LIMIT 1"))


def unvalidated(connection: Connection, holder: str, now_us: int, until_us: int, limit: int = 10) -> list[Job]:
    """Jobs to be validated, which are the holder's until `until_us`. Lines that somebody added to one of them before they died
    are forgotten."""
    with connection.transaction():
        rows = connection.query(
            f"SELECT {JOBS} FROM batch_jobs WHERE ended_us = 0 AND state = 'validating' AND held_until_us <= ? "
            f"ORDER BY held_until_us, created_us LIMIT ?{connection.skip_locked}",
            (now_us, limit),
        )
        for row in rows:
            connection.execute(
                "UPDATE batch_jobs SET holder = ?, held_until_us = ? WHERE id = ?", (holder, until_us, row[0])
            )
            _forget_lines(connection, row[0])
        return [job_of(row) for row in rows]


def hold(connection: Connection, job_id: str, holder: str, until_us: int) -> bool:
    """Go on validating it until then; False where it is not the holder's any more. In the transaction that adds its lines,
    this keeps anybody else from adding theirs."""
    return connection.execute(
        "UPDATE batch_jobs SET held_until_us = ? WHERE id = ? AND holder = ? AND state = 'validating'",
        (until_us, job_id, holder),
    ) > 0  # fmt: skip


def delete(connection: Connection, job_id: str) -> None:
    """Its client wants it no more: what its lines say and were answered is gone at once, the rest of it with the next
    `expire`. Nothing, unless it has ended."""
    with connection.transaction():
        job = moves.lock_jobs(connection, [job_id]).get(job_id)
        if job is not None and job.ended_us:
            for table in (BODIES, ANSWERS):
                connection.execute(f"DELETE FROM {table} WHERE job = ?", (job_id,))
            connection.execute("UPDATE batch_jobs SET expires_us = ? WHERE id = ?", (DELETED_US, job_id))


def validated(connection: Connection, job_id: str, total: int, now_us: int) -> None:
    """All lines of the job are there, and may be taken. One that was cancelled meanwhile has ended."""
    with connection.transaction():
        job = moves.lock_jobs(connection, [job_id]).get(job_id)
        if job is None or job.state != "validating":
            if job is not None and job.ended_us:
                _forget_lines(connection, job_id)
            return
        connection.execute(
            "UPDATE batch_jobs SET state = 'running', total = ?, holder = '', held_until_us = 0 WHERE id = ?",
            (total, job_id),
        )
        sums = Cells()
        for some in _waiting(connection, job_id):
            for line, _ in some:
                if line.ready_us <= now_us:
                    sums.add(line)
        connection.execute(
            f"UPDATE batch_lines SET queue = CASE WHEN ready_us <= ? THEN {OPEN} ELSE {LATER} END "
            f"WHERE job = ? AND state = 'waiting' AND queue = {NOWHERE}",
            (now_us, job_id),
        )
        sums.put(connection)
        if not total:
            _end(connection, job_id, "finished", now_us)


def refused(connection: Connection, job_id: str, errors: Sequence[JobError], now_us: int) -> None:
    """The job is not run: it failed as a whole. Its lines are forgotten."""
    with connection.transaction():
        job = moves.lock_jobs(connection, [job_id]).get(job_id)
        if job is None or job.state != "validating":
            return
        connection.execute("UPDATE batch_jobs SET errors = ? WHERE id = ?", (_encode(list(errors)).decode(), job_id))
        _end(connection, job_id, "failed", now_us)
        _forget_lines(connection, job_id)


def cancel(connection: Connection, job_id: str, *, tenant: str, now_us: int) -> Job | None:
    """Lines that wait end at once, those that are with a provider when they come back. The job as it is then; None where
    the tenant has none of that name. One that has ended stays as it is."""
    with connection.transaction():
        job = moves.lock_jobs(connection, [job_id]).get(job_id)
        if job is None or tenant not in ("", job.tenant):
            return None
        if job.state == "validating":
            connection.execute("UPDATE batch_jobs SET cancelled_us = ? WHERE id = ?", (now_us, job_id))
            _end(connection, job_id, "cancelled", now_us)
            _forget_lines(connection, job_id)
        elif job.state == "running":
            connection.execute(
                "UPDATE batch_jobs SET state = 'cancelling', cancelled_us = ? WHERE id = ?", (now_us, job_id)
            )
            ended = _cancel_waiting(connection, job_id, now_us)
            moves.count(connection, {job_id: moves.Change(cancelled=ended)}, now_us)
        return get(connection, job_id)


def expire(connection: Connection, now_us: int, limit: int) -> int:
    """Drop the lines, with prompts and answers, of jobs that have ended and whose time is over; how many jobs. One of which a
    line is still with a provider, though it was answered otherwise, waits for that: what it costs is booked to the line."""
    rows = connection.query(
        "SELECT id FROM batch_jobs WHERE dropped = 0 AND expires_us > 0 AND expires_us <= ? AND ended_us > 0 "
        "AND id NOT IN (SELECT job FROM batch_sent) ORDER BY expires_us LIMIT ?",
        (now_us, limit),
    )
    for row in rows:
        drop(connection, row[0])
    return len(rows)


def drop(connection: Connection, job_id: str) -> None:
    """Forget what the lines of a job say and were answered, and the lines; its sums stay. Nothing, unless it has ended."""
    with connection.transaction():
        job = moves.lock_jobs(connection, [job_id]).get(job_id)
        if job is not None and job.ended_us:
            _forget_lines(connection, job_id)
            connection.execute("UPDATE batch_jobs SET dropped = 1 WHERE id = ?", (job_id,))


def _cancel_waiting(connection: Connection, job_id: str, now_us: int) -> int:
    sums = Cells()
    ended = 0
    for some in _waiting(connection, job_id):
        for line, queue in some:
            if queue == OPEN:
                sums.add(line, -1)
        moves.end(connection, [(line.job, line.no) for line, _ in some], "cancelled", now_us)
        ended += len(some)
    sums.put(connection)
    return ended


def _waiting(connection: Connection, job_id: str) -> Iterator[list[moves.Stored]]:
    """Its lines that wait, locked, some at a time."""
    after = -1
    while True:
        rows = connection.query(
            f"SELECT {LINES} FROM batch_lines WHERE job = ? AND no > ? AND state = 'waiting' ORDER BY no "
            f"LIMIT ?{connection.for_update}",
            (job_id, after, _CHUNK),
        )
        if not rows:
            return
        yield [moves.Stored(*line_of(row)) for row in rows]
        after = rows[-1][1]


def _end(connection: Connection, job_id: str, state: JobState, now_us: int) -> None:
    connection.execute(
        "UPDATE batch_jobs SET state = ?, ended_us = ?, holder = '', held_until_us = 0 WHERE id = ?",
        (state, now_us, job_id),
    )


def _forget_lines(connection: Connection, job_id: str) -> None:
    for table in ("batch_bodies", "batch_answers", "batch_lines"):
        connection.execute(f"DELETE FROM {table} WHERE job = ?", (job_id,))
