"""The tables of plans that are kept, and of settings that somebody proposed. Released; changes go into a later version."""

from farthing.store.schema_routing import Statement

PLAN_TABLES: tuple[Statement, ...] = (
    """
    CREATE TABLE plans (
        no BIGINT NOT NULL PRIMARY KEY,
        week TEXT NOT NULL,
        state TEXT NOT NULL,
        made_us BIGINT NOT NULL,
        who TEXT NOT NULL,
        tenants TEXT NOT NULL,
        body TEXT NOT NULL
    )
    """,
    "CREATE UNIQUE INDEX plans_by_week ON plans (week) WHERE week <> ''",
    """
    CREATE TABLE setting_changes (
        no BIGINT NOT NULL PRIMARY KEY,
        at_us BIGINT NOT NULL,
        who TEXT NOT NULL,
        why TEXT NOT NULL,
        plan BIGINT NOT NULL,
        toml TEXT NOT NULL,
        state TEXT NOT NULL,
        decided_us BIGINT NOT NULL,
        decided_by TEXT NOT NULL
    )
    """,
)
