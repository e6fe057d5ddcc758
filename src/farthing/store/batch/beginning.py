"""Lines are about to be sent alone: it is noted first, and what they can cost is held. Knows nothing of providers."""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from farthing.model.batch import Job, Sent, Way
from farthing.store.batch import moves
from farthing.store.batch.holds import HoldRefused
from farthing.store.batch.moves import ALONE, Change, Stored
from farthing.store.batch.rows import HELD, NOWHERE, Key, flat, marks, parts
from farthing.store.engine import Connection, Row
from farthing.store.schema_batch import SENT_COLUMNS


class Begun(NamedTuple):
    """A line that is about to be sent alone, as this call."""

    job: str
    no: int
    way: Way
    call_id: str
    held: int = 0
    """What it can cost at most, which is held of its job's cap until it has ended; 0: nothing is."""
    again: bool = False
    """It is sent alone by the same holder already, and may be sent once more."""


def begin_all(
    connection: Connection, started: Sequence[Begun], *, holder: str, until_us: int, now_us: int
) -> set[str]:  # fmt: skip
    """These lines are about to be sent alone, as these calls; the calls that may be sent. The others must not be: they ended
    meanwhile, or somebody else has them. Lines are the holder's until `until_us`; then they wait again. One that is in a shard
    may be sent too (promoted): whichever is answered first counts. Raises HoldRefused where a job's cap has no room for all
    of them; then none may."""
    with connection.transaction():
        jobs = moves.lock_jobs(connection, (each.job for each in started))
        stored = moves.lock_lines(connection, ((each.job, each.no) for each in started))
        going: dict[Key, Begun] = {}
        for each in started:
            found = stored.get((each.job, each.no))
            if found is not None and _may_begin(found, each, holder):
                going.setdefault((each.job, each.no), each)
        _hold_of_caps(connection, list(going.values()), jobs, now_us)
        rows = [(each.job, each.no, each.way, each.call_id) for each in sorted(going.values())]
        for some in parts(rows, 150):
            connection.execute(
                f"UPDATE batch_lines SET state = 'sent', queue = {HELD}, holder = ?, ready_us = ?, way = v.column3, call_id = v.column4, "
                f"tries = tries + 1, leader = '', leader_no = 0 FROM (VALUES {marks(len(some), '(?,CAST(? AS BIGINT),?,?)')}) AS v "
                "WHERE batch_lines.job = v.column1 AND batch_lines.no = v.column2",
                (holder, until_us, *flat(some)),
            )
        for names in parts(sorted({job for job, _ in going})):
            connection.execute(
                f"UPDATE batch_jobs SET started_us = ? WHERE started_us = 0 AND id IN ({marks(len(names), '?')})",
                (now_us, *names),
            )
    return {each.call_id for each in going.values()}


def _may_begin(stored: Stored, begun: Begun, holder: str) -> bool:
    line, queue = stored
    if line.state == "sent":
        return queue == NOWHERE or (begun.again and queue == HELD and line.holder == holder)
    return line.state == "waiting" and queue == HELD and line.holder == holder


def _hold_of_caps(connection: Connection, going: Sequence[Begun], jobs: dict[str, Job], now_us: int) -> None:
    """Raises HoldRefused."""
    gains: dict[str, Change] = {}
    rows: list[Row] = []
    for each in going:
        if each.held:
            moves.gain(gains, each.job, Change(held=each.held))
            sent = Sent(call_id=each.call_id, held=each.held)
            rows.append((each.call_id, ALONE + each.call_id, 0, each.job, each.no, msgspec.json.encode(sent).decode()))
    for name, change in sorted(gains.items()):
        job = jobs[name]
        if job.cap and job.cost + job.held + change.held > job.cap:
            raise HoldRefused("", job=name)
    if rows:
        connection.insert("batch_sent", SENT_COLUMNS, rows)
        moves.count(connection, gains, now_us)
