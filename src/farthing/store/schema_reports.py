"""The third version of the tables: what the report of metrics needs beside the sums that there were. Released; changes go
into a later version."""

from farthing.store.schema_routing import Statement

_DAY_US = 86_400_000_000

_SUMS = "calls, errors, cacheable, cache_hits, in_tokens, cached_tokens, out_tokens, cost, baseline, saved, duration_us"

_CYCLE = f"((bucket_us / {_DAY_US} + 671) % 1461)"
_OF_YEAR = f"({_CYCLE} - 365 * (({_CYCLE} - {_CYCLE} / 1460) / 365))"
_MONTH = f"(bucket_us / {_DAY_US} - {_OF_YEAR} + (153 * ((5 * {_OF_YEAR} + 2) / 153) + 2) / 5) * {_DAY_US}"

_WASTE = (
    "retries", "lost_in", "lost_out", "lost_cost", "left_calls", "left_in", "left_out", "left_cost", "cost_unknown",
    "written_tokens", "reasoning_tokens",
)  # fmt: skip

_IN = (
    "coalesce(uncached_in + cache_read + w5m + w1h + w30m + w12h + audio_in + image_in + cached_audio + tool_in, 0)"
)  # fmt: skip
_OUT = "coalesce(text_out + audio_out + image_out, 0)"
_LOST = "attempt_no <> last_no OR outcome NOT IN ('ok', 'left')"
_LEFT = "attempt_no = last_no AND outcome = 'left'"
_NO_COST = "attempt_state IN ('unpriced', 'unknown')"

_CALLS = (
    "SELECT id, started_us, tenant, feature, team, project, model, task, tier, key_id, max(more_tries) AS retries, "
    f"sum(CASE WHEN {_LOST} THEN all_in ELSE 0 END) AS lost_in, sum(CASE WHEN {_LOST} THEN all_out ELSE 0 END) AS lost_out, "
    f"sum(CASE WHEN {_LOST} THEN attempt_cost ELSE 0 END) AS lost_cost, "
    "max(CASE WHEN outcome = 'left' THEN 1 ELSE 0 END) AS left_calls, "
    f"sum(CASE WHEN {_LEFT} THEN all_in ELSE 0 END) AS left_in, sum(CASE WHEN {_LEFT} THEN all_out ELSE 0 END) AS left_out, "
    f"sum(CASE WHEN {_LEFT} THEN attempt_cost ELSE 0 END) AS left_cost, "
    f"sum(CASE WHEN ({_LOST} OR {_LEFT}) AND {_NO_COST} THEN 1 ELSE 0 END) AS cost_unknown, "
    "sum(written) AS written_tokens, sum(thought) AS reasoning_tokens FROM (SELECT calls.id, calls.started_us, tenant, "
    "feature, team, project, calls.model, task, calls.tier, key_id, calls.outcome, last_no, "
    "CASE WHEN tries > 1 THEN tries - 1 ELSE 0 END AS more_tries, attempt_no, attempts.cost AS attempt_cost, "
    f"attempts.cost_state AS attempt_state, {_IN} AS all_in, {_OUT} AS all_out, "
    "coalesce(w5m + w1h + w30m + w12h, 0) AS written, coalesce(reasoning, 0) AS thought "
    "FROM calls JOIN attempts ON attempts.call_id = calls.id JOIN (SELECT call_id, max(attempt_no) AS last_no, "
    "sum(CASE WHEN part_no = 0 THEN 1 ELSE 0 END) AS tries FROM attempts GROUP BY call_id) AS tried "
    "ON tried.call_id = calls.id) AS each_attempt GROUP BY id, started_us, tenant, feature, team, project, model, task, "
    "tier, key_id"
)


def waste_from_rows(dims: str, column: str) -> str:
    """The SQL that sums one view of `waste` from the rows; `column` of `calls`, or the empty text for all."""
    sums = ", ".join(f"CAST(sum({name}) AS BIGINT) AS {name}" for name in _WASTE)
    some = " + ".join(_WASTE)
    return (
        f"SELECT '{dims}' AS dims, started_us - started_us % {_DAY_US} AS day_us, tenant, {column} AS a, {sums} "
        f"FROM ({_CALLS}) AS each_call WHERE {some} > 0 GROUP BY 2, 3, 4"
    )


REPORT_TABLES: tuple[Statement, ...] = (
    f"""
    INSERT INTO rollups (dims, bucket_us, tenant, a, b, cost_state, {_SUMS})
    SELECT 'user_month', {_MONTH}, tenant, a, b, cost_state,
        {", ".join(f"CAST(sum({name}) AS BIGINT)" for name in _SUMS.split(", "))}
    FROM rollups WHERE dims = 'user_feature' GROUP BY 2, 3, 4, 5, 6
    """,
    f"""
    CREATE TABLE waste (
        dims TEXT NOT NULL,
        day_us BIGINT NOT NULL,
        tenant TEXT NOT NULL,
        a TEXT NOT NULL,
        {" ".join(f"{name} BIGINT NOT NULL," for name in _WASTE)}
        PRIMARY KEY (dims, day_us, tenant, a)
    ) {{compact}}
    """,
    *(
        f"INSERT INTO waste (dims, day_us, tenant, a, {', '.join(_WASTE)}) {waste_from_rows(dims, column)}"
        for dims, column in (
            ("day", "''"), ("feature", "feature"), ("team", "team"), ("project", "project"), ("model", "model"),
            ("task", "task"), ("tier", "tier"), ("key", "key_id"),
        )
    ),
    """
    CREATE TABLE budget_lines (
        id TEXT NOT NULL PRIMARY KEY,
        tenant TEXT NOT NULL,
        source TEXT NOT NULL,
        kind TEXT NOT NULL,
        project TEXT NOT NULL,
        name TEXT NOT NULL,
        from_us BIGINT NOT NULL,
        until_us BIGINT NOT NULL,
        cost BIGINT NOT NULL
    )
    """,
)  # fmt: skip
