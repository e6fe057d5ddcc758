"""Tables of recurring jobs: since when a schedule is known, and what became of each time that it was due. Released; changes go
into a later version."""

from farthing.store.schema_routing import Statement

OCCURRENCE_COLUMNS = (
    "name", "due_us", "state", "holder", "held_until_us", "job", "output", "error", "started_us", "ended_us",
)  # fmt: skip

SCHEDULE_TABLES: tuple[Statement, ...] = (
    """
    CREATE TABLE batch_schedules (
        name TEXT NOT NULL PRIMARY KEY,
        spec TEXT NOT NULL,
        since_us BIGINT NOT NULL
    )
    """,
    """
    CREATE TABLE batch_occurrences (
        name TEXT NOT NULL,
        due_us BIGINT NOT NULL,
        state TEXT NOT NULL,
        holder TEXT NOT NULL,
        held_until_us BIGINT NOT NULL,
        job TEXT NOT NULL,
        output TEXT NOT NULL,
        error TEXT NOT NULL,
        started_us BIGINT NOT NULL,
        ended_us BIGINT NOT NULL,
        PRIMARY KEY (name, due_us)
    )
    """,
    "CREATE INDEX batch_occurrences_open ON batch_occurrences (name, due_us) WHERE ended_us = 0",
)
