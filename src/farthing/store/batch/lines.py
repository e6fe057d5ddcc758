"""The lines of jobs: handed in, taken to be sent, given back, and ended, each once.

A line that somebody took is theirs until a time that they may put off; after it anybody may take it. Two never hold the
same line. What lines say and are answered is wrapped for the disk; functions that read or write it take the wrapping.
Each function is one transaction, or a part of the caller's.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

from farthing.model.batch import LINE_ENDS, Job, Line, LineState, Sent, Way
from farthing.model.windows import FOREVER_US
from farthing.store.batch import cells, moves
from farthing.store.batch.cells import Cells, Waiting
from farthing.store.batch.ends import Tally
from farthing.store.batch.holds import HoldRefused
from farthing.store.batch.moves import ALONE, Change, Stored
from farthing.store.batch.rows import (
    ANSWERS,
    BODIES,
    HELD,
    LATER,
    LINES,
    NOWHERE,
    OPEN,
    PLAIN,
    Key,
    among,
    flat,
    line_of,
    line_row,
    marks,
    of_keys,
    parts,
    put_texts,
    texts_of,
)  # fmt: skip
from farthing.store.engine import Connection, Row
from farthing.store.errors import RowRefused
from farthing.store.schema_batch import LINE_COLUMNS, SENT_COLUMNS
from farthing.store.sealing import Wrapping

WOKEN = 2_000
"""Lines whose time has come that one look puts back among those to be taken."""
UNREADABLE_US = 600_000_000
"""How long a line is left to others that was sealed with a key which is not the one at hand."""
ALONE_US = 900_000_000
"""How long a line that is sent alone is its sender's, unless they say so."""

__all__ = (
    "Begun", "Ended", "Standing", "Waiting", "add", "begin", "begin_all", "follow", "followers", "forget_texts", "free", "get", "give_back", "holders", "leaders", "lock",
    "of_calls", "of_places", "of_shard", "position", "renew", "results", "settle", "take", "waiting",
)  # fmt: skip


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


class Standing(NamedTuple):
    """How a line stands while it is locked."""

    state: LineState
    call_id: str
    """Its latest run."""


class Position(NamedTuple):
    """Where a job is in the queue."""

    before: int
    """Lines of the same tenant and model that go first, about."""
    waiting: int
    sent: int


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


def take(
    connection: Connection, *, now_us: int, holder: str, until_us: int, limit: int, tenant: str = "", model: str = "",
    wrapping: Wrapping = PLAIN,
) -> list[Line]:  # fmt: skip
    """Lines to be sent, with what they say, which are the holder's until `until_us`. Tenants get as many each, as far as
    they have them; within a tenant the highest priority goes first, then the earliest deadline.

    One that cannot be read with this wrapping is left to others for a while; past its deadline it comes without a body.
    """
    with connection.transaction():
        moves.wake(connection, now_us, WOKEN)
        taken: list[Stored] = []
        groups = cells.groups(connection, tenant, model)
        names = list(groups)
        start = (now_us // 1000) % len(names) if names else 0
        names = names[start:] + names[:start]
        while names and len(taken) < limit:
            left = limit - len(taken)
            share = max(1, left // len(names))
            found: list[Stored] = []
            hungry = []
            for name in names:
                if len(found) >= left:
                    break
                some = _first(connection, name, groups[name], min(share, left - len(found)))
                if len(some) >= share:
                    hungry.append(name)
                found += some
            _hold(connection, found, holder, until_us)
            taken += found
            names = hungry
        sums = Cells()
        for each in taken:
            sums.add(each.line, -1)
        sums.put(connection)
        return _with_bodies(connection, taken, holder, now_us, until_us, wrapping)


def _first(connection: Connection, tenant: str, models: Sequence[str], limit: int) -> list[Stored]:
    """The first lines of a tenant, whatever they are for."""
    found: list[Stored] = []
    for model in models:
        rows = connection.query(
            f"SELECT {LINES} FROM batch_lines WHERE queue = {OPEN} AND tenant = ? AND model = ? "
            f"ORDER BY rank, deadline_us, job, no LIMIT ?{connection.skip_locked}",
            (tenant, model, limit),
        )
        found += [Stored(*line_of(row)) for row in rows]
    if len(models) > 1:
        found.sort(key=_order)
    return found[:limit]


def _order(stored: Stored) -> tuple[int, int, str, int]:
    line = stored.line
    return -line.priority, line.deadline_us, line.job, line.no


def _hold(connection: Connection, lines: Sequence[Stored], holder: str, until_us: int) -> None:
    for some in parts([(line.job, line.no) for line, _ in lines]):
        connection.execute(
            f"UPDATE batch_lines SET queue = {HELD}, holder = ?, ready_us = ? {of_keys(len(some))}",
            (holder, until_us, *flat(some)),
        )


def _with_bodies(
    connection: Connection, taken: Sequence[Stored], holder: str, now_us: int, until_us: int, wrapping: Wrapping
) -> list[Line]:
    bodies = texts_of(connection, BODIES, [(line.job, line.no) for line, _ in taken], wrapping)
    found: list[Line] = []
    unreadable: list[Key] = []
    for line, _ in taken:
        key = (line.job, line.no)
        body = bodies.get(key, b"")
        if body is None and line.deadline_us > now_us:
            unreadable.append(key)
            continue
        line.body, line.holder, line.ready_us = body or b"", holder, until_us
        found.append(line)
    for some in parts(unreadable):
        connection.execute(
            f"UPDATE batch_lines SET queue = {LATER}, holder = '', ready_us = ? {of_keys(len(some))}",
            (now_us + UNREADABLE_US, *flat(some)),
        )
    return found


def waiting(connection: Connection, now_us: int) -> list[Waiting]:
    """What may be taken now, by tenant, model, format, priority and deadline; the earliest deadline first."""
    with connection.transaction():
        moves.wake(connection, now_us, WOKEN)
        cells.tidy(connection)
        return cells.waiting(connection)


def give_back(
    connection: Connection, lines: Sequence[Line], ready_us: int, now_us: int = 0, *, tries: int = 0
) -> int:  # fmt: skip
    """Lines as they were taken, or were in a shard, wait again, until `ready_us` at least. Those that have ended meanwhile
    or that somebody else works on stay as they are. What was held for them is free. How many wait. `tries`: what is added to
    those that are counted."""
    with connection.transaction():
        jobs, stored = _locked(connection, lines)
        back = {
            (line.job, line.no): found
            for line in lines
            if (found := stored.get((line.job, line.no))) is not None and not found.ended and _is_as(found.line, line)
        }
        sums = Cells()
        runs = moves.runs_by_call(connection, (line.call_id for line in lines))
        gains = moves.take_back(connection, list(runs.values()))
        again = moves.wait_again(
            connection, list(back.values()), jobs, sums, ready_us=ready_us, now_us=now_us, tries=tries
        )
        sums.put(connection)
        _merge(gains, again)
        moves.count(connection, gains, now_us or ready_us)
        return len(back) - sum(change.cancelled for change in again.values())


def _is_as(stored: Line, line: Line) -> bool:
    """Whether nobody else has done anything with the line since it was read."""
    return stored.tries == line.tries and stored.holder == line.holder


def begin(
    connection: Connection, line: Line, *, way: Way, call_id: str, now_us: int, holder: str = "", until_us: int = 0
) -> bool:
    """The line is about to be sent alone, as this call. False: it must not be, since it ended meanwhile, or somebody else has
    it. It is the holder's until `until_us`, or as it was taken; then it waits again. One that is in a shard may be sent too
    (promoted): whichever is answered first counts."""
    holder = holder or line.holder
    until_us = until_us or line.ready_us or now_us + ALONE_US
    with connection.transaction():
        changed = connection.execute(
            f"UPDATE batch_lines SET state = 'sent', queue = {HELD}, holder = ?, ready_us = ?, way = ?, call_id = ?, tries = tries + 1, "
            "leader = '', leader_no = 0 WHERE job = ? AND no = ? AND tries = ? AND holder = ? AND queue <> ? "
            "AND state IN ('waiting', 'sent')",
            (holder, until_us, way, call_id, line.job, line.no, line.tries, line.holder, OPEN),
        )
        if not changed:
            return False
        connection.execute("UPDATE batch_jobs SET started_us = ? WHERE id = ? AND started_us = 0", (now_us, line.job))
    line.state, line.way, line.call_id, line.holder, line.ready_us = "sent", way, call_id, holder, until_us
    line.tries += 1
    line.leader, line.leader_no = "", 0
    return True


def begin_all(
    connection: Connection, started: Sequence[Begun], *, holder: str, until_us: int, now_us: int
) -> set[str]:  # fmt: skip
    """`begin` for many lines that the holder took, or that are in shards and nowhere else; the calls that may be sent. Raises
    HoldRefused where a job's cap has no room for all of them; then none may."""
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


def of_shard(
    connection: Connection, shard_id: str, after_no: int, limit: int, *, wrapping: Wrapping = PLAIN
) -> list[tuple[Line, Sent]]:
    """Lines of a shard that are not settled, by their places in it, with what they say. A line comes as of this shard's run
    even where it has been sent again since; its state says whether it has ended. `after_no`: a place, -1 at first."""
    return [
        found
        for _, found in _with_runs(connection, moves.runs_of_shard(connection, shard_id, after_no, limit), wrapping)
    ]


def of_places(
    connection: Connection, shard_id: str, places: Sequence[int], *, wrapping: Wrapping = PLAIN
) -> dict[int, tuple[Line, Sent]]:
    """The same, of these places alone. Settled ones are left out."""
    runs = []
    for some in parts(sorted(set(places))):
        rows = connection.query(
            "SELECT call_id, shard, place, job, no, sent FROM batch_sent WHERE shard = ? AND place IN "
            f"({marks(len(some), '?')}) ORDER BY place",
            (shard_id, *some),
        )
        runs += [moves.run_of(row) for row in rows]
    return dict(_with_runs(connection, runs, wrapping))


def of_calls(connection: Connection, call_ids: Sequence[str], *, wrapping: Wrapping = PLAIN) -> list[tuple[Line, Sent]]:
    """The same, by the calls of their runs, whichever shards these are in."""
    return [
        found for _, found in _with_runs(connection, list(moves.runs_by_call(connection, call_ids).values()), wrapping)
    ]


def _with_runs(
    connection: Connection, runs: Sequence[moves.Run], wrapping: Wrapping
) -> list[tuple[int, tuple[Line, Sent]]]:
    keys = [run.key for run in runs]
    lines = _read(connection, keys)
    bodies = texts_of(connection, BODIES, keys, wrapping)
    found = []
    for run in runs:
        line = msgspec.structs.replace(lines[run.key], body=bodies.get(run.key) or b"", call_id=run.call_id)
        run.sent.call_id = run.call_id
        found.append((run.place, (line, run.sent)))
    return found


def _read(connection: Connection, keys: Sequence[Key]) -> dict[Key, Line]:
    found: dict[Key, Line] = {}
    for some in parts(sorted(set(keys))):
        sql = f"SELECT {LINES} {among('batch_lines', len(some))}"
        found.update(((row[0], row[1]), line_of(row)[0]) for row in connection.query(sql, flat(some)))
    return found


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


def results(
    connection: Connection, job_id: str, after_no: int = -1, limit: int = 1000, states: Sequence[LineState] = LINE_ENDS, *,
    wrapping: Wrapping = PLAIN, bodies: bool = False,
) -> list[Line]:  # fmt: skip
    """Lines of a job in these states by number, with their answers, and with what they say if that is wanted."""
    rows = connection.query(
        f"SELECT {LINES} FROM batch_lines WHERE job = ? AND no > ? AND state IN ({marks(len(states), '?')}) ORDER BY no LIMIT ?",
        (job_id, after_no, *states, limit),
    )
    found = [line_of(row)[0] for row in rows]
    keys = [(line.job, line.no) for line in found]
    answers = texts_of(connection, ANSWERS, keys, wrapping)
    asked = texts_of(connection, BODIES, keys, wrapping) if bodies else {}
    for line in found:
        line.answer = answers.get((line.job, line.no)) or b""
        line.body = asked.get((line.job, line.no)) or b""
    return found


def forget_texts(connection: Connection, job_id: str, states: Sequence[LineState]) -> None:
    """Drop what lines in these states say and were answered."""
    for table in (BODIES, ANSWERS):
        connection.execute(
            f"DELETE FROM {table} WHERE job = ? AND no IN (SELECT no FROM batch_lines WHERE job = ? AND state IN "
            f"({marks(len(states), '?')}))",
            (job_id, job_id, *states),
        )


def get(connection: Connection, job_id: str, no: int, *, wrapping: Wrapping = PLAIN) -> Line | None:
    """One line with what it says and its answer."""
    found = results(
        connection, job_id, no - 1, 1, ("waiting", "sent", *LINE_ENDS), wrapping=wrapping, bodies=True
    )  # fmt: skip
    return found[0] if found and found[0].no == no else None


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


def leaders(connection: Connection, tenant: str, digests: Sequence[bytes]) -> dict[bytes, Line]:
    """Lines of the tenant with these digests that are with a provider."""
    found: dict[bytes, Line] = {}
    for some in parts(sorted({each.hex() for each in digests if each})):
        rows = connection.query(
            f"SELECT {LINES} FROM batch_lines WHERE state = 'sent' AND digest <> '' AND tenant = ? AND digest IN ({marks(len(some), '?')})",
            (tenant, *some),
        )
        for row in rows:
            line, _ = line_of(row)
            found.setdefault(line.digest, line)
    return found


def follow(connection: Connection, lines: Sequence[tuple[Line, Key]], until_us: int) -> list[Line]:
    """Lines that were taken wait for the answer of another one, which is with a provider, but no longer than `until_us`. When
    it has one they are taken again, and name it (`leader`). Those whose leader is not with a provider any more, which are
    returned, stay with their holder, as do those of which the holder has lost hold."""
    with connection.transaction():
        moves.lock_jobs(connection, [*(line.job for line, _ in lines), *(job for _, (job, _) in lines)])
        stored = moves.lock_lines(connection, [*((line.job, line.no) for line, _ in lines), *(key for _, key in lines)])
        left = []
        for line, leader in lines:
            mine, other = stored.get((line.job, line.no)), stored.get(leader)
            if (
                mine is None or other is None or other.line.state != "sent" or other.line.tenant != line.tenant
                or mine.line.state != "waiting" or not _is_as(mine.line, line)
            ):  # fmt: skip
                left.append(line)
                continue
            connection.execute(
                f"UPDATE batch_lines SET queue = {HELD}, holder = '', ready_us = ?, leader = ?, leader_no = ? "
                "WHERE job = ? AND no = ?",
                (until_us, *leader, line.job, line.no),
            )
        return left


def followers(connection: Connection, leaders: Sequence[Key], *, wrapping: Wrapping = PLAIN) -> list[Line]:
    """Lines that wait for the answers of these, with what they say."""
    found: list[Line] = []
    for some in parts(sorted(leaders)):
        rows = connection.query(
            f"SELECT {LINES} FROM (VALUES {marks(len(some))}) AS v CROSS JOIN batch_lines "
            "WHERE leader <> '' AND leader = v.column1 AND leader_no = v.column2",
            flat(some),
        )
        found += [line_of(row)[0] for row in rows]
    bodies = texts_of(connection, BODIES, [(line.job, line.no) for line in found], wrapping)
    for line in found:
        line.body = bodies.get((line.job, line.no)) or b""
    return found


def renew(connection: Connection, holder: str, until_us: int) -> int:
    """The holder lives: what it took or sent alone stays its own until then. How many lines. Those that are being moved at
    this moment are left out."""
    with connection.transaction():
        keys = connection.query(
            f"SELECT job, no FROM batch_lines WHERE queue > 1 AND queue = {HELD} AND ready_us < ? AND holder = ?{connection.skip_locked}",
            (until_us, holder),
        )
        for some in parts(keys):
            connection.execute(f"UPDATE batch_lines SET ready_us = ? {of_keys(len(some))}", (until_us, *flat(some)))
    return len(keys)


def holders(connection: Connection, until_us: int = FOREVER_US) -> list[str]:
    """Who works on lines (until then at most), shards or jobs."""
    rows = connection.query(
        f"SELECT DISTINCT holder FROM batch_lines WHERE queue > 1 AND queue = {HELD} AND ready_us <= ? AND holder <> '' "
        "UNION SELECT DISTINCT holder FROM batch_shards WHERE state NOT IN ('settled', 'failed') AND holder <> '' "
        "UNION SELECT DISTINCT holder FROM batch_jobs WHERE ended_us = 0 AND holder <> '' ORDER BY 1",
        (until_us,),
    )
    return [row[0] for row in rows]


def free(connection: Connection, holders: Sequence[str], now_us: int) -> int:
    """These holders are dead: what they worked on is free at once. How many lines, shards and jobs."""
    if not holders:
        return 0
    who = marks(len(holders), "?")
    with connection.transaction():
        jobs = connection.execute(
            f"UPDATE batch_jobs SET holder = '', held_until_us = 0 WHERE ended_us = 0 AND holder IN ({who})", holders
        )
        lines = connection.execute(
            f"UPDATE batch_lines SET ready_us = ? WHERE queue > 1 AND queue = {HELD} AND holder IN ({who})",
            (now_us, *holders),
        )
        shards = connection.execute(
            "UPDATE batch_shards SET holder = '', held_until_us = 0 WHERE state NOT IN ('settled', 'failed') AND holder "
            f"IN ({who})",
            holders,
        )
        return jobs + lines + shards


def _locked(connection: Connection, lines: Sequence[Line]) -> tuple[dict[str, Job], dict[Key, Stored]]:
    jobs = moves.lock_jobs(connection, (line.job for line in lines))
    return jobs, moves.lock_lines(connection, ((line.job, line.no) for line in lines))


def _merge(gains: dict[str, Change], more: dict[str, Change]) -> None:
    for job, change in more.items():
        moves.gain(gains, job, change)
