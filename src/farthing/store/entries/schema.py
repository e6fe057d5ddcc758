"""The cache's tables, in a file or schema where nothing else depends on them: another version starts them anew.

Each transaction that writes raises the mark `changes` first, so that writers take turns and the number orders what they
did: a reader that has seen change n never misses one with a smaller number.
"""

import secrets

from farthing.store.engine import Connection, Engine
from farthing.store.errors import NewerSchema

VERSION = 3

_NONE = -1
"""The version where there are no tables."""

ENTRY_COLUMNS = (
    "id", "tenant", "scope", "owner", "team", "format", "model", "asked", "target", "encoder", "exact", "context", "cost",
    "baseline", "in_tokens", "out_tokens", "created_us", "expires_us", "source_call", "tags", "pinned", "hits", "heat", "worth",
    "size", "seal", "changed", "question", "vector", "answer",
)  # fmt: skip

LINK_COLUMNS = ("id", "tenant", "entry_id", "source", "created_us", "size", "seal", "changed", "question", "vector")

VERDICT_COLUMNS = (
    "tenant", "scope", "entry_id", "call_id", "similarity_ppm", "wrong", "source", "judge", "score", "at_us",
)  # fmt: skip

_TABLES = (
    "cache_entries",
    "cache_links",
    "cache_verdicts",
    "cache_sizes",
    "cache_drops",
    "cache_purges",
    "cache_marks",
)

_STATEMENTS = (
    "CREATE TABLE cache_marks (name TEXT NOT NULL PRIMARY KEY, n BIGINT NOT NULL)",
    """
    CREATE TABLE cache_entries (
        id TEXT NOT NULL PRIMARY KEY,
        tenant TEXT NOT NULL,
        scope TEXT NOT NULL,
        owner TEXT NOT NULL,
        team TEXT NOT NULL,
        format TEXT NOT NULL,
        model TEXT NOT NULL,
        asked TEXT NOT NULL,
        target TEXT NOT NULL,
        encoder TEXT NOT NULL,
        exact {blob},
        context {blob} NOT NULL,
        cost BIGINT NOT NULL,
        baseline BIGINT NOT NULL,
        in_tokens BIGINT NOT NULL,
        out_tokens BIGINT NOT NULL,
        created_us BIGINT NOT NULL,
        expires_us BIGINT NOT NULL,
        source_call TEXT NOT NULL,
        tags TEXT NOT NULL,
        pinned BIGINT NOT NULL,
        hits BIGINT NOT NULL,
        heat DOUBLE PRECISION NOT NULL,
        worth DOUBLE PRECISION NOT NULL,
        size BIGINT NOT NULL,
        seal BIGINT NOT NULL,
        changed BIGINT NOT NULL,
        question {blob} NOT NULL,
        vector {blob},
        answer {blob} NOT NULL
    )
    """,
    "CREATE UNIQUE INDEX cache_entries_exact ON cache_entries (exact, tenant) WHERE exact IS NOT NULL",
    "CREATE INDEX cache_entries_worth ON cache_entries (tenant, worth) WHERE pinned = 0",
    "CREATE INDEX cache_entries_context ON cache_entries (context, tenant)",
    "CREATE INDEX cache_entries_changed ON cache_entries (changed)",
    "CREATE INDEX cache_entries_expiry ON cache_entries (expires_us) WHERE expires_us > 0",
    """
    CREATE TABLE cache_links (
        id TEXT NOT NULL PRIMARY KEY,
        tenant TEXT NOT NULL,
        entry_id TEXT NOT NULL,
        source TEXT NOT NULL,
        created_us BIGINT NOT NULL,
        size BIGINT NOT NULL,
        seal BIGINT NOT NULL,
        changed BIGINT NOT NULL,
        question {blob} NOT NULL,
        vector {blob}
    )
    """,
    "CREATE INDEX cache_links_entry ON cache_links (entry_id)",
    "CREATE INDEX cache_links_changed ON cache_links (changed)",
    """
    CREATE TABLE cache_verdicts (
        tenant TEXT NOT NULL,
        scope TEXT NOT NULL,
        entry_id TEXT NOT NULL,
        call_id TEXT NOT NULL,
        similarity_ppm BIGINT NOT NULL,
        wrong BIGINT NOT NULL,
        source TEXT NOT NULL,
        judge TEXT NOT NULL,
        score DOUBLE PRECISION,
        at_us BIGINT NOT NULL,
        PRIMARY KEY (tenant, call_id, source)
    )
    """,
    "CREATE INDEX cache_verdicts_scope ON cache_verdicts (tenant, scope, at_us)",
    """
    CREATE TABLE cache_sizes (
        tenant TEXT NOT NULL PRIMARY KEY,
        entries BIGINT NOT NULL,
        bytes BIGINT NOT NULL
    ) {compact}
    """,
    "CREATE TABLE cache_drops (changed BIGINT NOT NULL, id TEXT NOT NULL, PRIMARY KEY (changed, id)) {compact}",
    "CREATE TABLE cache_purges (at_us BIGINT NOT NULL, tenant TEXT NOT NULL, which TEXT NOT NULL)",
)


def prepare(engine: Engine, connection: Connection) -> bool:
    """Make the tables where they are missing or of an earlier version; True if an earlier version's content went.

    Safe when several gateways start at once. Raises NewerSchema for the tables of a later version, which are left alone.
    """
    if _version(engine, connection) == VERSION:
        return False
    with connection.transaction(alone=True):
        found = _version(engine, connection)
        if found != VERSION:
            _make(engine, connection)
    return found not in (_NONE, VERSION)


def _make(engine: Engine, connection: Connection) -> None:
    for table in _TABLES:
        connection.execute(f"DROP TABLE IF EXISTS {table}")
    for sql in _STATEMENTS:
        connection.execute(sql.format(**engine.types))
    marks = (("schema", VERSION), ("epoch", secrets.randbits(62)), ("changes", 0), ("forgotten", 0))
    connection.insert("cache_marks", ("name", "n"), list(marks))


def _version(engine: Engine, connection: Connection) -> int:
    if not connection.has_table("cache_marks"):
        return _NONE
    rows = connection.query("SELECT n FROM cache_marks WHERE name = 'schema'")
    version = int(rows[0][0]) if rows else 0
    if version > VERSION:
        raise NewerSchema(
            f"the cache in {engine.where} has schema version {version}, and this Farthing knows {VERSION}: a newer "
            "Farthing uses it. Upgrade this one; until then it answers nothing from the cache"
        )
    return version
