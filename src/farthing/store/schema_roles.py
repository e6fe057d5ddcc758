"""What keys may do beside calling, and the audit log: who changed what when. Released; changes go into a later version."""

from farthing.store.schema_routing import Statement

ROLE_TABLES: tuple[Statement, ...] = (
    "ALTER TABLE keys ADD COLUMN role TEXT NOT NULL DEFAULT ''",
    "UPDATE keys SET role = 'admin' WHERE admin <> 0",
    """
    CREATE TABLE audit (
        no BIGINT NOT NULL PRIMARY KEY,
        at_us BIGINT NOT NULL,
        tenant TEXT NOT NULL,
        who TEXT NOT NULL,
        kind TEXT NOT NULL,
        target TEXT NOT NULL,
        what TEXT NOT NULL,
        detail TEXT NOT NULL
    )
    """,
    "CREATE INDEX audit_by_target ON audit (kind, target, no)",
)
