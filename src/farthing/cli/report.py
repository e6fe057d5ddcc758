"""`farthing report`: what was spent, from the ledger's sums. Its sub-commands are reports of other things."""

import csv
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource
from rich.table import Table

from farthing.cli.common import (
    When,
    amounts,
    config_option,
    load_settings,
    pairs_option,
    print_json,
    print_table,
    printable,
    with_store,
)
from farthing.cli.report_forecast import forecast
from farthing.cli.report_html import html
from farthing.cli.report_levers import levers
from farthing.cli.report_metrics import metrics
from farthing.cli.report_phases import phases
from farthing.cli.report_proof import proof
from farthing.cli.report_tasks import tasks
from farthing.cli.report_tiers import tiers
from farthing.cli.report_waiting import waiting
from farthing.lab import doctor
from farthing.model.money import exact_dollars, show_dollars
from farthing.store import ReportRow, Store
from farthing.store.corrections import Correction, Corrections
from farthing.store.engine import Connection
from farthing.store.reading import DIMENSIONS, TIMES
from farthing.store.store import now_us

COUNTS = ("calls", "errors", "cache_hits", "in_tokens", "cached_tokens", "out_tokens")
AMOUNTS = ("cost", "baseline", "saved")
STATES_WITHOUT_COST = ("unpriced", "unknown")
MOST_UNREAD = 3
"""Reasons that are told for what providers' caches were not read for."""


@click.group("report", invoke_without_command=True)
@config_option
@click.option(
    "--by",
    default="feature",
    show_default=True,
    metavar="NAME[,NAME]",
    help=f"One of {', '.join((*DIMENSIONS, *TIMES))}, or two: day,feature or feature,model.",
)
@click.option("--since", type=When(), help="First day (UTC): 2026-01-31, today, yesterday, or so long ago: 7d, 36h.")
@click.option("--until", type=When(), help="First day that is not counted any more.")
@pairs_option("--where", help="Only calls of this feature, team, ...; repeat.")
@click.option("--tenant", default="", help="Only calls of this tenant.")
@click.option("--json", "shape", flag_value="json", help="For machines; amounts as integer nano-dollars and as text.")
@click.option("--csv", "shape", flag_value="csv", help="For spreadsheets.")
@click.pass_context
def command(
    ctx: click.Context, config: Path | None, by: str, since: int | None, until: int | None, where: Mapping[str, str], tenant: str,
    shape: str | None,
) -> None:  # fmt: skip
    """What was spent, dearest first. Spans are whole UTC days.

    Calls whose cost is not known (no price, no usage) are counted apart: their amounts are not in the sums.

    The commands below are other reports, with options of their own.
    """
    if ctx.invoked_subcommand is not None:
        _check_place_of_options(ctx, ctx.invoked_subcommand)
        return

    def unread_of(connection: Connection) -> doctor.Report | None:
        return doctor.of_scope(connection, since or 0, until or now_us() + 1, tenant, where)

    async def read(store: Store) -> tuple[list[ReportRow], list[Correction], doctor.Report | None]:
        rows = await store.report(by, since or 0, until, tenant=tenant, where=where)
        return rows, await _corrections(store, since or 0, until, tenant, where), await store.do(unread_of)

    rows, corrections, unread = with_store(load_settings(config, only={"store"}), read)
    names = [name.strip() for name in by.split(",")]
    if shape == "json":
        posted = {"entries": len(corrections), "cost": amounts(sum(each.amount for each in corrections))}
        shown = {"by": names, "rows": [_for_machines(names, row) for row in rows], "corrections": posted}
        print_json(shown | {"unread_caches": doctor.plain(unread) if unread is not None and unread.looked else None})
    elif shape == "csv":
        _print_csv(names, rows, corrections)
    else:
        _print_table(names, rows, corrections)
        if unread is not None and unread.findings:
            _print_unread(unread)


async def _corrections(
    store: Store, since_us: int, until_us: int | None, tenant: str, where: Mapping[str, str]
) -> list[Correction]:  # fmt: skip
    """What was posted for the span. An entry is of a day, a provider and a model, and of no feature, team or user."""
    if set(where) - {"model"}:
        return []
    return await Corrections(store).entries(since_us, until_us, tenant=tenant, model=where.get("model"))


def _check_place_of_options(ctx: click.Context, other: str) -> None:
    """An option before the name of another report would be lost. Raises UsageError."""
    for name in ctx.params:
        if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            raise click.UsageError(f"options of this report go after its name: farthing report {other} --...")


for each in (metrics, forecast, phases, proof, tiers, tasks, levers, waiting, html):
    command.add_command(each)


def _labels(names: Sequence[str], row: ReportRow) -> dict[str, str]:
    return dict(zip(names, (row.key, row.also), strict=False))


def _for_machines(names: Sequence[str], row: ReportRow) -> dict[str, Any]:
    return (
        _labels(names, row)
        | {name: getattr(row, name) for name in COUNTS}
        | {name: amounts(getattr(row, name)) for name in AMOUNTS}
        | {"calls_by_cost_state": row.calls_by_state, "calls_without_cost": row.calls_without_cost}
        | {"cost_by_cost_state": {state: amounts(cost) for state, cost in row.cost_by_state.items()}}
    )


def _print_csv(names: Sequence[str], rows: Sequence[ReportRow], corrections: Sequence[Correction]) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow([*names, *COUNTS, *(f"{name}_dollars" for name in AMOUNTS), "calls_without_cost"])
    for row in rows:
        labels = [_harmless(label) for label in _labels(names, row).values()]
        counts = [getattr(row, name) for name in COUNTS]
        costs = [exact_dollars(getattr(row, name)) for name in AMOUNTS]
        writer.writerow([*labels, *counts, *costs, row.calls_without_cost])
    if corrections:
        label = ["(corrections)", *[""] * (len(names) - 1)]
        amount = exact_dollars(sum(each.amount for each in corrections))
        writer.writerow([*label, *[""] * len(COUNTS), amount, *[""] * (len(AMOUNTS) - 1), ""])


def _harmless(label: str) -> str:
    """A caller's word that a spreadsheet would run as a formula is marked as text."""
    label = printable(label)
    return f"'{label}" if label[:1] in ("=", "+", "-", "@", "\t", "\r") else label


def _print_table(names: Sequence[str], rows: Sequence[ReportRow], corrections: Sequence[Correction]) -> None:
    if not rows and not corrections:
        click.echo("No calls yet.")
        return
    apart = any(row.calls_without_cost for row in rows)
    table = Table(box=None, pad_edge=False, show_footer=len(rows) > 1)
    for place, name in enumerate(names):
        table.add_column(name, footer="total" if place == 0 else "", overflow="fold")
    for title, cell in _columns(apart):
        table.add_column(title, justify="right", no_wrap=True, footer=cell(_total(rows)))
    for row in rows:
        table.add_row(
            *(label or "(none)" for label in _labels(names, row).values()), *(cell(row) for _, cell in _columns(apart))
        )
    if corrections:
        _add_corrections(table, names, rows, corrections)
    print_table(table)
    if apart:
        click.echo("Calls without a cost had no known price or reported no usage; what they cost is not in the sums.")


def _add_corrections(
    table: Table, names: Sequence[str], rows: Sequence[ReportRow], corrections: Sequence[Correction]
) -> None:  # fmt: skip
    """Lines of their own below the calls': what they cost, what was posted beside, both."""
    table.show_footer = False
    posted, cost = sum(each.amount for each in corrections), _total(rows).cost
    place = next(at for at, column in enumerate(table.columns) if column.header == "cost")
    table.add_section()
    for label, amount in (("total", cost), ("corrections", posted), ("total corrected", cost + posted)):
        cells = [""] * len(table.columns)
        if label == "total":
            cells = [str(column.footer) for column in table.columns]
        cells[0], cells[place] = label, show_dollars(amount)
        table.add_row(*cells)


def _print_unread(unread: doctor.Report) -> None:
    """What the doctor of prompts found, in short."""
    click.echo(
        f"\nUnread caches of providers: {show_dollars(unread.month)} a month. farthing prompts doctor says more."
    )
    for each in unread.findings[:MOST_UNREAD]:
        where = f"{each.feature or '(no feature)'}, {each.model}"
        click.echo(f"  {show_dollars(each.month)} a month: {printable(where)}. {printable(each.what)}")


def _columns(apart: bool) -> list[tuple[str, Any]]:
    """Title and cell of each figure."""
    columns: list[tuple[str, Any]] = [
        ("calls", lambda row: f"{row.calls:,}"),
        ("errors", lambda row: f"{row.errors:,}"),
        ("tokens in", lambda row: f"{row.in_tokens:,}"),
        ("cached", lambda row: f"{row.cached_tokens:,}"),
        ("tokens out", lambda row: f"{row.out_tokens:,}"),
        ("cost", lambda row: show_dollars(row.cost)),
        ("saved", lambda row: show_dollars(row.saved)),
    ]
    if apart:
        columns.append(("without cost", lambda row: f"{row.calls_without_cost:,}" if row.calls_without_cost else ""))
    return columns


def _total(rows: Sequence[ReportRow]) -> ReportRow:
    sums = {name: sum(getattr(row, name) for row in rows) for name in (*COUNTS, *AMOUNTS)}
    states = {state: sum(row.calls_by_state.get(state, 0) for row in rows) for state in STATES_WITHOUT_COST}
    return ReportRow("", **sums, calls_by_state=states)
