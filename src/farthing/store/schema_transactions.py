"""The tables of business transactions: one row each, what tools cost, and sums by the day of a transaction's first call.

Sums of a row are whole at any time; what has no sum (times, outcome, user) is null until it is known. The mark
`transactions` is 0 until the calls that were there before these tables are gathered.
"""

from farthing.store.schema_routing import Statement

TRANSACTION_KEY = ("tenant", "type", "id")

TRANSACTION_SUMS = (
    "calls", "errors", "retries", "without_cost", "cost", "lost_cost", "in_tokens", "out_tokens", "tools",
    "tools_unpriced", "tool_cost",
)  # fmt: skip

TRANSACTION_REST = (
    "first_us", "last_us", "user_id", "plan", "outcome", "outcome_us", "revenue", "human_s", "said_user", "said_plan",
)  # fmt: skip
"""`user_id` and `plan` are what calls say, `said_user` and `said_plan` what was posted; the latter go first."""

COST_KEY = (*TRANSACTION_KEY, "cost_id")
COST_COLUMNS = (*COST_KEY, "name", "count", "cost", "at_us")

DAY_KEY = ("day_us", "tenant", "type", "outcome", "state")
DAY_SUMS = ("transactions", *TRANSACTION_SUMS, "with_revenue", "revenue", "with_human", "human_s", "lasted_us")

BIN_KEY = ("day_us", "tenant", "type", "outcome", "bin")

DRIVER_KEY = ("day_us", "tenant", "type", "kind", "name")
DRIVER_SUMS = ("uses", "retries", "without_cost", "cost", "lost_cost")

USER_KEY = ("month_us", "tenant", "type", "user_id", "plan")
USER_SUMS = (
    "transactions", "successes", "unknown", "calls", "cost", "tool_cost", "with_revenue", "revenue", "with_human", "human_s",
)  # fmt: skip


def _sums(names: tuple[str, ...]) -> str:
    return " ".join(f"{name} BIGINT NOT NULL," for name in names)


TRANSACTION_TABLES: tuple[Statement, ...] = (
    f"""
    CREATE TABLE transactions (
        tenant TEXT NOT NULL,
        type TEXT NOT NULL,
        id TEXT NOT NULL,
        {_sums(TRANSACTION_SUMS)}
        first_us BIGINT,
        last_us BIGINT,
        user_id TEXT,
        plan TEXT,
        outcome TEXT,
        outcome_us BIGINT,
        revenue BIGINT,
        human_s BIGINT,
        said_user TEXT,
        said_plan TEXT,
        PRIMARY KEY (tenant, type, id)
    ) {{compact}}
    """,
    """
    CREATE TABLE transaction_costs (
        tenant TEXT NOT NULL,
        type TEXT NOT NULL,
        id TEXT NOT NULL,
        cost_id TEXT NOT NULL,
        name TEXT NOT NULL,
        count BIGINT NOT NULL,
        cost BIGINT,
        at_us BIGINT NOT NULL,
        PRIMARY KEY (tenant, type, id, cost_id)
    ) {compact}
    """,
    f"""
    CREATE TABLE transaction_days (
        day_us BIGINT NOT NULL,
        tenant TEXT NOT NULL,
        type TEXT NOT NULL,
        outcome TEXT NOT NULL,
        state TEXT NOT NULL,
        {_sums(DAY_SUMS)}
        PRIMARY KEY ({", ".join(DAY_KEY)})
    ) {{compact}}
    """,
    f"""
    CREATE TABLE transaction_bins (
        day_us BIGINT NOT NULL,
        tenant TEXT NOT NULL,
        type TEXT NOT NULL,
        outcome TEXT NOT NULL,
        bin BIGINT NOT NULL,
        n BIGINT NOT NULL,
        PRIMARY KEY ({", ".join(BIN_KEY)})
    ) {{compact}}
    """,
    f"""
    CREATE TABLE transaction_drivers (
        day_us BIGINT NOT NULL,
        tenant TEXT NOT NULL,
        type TEXT NOT NULL,
        kind TEXT NOT NULL,
        name TEXT NOT NULL,
        {_sums(DRIVER_SUMS)}
        PRIMARY KEY ({", ".join(DRIVER_KEY)})
    ) {{compact}}
    """,
    f"""
    CREATE TABLE transaction_users (
        month_us BIGINT NOT NULL,
        tenant TEXT NOT NULL,
        type TEXT NOT NULL,
        user_id TEXT NOT NULL,
        plan TEXT NOT NULL,
        {_sums(USER_SUMS)}
        PRIMARY KEY ({", ".join(USER_KEY)})
    ) {{compact}}
    """,
    "INSERT INTO marks (name, n) VALUES ('transactions', 0)",
)
