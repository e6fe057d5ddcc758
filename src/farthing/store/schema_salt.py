"""The salt of the hold-outs' draws. Released; changes go into a later version."""

from farthing.store.schema_routing import Statement

SALT_TABLES: tuple[Statement, ...] = (
    """
    CREATE TABLE hold_out_salt (
        no BIGINT NOT NULL PRIMARY KEY,
        salt TEXT NOT NULL
    )
    """,
)
