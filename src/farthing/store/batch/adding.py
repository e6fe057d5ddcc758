"""Lines are handed in. Knows nothing of what becomes of them."""

from collections.abc import Sequence

from farthing.model.batch import Line
from farthing.store.batch import moves
from farthing.store.batch.cells import Cells
from farthing.store.batch.rows import BODIES, LATER, NOWHERE, OPEN, PLAIN, line_row, put_texts
from farthing.store.engine import Connection, Row
from farthing.store.errors import RowRefused
from farthing.store.schema_batch import LINE_COLUMNS
from farthing.store.sealing import Wrapping


def add(connection: Connection, lines: Sequence[Line], *, wrapping: Wrapping = PLAIN) -> None:
    """Hand lines in. Those of a job that is being validated wait until it is. Raises RowRefused where there is no such job
    or it takes no more, Duplicate where a line is there."""
    with connection.transaction():
        jobs = moves.lock_jobs(connection, (line.job for line in lines))
        rows: list[Row] = []
        sums = Cells()
        for line in lines:
            job = jobs.get(line.job)
            if job is None or job.state not in ("validating", "running"):
                raise RowRefused(f"job {line.job} takes no lines: {job.state if job is not None else 'there is none'}")
            line.wire, line.queued_us = job.wire, line.queued_us or job.created_us
            line.size = line.size or len(line.body)
            queue = NOWHERE if job.state == "validating" else LATER if line.ready_us > line.queued_us else OPEN
            rows.append(line_row(line, line.wire, line.queued_us, queue))
            if queue == OPEN:
                sums.add(line)
        if rows:
            connection.insert("batch_lines", LINE_COLUMNS, rows)
            put_texts(connection, BODIES, ((line.job, line.no, line.body) for line in lines), wrapping)
            sums.put(connection)
