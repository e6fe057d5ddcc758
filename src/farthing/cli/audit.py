"""`farthing audit`: who changed what when, the newest first."""

from pathlib import Path

import click
import msgspec
from rich.table import Table

from farthing.cli.common import When, config_option, load_settings, print_json, print_table, show_time, with_store
from farthing.store import Store
from farthing.store.audit import KINDS, AuditEntry, entries, in_words


@click.command("audit")
@config_option
@click.option("--limit", "-n", type=click.IntRange(1, 10_000), default=20, show_default=True, help="How many.")
@click.option("--since", type=When(), help="Not before this day or time (UTC), or so long ago: 7d, 36h.")
@click.option("--until", type=When(), help="Before this day or time.")
@click.option("--kind", type=click.Choice(KINDS), help="Only changes of this kind of thing.")
@click.option("--target", default="", metavar="ID", help="Only changes of this key, budget, alert, version.")
@click.option("--tenant", help="Only of this tenant. Default: all.")
@click.option("--json", "as_json", is_flag=True, help="For machines; with how it was before and is since.")
def command(
    config: Path | None, limit: int, since: int | None, until: int | None, kind: str | None, target: str,
    tenant: str | None, as_json: bool,
) -> None:  # fmt: skip
    """List who changed keys, budgets, alerts, routes and the ledger, and when.

    Entries are written with the change itself and stay as they are.
    """

    async def read(store: Store) -> list[AuditEntry]:
        return await store.do(
            lambda connection: entries(
                connection, tenant=tenant, kind=kind or "", target=target, since_us=since or 0, until_us=until, limit=limit
            )
        )  # fmt: skip

    found = with_store(load_settings(config, only={"store"}), read)
    if as_json:
        print_json(msgspec.to_builtins(found))
    elif found:
        table = Table("when", "who", "what", "tenant", "details", box=None, pad_edge=False)
        for each in found:
            what = f"{each.kind} {each.target} {each.what}"
            table.add_row(show_time(each.at_us), each.who, what, each.tenant, in_words(each.detail))
        print_table(table)
    else:
        click.echo("Nothing was changed.")
