"""What the lines of a job are doing that have not ended. Counts them one by one. Reads only."""

from typing import NamedTuple

from farthing.store.engine import Connection

MOST_SHARDS = 20


class Away(NamedTuple):
    """A shard that lines of a job are in."""

    provider: str
    model: str
    created_us: int
    lines: int
    """Of all jobs in it."""


class Progress(NamedTuple):
    """Of one job."""

    shards: list[Away]
    """That are not back; the latest ones of many."""
    alone: int
    """Lines that are sent by themselves."""
    waiting: int
    ready_us: int
    """When the last of those that wait may go; 0: now."""


def progress(connection: Connection, job_id: str) -> Progress:
    shards = connection.query(
        "SELECT provider, model, created_us, lines FROM batch_shards WHERE ended_us = 0 AND id IN "
        "(SELECT DISTINCT shard FROM batch_lines WHERE job = ? AND state = 'sent' AND shard <> '') "
        "ORDER BY created_us DESC LIMIT ?",
        (job_id, MOST_SHARDS),
    )
    alone = connection.query(
        "SELECT count(*) FROM batch_lines WHERE job = ? AND state = 'sent' AND shard = ''", (job_id,)
    )
    waiting = connection.query(
        "SELECT count(*), coalesce(max(CASE WHEN queue = 2 THEN ready_us ELSE 0 END), 0) FROM batch_lines "
        "WHERE job = ? AND state = 'waiting'",
        (job_id,),
    )
    return Progress([Away(*row) for row in shards], int(alone[0][0]), int(waiting[0][0]), int(waiting[0][1]))
