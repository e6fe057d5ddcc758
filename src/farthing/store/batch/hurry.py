"""Has the lines of a job done soon: their deadline is brought forward, and all that waits for a better moment goes by it.

A line that somebody has taken and not sent yet is taken out of their hands: they may wait for others to go with it.
"""

import msgspec

from farthing.store.batch import moves
from farthing.store.batch.cells import Cells
from farthing.store.batch.rows import HELD, LINES, OPEN, line_of
from farthing.store.engine import Connection

SOME = 1000


def hurry(connection: Connection, job_id: str, deadline_us: int) -> int:
    """Bring the deadline of all lines of the job that have not ended forward; how many had a later one. What a line must
    wait for, such as a budget's next window, it waits for all the same."""
    brought = 0
    with connection.transaction():
        moves.lock_jobs(connection, [job_id])
        while True:
            rows = connection.query(
                f"SELECT {LINES} FROM batch_lines WHERE job = ? AND state IN ('waiting', 'sent') AND deadline_us > ? "
                f"ORDER BY no LIMIT ?{connection.for_update}",
                (job_id, deadline_us, SOME),
            )
            if not rows:
                return brought
            sums = Cells()
            for line, queue in map(line_of, rows):
                taken = queue == HELD and line.state == "waiting" and not line.leader
                if queue == OPEN:
                    sums.add(line, -1)
                if queue == OPEN or taken:
                    sums.add(msgspec.structs.replace(line, deadline_us=deadline_us))
            last = rows[-1][1]
            connection.execute(
                f"UPDATE batch_lines SET queue = {OPEN}, holder = '', ready_us = 0 WHERE job = ? AND no <= ? "
                f"AND state = 'waiting' AND queue = {HELD} AND leader = '' AND deadline_us > ?",
                (job_id, last, deadline_us),
            )
            connection.execute(
                "UPDATE batch_lines SET deadline_us = ? WHERE job = ? AND no <= ? AND state IN ('waiting', 'sent') "
                "AND deadline_us > ?",
                (deadline_us, job_id, last, deadline_us),
            )
            sums.put(connection)
            brought += len(rows)
