"""The tables of what is handed on to others: units by class and rate, and calls, by day, model, team, project and feature.

The mark `billed` is 0 until the calls that were there before these tables are in them. Released; changes go into a later
version.
"""

from farthing.store.schema_routing import Statement

UNIT_KEY = (
    "day_us", "tenant", "provider", "model", "tier", "team", "project", "feature", "cost_state", "unit", "rate", "listed",
)  # fmt: skip
UNIT_SUMS = ("units",)

CALL_KEY = ("day_us", "tenant", "provider", "model", "team", "project", "feature")
CALL_SUMS = (
    "calls", "errors", "without_cost", "cache_hits", "in_tokens", "cached_tokens", "out_tokens", "cost", "baseline", "saved",
    "routed",
)  # fmt: skip

_NUMBERS = ("day_us", "rate", "listed")


def _columns(key: tuple[str, ...], sums: tuple[str, ...]) -> str:
    kinds = {name: "BIGINT" if name in (*_NUMBERS, *sums) else "TEXT" for name in (*key, *sums)}
    return ", ".join(f"{name} {kind} NOT NULL" for name, kind in kinds.items())


BILLED_TABLES: tuple[Statement, ...] = (
    f"CREATE TABLE billed_units ({_columns(UNIT_KEY, UNIT_SUMS)}, PRIMARY KEY ({', '.join(UNIT_KEY)})) {{compact}}",
    f"CREATE TABLE billed_calls ({_columns(CALL_KEY, CALL_SUMS)}, PRIMARY KEY ({', '.join(CALL_KEY)})) {{compact}}",
    "INSERT INTO marks (name, n) SELECT 'billed', CASE WHEN EXISTS (SELECT 1 FROM calls) THEN 0 ELSE 1 END",
)
