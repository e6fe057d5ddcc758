"""`farthing lines`: spending on AI that is no call: read from a table or a FOCUS export, listed, removed."""

import csv
from pathlib import Path

import click
from rich.table import Table

from farthing.cli.common import config_option, load_settings, print_json, print_table, with_store
from farthing.cli.report_scope import day_name
from farthing.finops.lines_csv import read
from farthing.finops.phases import KINDS
from farthing.model.money import show_dollars
from farthing.store import Store, lines
from farthing.store.lines import Line


@click.group("lines")
def command() -> None:
    """Spending on AI that is no call: people, training, GPUs, tools. `farthing report phases` counts it."""


@command.command("import")
@config_option
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--source", default="", help="Name of the source; its former lines are replaced. Default: the file's name."
)
@click.option("--kind", type=click.Choice(KINDS), default=None, help="What it pays for, where the table does not say.")
@click.option("--project", default="", help="The project, where the table names none.")
@click.option("--tenant", default="default", show_default=True, help="Whose spending it is.")
@click.option(
    "--with-inference", is_flag=True, help="FOCUS rows of language models count: they did not go through Farthing."
)
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def import_(
    config: Path | None, file: Path, source: str, kind: str | None, project: str, tenant: str, with_inference: bool,
    as_json: bool,
) -> None:  # fmt: skip
    """Read FILE (CSV). Reading it again replaces what was read before.

    An own table has the columns kind, dollars, and month (2026-01) or from and until; project and name if wanted. A FOCUS
    export is known by its columns; its rows are summed by month, project, kind and service.
    """
    source = source or file.name
    try:
        with file.open(encoding="utf-8-sig", newline="") as text:
            found = read(text, source, kind=kind or "", project=project, tenant=tenant, with_inference=with_inference)
    except (UnicodeDecodeError, csv.Error) as error:
        raise click.ClickException(f"{file} is no table in UTF-8: {error}") from None

    async def work(store: Store) -> int:
        return await store.do(lambda connection: lines.replace(connection, tenant, source, found))

    former = with_store(load_settings(config, only={"store"}), work, make=True)
    cost = sum(line.cost for line in found)
    if as_json:
        print_json({"source": source, "lines": len(found), "cost": cost, "replaced": former})
    else:
        click.echo(f"{len(found)} lines of {source}, {show_dollars(cost)}; {former} former lines replaced.")


@command.command("list")
@config_option
@click.option("--tenant", default="", help="Only this tenant's.")
@click.option("--json", "as_json", is_flag=True, help="For machines; amounts as integer nano-dollars.")
def list_(config: Path | None, tenant: str, as_json: bool) -> None:
    """All lines that were read, oldest first. Those of the settings are not among them."""

    async def work(store: Store) -> list[Line]:
        return await store.do(lambda connection: lines.every(connection, tenant=tenant))

    found = with_store(load_settings(config, only={"store"}), work)
    if as_json:
        print_json(found)
        return
    if not found:
        click.echo("No lines yet.")
        return
    table = Table("source", "kind", "project", "name", "from", "to", box=None, pad_edge=False)
    table.add_column("cost", justify="right")
    for each in found:
        table.add_row(
            each.source, each.kind, each.project or "(shared)", each.name, day_name(each.from_us),
            day_name(each.until_us - 1), show_dollars(each.cost),
        )  # fmt: skip
    print_table(table)


@command.command("remove")
@config_option
@click.argument("source")
@click.option("--tenant", default="default", show_default=True, help="Whose lines.")
def remove(config: Path | None, source: str, tenant: str) -> None:
    """Forget the lines of SOURCE."""

    async def work(store: Store) -> int:
        return await store.do(lambda connection: lines.remove(connection, tenant, source))

    removed = with_store(load_settings(config, only={"store"}), work)
    if not removed:
        raise click.ClickException(f"there are no lines of the source {source!r}")
    click.echo(f"{removed} lines of {source} removed.")
