"""Sums of how lines ended: by day, tenant, way, end, and whether in time. Kept in the transactions that end lines, so that
nobody counts a million, and so that they stay when lines are dropped.

In time is what ended before its job's deadline, as the client was told; a line that was hurried is held to that one too.
Lines that their client cancelled are not counted. Amounts are those of the run that answered.
"""

from typing import NamedTuple

from farthing.model.batch import Job, Line, LineState
from farthing.store.engine import Connection, Row
from farthing.store.rollups import DAY_US
from farthing.store.schema_ends import END_KEY, END_SUMS

UNSENT = ""
"""The way of a line that was answered without being sent: by another line's answer, by the cache, or refused by us."""
ALWAYS_US = 1 << 62


class Ends(NamedTuple):
    """Lines that ended alike."""

    way: str
    """A `model.batch.Way`, or UNSENT."""
    state: str
    """done, failed, expired"""
    late: bool
    n: int
    wait_us: int
    """From when they were handed in to their end, summed."""
    cost: int
    baseline: int

    @property
    def met(self) -> bool:
        """Whether these kept their deadline: they have an answer, whichever, in time."""
        return not self.late and self.state != "expired"


class Tally:
    """Ends of one transaction, put down together in the order of their key."""

    def __init__(self, now_us: int) -> None:
        self._now_us = now_us
        self._sums: dict[Row, list[int]] = {}

    def add(self, line: Line, job: Job | None, state: LineState, cost: int, baseline: int) -> None:
        """The line as it stood before it ended."""
        if state == "cancelled":
            return
        now = self._now_us
        due_us = job.deadline_us if job is not None else line.deadline_us
        key = (now - now % DAY_US, line.tenant, line.way if line.tries else UNSENT, state, int(now > due_us))
        sums = self._sums.setdefault(key, [0] * len(END_SUMS))
        for place, more in enumerate((1, max(0, now - line.queued_us), cost, baseline)):
            sums[place] += more

    def put(self, connection: Connection) -> None:
        """Only inside the transaction that ends the lines."""
        rows = [(*key, *self._sums[key]) for key in sorted(self._sums)]
        if rows:
            connection.add_up("batch_ends", END_KEY, END_SUMS, rows)


def ends(connection: Connection, since_us: int = 0, until_us: int = ALWAYS_US, *, tenant: str = "") -> list[Ends]:
    """Lines that ended in these days (UTC), by way. An empty tenant is all of them."""
    test, values = (" AND tenant = ?", [tenant]) if tenant else ("", [])
    rows = connection.query(
        "SELECT way, state, late, CAST(sum(n) AS BIGINT), CAST(sum(wait_us) AS BIGINT), CAST(sum(cost) AS BIGINT), "
        f"CAST(sum(baseline) AS BIGINT) FROM batch_ends WHERE day_us >= ? AND day_us < ?{test} "
        "GROUP BY way, state, late ORDER BY way, state, late",
        [max(0, since_us) // DAY_US * DAY_US, -(-until_us // DAY_US) * DAY_US if until_us < ALWAYS_US else until_us, *values],
    )  # fmt: skip
    return [Ends(way, state, bool(late), *map(int, sums)) for way, state, late, *sums in rows]
