"""Lines are taken to be sent, fairly, and given back. What somebody took is theirs until a time that they may put off
(`holders`). Knows nothing of how lines are sent."""

from collections.abc import Sequence

from farthing.model.batch import Job, Line
from farthing.store.batch import cells, moves
from farthing.store.batch.cells import Cells, Waiting
from farthing.store.batch.moves import Change, Stored
from farthing.store.batch.rows import (
    BODIES,
    HELD,
    LATER,
    LINES,
    OPEN,
    PLAIN,
    Key,
    flat,
    line_of,
    of_keys,
    parts,
    texts_of,
)
from farthing.store.engine import Connection
from farthing.store.sealing import Wrapping

WOKEN = 2_000
"""Lines whose time has come that one look puts back among those to be taken."""
UNREADABLE_US = 600_000_000
"""How long a line is left to others that was sealed with a key which is not the one at hand."""


def take(
    connection: Connection, *, now_us: int, holder: str, until_us: int, limit: int, tenant: str = "", model: str = "",
    wrapping: Wrapping = PLAIN, most_bytes: int = 0,
) -> list[Line]:  # fmt: skip
    """Lines to be sent, with what they say, which are the holder's until `until_us`. Tenants get as many each, as far as
    they have them; within a tenant the highest priority goes first, then the earliest deadline. `most_bytes`: of what they
    say, all together, unless the first has more; 0: any number.

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
            fit = _within(found, most_bytes, taken)
            _hold(connection, fit, holder, until_us)
            taken += fit
            names = hungry if len(fit) == len(found) else []
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


def _within(found: list[Stored], most_bytes: int, taken: Sequence[Stored]) -> list[Stored]:
    """Those of the first that fit, with what was taken before."""
    size = sum(line.size for line, _ in taken)
    for place, (line, _) in enumerate(found):
        size += line.size
        if most_bytes and size > most_bytes and (place or taken):
            return found[:place]
    return found


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
            if (found := stored.get((line.job, line.no))) is not None
            and not found.ended
            and moves.is_as(found.line, line)
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


def _locked(connection: Connection, lines: Sequence[Line]) -> tuple[dict[str, Job], dict[Key, Stored]]:
    jobs = moves.lock_jobs(connection, (line.job for line in lines))
    return jobs, moves.lock_lines(connection, ((line.job, line.no) for line in lines))


def _merge(gains: dict[str, Change], more: dict[str, Change]) -> None:
    for job, change in more.items():
        moves.gain(gains, job, change)
