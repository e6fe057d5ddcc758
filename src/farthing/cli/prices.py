"""`farthing prices`: what models cost; `prices_diff` compares lists, `price_this` prices one answer."""

import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import click
from rich.table import Table

from farthing.cli.common import When, config_option, load_settings, print_json
from farthing.cli.price_this import price_this
from farthing.cli.prices_diff import diff
from farthing.cli.rates_text import print_rows
from farthing.finops.cost_card import per_million, plain
from farthing.model.money import Pico
from farthing.prices import Card, PriceBook, shipped_files
from farthing.prices.card import REQUEST_UNITS, TOKEN_UNITS
from farthing.prices.configured import configured_book
from farthing.prices.rates import rates_at

TITLES = {"uncached_in": "input", "cache_read": "cached", "w5m": "write 5m", "w1h": "write 1h", "out": "output"}
"""The units of the overview, and what they are called there."""


@click.group("prices")
def command() -> None:
    """Show prices, compare them with a newer list, price a call."""


command.add_command(diff)
command.add_command(price_this)


@command.command(short_help="Providers, models, rates.")
@click.argument("provider", required=False)
@click.argument("model", required=False)
@config_option
@click.option("--at", type=When(), help="The prices of this day. Default: now.")
@click.option("--json", "as_json", is_flag=True, help="For machines; rates as integer pico-dollars a unit.")
def show(provider: str | None, model: str | None, config: Path | None, at: int | None, as_json: bool) -> None:
    """Show the providers, the models of PROVIDER, or every rate of one MODEL.

    Rates are in dollars per 1M tokens, contracts of the settings applied.
    """
    book = configured_book(load_settings(config, only={"prices"}).prices)
    at_us = at if at is not None else time.time_ns() // 1000
    if provider is None:
        _show_providers(book, as_json)
    elif model is None:
        _show_models(book, provider, at_us, as_json)
    else:
        _show_model(_card(book, provider, model), at_us, as_json)


def _show_providers(book: PriceBook, as_json: bool) -> None:
    counts = {name: len(book.models(name)) for name in _providers()}
    if as_json:
        print_json(counts)
    else:
        print_rows(Table("provider", "models", box=None), ((name, f"{count}") for name, count in counts.items()))


def _show_models(book: PriceBook, provider: str, at_us: int, as_json: bool) -> None:
    models = book.models(provider)
    if not models:
        raise click.ClickException(f"there is no price list {provider!r}; known are {', '.join(_providers())}")
    found = {name: _standard(book.card(provider, name), at_us) for name in models}
    if as_json:
        print_json(found)
    else:
        rows = ((name, *(per_million(rates.get(unit)) for unit in TITLES)) for name, rates in found.items())
        print_rows(Table("model", *TITLES.values(), box=None), rows)


def _standard(card: Card | None, at_us: int) -> dict[str, Pico]:
    """The lowest band's rates without a tier."""
    bands = rates_at(card, "", "", at_us).bands if card is not None else ()
    return (
        {unit: rate for unit, rate in zip(TOKEN_UNITS, bands[-1].tokens, strict=True) if rate is not None}
        if bands
        else {}
    )


class _Rate(NamedTuple):
    tier: str
    above: int
    unit: str
    rate: Pico
    mark: str


def _show_model(card: Card, at_us: int, as_json: bool) -> None:
    rates = list(_all_rates(card, at_us))
    if as_json:
        print_json({"provider": card.provider, "model": card.id, "rates": [each._asdict() for each in rates]})
        return
    click.echo(f"{card.provider} {card.id}, prices {rates_at(card, '', '', at_us).version}")
    rows = (
        (each.tier or "standard", f"above {each.above:,}" if each.above else "", each.unit, *_listed(each), each.mark)
        for each in rates
    )
    print_rows(Table("tier", "input tokens", "unit", "$", "per", "mark", box=None), rows)


def _all_rates(card: Card, at_us: int) -> Iterator[_Rate]:
    """Every rate that is known of a model, tier by tier. A rate of another tier is shown where it differs."""
    tiers = dict.fromkeys(["", *(price.tier for listed in card.cards for price in listed.card.prices)])
    tiers |= dict.fromkeys(tier for family in card.families for tier in family.tiers)
    for tier in tiers:
        rates = rates_at(card, tier, "", at_us)
        for band in reversed(rates.bands):
            for unit, rate in zip(TOKEN_UNITS, band.tokens, strict=True):
                if rate is not None:
                    yield _Rate(tier, band.above, unit, rate, rates.marks.get(unit, ""))
        if not tier:
            yield from (_Rate(tier, 0, unit, rate, "") for unit, rate in rates.requests.items())


def _listed(each: _Rate) -> tuple[str, str]:
    """The price as lists have it, and for how many units."""
    per = REQUEST_UNITS.get(each.unit, 1_000_000)
    return plain(Decimal(each.rate * per).scaleb(-12)), "1M" if per == 1_000_000 else f"{per:,}"


def _card(book: PriceBook, provider: str, model: str) -> Card:
    card = book.card(provider, model)
    if card is None:
        raise click.ClickException(
            f"no price is known for {model!r} at {provider!r}; `farthing prices show {provider}` lists models"
        )
    return card


def _providers() -> list[str]:
    return sorted({file.provider for file in shipped_files()})
