"""The table of what broke prefixes. Released; changes go into a later version."""

from farthing.store.schema_routing import Statement

BUSTER_TABLES: tuple[Statement, ...] = (
    """
    CREATE TABLE busters (
        day_us BIGINT NOT NULL,
        tenant TEXT NOT NULL,
        feature TEXT NOT NULL,
        model TEXT NOT NULL,
        kind TEXT NOT NULL,
        place TEXT NOT NULL,
        calls BIGINT NOT NULL,
        tokens BIGINT NOT NULL,
        nano BIGINT NOT NULL,
        at_byte BIGINT NOT NULL,
        shape TEXT NOT NULL,
        last_us BIGINT NOT NULL,
        PRIMARY KEY (day_us, tenant, feature, model, kind, place)
    ) {compact}
    """,
)
