"""`farthing prices diff`: the shipped prices beside another list."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import click
from rich.table import Table

from farthing.cli.common import print_json
from farthing.cli.rates_text import print_rows
from farthing.prices import shipped_files
from farthing.prices.book import CARDS
from farthing.prices.card import CardFile, read_cards


@click.command("diff", short_help="Compare with another price list.")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False), required=False)
@click.option("--provider", help="Only this price list.")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def diff(file: Path | None, provider: str | None, as_json: bool) -> None:
    """Compare the shipped prices with a rate card FILE, or with the genai-prices that is installed.

    Exit code 0 if nothing differs, 1 if something does.
    """
    theirs = [_read(file)] if file else _installed()
    names = {each.provider for each in theirs} if provider is None else {provider}
    ours = shipped_files() if file else [read_cards(path) for path in sorted(CARDS.glob("*.json"))]
    changes = list(_changes(_prices(ours, names), _prices(theirs, names), both=file is None))
    if as_json:
        print_json([change._asdict() for change in changes])
    elif changes:
        table = Table("provider", "model", "tier", "from", "unit", "shipped", "other", box=None)
        print_rows(table, ((*change.place, change.shipped or "-", change.other or "-") for change in changes))
    else:
        click.echo("Nothing differs.")
    if changes:
        raise click.exceptions.Exit(1)


class _Change(NamedTuple):
    place: tuple[str, ...]
    shipped: str
    other: str


def _read(file: Path) -> CardFile:
    try:
        return read_cards(file)
    except (ValueError, OSError) as error:
        raise click.ClickException(str(error)) from None


def _installed() -> list[CardFile]:
    """The cards compiled from the package that is installed."""
    try:
        compiler: Any = import_module("farthing.prices.compile_cards")
    except ModuleNotFoundError as error:
        raise click.ClickException(f"this needs the package {error.name}: pip install 'farthing[prices]'") from None
    return list(compiler.compile_cards(datetime.now(UTC).date()))


def _prices(files: Iterable[CardFile], names: set[str]) -> dict[tuple[str, ...], str]:
    """Each amount by its place; what stands first in `files` counts."""
    found: dict[tuple[str, ...], str] = {}
    for file in files:
        if file.provider in names:
            for card in file.models:
                for price in card.prices:
                    for unit, amount in price.rates.items():
                        place = (file.provider, card.id, price.tier or "standard", str(price.valid_from or ""), unit)
                        found.setdefault(place, _said(amount))
    return found


def _said(amount: Any) -> str:
    if isinstance(amount, dict):
        return ", ".join(f"{each} above {above}" if above != "0" else f"{each}" for above, each in amount.items())
    return f"{amount}"


def _changes(ours: dict[tuple[str, ...], str], theirs: dict[tuple[str, ...], str], *, both: bool) -> Iterator[_Change]:
    """What differs; what only we have counts where the other list is meant to be whole (`both`)."""
    for place in sorted(ours.keys() | theirs.keys() if both else theirs.keys()):
        shipped, other = ours.get(place, ""), theirs.get(place, "")
        if shipped != other:
            yield _Change(place, shipped, other)
