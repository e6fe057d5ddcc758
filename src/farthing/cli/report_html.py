"""`farthing report html`: what a month was like, as one file to send."""

import importlib
import importlib.util
from pathlib import Path

import click

from farthing.cli.common import config_option, load_without_keys, with_store
from farthing.cli.export_files import tell, whole_file
from farthing.cli.report_scope import Month, day_name, now_us
from farthing.model.principal import OPERATOR
from farthing.store import Store
from farthing.store.rollups import month_of

NEEDS = ("jinja2", "altair", "vl_convert")
TABLES = {
    "store", "providers", "models", "prices", "routing", "balance", "cache", "finops", "alerts", "transactions", "budgets",
}  # fmt: skip


@click.command("html")
@config_option
@click.option("--month", type=Month(), help="A calendar month (UTC), 2026-01. Default: this month, so far.")
@click.option("--tenant", default=OPERATOR, show_default=True, help="Whose calls.")
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="The file. Default: farthing-MONTH.html here; - is standard output."
)  # fmt: skip
def html(config: Path | None, month: int | None, tenant: str, out: Path | None) -> None:
    """The month in one HTML file for a meeting: it needs no gateway, loads nothing, and prints as it is.

    Spending by day and feature against the month before, savings with their hold-outs, the six metrics, budgets, alerts
    with their causes, unit economics, the forecast, what to switch on next, corrections. The figures are those of the pages.
    """
    if not all(map(importlib.util.find_spec, NEEDS)):
        raise click.ClickException("The report needs what the pages need: pip install 'farthing[dashboard]'")
    settings = load_without_keys(config, TABLES)
    this_month = month_of(now_us())
    chosen = month if month is not None else this_month
    name = day_name(chosen)[:7]
    period = name if chosen != this_month else "month"  # which is compared with as many days of the one before
    make = importlib.import_module("farthing.app.report").report_html

    async def work(store: Store) -> str:
        return str(await make(settings, store, period, tenant))

    text = with_store(settings, work)
    if out == Path("-"):
        click.echo(text)
        return
    file = out or Path(f"farthing-{name}.html")
    with whole_file(file) as path:
        path.write_text(text, encoding="utf-8")
    tell(f"The report of {name} is in {file}")
