"""The tables of controls on trial. Released; changes go into a later version."""

from farthing.store.schema_routing import Statement

CONTROL_KEY = ("tenant", "scope", "control", "phase", "day_us", "treated", "grp")

CONTROL_SUMS = (
    "calls", "failed", "answers", "cut", "asked_again", "counted", "out_tokens", "priced", "cost", "checked", "check_bad",
    "judged", "judged_bad",
)  # fmt: skip

CONTROL_TABLES: tuple[Statement, ...] = (
    f"""
    CREATE TABLE control_sums (
        tenant TEXT NOT NULL,
        scope TEXT NOT NULL,
        control TEXT NOT NULL,
        phase BIGINT NOT NULL,
        day_us BIGINT NOT NULL,
        treated BIGINT NOT NULL,
        grp BIGINT NOT NULL,
        {" ".join(f"{column} BIGINT NOT NULL," for column in CONTROL_SUMS)}
        PRIMARY KEY ({", ".join(CONTROL_KEY)})
    ) {{compact}}
    """,
    """
    CREATE TABLE control_states (
        tenant TEXT NOT NULL,
        scope TEXT NOT NULL,
        control TEXT NOT NULL,
        state TEXT NOT NULL,
        phase BIGINT NOT NULL,
        at_us BIGINT NOT NULL,
        why TEXT NOT NULL,
        PRIMARY KEY (tenant, scope, control)
    ) {compact}
    """,
)
