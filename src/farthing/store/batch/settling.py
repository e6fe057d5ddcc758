"""Lines end, each once, in the transaction that writes their calls. Knows nothing of how they were answered."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from farthing.model.batch import LINE_ENDS, LineState
from farthing.store.batch import moves
from farthing.store.batch.cells import Cells
from farthing.store.batch.ends import Tally
from farthing.store.batch.moves import Change, Stored
from farthing.store.batch.rows import ANSWERS, OPEN, PLAIN, Key, flat, marks, parts, put_texts
from farthing.store.engine import Connection
from farthing.store.sealing import Wrapping


class Ended(NamedTuple):
    """A line's run that is the last one, and what came of it."""

    job: str
    no: int
    call_id: str
    """The run: where the line was answered by another one meanwhile, only what was held for this one is freed."""
    state: LineState
    """One of LINE_ENDS."""
    status: int
    answer: bytes
    cost: int
    baseline: int


class Standing(NamedTuple):
    """How a line stands while it is locked."""

    state: LineState
    call_id: str
    """Its latest run."""


def lock(connection: Connection, keys: Iterable[Key]) -> dict[Key, Standing]:
    """How lines stand, which stays so until the end of the caller's transaction. To be called first in it, before calls are
    written: everybody locks jobs, then lines, then budgets."""
    wanted = list(keys)
    moves.lock_jobs(connection, (job for job, _ in wanted))
    return {
        key: Standing(line.state, line.call_id) for key, (line, _) in moves.lock_lines(connection, wanted).items()
    }  # fmt: skip


def settle(connection: Connection, ended: Sequence[Ended], now_us: int, *, wrapping: Wrapping = PLAIN) -> int:
    """End lines, each once; how many have ended by this. Jobs get their sums, and end with their last line. What was held for
    these runs is free, also where the line had ended before. Lines that wait for the answer of one of these may be taken
    at the next look, or are named here themselves.

    To be called in the transaction that writes the calls, after them."""
    with connection.transaction():
        jobs = moves.lock_jobs(connection, (each.job for each in ended))
        stored = moves.lock_lines(connection, ((each.job, each.no) for each in ended))
        fresh = _fresh(ended, stored)
        sums = Cells()
        for key in fresh:
            if stored[key].queue == OPEN:
                sums.add(stored[key].line, -1)
        runs = moves.runs_by_call(connection, (each.call_id for each in ended))
        gains = moves.take_back(connection, list(runs.values()))
        _write_ends(connection, fresh, now_us)
        put_texts(connection, ANSWERS, ((each.job, each.no, each.answer) for each in fresh.values()), wrapping)
        moves.free_followers(connection, list(fresh), now_us)
        sums.put(connection)
        tally = Tally(now_us)
        for key, each in fresh.items():
            moves.gain(gains, each.job, _change(each))
            tally.add(stored[key].line, jobs.get(each.job), each.state, each.cost, each.baseline)
        moves.count(connection, {job: gains[job] for job in gains if job in jobs}, now_us)
        tally.put(connection)
        return len(fresh)


def paid_twice(connection: Connection, costs: Mapping[str, int], now_us: int) -> None:
    """What answers cost that came when their lines had been answered otherwise is a part of what their jobs cost, and counts
    against caps. Jobs are locked by now. To be called with calls that were not in the ledger before."""
    moves.count(connection, {job: Change(cost=cost) for job, cost in costs.items()}, now_us)


def _fresh(ended: Sequence[Ended], stored: dict[Key, Stored]) -> dict[Key, Ended]:
    fresh: dict[Key, Ended] = {}
    for each in sorted(ended, key=lambda each: (each.job, each.no)):
        found = stored.get((each.job, each.no))
        if each.state not in LINE_ENDS:
            raise ValueError(f"{each.state} is no end of a line")
        if found is not None and not found.ended:
            fresh.setdefault((each.job, each.no), each)
    return fresh


def _write_ends(connection: Connection, fresh: dict[Key, Ended], now_us: int) -> None:
    rows = [(each.job, each.no, each.call_id, each.state, each.status) for each in fresh.values()]
    for some in parts(rows, 150):
        connection.execute(
            "UPDATE batch_lines SET state = v.column4, status = v.column5, call_id = v.column3, queue = 0, holder = '', leader = '', "
            f"leader_no = 0, ended_us = ? FROM (VALUES {marks(len(some), '(?,CAST(? AS BIGINT),?,?,CAST(? AS BIGINT))')}) AS v "
            "WHERE job = v.column1 AND no = v.column2",
            (now_us, *flat(some)),
        )


def _change(each: Ended) -> Change:
    counts = {state: int(each.state == state) for state in LINE_ENDS}
    return Change(**counts, cost=each.cost, baseline=each.baseline)
