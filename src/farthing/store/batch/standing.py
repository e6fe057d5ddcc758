"""How the queue stands: what pages and gauges show of it. Reads only, and sums where there are some: no look at the queue
counts its lines, but for those of one job. An empty tenant is all of them.
"""

from typing import NamedTuple

from farthing.model.batch import Job, Shard
from farthing.store.batch.jobs import DELETED_US
from farthing.store.batch.rows import JOBS, job_of
from farthing.store.batch.shards import OVER, SHARDS, shard_of
from farthing.store.engine import Connection

MOST_JOBS = 20_000
"""Open jobs that are summed up; of more, the sums are those of so many."""


class Cell(NamedTuple):
    """Lines that may be taken now."""

    tenant: str
    due_us: int
    """None of them is due before."""
    came_us: int
    """None came before."""
    n: int


class Open(NamedTuple):
    """Jobs of a tenant that have not ended."""

    tenant: str
    jobs: int
    lines: int
    """Of theirs that have not ended."""
    late: int
    """Of these, whose deadline is over."""
    due_us: int
    """The tightest deadline."""
    held: int
    """What lines that are with providers can cost at most; nano-dollars."""


class Away(NamedTuple):
    """Batches of a provider that are not back."""

    provider: str
    shards: int
    lines: int
    oldest_us: int


class Part(NamedTuple):
    """Lines of one job that stand alike."""

    state: str
    way: str
    """Empty for those that were never sent."""
    status: int
    n: int


def cells(connection: Connection, tenant: str = "") -> list[Cell]:
    """What waits, by when it is due and when it came; as many rows as there are such moments, not lines."""
    test, values = (" AND tenant = ?", [tenant]) if tenant else ("", [])
    rows = connection.query(
        f"SELECT tenant, due_us, came_us, CAST(sum(n) AS BIGINT) FROM batch_cells WHERE n > 0{test} GROUP BY tenant, due_us, came_us",
        values,
    )
    return [Cell(row[0], *map(int, row[1:])) for row in rows]


def totals(connection: Connection) -> tuple[int, int, int]:
    """All lines that may be taken now, when the oldest came and the first is due; 0 for none."""
    rows = connection.query(
        "SELECT CAST(coalesce(sum(n), 0) AS BIGINT), coalesce(min(came_us), 0), coalesce(min(due_us), 0) FROM batch_cells WHERE n > 0"
    )
    return int(rows[0][0]), int(rows[0][1]), int(rows[0][2])


def open_jobs(connection: Connection, now_us: int, tenant: str = "") -> list[Open]:
    """The tenants with most lines first."""
    test, values = (" AND tenant = ?", [tenant]) if tenant else ("", [])
    rows = connection.query(
        "SELECT tenant, count(*), CAST(sum(rest) AS BIGINT), CAST(sum(CASE WHEN deadline_us < ? THEN rest ELSE 0 END) AS BIGINT), "
        "min(deadline_us), CAST(sum(held) AS BIGINT) FROM (SELECT tenant, deadline_us, held, total - done - failed - expired - "
        f"cancelled AS rest FROM batch_jobs WHERE ended_us = 0{test} LIMIT ?) AS unended GROUP BY tenant ORDER BY 3 DESC, 1",
        [now_us, *values, MOST_JOBS],
    )
    return [Open(row[0], *map(int, row[1:])) for row in rows]


def away(connection: Connection) -> list[Away]:
    """By provider."""
    rows = connection.query(
        f"SELECT provider, count(*), CAST(sum(lines) AS BIGINT), min(created_us) FROM batch_shards WHERE state NOT IN {OVER} "
        "GROUP BY provider ORDER BY provider"
    )
    return [Away(row[0], *map(int, row[1:])) for row in rows]


def shards_lately(connection: Connection, limit: int) -> list[Shard]:
    """The newest ones, whatever became of them, and all that are not over; so many at most."""
    rows = connection.query(
        f"SELECT {SHARDS} FROM batch_shards WHERE state NOT IN {OVER} ORDER BY created_us DESC, id LIMIT ?", (limit,)
    )
    newest = connection.query(
        f"SELECT {SHARDS} FROM batch_shards ORDER BY created_us DESC, id LIMIT ?", (max(0, limit - len(rows)),)
    )
    found = {row[0]: shard_of(row) for row in (*rows, *newest)}
    return sorted(found.values(), key=lambda shard: (-shard.created_us, shard.id))[:limit]


def shards_of(connection: Connection, job_id: str, limit: int) -> list[Shard]:
    """Those that lines of a job are in, or were in last; looks through its lines."""
    rows = connection.query(
        f"SELECT {SHARDS} FROM batch_shards WHERE id IN (SELECT DISTINCT shard FROM batch_lines WHERE job = ? AND shard <> '') "
        "ORDER BY created_us DESC, id LIMIT ?",
        (job_id, limit),
    )
    return [shard_of(row) for row in rows]


def places(connection: Connection, since_us: int, limit: int = 50) -> list[tuple[str, str]]:
    """Providers and models of which there were batches since."""
    rows = connection.query(
        "SELECT DISTINCT provider, model FROM batch_shards WHERE created_us >= ? AND remote_id <> '' ORDER BY provider, model LIMIT ?",
        (since_us, limit),
    )
    return [(row[0], row[1]) for row in rows]


def handed_in(connection: Connection, tenant: str, limit: int, *, before_us: int = 1 << 62) -> list[Job]:
    """Jobs of a tenant that are more than one call: batches, files, schedules; the newest first. Not what was deleted."""
    rows = connection.query(
        f"SELECT {JOBS} FROM batch_jobs WHERE origin <> 'call' AND tenant = ? AND created_us < ? AND expires_us <> {DELETED_US} ORDER BY created_us DESC, id DESC LIMIT ?",
        (tenant, before_us, limit),
    )
    return [job_of(row) for row in rows]


def parts_of(connection: Connection, job_id: str) -> list[Part]:
    """Counts the lines of a job."""
    rows = connection.query(
        "SELECT state, CASE WHEN tries = 0 THEN '' ELSE way END, status, count(*) FROM batch_lines WHERE job = ? GROUP BY 1, 2, 3 "
        "ORDER BY 4 DESC, 1, 2, 3",
        (job_id,),
    )
    return [Part(row[0], row[1], int(row[2]), int(row[3])) for row in rows]


def version(connection: Connection, tenant: str) -> tuple[int, int, int]:
    """Differs when jobs of the tenant came, or its lines were taken or given back."""
    waits = connection.query(
        "SELECT CAST(coalesce(sum(n), 0) AS BIGINT), CAST(coalesce(sum(bytes), 0) AS BIGINT) FROM batch_cells WHERE tenant = ?", (tenant,)
    )  # fmt: skip
    newest = connection.query("SELECT coalesce(max(created_us), 0) FROM batch_jobs WHERE tenant = ?", (tenant,))
    return int(waits[0][0]), int(waits[0][1]), int(newest[0][0])
