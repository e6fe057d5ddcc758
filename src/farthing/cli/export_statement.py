"""`farthing export statement`: what each team or project pays for a month."""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TextIO

import click
import msgspec

from farthing.cli.common import load_settings, with_store
from farthing.cli.export_files import export_options, span, tell, whole_file
from farthing.finops.statement import table
from farthing.finops.statement.page import page
from farthing.finops.statement.statement import KEYS, By, Key, Statements, Wanted, read
from farthing.model.money import show_dollars
from farthing.store import Store
from farthing.store.rollups import month_of


@click.command("statement")
@export_options
@click.option("--by", type=click.Choice(["team", "project"]), default="team", show_default=True, help="Who pays.")
@click.option(
    "--shared", "key", type=click.Choice(list(KEYS)), default="cost", show_default=True,
    help="By what everybody's cost is shared out: corrections, and what the next two options name.",
)  # fmt: skip
@click.option("--spread-unnamed", is_flag=True, help="Share out calls that name no team (or project) too.")
@click.option(
    "--lines", "with_lines", is_flag=True, help="Take in spending that is no call (farthing lines, [[finops.lines]])."
)
@click.option("--title", default="", help="Whose statements they are, for the page.")
@click.option(
    "--format",
    "shape",
    type=click.Choice(["html", "csv", "json"]),
    help="Default: what the file's name says, else csv.",
)
def statement(
    config: Path | None, since: int | None, until: int | None, month: int | None, out: Path | None, tenant: str, by: By,
    key: Key, spread_unnamed: bool, with_lines: bool, title: str, shape: str | None,
) -> None:  # fmt: skip
    """Chargeback: what each team or project pays. Default: this month, by team, as CSV, to standard output.

    The HTML page prints a summary and a sheet for each payer. All amounts add up to the ledger with its corrections.
    """
    settings = load_settings(config, only={"store", "finops"})
    first, end = span(since, until, month)
    former = month_of(first - 1) if first == month_of(first) else first - (end - first)
    wanted = Wanted(first, end, max(0, former), by, key, tenant, spread_unnamed, with_lines)

    async def work(store: Store) -> Statements:
        return await store.do(lambda connection: read(connection, settings.finops, wanted))

    found = with_store(settings, work)
    if shape is None:
        shape = {".html": "html", ".htm": "html", ".json": "json"}.get(out.suffix if out is not None else "", "csv")
    if out is None:
        _write(sys.stdout, found, shape, title)
        return
    with whole_file(out) as path, path.open("w", encoding="utf-8", newline="") as file:
        _write(file, found, shape, title)
    tell(f"{len(found.statements):,} statements, {show_dollars(found.total)} in all, in {out}")


def _write(file: TextIO, found: Statements, shape: str, title: str) -> None:
    if shape == "csv":
        table.write(file, found)
        return
    pieces: Iterable[str] = page(found, title)
    if shape == "json":
        pieces = [msgspec.json.format(msgspec.json.encode(table.plain(found)), indent=2).decode(), "\n"]
    for piece in pieces:
        file.write(piece)
