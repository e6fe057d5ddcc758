"""`farthing report levers`: what each lever took off, as it is booked in the ledger."""

from pathlib import Path

import click
from rich.table import Table

from farthing.cli.common import amounts, load_settings, print_json, print_table, with_store
from farthing.cli.report_span import report_options
from farthing.model.money import show_dollars
from farthing.store import LeverRow, Store


@click.command()
@report_options()
def levers(config: Path | None, since: int | None, tenant: str, as_json: bool) -> None:
    """What each lever took off: before, after, what it spent itself, what is left.

    This is bookkeeping: what each call would have cost is the lever's word. `farthing report proof` shows what hold-outs
    say.
    """

    async def read(store: Store) -> list[LeverRow]:
        return await store.levers(since or 0, tenant=tenant)

    rows = with_store(load_settings(config, only={"store"}), read)
    if as_json:
        print_json({"levers": [_for_machines(row) for row in rows]})
    elif not rows:
        click.echo("No savings are booked yet.")
    else:
        _print(rows)


def _for_machines(row: LeverRow) -> dict[str, object]:
    return {"lever": row.lever, "bookings": row.calls} | {
        name: amounts(getattr(row, name)) for name in ("before", "after", "overhead", "saved", "estimated")
    }


def _print(rows: list[LeverRow]) -> None:
    table = Table(box=None, pad_edge=False, show_footer=len(rows) > 1)
    table.add_column("lever", footer="total")
    table.add_column("bookings", justify="right", footer=f"{sum(row.calls for row in rows):,}")
    table.add_column("before", justify="right")
    table.add_column("after", justify="right")
    table.add_column("overhead", justify="right", footer=show_dollars(sum(row.overhead for row in rows)))
    table.add_column("saved", justify="right", footer=show_dollars(sum(row.saved for row in rows)))
    table.add_column("of it estimated", justify="right", footer=show_dollars(sum(row.estimated for row in rows)))
    for row in rows:
        shown = [show_dollars(amount) for amount in (row.before, row.after, row.overhead, row.saved, row.estimated)]
        table.add_row(row.lever, f"{row.calls:,}", *shown)
    print_table(table)
