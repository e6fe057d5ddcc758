"""The second version of the tables: what routing and its hold-outs keep. Released; changes go into a later version.

Cells of new views are made from those that there are, or from the rows, so that a store that was upgraded holds what one
that was always of this version would hold.
"""

Statement = str | tuple[str, str]
"""SQL for both engines, or the name of an engine and SQL for that one."""

_DAY_US = 86_400_000_000

_SUMS = "calls, errors, cacheable, cache_hits, in_tokens, cached_tokens, out_tokens, cost, baseline, saved, duration_us"
_CELL = f"dims, bucket_us, tenant, a, b, cost_state, {_SUMS}"


def _like(former: str, dims: str, a: str, b: str) -> str:
    """Cells of a view that adds the tier, which no call has yet, to a former view."""
    return (
        f"INSERT INTO rollups ({_CELL}) SELECT '{dims}', bucket_us, tenant, {a}, {b}, cost_state, {_SUMS} "
        f"FROM rollups WHERE dims = '{former}'"
    )


ROUTING_TABLES: tuple[Statement, ...] = (
    *(
        f"ALTER TABLE calls ADD COLUMN {column} TEXT NOT NULL DEFAULT ''"
        for column in ("tier", "template", "session", "arms")
    ),
    "ALTER TABLE calls ADD COLUMN request_bytes BIGINT NOT NULL DEFAULT 0",
    _like("day", "tier", "''", "''"),
    _like("feature", "feature_tier", "a", "''"),
    _like("task", "task_tier", "a", "''"),
    f"""
    INSERT INTO rollups ({_CELL})
    SELECT 'task_model', started_us - started_us % {_DAY_US}, tenant, task, model, cost_state, count(*),
        sum(CASE WHEN outcome IN ('ok', 'left') THEN 0 ELSE 1 END),
        sum(CASE WHEN cache <> '' THEN 1 ELSE 0 END),
        sum(CASE WHEN cache IN ('exact', 'semantic') THEN 1 ELSE 0 END),
        CAST(sum(in_tokens) AS BIGINT), CAST(sum(cached_tokens) AS BIGINT), CAST(sum(out_tokens) AS BIGINT),
        CAST(sum(cost) AS BIGINT), CAST(sum(baseline) AS BIGINT), CAST(sum(saved) AS BIGINT),
        CAST(sum(duration_us) AS BIGINT)
    FROM calls GROUP BY 2, 3, 4, 5, 6
    """,
    """
    CREATE TABLE lever_sums (
        day_us BIGINT NOT NULL,
        tenant TEXT NOT NULL,
        lever TEXT NOT NULL,
        estimated BIGINT NOT NULL,
        calls BIGINT NOT NULL,
        before_cost BIGINT NOT NULL,
        after_cost BIGINT NOT NULL,
        overhead BIGINT NOT NULL,
        PRIMARY KEY (day_us, tenant, lever, estimated)
    ) {compact}
    """,
    f"""
    INSERT INTO lever_sums
    SELECT started_us - started_us % {_DAY_US}, tenant, lever, estimated, count(*), CAST(sum(before_cost) AS BIGINT),
        CAST(sum(after_cost) AS BIGINT), CAST(sum(overhead) AS BIGINT)
    FROM savings JOIN calls ON id = call_id GROUP BY 1, 2, 3, 4
    """,
    """
    CREATE TABLE hold_outs (
        arms TEXT NOT NULL,
        day_us BIGINT NOT NULL,
        tenant TEXT NOT NULL,
        grp BIGINT NOT NULL,
        calls BIGINT NOT NULL,
        errors BIGINT NOT NULL,
        priced BIGINT NOT NULL,
        cost BIGINT NOT NULL,
        baseline BIGINT NOT NULL,
        request_bytes BIGINT NOT NULL,
        PRIMARY KEY (arms, day_us, tenant, grp)
    ) {compact}
    """,
    """
    CREATE TABLE hold_out_scores (
        arms TEXT NOT NULL,
        day_us BIGINT NOT NULL,
        tenant TEXT NOT NULL,
        grp BIGINT NOT NULL,
        n BIGINT NOT NULL,
        total DOUBLE PRECISION NOT NULL,
        PRIMARY KEY (arms, day_us, tenant, grp)
    ) {compact}
    """,
    """
    CREATE TABLE hold_out_shares (
        lever TEXT NOT NULL PRIMARY KEY,
        share DOUBLE PRECISION NOT NULL,
        configured DOUBLE PRECISION NOT NULL,
        since_us BIGINT NOT NULL,
        at_us BIGINT NOT NULL,
        why TEXT NOT NULL
    )
    """,
    """
    CREATE TABLE evidence (
        day_us BIGINT NOT NULL,
        tenant TEXT NOT NULL,
        scope TEXT NOT NULL,
        model TEXT NOT NULL,
        source TEXT NOT NULL,
        against TEXT NOT NULL,
        served TEXT NOT NULL,
        pairs BIGINT NOT NULL,
        difference DOUBLE PRECISION NOT NULL,
        difference_squares DOUBLE PRECISION NOT NULL,
        scores BIGINT NOT NULL,
        score DOUBLE PRECISION NOT NULL,
        score_squares DOUBLE PRECISION NOT NULL,
        answers BIGINT NOT NULL,
        out_tokens BIGINT NOT NULL,
        PRIMARY KEY (day_us, tenant, scope, model, source, against, served)
    ) {compact}
    """,
    """
    CREATE TABLE evidence_samples (
        tenant TEXT NOT NULL,
        at_us BIGINT NOT NULL,
        call_id TEXT NOT NULL,
        model TEXT NOT NULL,
        task TEXT NOT NULL,
        features {blob} NOT NULL,
        difference DOUBLE PRECISION NOT NULL,
        PRIMARY KEY (tenant, at_us, call_id, model)
    ) {compact}
    """,
    """
    CREATE TABLE route_tables (
        version BIGINT NOT NULL PRIMARY KEY,
        base BIGINT NOT NULL,
        state TEXT NOT NULL,
        made_us BIGINT NOT NULL,
        why TEXT NOT NULL,
        body TEXT NOT NULL
    )
    """,
    """
    CREATE TABLE route_changes (
        no BIGINT NOT NULL PRIMARY KEY,
        at_us BIGINT NOT NULL,
        what TEXT NOT NULL,
        version BIGINT NOT NULL,
        former BIGINT NOT NULL,
        who TEXT NOT NULL,
        why TEXT NOT NULL
    )
    """,
    "INSERT INTO marks (name, n) VALUES ('routes', 0)",
    "ALTER TABLE keys ADD COLUMN substitute BIGINT",
    "ALTER TABLE keys ADD COLUMN region TEXT NOT NULL DEFAULT ''",
)
