"""Tables of ordinary calls that wait as jobs, and of posts to webhooks. Released; changes go into a later version."""

from farthing.store.schema_routing import Statement

DEFERRED_TABLES: tuple[Statement, ...] = (
    """
    CREATE TABLE batch_asked (
        job TEXT NOT NULL PRIMARY KEY,
        tenant TEXT NOT NULL,
        key_id TEXT NOT NULL,
        digest {blob} NOT NULL,
        content {blob} NOT NULL,
        named BIGINT NOT NULL,
        holder TEXT NOT NULL,
        held_until_us BIGINT NOT NULL,
        open_until_us BIGINT NOT NULL
    )
    """,
    "CREATE INDEX batch_asked_digest ON batch_asked (tenant, key_id, digest)",
    "CREATE UNIQUE INDEX batch_asked_name ON batch_asked (tenant, key_id, digest) WHERE named = 1",
    "CREATE INDEX batch_asked_open ON batch_asked (open_until_us)",
    """
    CREATE TABLE batch_webhooks (
        job TEXT NOT NULL PRIMARY KEY,
        tenant TEXT NOT NULL,
        url TEXT NOT NULL,
        tries BIGINT NOT NULL,
        next_us BIGINT NOT NULL,
        holder TEXT NOT NULL,
        held_until_us BIGINT NOT NULL,
        error TEXT NOT NULL
    )
    """,
    "CREATE INDEX batch_webhooks_next ON batch_webhooks (next_us)",
)
