"""The tables of students: versions with their weights, and sums of what was seen of them. Released; changes go into a
later version."""

from farthing.store.schema_routing import Statement

STUDENT_TABLES: tuple[Statement, ...] = (
    """
    CREATE TABLE students (
        tenant TEXT NOT NULL,
        scope TEXT NOT NULL,
        version BIGINT NOT NULL,
        state TEXT NOT NULL,
        made_us BIGINT NOT NULL,
        changed_us BIGINT NOT NULL,
        why TEXT NOT NULL,
        teacher TEXT NOT NULL,
        facts TEXT NOT NULL,
        weights {blob} NOT NULL,
        PRIMARY KEY (tenant, scope, version)
    )
    """,
    """
    CREATE TABLE student_looks (
        tenant TEXT NOT NULL,
        scope TEXT NOT NULL,
        version BIGINT NOT NULL,
        kind TEXT NOT NULL,
        day_us BIGINT NOT NULL,
        judged BIGINT NOT NULL,
        sure BIGINT NOT NULL,
        compared BIGINT NOT NULL,
        agreed BIGINT NOT NULL,
        cost BIGINT NOT NULL,
        baseline BIGINT NOT NULL,
        priced BIGINT NOT NULL,
        PRIMARY KEY (tenant, scope, version, kind, day_us)
    ) {compact}
    """,
    "INSERT INTO marks (name, n) VALUES ('students', 0)",
)
