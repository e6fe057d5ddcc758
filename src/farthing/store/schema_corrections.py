"""The tables of what is put right later: corrections of the ledger's total, runs that price calls anew, and what calls cost
at first. Released; changes go into a later version."""

from farthing.store.schema_routing import Statement

CORRECTION_TABLES: tuple[Statement, ...] = (
    """
    CREATE TABLE corrections (
        no BIGINT NOT NULL PRIMARY KEY,
        posted_us BIGINT NOT NULL,
        day_us BIGINT NOT NULL,
        tenant TEXT NOT NULL,
        provider TEXT NOT NULL,
        model TEXT NOT NULL,
        amount BIGINT NOT NULL,
        who TEXT NOT NULL,
        reason TEXT NOT NULL
    )
    """,
    "CREATE INDEX corrections_by_day ON corrections (day_us)",
    """
    CREATE TABLE rerates (
        no BIGINT NOT NULL PRIMARY KEY,
        begun_us BIGINT NOT NULL,
        ended_us BIGINT NOT NULL,
        who TEXT NOT NULL,
        reason TEXT NOT NULL,
        since_us BIGINT NOT NULL,
        until_us BIGINT NOT NULL,
        provider TEXT NOT NULL,
        model TEXT NOT NULL,
        prices TEXT NOT NULL,
        at_us BIGINT NOT NULL,
        at_id TEXT NOT NULL,
        looked_at BIGINT NOT NULL,
        changed BIGINT NOT NULL,
        cost_before BIGINT NOT NULL,
        cost_after BIGINT NOT NULL
    )
    """,
    """
    CREATE TABLE first_prices (
        call_id TEXT NOT NULL PRIMARY KEY,
        rerate BIGINT NOT NULL,
        cost_state TEXT NOT NULL,
        cost BIGINT NOT NULL,
        body TEXT NOT NULL
    )
    """,
)
