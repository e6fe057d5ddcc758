"""Whoever works on lines, shards, jobs and what is due by a schedule lives on, or is dead and lets go of them. Knows nothing of what they do."""

from collections.abc import Sequence

from farthing.model.windows import FOREVER_US
from farthing.store.batch.rows import HELD, flat, marks, of_keys, parts
from farthing.store.engine import Connection


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
    """Who works on lines (until then at most), shards, jobs or what is due by a schedule."""
    rows = connection.query(
        f"SELECT DISTINCT holder FROM batch_lines WHERE queue > 1 AND queue = {HELD} AND ready_us <= ? AND holder <> '' "
        "UNION SELECT DISTINCT holder FROM batch_shards WHERE state NOT IN ('settled', 'failed') AND holder <> '' "
        "UNION SELECT DISTINCT holder FROM batch_jobs WHERE ended_us = 0 AND holder <> '' "
        "UNION SELECT DISTINCT holder FROM batch_occurrences WHERE ended_us = 0 AND holder <> '' ORDER BY 1",
        (until_us,),
    )
    return [row[0] for row in rows]


def free(connection: Connection, holders: Sequence[str], now_us: int) -> int:
    """These holders are dead: what they worked on is free at once. How many there were of all kinds."""
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
        due = connection.execute(
            f"UPDATE batch_occurrences SET holder = '', held_until_us = 0 WHERE ended_us = 0 AND holder IN ({who})",
            holders,
        )
        return jobs + lines + shards + due
