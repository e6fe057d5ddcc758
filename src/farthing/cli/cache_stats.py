"""`farthing cache stats`: what the cache holds and saves, how often it answers, and how often it was wrong."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from farthing.cli.cache_store import cache_settings, tenant_option, with_entries
from farthing.cli.common import When, amounts, config_option, print_json, print_table, show_time, with_store
from farthing.model.money import show_dollars
from farthing.quality.errand import FEATURES as ERRANDS
from farthing.settings import Settings
from farthing.steps.cache.calibration import FAIR, Count, Probes
from farthing.steps.cache.standing import Standing, mode_of, standings
from farthing.store import ReportRow, Store
from farthing.store.entries import Entries, ScopeStats, Stats

TARGET = 0.30
TOTAL = "total"


@click.command()
@config_option
@tenant_option
@click.option("--since", type=When(), help="First day (UTC) of the calls that are counted: 2026-01-31, 7d.")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def stats(config: Path | None, tenant: str, since: int | None, as_json: bool) -> None:
    """What is stored, what it saves, how often it answers, and how often it was wrong.

    Calls and hits are from the ledger's sums. Hits and savings beside the stored answers are of those that are still
    there.
    """
    settings = cache_settings(config)

    async def read(entries: Entries) -> tuple[Stats, list[Standing]]:
        kept = await entries.stats(tenant)
        return kept, await standings(entries, tenant, kept, settings.cache)

    async def report(store: Store) -> list[ReportRow]:
        rows = await store.report("feature", since or 0, tenant=tenant)
        return [row for row in rows if row.key not in ERRANDS]

    kept, scopes = with_entries(settings, read)
    called = with_store(settings, report, make=True)
    if as_json:
        print_json(_for_machines(settings, kept, scopes, called))
    else:
        _print(settings, kept, scopes, called)


def _print(settings: Settings, kept: Stats, scopes: Sequence[Standing], called: Sequence[ReportRow]) -> None:
    times = f"; the oldest of {show_time(kept.oldest_us)}" if kept.entries else ""
    click.echo(
        f"{kept.entries:,} answers, {kept.pinned:,} of them approved, {kept.links:,} further questions; "
        f"{_size(kept.bytes)} of {settings.cache.max_mb:,} MiB{times}"
    )
    if kept.scopes:
        _print_table(
            kept.scopes,
            [
                ("feature", lambda each: each.scope or "(none)"), ("answers", lambda each: f"{each.entries:,}"),
                ("size", lambda each: _size(each.bytes)), ("hits", lambda each: f"{each.hits:,}"),
                ("saved", lambda each: show_dollars(each.saved)),
            ],
        )  # fmt: skip
    if called:
        _print_table(
            [*called, _total(called)],
            [
                ("feature", lambda row: row.key or "(none)"), ("calls", lambda row: f"{row.calls:,}"),
                ("from the cache", lambda row: f"{row.cache_hits:,}"),
                (f"of all calls (target {TARGET:.0%})", lambda row: f"{row.cache_hits / row.calls:.1%}"),
                ("of cacheable calls", lambda row: f"{row.cache_hits / row.cacheable:.1%}" if row.cacheable else ""),
                ("cache", lambda row: "" if row.key == TOTAL else mode_of(settings.cache, row.key)),
            ],
        )  # fmt: skip
        click.echo(_CACHEABLE)
    if scopes:
        bound = settings.cache.wrong_hits_percent
        _print_table(
            scopes,
            [
                ("feature", lambda each: each.feature or "(none)"), ("verdicts", lambda each: f"{each.verdicts:,}"),
                ("wrong", lambda each: f"{each.wrong:,}"), ("wrong hits", _estimate),
                (f"semantic hits (at most {bound:g} % wrong)", _serves),
            ],
        )  # fmt: skip
        _print_table(
            scopes,
            [
                ("feature", lambda each: each.feature or "(none)"),
                ("repeats", lambda each: f"{each.probes.repeats.probes:,}"),
                ("refused by the judge", lambda each: _rate(each.probes.repeats)),
                ("mismatches", lambda each: f"{each.probes.own_mismatches.probes:,}"),
                ("let pass by the judge", lambda each: _rate(each.probes.own_mismatches)),
                ("reckoned with, at most", _reckoned),
            ],
        )  # fmt: skip
        click.echo(_PROBES)


def _total(called: Sequence[ReportRow]) -> ReportRow:
    return ReportRow(
        TOTAL, calls=sum(row.calls for row in called), cacheable=sum(row.cacheable for row in called),
        cache_hits=sum(row.cache_hits for row in called),
    )  # fmt: skip


_CACHEABLE = (
    "Cacheable: the feature's cache is on, the temperature is low enough, one answer is wanted, and the call did not say "
    "no-cache or no-store."
)


_PROBES = (
    "Repeats: fresh answers to the very question asked, which the judge should accept. Mismatches: answers to another "
    "question, which it should refuse. Where a feature has few, those of other features stand in."
)


def _rate(errors: Count) -> str:
    if not errors.probes:
        return "not known"
    low, high = errors.interval()
    return f"{errors.errors / errors.probes:.1%} ({low:.1%} to {high:.1%})"


def _reckoned(scope: Standing) -> str:
    most = scope.probes.errors.false_yes_most
    if most <= FAIR or scope.allowed.serves:
        return f"{most:.1%} let pass"
    return f"{most:.1%} let pass: at least {scope.probes.missing:,} more mismatches"


def _estimate(scope: Standing) -> str:
    if not scope.verdicts:
        return "not known"
    low, high = scope.interval
    return f"{scope.wrong / scope.verdicts:.2%} ({low:.2%} to {high:.2%})"


def _serves(scope: Standing) -> str:
    if scope.allowed.serves:
        return f"given from similarity {scope.allowed.similarity:.3f}"
    return f"not yet: at least {scope.missing:,} more verdicts, none of them wrong"


def _print_table(rows: Sequence[Any], columns: Sequence[tuple[str, Callable[[Any], str]]]) -> None:
    table = Table(box=None, pad_edge=False)
    for place, (title, _) in enumerate(columns):
        table.add_column(title, justify="right" if place and title != columns[-1][0] else "left", no_wrap=True)
    for row in rows:
        table.add_row(*(cell(row) for _, cell in columns))
    click.echo()
    print_table(table)


def _size(count: int) -> str:
    return f"{count / 2**20:,.1f} MiB" if count >= 2**20 else f"{count / 2**10:,.1f} KiB"


def _for_machines(
    settings: Settings, kept: Stats, scopes: Sequence[Standing], called: Sequence[ReportRow]
) -> dict[str, Any]:  # fmt: skip
    return {
        "stored": {name: getattr(kept, name) for name in ("entries", "pinned", "links", "bytes", "hits")}
        | {"oldest_us": kept.oldest_us, "newest_us": kept.newest_us}
        | {"by_feature": [_stored(each) for each in kept.scopes]},
        "hit_rate": {
            "target": TARGET,
            "of": "all calls",
            "by_feature": [
                {
                    "feature": row.key,
                    "calls": row.calls,
                    "cache_hits": row.cache_hits,
                    "cacheable": row.cacheable,
                    "share": row.cache_hits / row.calls,
                    "share_of_cacheable": row.cache_hits / row.cacheable if row.cacheable else None,
                }
                for row in called
            ],
        },
        "wrong_hits": {
            "bound": settings.cache.wrong_hits_percent / 100,
            "by_feature": [_judged(each) for each in scopes],
        },
    }


def _stored(each: ScopeStats) -> dict[str, Any]:
    return {"feature": each.scope, "entries": each.entries, "bytes": each.bytes, "hits": each.hits} | {
        "saved": amounts(each.saved)
    }


def _judged(scope: Standing) -> dict[str, Any]:
    low, high = scope.interval if scope.verdicts else (0.0, 1.0)
    return {
        "feature": scope.feature, "verdicts": scope.verdicts, "wrong": scope.wrong, "at_least": low, "at_most": high,
        "serves": scope.allowed.serves, "from_similarity": scope.allowed.similarity if scope.allowed.serves else None,
        "verdicts_missing": scope.missing, "judge": _probed(scope.probes),
    }  # fmt: skip


def _probed(probes: Probes) -> dict[str, Any]:
    errors = probes.errors
    return {
        "repeats": _errors(probes.repeats),
        "mismatches": _errors(probes.own_mismatches),
        "mismatches_reckoned_with": _errors(probes.mismatches),
        "false_no_at_least": errors.false_no_least,
        "false_yes_at_most": errors.false_yes_most,
        "mismatches_missing": probes.missing,
    }


def _errors(counted: Count) -> dict[str, Any]:
    low, high = counted.interval()
    return {"probes": counted.probes, "errors": counted.errors, "at_least": low, "at_most": high}
