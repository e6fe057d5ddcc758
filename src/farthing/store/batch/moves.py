"""Moves of lines: locked in one order (jobs, lines, budgets, sums), sums kept with each move. Only inside transactions.

A line goes back to waiting unless its job is being cancelled: then it ends. Knows nothing of why lines move.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

import msgspec

from farthing.model.batch import LINE_ENDS, Job, Line, Sent
from farthing.store.batch import holds
from farthing.store.batch.cells import Cells
from farthing.store.batch.rows import (
    HELD,
    JOBS,
    LATER,
    LINES,
    NOWHERE,
    OPEN,
    Key,
    among,
    flat,
    job_of,
    line_of,
    marks,
    of_keys,
    parts,
)
from farthing.store.engine import Connection, Row

ALONE = "alone:"
"""What begins the place of a run, in place of a shard, that is no shard's: its line was sent alone."""

_sents = msgspec.json.Decoder(Sent)


class Stored(NamedTuple):
    """A line as it stands, without its texts."""

    line: Line
    queue: int

    @property
    def ended(self) -> bool:
        return self.line.state in LINE_ENDS


class Run(NamedTuple):
    """A line's run that has not come back: in a shard, or alone where something is held for it."""

    call_id: str
    shard: str
    place: int
    key: Key
    sent: Sent


class Change(NamedTuple):
    """What jobs gain by lines that ended."""

    done: int = 0
    failed: int = 0
    expired: int = 0
    cancelled: int = 0
    cost: int = 0
    baseline: int = 0
    held: int = 0

    def plus(self, other: "Change") -> "Change":
        return Change(*(mine + more for mine, more in zip(self, other, strict=True)))


def lock_jobs(connection: Connection, ids: Iterable[str]) -> dict[str, Job]:
    found: dict[str, Job] = {}
    for some in parts(sorted(set(ids))):
        sql = f"SELECT {JOBS} FROM batch_jobs WHERE id IN ({marks(len(some), '?')}) ORDER BY id{connection.for_update}"
        for row in connection.query(sql, some):
            found[row[0]] = job_of(row)
    return found


def lock_lines(connection: Connection, keys: Iterable[Key]) -> dict[Key, Stored]:
    """Those of the lines that are there. Their jobs must be locked before."""
    found: dict[Key, Stored] = {}
    locked = f"{connection.for_update} OF batch_lines" if connection.for_update else ""
    for some in parts(sorted(set(keys))):
        sql = f"SELECT {LINES} {among('batch_lines', len(some))} ORDER BY job, no{locked}"
        for row in connection.query(sql, flat(some)):
            found[row[0], row[1]] = Stored(*line_of(row))
    return found


def runs_by_call(connection: Connection, call_ids: Iterable[str]) -> dict[str, Run]:
    found: dict[str, Run] = {}
    for some in parts(sorted({each for each in call_ids if each})):
        sql = f"SELECT call_id, shard, place, job, no, sent FROM batch_sent WHERE call_id IN ({marks(len(some), '?')})"
        found.update((row[0], run_of(row)) for row in connection.query(sql, some))
    return found


def runs_of_shard(connection: Connection, shard: str, after: int, limit: int) -> list[Run]:
    rows = connection.query(
        "SELECT call_id, shard, place, job, no, sent FROM batch_sent WHERE shard = ? AND place > ? ORDER BY place LIMIT ?",
        (shard, after, limit),
    )
    return [run_of(row) for row in rows]


def run_of(row: Row) -> Run:
    return Run(row[0], row[1], row[2], (row[3], row[4]), _sents.decode(row[5]))


def is_as(stored: Line, line: Line) -> bool:
    """Whether nobody else has done anything with the line since it was read."""
    return stored.tries == line.tries and stored.holder == line.holder


def take_back(connection: Connection, runs: Collection[Run]) -> dict[str, Change]:
    """These runs are over: what was held for them is free. What their jobs gain by that."""
    for some in parts(sorted(run.call_id for run in runs)):
        connection.execute(f"DELETE FROM batch_sent WHERE call_id IN ({marks(len(some), '?')})", some)
    holds.release(connection, [run.sent for run in runs])
    gains: dict[str, Change] = {}
    for run in runs:
        gain(gains, run.key[0], Change(held=-run.sent.held))
    return gains


def gain(gains: dict[str, Change], job: str, change: Change) -> None:
    gains[job] = gains[job].plus(change) if job in gains else change


def wait_again(
    connection: Connection, lines: Sequence[Stored], jobs: dict[str, Job], cells: Cells, *, ready_us: int, now_us: int,
    tries: int = 0,
) -> dict[str, Change]:  # fmt: skip
    """Lines that have not ended go back to waiting, or end as cancelled where their job is. What jobs gain."""
    gains: dict[str, Change] = {}
    back: list[Key] = []
    over: list[Key] = []
    later = ready_us > now_us
    for line, queue in lines:
        if queue == OPEN:
            cells.add(line, -1)
        if jobs[line.job].state == "cancelling":
            over.append((line.job, line.no))
            gain(gains, line.job, Change(cancelled=1))
        else:
            back.append((line.job, line.no))
            if not later:
                cells.add(line)
    for some in parts(sorted(back)):
        connection.execute(
            "UPDATE batch_lines SET state = 'waiting', queue = ?, ready_us = ?, holder = '', shard = '', leader = '', leader_no = 0, "
            f"tries = tries + ? {of_keys(len(some))}",
            (LATER if later else OPEN, ready_us, tries, *flat(some)),
        )
    end(connection, over, "cancelled", now_us)
    return gains


def end(connection: Connection, keys: Sequence[Key], state: str, now_us: int) -> None:
    """End lines that get no answer; whoever waits for theirs is free to be taken."""
    for some in parts(sorted(keys)):
        connection.execute(
            "UPDATE batch_lines SET state = ?, queue = ?, ended_us = ?, holder = '', leader = '', leader_no = 0 "
            f"{of_keys(len(some))}",
            (state, NOWHERE, now_us, *flat(some)),
        )
    if keys:
        free_followers(connection, keys, now_us)


def free_followers(connection: Connection, leaders: Sequence[Key], now_us: int) -> None:
    """Lines that wait for the answers of these may be taken at the next wake."""
    for some in parts(sorted(leaders)):
        connection.execute(
            f"UPDATE batch_lines SET ready_us = ? FROM (VALUES {marks(len(some))}) AS v "
            f"WHERE leader <> '' AND queue = {HELD} AND state = 'waiting' AND leader = v.column1 AND leader_no = v.column2",
            (now_us, *flat(some)),
        )


def count(connection: Connection, gains: dict[str, Change], now_us: int) -> list[str]:
    """Add to the sums of jobs, which are locked; those whose last line it was end. Which these are."""
    rows = [(job, *gains[job]) for job in sorted(gains) if any(gains[job])]
    for some in parts(rows, 100):
        connection.execute(
            "UPDATE batch_jobs SET done = done + v.column2, failed = failed + v.column3, expired = expired + v.column4, "
            "cancelled = cancelled + v.column5, cost = cost + v.column6, baseline = baseline + v.column7, held = held + v.column8 "
            f"FROM (VALUES {marks(len(some), _BIGINTS)}) AS v WHERE id = v.column1",
            flat(some),
        )
    ended: list[str] = []
    for names in parts([row[0] for row in rows]):
        found = connection.query(
            "UPDATE batch_jobs SET ended_us = ?, state = CASE WHEN state = 'cancelling' THEN 'cancelled' "
            "WHEN expired > 0 THEN 'expired' ELSE 'finished' END WHERE ended_us = 0 AND state IN ('running', 'cancelling') "
            f"AND done + failed + expired + cancelled >= total AND id IN ({marks(len(names), '?')}) RETURNING id",
            (now_us, *names),
        )
        ended += [row[0] for row in found]
    return ended


_BIGINTS = "(?" + ",CAST(? AS BIGINT)" * 7 + ")"


def wake(connection: Connection, now_us: int, limit: int) -> int:
    """Lines whose time has come may be taken: those that were to wait, and those that a worker held which said no more."""
    rows = connection.query(
        f"SELECT {LINES} FROM batch_lines WHERE queue > 1 AND ready_us <= ? ORDER BY ready_us LIMIT ?{connection.skip_locked}",
        (now_us, limit),
    )
    if not rows:
        return 0
    cells = Cells()
    for row in rows:
        cells.add(line_of(row)[0])
    for some in parts(sorted((row[0], row[1]) for row in rows)):
        connection.execute(
            f"UPDATE batch_lines SET state = 'waiting', queue = {OPEN}, holder = '', ready_us = 0 {of_keys(len(some))}",
            flat(some),
        )
    cells.put(connection)
    return len(rows)
