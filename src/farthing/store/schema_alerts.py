"""The tables of alerts: states, history, what is yet to be delivered, mutes, and who of the gateways looks."""

ALERT_TABLES: tuple[str | tuple[str, str], ...] = (
    """
    CREATE TABLE alert_states (
        id TEXT NOT NULL PRIMARY KEY,
        tenant TEXT NOT NULL,
        state TEXT NOT NULL,
        changed_us BIGINT NOT NULL,
        body TEXT NOT NULL
    )
    """,
    """
    CREATE TABLE alert_history (
        no BIGINT NOT NULL PRIMARY KEY,
        at_us BIGINT NOT NULL,
        tenant TEXT NOT NULL,
        alert_id TEXT NOT NULL,
        what TEXT NOT NULL,
        who TEXT NOT NULL,
        body TEXT NOT NULL
    )
    """,
    "CREATE INDEX alert_history_by_alert ON alert_history (alert_id, no)",
    """
    CREATE TABLE alert_outbox (
        no BIGINT NOT NULL,
        channel TEXT NOT NULL,
        next_us BIGINT NOT NULL,
        tries BIGINT NOT NULL,
        error TEXT NOT NULL,
        PRIMARY KEY (no, channel)
    )
    """,
    """
    CREATE TABLE alert_mutes (
        id TEXT NOT NULL PRIMARY KEY,
        tenant TEXT NOT NULL,
        rule TEXT NOT NULL,
        scope TEXT NOT NULL,
        until_us BIGINT NOT NULL,
        who TEXT NOT NULL,
        why TEXT NOT NULL
    )
    """,
    """
    CREATE TABLE alert_calls (
        call_id TEXT NOT NULL PRIMARY KEY,
        at_us BIGINT NOT NULL
    )
    """,
    """
    CREATE TABLE alert_channels (
        channel TEXT NOT NULL PRIMARY KEY,
        delivered BIGINT NOT NULL,
        failed BIGINT NOT NULL,
        delivered_us BIGINT NOT NULL,
        failed_us BIGINT NOT NULL,
        error TEXT NOT NULL
    )
    """,
    """
    CREATE TABLE alert_memory (
        name TEXT NOT NULL PRIMARY KEY,
        body TEXT NOT NULL
    )
    """,
    """
    CREATE TABLE leaders (
        name TEXT NOT NULL PRIMARY KEY,
        holder TEXT NOT NULL,
        until_us BIGINT NOT NULL
    )
    """,
    "INSERT INTO marks (name, n) VALUES ('alerts', 0)",
)
