"""What is kept for those who sign in: secrets that the store makes for itself, and passes that are used up. Released;
changes go into a later version.

The salt of the hold-outs is such a secret; it moves here from a table of its own.
"""

from farthing.store.schema_routing import Statement

ACCESS_TABLES: tuple[Statement, ...] = (
    """
    CREATE TABLE secrets (
        name TEXT NOT NULL PRIMARY KEY,
        value TEXT NOT NULL
    )
    """,
    "INSERT INTO secrets (name, value) SELECT 'hold-outs', salt FROM hold_out_salt WHERE no = 0",
    "DROP TABLE hold_out_salt",
    """
    CREATE TABLE spent_passes (
        id TEXT NOT NULL PRIMARY KEY,
        until_us BIGINT NOT NULL
    )
    """,
    "CREATE INDEX spent_passes_by_until ON spent_passes (until_us)",
)
