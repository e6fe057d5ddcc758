"""`farthing routes show` and `history`: the table that holds, and who changed it when."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import click
import msgspec
from rich.table import Table as Grid

from farthing.cli.common import config_option, load_settings, print_json, print_table, printable, show_time, with_store
from farthing.cli.report_span import percent
from farthing.cli.routes_common import Known, json_option, known_of, named_scope, tenant_option
from farthing.model.routes import ANY, Table
from farthing.quality.review import Shown, shown
from farthing.store import Change, Routes, Store, Version


class _Held(NamedTuple):
    table: Table
    proposals: list[Version]


@click.command(short_help="The table that holds.")
@config_option
@click.option("--task", default="", help="Only the cells of this kind of work.")
@tenant_option("Only what holds for this tenant. Default: all.")
@json_option
def show(config: Path | None, task: str, tenant: str, as_json: bool) -> None:
    """The table that holds: how good each model is known to be at each kind of work, and whether that clears the floor.

    Quality is a share of the flagship's, `at least` its lower bound; a model may serve where this clears the floor. The
    narrowest scope that knows a model counts: template, then task, then all; the tenant's own cells before those of all.
    """
    known = known_of(config)

    async def read(store: Store) -> _Held:
        routes = Routes(store)
        return _Held((await routes.active()).over(known.prior), await routes.proposals())

    held = with_store(known.settings, read)
    rows = [
        row for row in shown(held.table, known.floors, known.catalog.tier_of)
        if (not task or row.scope == f"task:{task}") and (not tenant or row.tenant in (tenant, ANY))
    ]  # fmt: skip
    if as_json:
        print_json(
            {
                "version": held.table.version, "made_us": held.table.made_us, "flagship": known.catalog.reference,
                "proposals": [each.version for each in held.proposals], "cells": rows,
            }
        )  # fmt: skip
        return
    click.echo(_title(held.table, known))
    if rows:
        print_table(_grid(rows, known))
    else:
        click.echo("No cell is about that.")
    if held.proposals:
        click.echo(f"Proposal {held.proposals[0].version} waits: farthing routes review")


def _title(table: Table, known: Known) -> str:
    flagship = known.catalog.reference
    if known.settings.routing.table == "textbook":
        return f"routing.table is textbook: a fixed tier for each kind of work. What is known of quality beside {flagship}:"
    if not table.version:
        return f"Nothing was applied yet: this is what public outcomes say of the tiers. Compared with {flagship}:"
    return f"Version {table.version}, made {show_time(table.made_us)}. Compared with {flagship}:"


def _grid(rows: Sequence[Shown], known: Known) -> Grid:
    grid = Grid(box=None, pad_edge=False)
    tenants = any(row.tenant != ANY for row in rows)
    titles = ("scope", *(("tenant",) if tenants else ()), "model", "tier")
    for title in titles:
        grid.add_column(title)
    for title in ("quality", "at least", "floor", "comparisons"):
        grid.add_column(title, justify="right")
    for title in ("state", "may serve", "why"):
        grid.add_column(title)
    for row in rows:
        whose = ("all" if row.tenant == ANY else row.tenant,) if tenants else ()
        known_quality = bool(row.quality or row.comparisons)
        grid.add_row(
            named_scope(row.scope, known.settings), *whose, row.model, row.tier or "(none)",
            percent(row.quality) if known_quality else "?", percent(row.lower) if known_quality else "?",
            percent(row.floor), f"{row.comparisons:,.0f}", row.state, "yes" if row.may_serve else "no", row.why,
        )  # fmt: skip
    return grid


@click.command(short_help="What was done to the table, and by whom.")
@config_option
@click.option("--limit", "-n", type=click.IntRange(1, 1_000), default=20, show_default=True, help="How many.")
@json_option
def history(config: Path | None, limit: int, as_json: bool) -> None:
    """What was done to the table, by whom and why; newest first."""

    async def read(store: Store) -> list[Change]:
        return await Routes(store).history(limit)

    changes = with_store(load_settings(config, only={"store"}), read)
    if as_json:
        print_json([msgspec.structs.asdict(change) for change in changes])
        return
    if not changes:
        click.echo("Nothing was done yet.")
    for change in changes:
        done = f"version {change.version}" + (f", before it {change.former}" if change.what != "propose" else "")
        click.echo(printable(f"{show_time(change.at_us)}  {change.what}  {done}  by {change.who or 'nobody'}"))
        for line in change.why.splitlines():
            click.echo(f"    {printable(line)}")
