"""`farthing prices diff`: the shipped prices beside another list."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from farthing.cli.common import Number, print_json
from farthing.cli.rates_text import print_rows
from farthing.finops.cost_card import plain
from farthing.prices import shipped_files
from farthing.prices.card import CardFile
from farthing.prices.diff import Difference, differences, read_source


@click.command("diff", short_help="Compare with another price list.")
@click.argument("file", type=click.Path(path_type=Path, exists=True), required=False)
@click.option("--provider", help="Only this price list.")
@click.option("--on", type=click.DateTime(["%Y-%m-%d"]), help="Prices in force on this day; default: today (UTC).")
@click.option("--more-than", type=Number(0), default=0.0, show_default=True, help="Differ by more percent.")
@click.option("--all", "everything", is_flag=True, help="Also models and units that only one of them has.")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def diff(
    file: Path | None, provider: str | None, on: datetime | None, more_than: float, everything: bool, as_json: bool
) -> None:
    """Compare the shipped prices with FILE: a rate card, a folder of them, or LiteLLM's price map. Without FILE, with the
    genai-prices that is installed.

    Exit code 0 if nothing differs, 1 if something does.
    """
    day = (on or datetime.now(UTC)).date()
    found = [
        each
        for each in differences(
            shipped_files(), _read(file) if file else _installed(day),
            on=day, more_than_percent=Decimal(str(more_than)), shared_only=not everything,
        )
        if provider in (None, each.provider)
    ]  # fmt: skip
    if as_json:
        print_json(found)
    elif found:
        table = Table(
            "provider", "model", "tier", "unit", "above", "shipped", "other", "percent", box=None, pad_edge=False
        )
        print_rows(table, _rows(found))
    else:
        click.echo("Nothing differs.")
    if found:
        raise click.exceptions.Exit(1)


def _read(file: Path) -> list[CardFile]:
    try:
        return read_source(file)
    except (ValueError, OSError) as error:
        raise click.ClickException(str(error)) from None


def _installed(today: date) -> list[CardFile]:
    """The cards compiled from the package that is installed."""
    try:
        compiler: Any = import_module("farthing.prices.compile_cards")
    except ModuleNotFoundError as error:
        raise click.ClickException(f"this needs the package {error.name}: pip install 'farthing[prices]'") from None
    return list(compiler.compile_cards(today))


def _rows(found: list[Difference]) -> Iterator[list[str]]:
    for each in found:
        amounts = ["-" if amount is None else plain(amount) for amount in (each.old, each.new)]
        percent = "" if each.percent is None else f"{each.percent:+.1f}"
        above = f"{each.above:,}" if each.above else ""
        yield [each.provider, each.model, each.tier or "standard", each.unit, above, *amounts, percent]
