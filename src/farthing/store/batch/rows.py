"""Rows of lines and jobs as values, and what lines say and are answered, wrapped for the disk. Knows no state."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeVar

import msgspec

from farthing.model.batch import Job, JobError, Line
from farthing.store.engine import Connection, Row
from farthing.store.schema_batch import JOB_COLUMNS, LINE_COLUMNS
from farthing.store.sealing import PLAIN as PLAIN
from farthing.store.sealing import Unreadable, Wrapping

AT_ONCE = 400
"""Keys of one statement; each is two values."""
NOWHERE, OPEN, LATER, HELD = 0, 1, 2, 3
"""A line's place in the queue: see `schema_batch`."""

LINES = ", ".join(LINE_COLUMNS)
JOBS = ", ".join(JOB_COLUMNS)
BODIES, ANSWERS = "batch_bodies", "batch_answers"

Key = tuple[str, int]
"""Job and number of a line."""
T = TypeVar("T")

_encode = msgspec.json.encode
_errors = msgspec.json.Decoder(list[JobError])
_texts = msgspec.json.Decoder(dict[str, str])


def parts(values: Sequence[T], size: int = AT_ONCE) -> Iterator[Sequence[T]]:
    for start in range(0, len(values), size):
        yield values[start : start + size]


def marks(count: int, one: str = "(?,?)") -> str:
    return ",".join([one] * count)


def flat(rows: Iterable[Sequence[object]]) -> list[object]:
    return [value for row in rows for value in row]


def among(table: str, count: int) -> str:
    """The end of a SELECT of so many lines by their keys. SQLite looks through the whole table for `(job, no) IN (...)`."""
    return f"FROM (VALUES {marks(count)}) AS v CROSS JOIN {table} WHERE job = v.column1 AND no = v.column2"


def of_keys(count: int) -> str:
    """The end of an UPDATE of so many lines by their keys, which are its last values."""
    return f"FROM (VALUES {marks(count)}) AS v WHERE job = v.column1 AND no = v.column2"


def line_row(line: Line, wire: str, queued_us: int, queue: int) -> Row:
    return (
        line.job, line.no, line.custom_id, line.tenant, line.model, wire, -line.priority, line.deadline_us, queued_us,
        line.size or len(line.body), line.state, queue, line.ready_us, "", line.tries, line.way, line.shard, line.call_id, line.digest.hex(), line.leader,
        line.leader_no, line.status, line.ended_us,
    )  # fmt: skip


def line_of(row: Row) -> tuple[Line, int]:
    """The line without its texts, and its place in the queue."""
    (
        job, no, custom_id, tenant, model, wire, rank, deadline_us, queued_us, size, state, queue, ready_us, holder, tries, way,
        shard, call_id, digest, leader, leader_no, status, ended_us,
    ) = row  # fmt: skip
    line = Line(
        job, no, custom_id, tenant, model, deadline_us, size, state, wire, queued_us, ready_us, holder, -rank, tries, way, shard,
        call_id, bytes.fromhex(digest), leader, leader_no, b"", status, b"", ended_us,
    )  # fmt: skip
    return line, queue


def job_row(job: Job) -> Row:
    return (
        job.id, job.origin, job.wire, job.tenant, job.created_us, job.deadline_us, job.key_id, _text(job.headers), job.state,
        job.priority, job.name, _text(job.metadata), job.input_file, job.cap, job.webhook, job.expires_us, int(job.dropped), job.total,
        job.done, job.failed, job.expired, job.cancelled, job.cost, job.baseline, job.held, job.started_us, job.cancelled_us, job.ended_us,
        _text(job.errors), "", 0,
    )  # fmt: skip


def job_of(row: Row) -> Job:
    (
        id_, origin, wire, tenant, created_us, deadline_us, key_id, headers, state, priority, name, metadata, input_file, cap, webhook,
        expires_us, dropped, total, done, failed, expired, cancelled, cost, baseline, held, started_us, cancelled_us, ended_us,
        errors, _, _,
    ) = row  # fmt: skip
    return Job(
        id_, origin, wire, tenant, created_us, deadline_us, key_id, _texts.decode(headers), state, priority, name,
        _texts.decode(metadata), input_file, cap, webhook, expires_us, bool(dropped), total, done, failed, expired, cancelled, cost,
        baseline, held, started_us, cancelled_us, ended_us, _errors.decode(errors),
    )  # fmt: skip


def _text(value: Any) -> str:
    return _encode(value).decode()


def put_texts(
    connection: Connection, table: str, texts: Iterable[tuple[str, int, bytes]], wrapping: Wrapping
) -> None:  # fmt: skip
    """Keep what lines say or are answered: job, number, text. Only inside a transaction."""
    rows = [
        (job, no, wrapping.mark, wrapping.wrap(text, table, job, str(no)))
        for job, no, text in texts
        if text
    ]  # fmt: skip
    if rows:
        connection.insert(table, ("job", "no", "mark", "data"), rows)


def texts_of(connection: Connection, table: str, keys: Sequence[Key], wrapping: Wrapping) -> dict[Key, bytes | None]:
    """What is there of these lines; None for what cannot be read with this wrapping."""
    found: dict[Key, bytes | None] = {}
    for some in parts(keys):
        rows = connection.query(f"SELECT job, no, mark, data {among(table, len(some))}", flat(some))
        for job, no, mark, data in rows:
            found[job, no] = _unwrapped(wrapping, int(mark), bytes(data), table, job, str(no))
    return found


def _unwrapped(wrapping: Wrapping, mark: int, data: bytes, *about: str) -> bytes | None:
    try:
        return (wrapping if mark == wrapping.mark else PLAIN if not mark else _OTHER).unwrap(data, *about)
    except Unreadable:
        return None


class _Other(Wrapping):
    def unwrap(self, wrapped: bytes, *about: str) -> bytes:
        raise Unreadable("sealed with another key")


_OTHER = _Other()
