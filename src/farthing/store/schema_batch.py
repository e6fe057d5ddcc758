"""The tables of work that can wait: jobs, their lines, the shards that are with providers, and files.

What lines say and are answered is in tables of its own, so that lines are looked through without reading any of it.
`queue` is a line's place: 1 to be taken now, 2 later, 3 somebody works on it, 0 none of these; those at 2 and 3 may be taken
from `ready_us` on. `batch_cells` sums the lines at 1. `rank` is the priority, the highest first.
"""

from farthing.store.schema_routing import Statement

JOB_COLUMNS = (
    "id", "origin", "wire", "tenant", "created_us", "deadline_us", "key_id", "headers", "state", "priority", "name",
    "metadata", "input_file", "cap", "webhook", "expires_us", "dropped", "total", "done", "failed", "expired", "cancelled", "cost",
    "baseline", "held", "started_us", "cancelled_us", "ended_us", "errors", "holder", "held_until_us",
)  # fmt: skip

LINE_COLUMNS = (
    "job", "no", "custom_id", "tenant", "model", "wire", "rank", "deadline_us", "queued_us", "size", "state", "queue",
    "ready_us", "holder", "tries", "way", "shard", "call_id", "digest", "leader", "leader_no", "status", "ended_us",
)  # fmt: skip

CELL_KEY = ("tenant", "model", "wire", "rank", "due_us", "came_us")
CELL_SUMS = ("n", "bytes")

SHARD_COLUMNS = (
    "id", "provider", "deployment", "model", "wire", "state", "created_us", "lines", "bytes", "tokens", "remote_id", "remote_file",
    "remote_state", "output_file", "error_file", "window_end_us", "next_look_us", "looks", "holder", "held_until_us", "ended_us",
    "error",
)  # fmt: skip

SENT_COLUMNS = ("call_id", "shard", "place", "job", "no", "sent")

FILE_COLUMNS = (
    "id", "tenant", "purpose", "name", "created_us", "key_id", "bytes", "parts", "ready", "expires_us",
)  # fmt: skip

BATCH_TABLES: tuple[Statement, ...] = (
    """
    CREATE TABLE batch_jobs (
        id TEXT NOT NULL PRIMARY KEY,
        origin TEXT NOT NULL,
        wire TEXT NOT NULL,
        tenant TEXT NOT NULL,
        created_us BIGINT NOT NULL,
        deadline_us BIGINT NOT NULL,
        key_id TEXT NOT NULL,
        headers TEXT NOT NULL,
        state TEXT NOT NULL,
        priority BIGINT NOT NULL,
        name TEXT NOT NULL,
        metadata TEXT NOT NULL,
        input_file TEXT NOT NULL,
        cap BIGINT NOT NULL,
        webhook TEXT NOT NULL,
        expires_us BIGINT NOT NULL,
        dropped BIGINT NOT NULL,
        total BIGINT NOT NULL,
        done BIGINT NOT NULL,
        failed BIGINT NOT NULL,
        expired BIGINT NOT NULL,
        cancelled BIGINT NOT NULL,
        cost BIGINT NOT NULL,
        baseline BIGINT NOT NULL,
        held BIGINT NOT NULL,
        started_us BIGINT NOT NULL,
        cancelled_us BIGINT NOT NULL,
        ended_us BIGINT NOT NULL,
        errors TEXT NOT NULL,
        holder TEXT NOT NULL,
        held_until_us BIGINT NOT NULL
    )
    """,
    "CREATE INDEX batch_jobs_by_time ON batch_jobs (tenant, created_us, id)",
    "CREATE INDEX batch_jobs_open ON batch_jobs (state, held_until_us) WHERE ended_us = 0",
    "CREATE INDEX batch_jobs_kept ON batch_jobs (expires_us) WHERE dropped = 0 AND expires_us > 0",
    """
    CREATE TABLE batch_lines (
        job TEXT NOT NULL,
        no BIGINT NOT NULL,
        custom_id TEXT NOT NULL,
        tenant TEXT NOT NULL,
        model TEXT NOT NULL,
        wire TEXT NOT NULL,
        rank BIGINT NOT NULL,
        deadline_us BIGINT NOT NULL,
        queued_us BIGINT NOT NULL,
        size BIGINT NOT NULL,
        state TEXT NOT NULL,
        queue BIGINT NOT NULL,
        ready_us BIGINT NOT NULL,
        holder TEXT NOT NULL,
        tries BIGINT NOT NULL,
        way TEXT NOT NULL,
        shard TEXT NOT NULL,
        call_id TEXT NOT NULL,
        digest TEXT NOT NULL,
        leader TEXT NOT NULL,
        leader_no BIGINT NOT NULL,
        status BIGINT NOT NULL,
        ended_us BIGINT NOT NULL,
        PRIMARY KEY (job, no)
    ) {compact}
    """,
    "CREATE INDEX batch_lines_open ON batch_lines (tenant, model, rank, deadline_us, job, no) WHERE queue = 1",
    "CREATE INDEX batch_lines_later ON batch_lines (ready_us) WHERE queue > 1",
    "CREATE INDEX batch_lines_led ON batch_lines (leader, leader_no) WHERE leader <> ''",
    "CREATE INDEX batch_lines_sent ON batch_lines (digest, tenant) WHERE state = 'sent' AND digest <> ''",
    """
    CREATE TABLE batch_bodies (
        job TEXT NOT NULL,
        no BIGINT NOT NULL,
        mark BIGINT NOT NULL,
        data {blob} NOT NULL,
        PRIMARY KEY (job, no)
    )
    """,
    """
    CREATE TABLE batch_answers (
        job TEXT NOT NULL,
        no BIGINT NOT NULL,
        mark BIGINT NOT NULL,
        data {blob} NOT NULL,
        PRIMARY KEY (job, no)
    )
    """,
    """
    CREATE TABLE batch_cells (
        tenant TEXT NOT NULL,
        model TEXT NOT NULL,
        wire TEXT NOT NULL,
        rank BIGINT NOT NULL,
        due_us BIGINT NOT NULL,
        came_us BIGINT NOT NULL,
        n BIGINT NOT NULL,
        bytes BIGINT NOT NULL,
        PRIMARY KEY (tenant, model, wire, rank, due_us, came_us)
    ) {compact}
    """,
    """
    CREATE TABLE batch_shards (
        id TEXT NOT NULL PRIMARY KEY,
        provider TEXT NOT NULL,
        deployment TEXT NOT NULL,
        model TEXT NOT NULL,
        wire TEXT NOT NULL,
        state TEXT NOT NULL,
        created_us BIGINT NOT NULL,
        lines BIGINT NOT NULL,
        bytes BIGINT NOT NULL,
        tokens BIGINT NOT NULL,
        remote_id TEXT NOT NULL,
        remote_file TEXT NOT NULL,
        remote_state TEXT NOT NULL,
        output_file TEXT NOT NULL,
        error_file TEXT NOT NULL,
        window_end_us BIGINT NOT NULL,
        next_look_us BIGINT NOT NULL,
        looks BIGINT NOT NULL,
        holder TEXT NOT NULL,
        held_until_us BIGINT NOT NULL,
        ended_us BIGINT NOT NULL,
        error TEXT NOT NULL
    )
    """,
    "CREATE INDEX batch_shards_open ON batch_shards (next_look_us) WHERE state NOT IN ('settled', 'failed')",
    "CREATE INDEX batch_shards_by_time ON batch_shards (created_us)",
    """
    CREATE TABLE batch_sent (
        call_id TEXT NOT NULL PRIMARY KEY,
        shard TEXT NOT NULL,
        place BIGINT NOT NULL,
        job TEXT NOT NULL,
        no BIGINT NOT NULL,
        sent TEXT NOT NULL
    ) {compact}
    """,
    "CREATE UNIQUE INDEX batch_sent_by_place ON batch_sent (shard, place)",
    """
    CREATE TABLE batch_files (
        id TEXT NOT NULL PRIMARY KEY,
        tenant TEXT NOT NULL,
        purpose TEXT NOT NULL,
        name TEXT NOT NULL,
        created_us BIGINT NOT NULL,
        key_id TEXT NOT NULL,
        bytes BIGINT NOT NULL,
        parts BIGINT NOT NULL,
        ready BIGINT NOT NULL,
        expires_us BIGINT NOT NULL
    )
    """,
    "CREATE INDEX batch_files_by_time ON batch_files (tenant, created_us, id)",
    "CREATE INDEX batch_files_kept ON batch_files (expires_us) WHERE expires_us > 0",
    """
    CREATE TABLE batch_file_parts (
        file TEXT NOT NULL,
        no BIGINT NOT NULL,
        mark BIGINT NOT NULL,
        data {blob} NOT NULL,
        PRIMARY KEY (file, no)
    )
    """,
)
