"""`farthing selfhost gpus` and `farthing selfhost prices`: the table of GPUs, what an hour of each costs, newer prices."""

from datetime import datetime
from pathlib import Path

import click
import msgspec
from rich.table import Table

from farthing.cli.common import config_option, print_json, print_table
from farthing.cli.selfhost_common import offers_of, settings_of, today, warn_of
from farthing.selfhost import gpu_prices
from farthing.selfhost.gpus import as_of, every, sources

READERS = {"skypilot": gpu_prices.skypilot, "gpuhunt": gpu_prices.gpuhunt}


@click.command("gpus")
@config_option
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def gpus(config: Path | None, as_json: bool) -> None:
    """The GPUs that are known: memory, bandwidth, peaks, and what an hour costs."""
    offers = offers_of(settings_of(config))
    prices = {each.name: gpu_prices.offers_for(each, offers) for each in every()}
    spots = {each.name: gpu_prices.offers_for(each, offers, "spot") for each in every()}
    if as_json:
        rows = [
            msgspec.to_builtins(each) | {"price": msgspec.to_builtins(prices[each.name]), "spot": msgspec.to_builtins(spots[each.name])}
            for each in every()
        ]  # fmt: skip
        print_json({"as_of": as_of(), "sources": sources(), "gpus": rows})
    else:
        table = Table(box=None, pad_edge=False)
        table.add_column("GPU")
        table.add_column("architecture")
        for title in ("memory", "bandwidth", "16 bit", "8 bit", "4 bit", "$/h lowest", "median", "highest", "spot"):
            table.add_column(title, justify="right")
        for each in every():
            offer, spot = prices[each.name], spots[each.name]
            table.add_row(
                each.name, each.architecture, f"{each.memory_gb:g} GB", f"{each.bandwidth_gb_s:,.0f} GB/s",
                *(f"{peak:,.0f}" if peak else "-" for peak in (each.tflops16, each.tflops8 or each.tops8, each.tflops4)),
                *((f"{price:.2f}" for price in (offer.low, offer.median, offer.high)) if offer else ("?", "?", "?")),
                f"{spot.median:.2f}" if spot else "?",
            )  # fmt: skip
        print_table(table)
        click.echo(f"Figures of {as_of()}; peaks in 10^12 operations a second, dense, as vendors state them.")
    warn_of([*prices.values(), *spots.values()])


@click.group("prices")
def prices() -> None:
    """What an hour of a GPU costs, from lists of your own."""


@prices.command("import")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--as", "reader", type=click.Choice(list(READERS)), required=True, help="Whose catalogue it is.")
@click.option("--date", "day", type=click.DateTime(["%Y-%m-%d"]), help="The day of the prices. Default: today.")
@click.option("--source", default="", help="What they are called in plans. Default: the files' names.")
@click.option(
    "--to", type=click.Path(path_type=Path, dir_okay=False), default=Path("gpu-prices.json"), show_default=True,
    help="File to write; name it in selfhost.gpu_prices.",
)  # fmt: skip
def import_(files: tuple[Path, ...], reader: str, day: datetime | None, source: str, to: Path) -> None:
    """Read FILES: catalogues of SkyPilot (catalogs/v8/CLOUD/vms.csv) or gpuhunt (CSV).

    GPUs that Farthing does not know are left out.
    """
    lines = [line for file in files for line in READERS[reader](file)]
    name = source or ", ".join(file.name for file in files)
    offers = gpu_prices.summed(lines, day.date() if day is not None else today(), name)
    if not offers:
        raise click.ClickException("no GPU of these files is known; `farthing selfhost gpus` lists those that are")
    gpu_prices.write(to, offers)
    known = len({each.gpu for each in offers})
    click.echo(
        f'{len(lines):,} prices of {known} GPUs written to {to}. In farthing.toml: [selfhost] gpu_prices = "{to}"'
    )
