"""The tables, and how a store of an earlier version becomes one of this version. The same text serves both engines.

`{blob}` is the engine's type for bytes; `{compact}` ends a table that is nothing but its key and numbers. Amounts are
nano-dollars, times are microseconds since 1970 UTC, durations are microseconds; all of them whole numbers. Rates, which
are finer than a nano-dollar, stay inside the JSON of an attempt's lines and are never a column.
"""

from farthing.store.engine import Connection, Engine
from farthing.store.errors import NewerSchema
from farthing.store.schema_access import ACCESS_TABLES
from farthing.store.schema_alerts import ALERT_TABLES
from farthing.store.schema_batch import BATCH_TABLES
from farthing.store.schema_billed import BILLED_TABLES
from farthing.store.schema_budgets import BUDGET_TABLES
from farthing.store.schema_busters import BUSTER_TABLES
from farthing.store.schema_captures import CAPTURE_TABLES
from farthing.store.schema_controls import CONTROL_TABLES
from farthing.store.schema_corrections import CORRECTION_TABLES
from farthing.store.schema_deferred import DEFERRED_TABLES
from farthing.store.schema_ends import END_TABLES
from farthing.store.schema_lab import LAB_TABLES
from farthing.store.schema_past import PAST_TABLES
from farthing.store.schema_plans import PLAN_TABLES
from farthing.store.schema_prefixes import PREFIX_TABLES
from farthing.store.schema_progress import PROGRESS_TABLES
from farthing.store.schema_reports import REPORT_TABLES
from farthing.store.schema_roles import ROLE_TABLES
from farthing.store.schema_routing import ROUTING_TABLES, Statement
from farthing.store.schema_salt import SALT_TABLES
from farthing.store.schema_schedules import SCHEDULE_TABLES
from farthing.store.schema_students import STUDENT_TABLES
from farthing.store.schema_transactions import TRANSACTION_TABLES

CALL_COLUMNS = (
    "id", "started_us", "wire", "model_asked", "model", "provider", "deployment", "tenant", "key_id", "team", "project",
    "user_id", "feature", "task", "transaction_id", "tags", "stream", "status", "outcome", "error", "cost_state", "cost",
    "baseline", "saved", "in_tokens", "cached_tokens", "out_tokens", "first_byte_us", "duration_us", "cache",
    "decisions", "trace", "tier", "template", "session", "arms", "request_bytes",
)  # fmt: skip

ATTEMPT_COLUMNS = (
    "call_id", "attempt_no", "part_no", "provider", "deployment", "model", "served_model", "status", "outcome",
    "started_us", "first_byte_us", "duration_us", "uncached_in", "cache_read", "w5m", "w1h", "w30m", "w12h", "audio_in", "image_in",
    "cached_audio", "tool_in", "text_out", "reasoning", "audio_out", "image_out", "requests", "raw_usage", "tier", "geo",
    "usage_estimated", "cost_state", "cost", "list_cost", "reported_cost", "lines", "price_version", "flags", "error",
)  # fmt: skip

SAVING_COLUMNS = ("call_id", "place", "lever", "before_cost", "after_cost", "overhead", "estimated")

STATES = ("reported", "computed", "estimated", "unpriced", "unknown")

ROLLUP_KEY = ("dims", "bucket_us", "tenant", "a", "b", "cost_state")

ROLLUP_SUMS = (
    "calls", "errors", "cacheable", "cache_hits", "in_tokens", "cached_tokens", "out_tokens", "cost", "baseline", "saved",
    "duration_us",
)  # fmt: skip

LEVER_KEY = ("day_us", "tenant", "lever", "estimated")

LEVER_SUMS = ("calls", "before_cost", "after_cost", "overhead")

HOLD_OUT_KEY = ("arms", "day_us", "tenant", "grp")
"""`arms`: JSON, lever -> held out, by name; `grp`: one of the groups that sessions are thrown into, see `arms.py`."""

HOLD_OUT_SUMS = ("calls", "errors", "priced", "cost", "baseline", "request_bytes")

WASTE_KEY = ("dims", "day_us", "tenant", "a")

WASTE_SUMS = (
    "retries", "lost_in", "lost_out", "lost_cost", "left_calls", "left_in", "left_out", "left_cost", "cost_unknown",
    "written_tokens", "reasoning_tokens",
)  # fmt: skip

LINE_COLUMNS = ("id", "tenant", "source", "kind", "project", "name", "from_us", "until_us", "cost")

HISTOGRAM_KEY = ("kind", "day_us", "tenant", "model", "bin")

KEY_COLUMNS = (
    "id", "name", "hash", "tenant", "tags", "pinned", "models", "requests_per_minute", "tokens_per_minute", "admin",
    "created_us", "expires_us", "revoked_us", "substitute", "region", "role",
)  # fmt: skip
"""`admin` is what stores of an earlier version had; `role` says it and more."""

_FIRST_TABLES: tuple[Statement, ...] = (
    """
    CREATE TABLE calls (
        id TEXT NOT NULL PRIMARY KEY,
        started_us BIGINT NOT NULL,
        wire TEXT NOT NULL,
        model_asked TEXT NOT NULL,
        model TEXT NOT NULL,
        provider TEXT NOT NULL,
        deployment TEXT NOT NULL,
        tenant TEXT NOT NULL,
        key_id TEXT NOT NULL,
        team TEXT NOT NULL,
        project TEXT NOT NULL,
        user_id TEXT NOT NULL,
        feature TEXT NOT NULL,
        task TEXT NOT NULL,
        transaction_id TEXT NOT NULL,
        tags TEXT NOT NULL,
        stream BIGINT NOT NULL,
        status BIGINT NOT NULL,
        outcome TEXT NOT NULL,
        error TEXT NOT NULL,
        cost_state TEXT NOT NULL,
        cost BIGINT NOT NULL,
        baseline BIGINT NOT NULL,
        saved BIGINT NOT NULL,
        in_tokens BIGINT NOT NULL,
        cached_tokens BIGINT NOT NULL,
        out_tokens BIGINT NOT NULL,
        first_byte_us BIGINT NOT NULL,
        duration_us BIGINT NOT NULL,
        cache TEXT NOT NULL,
        decisions TEXT NOT NULL,
        trace TEXT NOT NULL
    )
    """,
    "CREATE INDEX calls_by_time ON calls (started_us)",
    *(
        ("postgresql", f"CREATE INDEX calls_by_{name} ON calls ({name}, started_us) WHERE {name} <> ''")
        for name in ("user_id", "feature", "key_id")
    ),  # SQLite finds these by day, from the rollups: there the writer would pay for each index, 3 us a call for users
    "CREATE INDEX calls_by_transaction ON calls (transaction_id, started_us) WHERE transaction_id <> ''",
    "CREATE INDEX calls_not_ok ON calls (started_us) WHERE outcome <> 'ok'",
    """
    CREATE TABLE attempts (
        call_id TEXT NOT NULL,
        attempt_no BIGINT NOT NULL,
        part_no BIGINT NOT NULL,
        provider TEXT NOT NULL,
        deployment TEXT NOT NULL,
        model TEXT NOT NULL,
        served_model TEXT NOT NULL,
        status BIGINT NOT NULL,
        outcome TEXT NOT NULL,
        started_us BIGINT NOT NULL,
        first_byte_us BIGINT NOT NULL,
        duration_us BIGINT NOT NULL,
        uncached_in BIGINT,
        cache_read BIGINT,
        w5m BIGINT,
        w1h BIGINT,
        w30m BIGINT,
        w12h BIGINT,
        audio_in BIGINT,
        image_in BIGINT,
        cached_audio BIGINT,
        tool_in BIGINT,
        text_out BIGINT,
        reasoning BIGINT,
        audio_out BIGINT,
        image_out BIGINT,
        requests TEXT NOT NULL,
        raw_usage {blob} NOT NULL,
        tier TEXT NOT NULL,
        geo TEXT NOT NULL,
        usage_estimated BIGINT NOT NULL,
        cost_state TEXT NOT NULL,
        cost BIGINT NOT NULL,
        list_cost BIGINT NOT NULL,
        reported_cost BIGINT,
        lines TEXT NOT NULL,
        price_version TEXT NOT NULL,
        flags TEXT NOT NULL,
        error TEXT NOT NULL,
        PRIMARY KEY (call_id, attempt_no, part_no)
    )
    """,
    """
    CREATE TABLE savings (
        call_id TEXT NOT NULL,
        place BIGINT NOT NULL,
        lever TEXT NOT NULL,
        before_cost BIGINT NOT NULL,
        after_cost BIGINT NOT NULL,
        overhead BIGINT NOT NULL,
        estimated BIGINT NOT NULL,
        PRIMARY KEY (call_id, place)
    ) {compact}
    """,
    f"""
    CREATE TABLE rollups (
        dims TEXT NOT NULL,
        bucket_us BIGINT NOT NULL,
        tenant TEXT NOT NULL,
        a TEXT NOT NULL,
        b TEXT NOT NULL,
        cost_state TEXT NOT NULL,
        {" ".join(f"{column} BIGINT NOT NULL," for column in ROLLUP_SUMS)}
        PRIMARY KEY ({", ".join(ROLLUP_KEY)})
    ) {{compact}}
    """,
    """
    CREATE TABLE histograms (
        kind TEXT NOT NULL,
        day_us BIGINT NOT NULL,
        tenant TEXT NOT NULL,
        model TEXT NOT NULL,
        bin BIGINT NOT NULL,
        n BIGINT NOT NULL,
        PRIMARY KEY (kind, day_us, tenant, model, bin)
    ) {compact}
    """,
    """
    CREATE TABLE keys (
        id TEXT NOT NULL PRIMARY KEY,
        name TEXT NOT NULL,
        hash {blob} NOT NULL UNIQUE,
        tenant TEXT NOT NULL,
        tags TEXT NOT NULL,
        pinned TEXT NOT NULL,
        models TEXT NOT NULL,
        requests_per_minute BIGINT NOT NULL,
        tokens_per_minute BIGINT NOT NULL,
        admin BIGINT NOT NULL,
        created_us BIGINT NOT NULL,
        expires_us BIGINT NOT NULL,
        revoked_us BIGINT NOT NULL,
        former_hash {blob} UNIQUE,
        former_until_us BIGINT NOT NULL DEFAULT 0
    )
    """,
    "INSERT INTO marks (name, n) VALUES ('keys', 0)",
)

MIGRATIONS: tuple[tuple[Statement, ...], ...] = (
    _FIRST_TABLES,
    ROUTING_TABLES,
    REPORT_TABLES,
    ALERT_TABLES,
    BUDGET_TABLES,
    CORRECTION_TABLES,
    TRANSACTION_TABLES,
    BILLED_TABLES,
    ROLE_TABLES,
    SALT_TABLES,
    ACCESS_TABLES,
    PROGRESS_TABLES,
    PREFIX_TABLES,
    BUSTER_TABLES,
    BATCH_TABLES,
    DEFERRED_TABLES,
    END_TABLES,
    CAPTURE_TABLES,
    SCHEDULE_TABLES,
    PAST_TABLES,
    CONTROL_TABLES,
    STUDENT_TABLES,
    PLAN_TABLES,
    LAB_TABLES,
)
"""The statements that lead from version n to n + 1, at place n. Released ones are never edited; changes are added."""

VERSION = len(MIGRATIONS)


def migrate(engine: Engine, connection: Connection, version: int = VERSION) -> None:
    """Bring the store to the tables of `version`. Safe when several gateways start at once. Raises NewerSchema."""
    if version_of(engine, connection) < version:
        with connection.transaction(alone=True):
            connection.execute("CREATE TABLE IF NOT EXISTS marks (name TEXT NOT NULL PRIMARY KEY, n BIGINT NOT NULL)")
            for step in MIGRATIONS[version_of(engine, connection) : version]:
                for sql in _for_engine(engine, step):
                    connection.execute(sql.format(**engine.types))
            connection.execute("DELETE FROM marks WHERE name = 'schema'")
            connection.execute("INSERT INTO marks (name, n) VALUES ('schema', ?)", (version,))


def _for_engine(engine: Engine, statements: tuple[Statement, ...]) -> list[str]:
    named = [("", each) if isinstance(each, str) else each for each in statements]
    return [sql for name, sql in named if name in ("", engine.name)]


def version_of(engine: Engine, connection: Connection) -> int:
    """The version of the tables; 0 for an empty store. Raises NewerSchema for one that this code does not know."""
    if not connection.has_table("marks"):
        return 0
    rows = connection.query("SELECT n FROM marks WHERE name = 'schema'")
    version = int(rows[0][0]) if rows else 0
    if version > VERSION:
        raise NewerSchema(
            f"the store {engine.where} has schema version {version}, and this Farthing knows {VERSION}: "
            "a newer Farthing wrote it. Upgrade this one, or point store.url at another store"
        )
    return version
