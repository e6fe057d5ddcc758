"""Statements as a table for spreadsheets, and as plain values for machines. Amounts of the table are exact dollars."""

import csv
from datetime import UTC, datetime
from typing import Any, TextIO

import msgspec

from farthing.finops.spreadsheet import harmless
from farthing.finops.statement.statement import KEYS, Statement, Statements
from farthing.model.money import exact_dollars
from farthing.store.rollups import DAY_US

COLUMNS = (
    "from", "until", "payer", "kind", "feature", "provider", "model", "calls", "calls_without_cost", "cache_hits",
    "input_tokens", "output_tokens", "cost_dollars", "saved_dollars", "what", "shared_by", "whole_dollars",
)  # fmt: skip


def write(file: TextIO, found: Statements) -> None:
    """One row for each amount; they add up to the ledger. `until` is the last day."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(("from", "until", found.wanted.by, *COLUMNS[3:]))
    span = (day_name(found.wanted.since_us), day_name(found.wanted.until_us - DAY_US))
    for each in found.statements:
        writer.writerows([*span, *row] for row in _rows(each))
    if found.kept_back:
        writer.writerow(
            [*span, "", "kept back", *[""] * 8, exact_dollars(found.kept_back), "", "nobody to share it", "", ""]
        )


def _rows(statement: Statement) -> list[list[object]]:
    name = harmless(statement.name)
    rows: list[list[object]] = [
        [
            name, "calls", harmless(each.feature), harmless(each.provider), harmless(each.model), each.calls,
            each.without_cost, each.cache_hits, each.tokens_in, each.tokens_out, exact_dollars(each.cost),
            exact_dollars(each.saved), "", "", "",
        ]
        for each in statement.used
    ]  # fmt: skip
    rows += [
        [
            name, "shared" if each.key else "other", *[""] * 8, exact_dollars(each.amount), "", harmless(each.what),
            each.key, exact_dollars(each.whole),
        ]
        for each in statement.others
    ]  # fmt: skip
    return rows


def plain(found: Statements) -> dict[str, Any]:
    """As plain values, for JSON; amounts are integer nano-dollars."""
    return {
        "from": day_name(found.wanted.since_us),
        "until": day_name(found.wanted.until_us - DAY_US),
        "by": found.wanted.by,
        "shared_by": KEYS[found.wanted.key],
        "statements": [
            {
                "name": each.name, "calls": each.calls, "calls_without_cost": each.without_cost, "cost_of_calls": each.own,
                "saved": each.saved, "total": each.total, "cost_of_calls_before": each.former, "days": list(each.days),
                "used": msgspec.to_builtins(each.used), "others": msgspec.to_builtins(each.others),
            }
            for each in found.statements
        ],
        "shared": msgspec.to_builtins(found.everybodys),
        "kept_back": found.kept_back,
        "total": found.total,
    }  # fmt: skip


def day_name(us: int) -> str:
    """The UTC date."""
    return datetime.fromtimestamp(us // 1_000_000, UTC).strftime("%Y-%m-%d")
