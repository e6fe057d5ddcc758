"""`farthing models`: which models stand for which tier, what each can do, and what a call is expected to cost there."""

import time
from collections.abc import Iterable
from pathlib import Path

import click
import msgspec
from rich.table import Table

from farthing.catalog import KINDS, Catalog, Costs, Expect, Kind
from farthing.catalog.expect import TYPICAL_OF
from farthing.cli.common import config_option, load_settings, print_json
from farthing.cli.places import catalog_of
from farthing.cli.rates_text import print_rows
from farthing.finops.cost_card import per_million
from farthing.model.call import Deployment
from farthing.model.money import Nano, Pico, show_dollars
from farthing.model.routes import ANY, scopes_of
from farthing.prices import PriceBook
from farthing.prices.card import TOKEN_UNITS
from farthing.prices.configured import configured_book
from farthing.prices.rates import rates_at

ORDER = {kind: place for place, kind in enumerate((*KINDS, None))}


class Row(msgspec.Struct):
    """One model, for people and machines. Rates are pico-dollars a token; None is what is not known."""

    model: str
    tier: Kind | None
    stands_for: bool
    """Whether it is one of the models that the tier chooses from."""
    provider: str
    context: int | None
    max_output: int | None
    can: list[str]
    input: Pico | None
    output: Pico | None
    expected_nano: Nano | None
    """Cost of the call that was asked about."""
    left_out: str = ""


@click.command("models")
@config_option
@click.option("--tier", type=click.Choice(KINDS), help="Only the models of this tier.")
@click.option("--all", "everything", is_flag=True, help="Every model that your providers have a price for.")
@click.option("--task", type=click.Choice(list(TYPICAL_OF)), help="The kind of work of the call that is priced.")
@click.option("--input", "tokens", type=click.IntRange(1), default=1000, show_default=True, help="Its input tokens.")
@click.option("--json", "as_json", is_flag=True, help="For machines; rates as integer pico-dollars a token.")
def command(
    config: Path | None, tier: Kind | None, everything: bool, task: str | None, tokens: int, as_json: bool
) -> None:  # fmt: skip
    """List the models of each tier: what they can do, and what a call is expected to cost.

    The expected cost is that of a call of `--input` tokens, with the output that such work is assumed to need before your
    own traffic has shown it. The first flagship is the model that quality is compared with.
    """
    settings = load_settings(config)
    book = configured_book(settings.prices)
    catalog = catalog_of(settings, book)
    expect = Expect(lambda model: catalog.facts(model).verbosity, catalog.name_there)
    costs = Costs(book, catalog, expect)
    now_us = time.time_ns() // 1000
    scopes = scopes_of("", task) if task else (ANY,)

    def row(model: str) -> Row:
        if catalog.tier_of(model) == "embedding":
            cost = costs.as_embedding(tokens, now_us, model)
        else:
            cost = costs.expected(model, tokens, 0, ANY, scopes, at_us=now_us)
        return _row(catalog, book, model, cost, now_us)

    found = [row(model) for model in _models(catalog, book, settings.models, everything)]
    rows = sorted((each for each in found if tier in (None, each.tier)), key=lambda each: ORDER[each.tier])
    if as_json:
        print_json(rows)
    elif rows:
        _print(rows, tokens)
    else:
        click.echo(
            "No model stands for a tier. List models under [routing] in farthing.toml; --all shows what there is."
        )
    for warning in costs.dear_tiers(now_us):
        click.echo(f"warning: {warning}", err=True)


def _models(catalog: Catalog, book: PriceBook, named: Iterable[str], everything: bool) -> list[str]:
    """Models of the tiers, then those that settings name, then all that have a price."""
    models = [model for tier in catalog.tiers().values() for model in tier] + [*catalog.embeddings, *named]
    if everything:
        for provider, price_list in catalog.lists.items():
            listed = book.models(price_list)
            names = [name for model in listed if (name := catalog.name_at(provider, model))]
            # A list that the provider shares with others has models that it does not serve under their own names.
            models += [name for name in names if name in listed] or names
    return list(dict.fromkeys(models))


def _row(catalog: Catalog, book: PriceBook, model: str, cost: Nano | None, at_us: int) -> Row:
    facts, places = catalog.facts(model), catalog.places(model)
    rates = _rates(book, places[0], at_us) if places else {}
    return Row(
        model=model, tier=catalog.tier_of(model), stands_for=catalog.stands_for(model) is not None,
        provider=", ".join(dict.fromkeys(place.provider for place in places)),
        context=facts.context, max_output=facts.max_output, can=sorted(facts.can),
        input=rates.get("uncached_in"), output=rates.get("out"),
        expected_nano=cost, left_out=facts.left_out,
    )  # fmt: skip


def _rates(book: PriceBook, place: Deployment, at_us: int) -> dict[str, Pico]:
    """The lowest band's rates of the standard tier."""
    card = book.card(place.prices, place.price_as or place.model)
    bands = rates_at(card, "", "", at_us).bands if card is not None else ()
    pairs = zip(TOKEN_UNITS, bands[-1].tokens, strict=True) if bands else ()
    return {unit: rate for unit, rate in pairs if rate is not None}


def _print(rows: Iterable[Row], tokens: int) -> None:
    table = Table(
        "tier", "model", "provider", "context", "output", "can", "$ in", "$ out", f"a call of {tokens:,}", box=None
    )
    print_rows(table, [_cells(row) for row in rows])


def _cells(row: Row) -> tuple[str, ...]:
    """What is not known is a question mark; a model that its tier does not choose from has it in brackets."""
    tier = row.tier or row.left_out or "?"
    embeds = row.tier == "embedding"
    cost = "" if row.left_out else show_dollars(row.expected_nano)
    return (
        tier if row.stands_for or not row.tier else f"({tier})", row.model, row.provider or "nobody",
        f"{row.context:,}" if row.context else "?",
        "" if embeds else f"{row.max_output:,}" if row.max_output else "?",
        " ".join(row.can), per_million(row.input), per_million(row.output), cost,
    )  # fmt: skip
