"""What shards tell to whoever makes new ones: how much of a provider's limits they use, how long others took, what lines have
cost. Reads only.
"""

import re
from typing import NamedTuple

from farthing.store.batch.shards import OVER
from farthing.store.engine import Connection

MOST = 400
CUT_OFF = re.compile(r"(?i)cancel|expire|timeout|stopped")
"""In the providers' words for batches that did not come to their own end."""


class Used(NamedTuple):
    """Of the limits of a model at a provider."""

    tokens: int
    """Enqueued: of shards that are not over."""
    an_hour: int
    """Batches of the provider that were created since a moment."""
    running: int


class Took(NamedTuple):
    """A shard of a model at a provider."""

    created_us: int
    ended_us: int
    """0: it is not over."""
    lines: int
    back: bool
    """It came back by itself, with all its lines; not one that expired, or was taken back."""


def any_running(connection: Connection) -> bool:
    """Whether there is a shard that is not over. Its lines may have been answered otherwise; it is paid for, and to be booked."""
    return bool(connection.query(f"SELECT 1 FROM batch_shards WHERE state NOT IN {OVER} LIMIT 1"))


def used(connection: Connection, provider: str, model: str, since_us: int) -> Used:
    """Those of all models count against the number of batches, and those of this one against its tokens."""
    rows = connection.query(
        "SELECT CAST(coalesce(sum(CASE WHEN model = ? THEN tokens ELSE 0 END), 0) AS BIGINT), count(*) FROM batch_shards "
        f"WHERE state NOT IN {OVER} AND provider = ?",
        (model, provider),
    )
    hour = connection.query(
        "SELECT count(*) FROM batch_shards WHERE created_us >= ? AND provider = ? AND remote_id <> ''",
        (since_us, provider),
    )
    return Used(int(rows[0][0]), int(hour[0][0]), int(rows[0][1]))


def took(connection: Connection, provider: str, model: str, since_us: int) -> list[Took]:
    """The latest of those that the provider took."""
    rows = connection.query(
        "SELECT created_us, ended_us, lines, window_end_us, remote_state, error FROM batch_shards WHERE created_us >= ? "
        "AND provider = ? AND model = ? AND remote_id <> '' AND state <> 'failed' ORDER BY created_us DESC LIMIT ?",
        (since_us, provider, model, MOST),
    )
    return [
        Took(
            int(created), int(ended), int(lines), bool(ended) and not _cut_off(int(ended), int(window_end), word, error)
        )
        for created, ended, lines, window_end, word, error in rows
    ]


def _cut_off(ended_us: int, window_end_us: int, word: str, error: str) -> bool:
    """Some providers only say that a batch is over, and not how: then its window tells, and what we asked for."""
    return bool(error) or bool(CUT_OFF.search(word)) or 0 < window_end_us <= ended_us


def remote_ids(connection: Connection, provider: str, since_us: int) -> set[str]:
    """What the provider calls the shards that were created since."""
    rows = connection.query(
        "SELECT remote_id FROM batch_shards WHERE created_us >= ? AND provider = ? AND remote_id <> ''",
        (since_us, provider),
    )
    return {row[0] for row in rows}


def spent(connection: Connection, since_us: int) -> int:
    """What lines that ended since have cost, with what those that are with providers can cost at most; nano-dollars. Jobs that
    are older are looked through line by line."""
    young = connection.query(
        "SELECT CAST(coalesce(sum(cost + held), 0) AS BIGINT) FROM batch_jobs WHERE created_us >= ?", (since_us,)
    )
    old = connection.query(
        "SELECT CAST(coalesce(sum(c.cost), 0) AS BIGINT) FROM batch_jobs j JOIN batch_lines l ON l.job = j.id "
        "JOIN calls c ON c.id = l.call_id WHERE j.created_us < ? AND (j.ended_us = 0 OR j.ended_us >= ?) AND l.ended_us >= ?",
        (since_us, since_us, since_us),
    )
    held = connection.query(
        "SELECT CAST(coalesce(sum(held), 0) AS BIGINT) FROM batch_jobs WHERE created_us < ? AND ended_us = 0",
        (since_us,),
    )
    return int(young[0][0]) + int(old[0][0]) + int(held[0][0])
