"""The tables of budgets: the budgets themselves, what was spent of them by window, and what gateways hold on lease.

A lease's row says how much its holder may still cause; what is spent moves from there into the balance in the very
transaction that writes the call. A holder's row says until when it may spend.
"""

BUDGET_TABLES: tuple[str | tuple[str, str], ...] = (
    """
    CREATE TABLE budgets (
        id TEXT NOT NULL PRIMARY KEY,
        source TEXT NOT NULL,
        body TEXT NOT NULL
    )
    """,
    """
    CREATE TABLE budget_balances (
        budget TEXT NOT NULL,
        member TEXT NOT NULL,
        window_id TEXT NOT NULL,
        spent BIGINT NOT NULL,
        carried BIGINT,
        from_us BIGINT,
        wanted_us BIGINT,
        PRIMARY KEY (budget, member, window_id)
    ) {compact}
    """,
    "CREATE INDEX budget_balances_wanted ON budget_balances (wanted_us) WHERE wanted_us IS NOT NULL",
    """
    CREATE TABLE budget_holders (
        holder TEXT NOT NULL PRIMARY KEY,
        expires_us BIGINT NOT NULL,
        begun_us BIGINT NOT NULL
    )
    """,
    """
    CREATE TABLE budget_leases (
        budget TEXT NOT NULL,
        member TEXT NOT NULL,
        window_id TEXT NOT NULL,
        holder TEXT NOT NULL,
        amount BIGINT NOT NULL,
        PRIMARY KEY (budget, member, window_id, holder)
    ) {compact}
    """,
    "CREATE INDEX budget_leases_by_holder ON budget_leases (holder)",
    """
    CREATE TABLE budget_charges (
        call_id TEXT NOT NULL,
        budget TEXT NOT NULL,
        member TEXT NOT NULL,
        window_id TEXT NOT NULL,
        amount BIGINT NOT NULL,
        PRIMARY KEY (call_id, budget, member, window_id)
    ) {compact}
    """,
    "INSERT INTO marks (name, n) VALUES ('budgets', 0)",
)
