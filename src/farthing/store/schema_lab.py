"""The table of the prompt lab's reports. Released; changes go into a later version."""

from farthing.store.schema_routing import Statement

LAB_TABLES: tuple[Statement, ...] = (
    """
    CREATE TABLE lab_reports (
        no BIGINT NOT NULL PRIMARY KEY,
        tenant TEXT NOT NULL,
        at_us BIGINT NOT NULL,
        name TEXT NOT NULL,
        model TEXT NOT NULL,
        body TEXT NOT NULL
    )
    """,
    "CREATE INDEX lab_reports_by_tenant ON lab_reports (tenant, no)",
)
