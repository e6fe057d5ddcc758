"""What was lost sight of since something failed between: lines that a gateway took are free to be taken again, and so is what
was held for runs that nobody runs any more; and what would wait for a time that came once, before the clock was set back."""

from collections.abc import Sequence

from farthing.model.windows import FOREVER_US
from farthing.store.batch import moves
from farthing.store.batch.moves import ALONE
from farthing.store.batch.rows import HELD, LATER, Key, flat, marks, of_keys, parts
from farthing.store.engine import Connection


def held_by(connection: Connection, holder: str, until_us: int = FOREVER_US) -> list[Key]:
    """All that it took or sends alone, as the store has it, and holds until then at most: no more rows are looked at."""
    rows = connection.query(
        f"SELECT job, no FROM batch_lines WHERE queue > 1 AND queue = {HELD} AND ready_us <= ? AND holder = ?",
        (until_us, holder),
    )
    return [(row[0], int(row[1])) for row in rows]


def let_go(connection: Connection, holder: str, keys: Sequence[Key], now_us: int) -> int:
    """They are the holder's no longer. How many."""
    count = 0
    for some in parts(sorted(keys)):
        count += connection.execute(
            f"UPDATE batch_lines SET ready_us = ? WHERE queue > 1 AND queue = {HELD} AND holder = ? "
            f"AND (job, no) IN (VALUES {marks(len(some))})",
            (now_us, holder, *flat(some)),
        )
    return count


def free_holds(connection: Connection, now_us: int, limit: int) -> int:
    """What was held for lines that were sent alone, and have ended since, or are whoever's by now. How many runs."""
    over = [
        row[0]
        for row in connection.query(
            "SELECT s.call_id FROM batch_sent s LEFT JOIN batch_lines l ON l.job = s.job AND l.no = s.no WHERE s.shard > ? "
            f"AND s.shard < ? AND (l.job IS NULL OR l.state <> 'sent' OR l.call_id <> s.call_id OR l.queue <> {HELD} "
            "OR l.ready_us <= ?) LIMIT ?",
            (ALONE, ALONE + "~", now_us, limit),
        )
    ]
    if not over:
        return 0
    with connection.transaction():
        jobs = [run.key[0] for run in moves.runs_by_call(connection, over).values()]
        moves.lock_jobs(connection, jobs)
        runs = moves.runs_by_call(connection, over)  # those that nobody settled meanwhile
        moves.count(connection, moves.take_back(connection, list(runs.values())), now_us)
    return len(runs)


def set_back(connection: Connection, now_us: int) -> None:
    """The clock was set back: shards are looked at, and lines that were put off are dealt out, as if their time had come.
    What has a later time by right is put off to it again."""
    with connection.transaction():
        connection.execute(
            "UPDATE batch_shards SET next_look_us = ? WHERE state NOT IN ('settled', 'failed') AND next_look_us > ?",
            (now_us, now_us),
        )
        keys = connection.query(
            f"SELECT job, no FROM batch_lines WHERE queue > 1 AND queue = {LATER} AND ready_us > ?{connection.skip_locked}",
            (now_us,),
        )
        for some in parts(keys):
            connection.execute(f"UPDATE batch_lines SET ready_us = ? {of_keys(len(some))}", (now_us, *flat(some)))
