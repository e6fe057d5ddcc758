"""The tables of calls that were imported from logs: how far each file is read, texts, and aggregates by day. Released;
changes go into a later version."""

from farthing.store.schema_routing import Statement

FILE_COLUMNS = (
    "id", "name", "format", "mapping", "texts", "head_bytes", "head", "tail", "place", "line", "lines", "calls", "known", "bad",
    "passed_over", "ended", "begun_us", "at_us",
)  # fmt: skip

TEXT_COLUMNS = (
    "call_id", "tenant", "kept", "mark", "prompt", "answer", "max_output", "usage", "attempt_of", "source",
)  # fmt: skip

DAY_COLUMNS = ("file_id", "no", "source", "day_us", "provider", "model", "tier", "key_id", "kind", "unit", "n", "cost")

PAST_TABLES: tuple[Statement, ...] = (
    """
    CREATE TABLE imported_files (
        id TEXT NOT NULL PRIMARY KEY,
        name TEXT NOT NULL,
        format TEXT NOT NULL,
        mapping TEXT NOT NULL,
        texts TEXT NOT NULL,
        head_bytes BIGINT NOT NULL,
        head TEXT NOT NULL,
        tail TEXT NOT NULL,
        place BIGINT NOT NULL,
        line BIGINT NOT NULL,
        lines BIGINT NOT NULL,
        calls BIGINT NOT NULL,
        known BIGINT NOT NULL,
        bad BIGINT NOT NULL,
        passed_over BIGINT NOT NULL,
        ended BIGINT NOT NULL,
        begun_us BIGINT NOT NULL,
        at_us BIGINT NOT NULL
    )
    """,
    """
    CREATE TABLE past_texts (
        call_id TEXT NOT NULL PRIMARY KEY,
        tenant TEXT NOT NULL,
        kept TEXT NOT NULL,
        mark BIGINT NOT NULL,
        prompt {blob} NOT NULL,
        answer {blob} NOT NULL,
        max_output BIGINT,
        usage TEXT NOT NULL,
        attempt_of TEXT NOT NULL,
        source TEXT NOT NULL
    )
    """,
    """
    CREATE TABLE past_days (
        file_id TEXT NOT NULL,
        no BIGINT NOT NULL,
        source TEXT NOT NULL,
        day_us BIGINT NOT NULL,
        provider TEXT NOT NULL,
        model TEXT NOT NULL,
        tier TEXT NOT NULL,
        key_id TEXT NOT NULL,
        kind TEXT NOT NULL,
        unit TEXT NOT NULL,
        n BIGINT NOT NULL,
        cost BIGINT,
        PRIMARY KEY (file_id, no)
    )
    """,
)
