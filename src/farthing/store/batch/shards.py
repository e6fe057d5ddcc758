"""Shards: lines that are one batch at a provider. What is to be sent is written before the provider is asked.

Whoever works on a shard holds it until a time; after it anybody may go on, and finds out first what has become of it. Each
function is one transaction, or a part of the caller's.
"""

from collections.abc import Collection, Iterable, Sequence

import msgspec

from farthing.model.batch import Line, Sent, Shard, ShardState
from farthing.store.batch import holds, moves
from farthing.store.batch.cells import Cells
from farthing.store.batch.holds import HoldRefused
from farthing.store.batch.moves import Change
from farthing.store.batch.rows import NOWHERE, OPEN, Key, flat, marks, parts
from farthing.store.engine import Connection, Row
from farthing.store.schema_batch import SENT_COLUMNS, SHARD_COLUMNS

SHARDS = ", ".join(SHARD_COLUMNS)
OVER = "('settled', 'failed')"
TAKEN_BACK = "taken back"
"""As a shard's error: we asked its provider to end it, since it would have been late."""
_CHUNK = 2000
"""Runs that are taken back by one statement."""

_encode = msgspec.json.encode


class LinesGone(Exception):
    """Lines that were to be sent are not their holder's any more: they were cancelled, somebody else took them, or one was
    named twice. Nothing was done with any of the others."""

    def __init__(self, keys: Sequence[Key]) -> None:
        super().__init__(f"{len(keys)} lines")
        self.keys = list(keys)


def intend(
    connection: Connection, shard: Shard, lines: Sequence[tuple[Line, Sent]], holder: str, until_us: int, now_us: int
) -> None:
    """The shard is about to be created at its provider, with these lines at places 0, 1, 2 ... All or nothing: the shard, which
    is the holder's, the lines as sent, the calls of their runs (`Sent.call_id`, or the line's), holds, caps of jobs.

    Lines are as they were taken, or waiting ones of which the caller knows; one that is sent again (its `state` is sent)
    keeps its former run until that comes back. Raises HoldRefused, LinesGone; Duplicate if the shard is there.
    """
    try:
        with connection.transaction():
            _intend(connection, shard, lines, holder, until_us, now_us)
    except HoldRefused as refused:
        holds.ask_back(connection, refused, now_us)
        raise


def _intend(
    connection: Connection, shard: Shard, lines: Sequence[tuple[Line, Sent]], holder: str, until_us: int, now_us: int
) -> None:
    jobs = moves.lock_jobs(connection, (line.job for line, _ in lines))
    stored = moves.lock_lines(connection, ((line.job, line.no) for line, _ in lines))
    gone: list[Key] = []
    seen: set[Key] = set()
    for line, _ in lines:
        key = (line.job, line.no)
        if key in seen or not _may_go(stored.get(key), line):
            gone.append(key)
        seen.add(key)
    if gone:
        raise LinesGone(gone)
    gains: dict[str, Change] = {}
    for line, sent in lines:
        moves.gain(gains, line.job, Change(held=sent.held))
    for name, job in sorted(jobs.items()):
        if job.cap and job.cost + job.held + gains[name].held > job.cap:
            raise HoldRefused("", job=name)
    holds.take(connection, [sent for _, sent in lines], now_us)
    shard.state, shard.holder, shard.held_until_us = "intent", holder, until_us
    shard.created_us, shard.lines = shard.created_us or now_us, len(lines)
    connection.insert("batch_shards", SHARD_COLUMNS, [shard_row(shard)])
    rows: list[Row] = []
    sent_rows: list[Row] = []
    for place, (line, sent) in enumerate(lines):
        sent.call_id = sent.call_id or line.call_id
        rows.append((line.job, line.no, sent.call_id))
        sent_rows.append((sent.call_id, shard.id, place, line.job, line.no, _encode(sent).decode()))
    connection.insert("batch_sent", SENT_COLUMNS, sent_rows)
    for some in parts(rows, 150):
        connection.execute(
            f"UPDATE batch_lines SET state = 'sent', queue = {NOWHERE}, ready_us = 0, holder = '', way = 'batch', shard = ?, "
            "call_id = v.column3, tries = tries + 1, leader = '', leader_no = 0 "
            f"FROM (VALUES {marks(len(some), '(?,CAST(? AS BIGINT),?)')}) AS v WHERE job = v.column1 AND no = v.column2",
            (shard.id, *flat(some)),
        )
    for names in parts(sorted(name for name, job in jobs.items() if not job.started_us)):
        connection.execute(
            f"UPDATE batch_jobs SET started_us = ? WHERE id IN ({marks(len(names), '?')})", (now_us, *names)
        )
    moves.count(connection, gains, now_us)
    for line, sent in lines:
        line.state, line.way, line.shard, line.call_id = "sent", "batch", shard.id, sent.call_id
        line.holder, line.ready_us = "", 0
        line.tries += 1


def _may_go(stored: moves.Stored | None, line: Line) -> bool:
    if stored is None or stored.ended or stored.queue == OPEN:
        return False
    return stored.line.tries == line.tries and stored.line.holder == line.holder


def get(connection: Connection, shard_id: str) -> Shard | None:
    rows = connection.query(f"SELECT {SHARDS} FROM batch_shards WHERE id = ?", (shard_id,))
    return shard_of(rows[0]) if rows else None


def page(
    connection: Connection, *, states: Sequence[ShardState] = (), limit: int = 100, since_us: int = 0
) -> list[Shard]:  # fmt: skip
    """The newest first."""
    only = f" AND state IN ({marks(len(states), '?')})" if states else ""
    rows = connection.query(
        f"SELECT {SHARDS} FROM batch_shards WHERE created_us >= ?{only} ORDER BY created_us DESC, id LIMIT ?",
        (since_us, *states, limit),
    )
    return [shard_of(row) for row in rows]


def open_(connection: Connection) -> list[Shard]:
    """All that are not over: what is with providers."""
    rows = connection.query(f"SELECT {SHARDS} FROM batch_shards WHERE state NOT IN {OVER} ORDER BY created_us, id")
    return [shard_of(row) for row in rows]


def created(
    connection: Connection, shard_id: str, remote_id: str, remote_file: str, window_end_us: int, next_look_us: int
) -> None:
    """The provider has it. Nobody holds it until the next look is due."""
    connection.execute(
        "UPDATE batch_shards SET state = 'running', remote_id = ?, remote_file = ?, window_end_us = ?, next_look_us = ?, holder = '', "
        "held_until_us = 0 WHERE id = ? AND state = 'intent'",
        (remote_id, remote_file, window_end_us, next_look_us, shard_id),
    )


def uploaded(connection: Connection, shard_id: str, remote_file: str) -> None:
    """Its input is at the provider, by which its batch can be found; the batch is yet to be created."""
    connection.execute("UPDATE batch_shards SET remote_file = ? WHERE id = ?", (remote_file, shard_id))


def due(
    connection: Connection, now_us: int, holder: str, until_us: int, limit: int, *, in_hand: Collection[str] = (),
    busy: Collection[str] = (),
) -> list[Shard]:  # fmt: skip
    """Shards to look at, those of whose sender nothing was heard among them; they are the holder's until `until_us`. Not those
    that it has in hand, whatever the clock says, nor those of providers that are busy."""
    but = "".join(
        f" AND {column} NOT IN ({marks(len(names), '?')})"
        for column, names in (("id", in_hand), ("provider", busy))
        if names
    )
    with connection.transaction():
        rows = connection.query(
            f"SELECT {SHARDS} FROM batch_shards WHERE state NOT IN {OVER} AND next_look_us <= ? AND held_until_us <= ?{but} "
            f"ORDER BY next_look_us LIMIT ?{connection.skip_locked}",
            (now_us, now_us, *in_hand, *busy, limit),
        )
        found = [shard_of(row) for row in rows]
        for some in parts(sorted(shard.id for shard in found)):
            connection.execute(
                f"UPDATE batch_shards SET holder = ?, held_until_us = ? WHERE id IN ({marks(len(some), '?')})",
                (holder, until_us, *some),
            )
    for shard in found:
        shard.holder, shard.held_until_us = holder, until_us
    return found


def looked(connection: Connection, shard: Shard, *, keep: bool = False) -> bool:
    """What was seen of it: states, files, errors, when to look next. Its holder lets go of it, unless `keep`. False: it was
    not the holder's any more, and nothing is written."""
    changed = connection.execute(
        "UPDATE batch_shards SET state = ?, remote_id = ?, remote_file = ?, remote_state = ?, output_file = ?, error_file = ?, "
        "window_end_us = ?, next_look_us = ?, looks = ?, error = CASE WHEN error = '' THEN ? ELSE error END, holder = ?, "
        "held_until_us = ? "
        f"WHERE id = ? AND holder = ? AND state NOT IN {OVER}",
        (
            shard.state, shard.remote_id, shard.remote_file, shard.remote_state, shard.output_file, shard.error_file,
            shard.window_end_us, shard.next_look_us, shard.looks, shard.error, shard.holder if keep else "",
            shard.held_until_us if keep else 0, shard.id, shard.holder,
        ),
    )  # fmt: skip
    return changed > 0


def later(connection: Connection, shard: Shard) -> bool:
    """Nothing was seen of it that can be relied on: its holder lets go of it until the next look, and all else stays as it is
    in the store. False: it was not the holder's any more."""
    changed = connection.execute(
        "UPDATE batch_shards SET next_look_us = ?, looks = ?, holder = '', held_until_us = 0 "
        f"WHERE id = ? AND holder = ? AND state NOT IN {OVER}",
        (shard.next_look_us, shard.looks, shard.id, shard.holder),
    )
    return changed > 0


def take_back(connection: Connection, shard_id: str) -> None:
    """Its provider was asked to end it before it is done."""
    connection.execute(
        f"UPDATE batch_shards SET error = ? WHERE id = ? AND error = '' AND state NOT IN {OVER}", (TAKEN_BACK, shard_id)
    )


def renew(connection: Connection, holder: str, until_us: int, in_hand: Iterable[str]) -> int:
    """The holder lives: the shards that it has in hand stay its own until then. How many. One that it holds and has lost sight
    of is free when its time is over."""
    count = 0
    for some in parts(sorted(in_hand)):
        count += connection.execute(
            f"UPDATE batch_shards SET held_until_us = ? WHERE holder = ? AND held_until_us < ? AND state NOT IN {OVER} "
            f"AND id IN ({marks(len(some), '?')})",
            (until_us, holder, until_us, *some),
        )
    return count


def abandon(connection: Connection, shard_id: str, why: str, now_us: int, ready_us: int) -> int:
    """The provider has never had it: its lines wait again from `ready_us` on, as if they had not been sent. How many."""
    return _close(connection, shard_id, "failed", why, now_us, ready_us, tries=-1)


def finish(connection: Connection, shard_id: str, now_us: int, why: str = "") -> int:
    """All results were fetched, or it is given up, and `why`: lines without one wait again. How many."""
    return _close(connection, shard_id, "settled", why, now_us, now_us, tries=0)


def _close(
    connection: Connection, shard_id: str, state: ShardState, why: str, now_us: int, ready_us: int, *, tries: int
) -> int:
    with connection.transaction():
        runs = [run for some in _all_runs(connection, shard_id) for run in some]
        jobs = moves.lock_jobs(connection, (run.key[0] for run in runs))
        stored = moves.lock_lines(connection, (run.key for run in runs))
        there = moves.runs_by_call(connection, (run.call_id for run in runs))  # others may have settled some meanwhile
        runs = [run for run in runs if run.call_id in there]
        back = [stored[run.key] for run in runs if _is_still_in(stored[run.key], run)]
        sums = Cells()
        gains = moves.take_back(connection, runs)
        again = moves.wait_again(connection, back, jobs, sums, ready_us=ready_us, now_us=now_us, tries=tries)
        sums.put(connection)
        for job, change in again.items():
            moves.gain(gains, job, change)
        moves.count(connection, gains, now_us)
        connection.execute(
            "UPDATE batch_shards SET state = ?, ended_us = ?, error = CASE WHEN ? = '' THEN error ELSE ? END, holder = '', "
            f"held_until_us = 0 WHERE id = ? AND state NOT IN {OVER}",
            (state, now_us, why, why, shard_id),
        )
        return len(back) - sum(change.cancelled for change in again.values())


def _all_runs(connection: Connection, shard_id: str) -> list[list[moves.Run]]:
    found: list[list[moves.Run]] = []
    after = -1
    while some := moves.runs_of_shard(connection, shard_id, after, _CHUNK):
        found.append(some)
        after = some[-1].place
    return found


def _is_still_in(stored: moves.Stored, run: moves.Run) -> bool:
    """Whether this run is the line's latest; one that ended, or was sent again since, is not."""
    return not stored.ended and stored.line.state == "sent" and stored.line.call_id == run.call_id


def shard_row(shard: Shard) -> Row:
    return (
        shard.id, shard.provider, shard.deployment, shard.model, shard.wire, shard.state, shard.created_us, shard.lines, shard.bytes,
        shard.tokens, shard.remote_id, shard.remote_file, shard.remote_state, shard.output_file, shard.error_file, shard.window_end_us,
        shard.next_look_us, shard.looks, shard.holder, shard.held_until_us, shard.ended_us, shard.error,
    )  # fmt: skip


def shard_of(row: Row) -> Shard:
    return Shard(*row)
