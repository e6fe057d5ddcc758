"""The table of how lines of jobs ended, and what lists of jobs need. Released; changes go into a later version."""

from farthing.store.schema_routing import Statement

END_KEY = ("day_us", "tenant", "way", "state", "late")
END_SUMS = ("n", "wait_us", "cost", "baseline")

END_TABLES: tuple[Statement, ...] = (
    """
    CREATE TABLE batch_ends (
        day_us BIGINT NOT NULL,
        tenant TEXT NOT NULL,
        way TEXT NOT NULL,
        state TEXT NOT NULL,
        late BIGINT NOT NULL,
        n BIGINT NOT NULL,
        wait_us BIGINT NOT NULL,
        cost BIGINT NOT NULL,
        baseline BIGINT NOT NULL,
        PRIMARY KEY (day_us, tenant, way, state, late)
    ) {compact}
    """,
    "CREATE INDEX batch_jobs_of_many ON batch_jobs (tenant, created_us, id) WHERE origin <> 'call'",
)
