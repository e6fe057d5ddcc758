"""The table of what repeats in prompts. Released; changes go into a later version."""

from farthing.store.schema_routing import Statement

PREFIX_TABLES: tuple[Statement, ...] = (
    """
    CREATE TABLE prefixes (
        day_us BIGINT NOT NULL,
        tenant TEXT NOT NULL,
        model TEXT NOT NULL,
        name TEXT NOT NULL,
        uses BIGINT NOT NULL,
        came_0 BIGINT NOT NULL,
        came_1 BIGINT NOT NULL,
        came_2 BIGINT NOT NULL,
        came_3 BIGINT NOT NULL,
        came_4 BIGINT NOT NULL,
        stayed_0 BIGINT NOT NULL,
        stayed_1 BIGINT NOT NULL,
        stayed_2 BIGINT NOT NULL,
        stayed_3 BIGINT NOT NULL,
        stayed_4 BIGINT NOT NULL,
        last_us BIGINT NOT NULL,
        PRIMARY KEY (day_us, tenant, model, name)
    ) {compact}
    """,
)
