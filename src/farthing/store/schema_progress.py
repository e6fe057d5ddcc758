"""The table of work under way that people can watch. Released; changes go into a later version."""

from farthing.store.schema_routing import Statement

PROGRESS_TABLES: tuple[Statement, ...] = (
    """
    CREATE TABLE progress (
        name TEXT NOT NULL PRIMARY KEY,
        tenant TEXT NOT NULL,
        label TEXT NOT NULL,
        done BIGINT NOT NULL,
        whole BIGINT NOT NULL,
        begun_us BIGINT NOT NULL,
        at_us BIGINT NOT NULL
    )
    """,
)
