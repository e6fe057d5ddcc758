"""`farthing check`: says what the settings mean and what is wrong with them, without starting anything."""

from collections.abc import Iterator
from pathlib import Path

import click

from farthing.cli.common import config_option, load_settings, with_store
from farthing.prices import PriceBook
from farthing.prices.configured import configured_book
from farthing.settings import ProviderSettings, Settings, shown_url
from farthing.upstream.hosts import HOSTS


@click.command("check")
@config_option
@click.option("--ledger", is_flag=True, help="Check the ledger too: whether its sums are those of its rows.")
def command(config: Path | None, ledger: bool) -> None:
    """Check the settings: every mistake with its line, its key and the cure.

    Exit code 0: they can be used (there may be warnings); 1: the ledger does not agree with itself; 2: they cannot.
    """
    settings = load_settings(config)
    book = configured_book(settings.prices)
    for line in (*_providers(settings, book), *_models(settings, book)):
        click.echo(line)
    click.echo(f"store: {shown_url(settings.store.url.reveal())}")
    for warning in (*settings.warnings(), *book.warnings, *_price_warnings(settings, book)):
        click.echo(f"warning: {warning}", err=True)
    click.echo("The settings can be used.")
    if ledger:
        _check_ledger(settings)


def _check_ledger(settings: Settings) -> None:
    wrong = with_store(settings, lambda store: store.check())
    for line in wrong:
        click.echo(line, err=True)
    if wrong:
        raise click.ClickException("the ledger's sums are not those of its rows")
    click.echo("The ledger's sums are those of its rows.")


def _providers(settings: Settings, book: PriceBook) -> Iterator[str]:
    for name, provider in settings.providers.items():
        host = HOSTS[provider.kind or name]
        speaks = ", ".join(provider.formats or host.formats)
        serves = ", ".join(provider.models or host.models) or f"{name}/MODEL"
        key = "with a key" if provider.api_key else "without a key"
        priced = len(book.models(_price_list(name, provider)))
        yield f"provider {name}: {provider.base_url or host.base_url}, {key}"
        yield f"    speaks {speaks}; serves {serves}; prices of {priced} models"


def _models(settings: Settings, book: PriceBook) -> Iterator[str]:
    for name, model in settings.models.items():
        known = "priced" if _is_priced(settings, book, name) else "no price known"
        yield f"model {name}: {model.provider}, {model.model or name}, {known}"


def _price_warnings(settings: Settings, book: PriceBook) -> Iterator[str]:
    agreed = {contract.provider for contract in settings.prices.contracts}
    for name, provider in settings.providers.items():
        if _price_list(name, provider) not in agreed and not book.models(_price_list(name, provider)):
            yield f"providers.{name}: there is no price list {_price_list(name, provider)!r}; its models have no price"
    for name in settings.models:
        if not _is_priced(settings, book, name):
            then = "its cost will be unknown" if settings.prices.allow_unpriced else "calls to it are refused"
            yield f"models.{name}: no price is known, so {then}; add a contract or a rate card below [prices]"


def _is_priced(settings: Settings, book: PriceBook, name: str) -> bool:
    model = settings.models[name]
    prices = _price_list(model.provider, settings.providers[model.provider])
    return book.card(prices, model.price_as or model.model or name) is not None


def _price_list(name: str, provider: ProviderSettings) -> str:
    return provider.prices or HOSTS[provider.kind or name].prices or name
