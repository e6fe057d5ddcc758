"""The tables of calls that are kept to learn from, and of trainings at providers. Released; changes go into a later version."""

from farthing.store.schema_routing import Statement

CAPTURE_COLUMNS = (
    "id", "tenant", "feature", "task", "template", "model", "at_us", "expires_us", "turns", "mark", "data",
)  # fmt: skip

TRAINING_COLUMNS = (
    "id", "tenant", "provider", "base", "state", "train_file", "test_file", "remote_id", "model", "error", "tokens", "cost",
    "created_us", "updated_us", "spec",
)  # fmt: skip

CAPTURE_TABLES: tuple[Statement, ...] = (
    """
    CREATE TABLE captures (
        id TEXT NOT NULL PRIMARY KEY,
        tenant TEXT NOT NULL,
        feature TEXT NOT NULL,
        task TEXT NOT NULL,
        template TEXT NOT NULL,
        model TEXT NOT NULL,
        at_us BIGINT NOT NULL,
        expires_us BIGINT NOT NULL,
        turns BIGINT NOT NULL,
        mark BIGINT NOT NULL,
        data {blob} NOT NULL
    )
    """,
    "CREATE INDEX captures_by_tenant ON captures (tenant, at_us)",
    "CREATE INDEX captures_by_end ON captures (expires_us)",
    """
    CREATE TABLE trainings (
        id TEXT NOT NULL PRIMARY KEY,
        tenant TEXT NOT NULL,
        provider TEXT NOT NULL,
        base TEXT NOT NULL,
        state TEXT NOT NULL,
        train_file TEXT NOT NULL,
        test_file TEXT NOT NULL,
        remote_id TEXT NOT NULL,
        model TEXT NOT NULL,
        error TEXT NOT NULL,
        tokens BIGINT NOT NULL,
        cost BIGINT,
        created_us BIGINT NOT NULL,
        updated_us BIGINT NOT NULL,
        spec TEXT NOT NULL
    )
    """,
)
