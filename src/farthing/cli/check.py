"""`farthing check`: says what the settings mean and what is wrong with them, without starting anything."""

import time
from collections.abc import Iterator
from pathlib import Path

import click

from farthing.app.budgets import budgets_of
from farthing.batch.schedules.declared import check_calendar, schedules_of
from farthing.catalog import Catalog, Costs, Expect
from farthing.cli.common import config_option, load_settings, with_store
from farthing.cli.places import catalog_of
from farthing.prices import PriceBook
from farthing.prices.configured import configured_book
from farthing.quality.checks import named
from farthing.settings import Problem, ProviderSettings, Settings, SettingsError, shown_url
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
    catalog = catalog_of(settings, book)
    problems = [*catalog.problems(), *_checks(settings)]
    budgets_of(settings)
    check_calendar(settings)
    schedules_of(settings, Path())
    if problems:
        raise SettingsError("", problems)
    for line in (*_providers(settings, book), *_models(settings, catalog), *_tiers(catalog)):
        click.echo(line)
    click.echo(f"store: {shown_url(settings.store.url.reveal())}")
    for warning in (*settings.warnings(), *book.warnings, *_price_warnings(settings, book, catalog)):
        click.echo(f"warning: {warning}", err=True)
    click.echo("The settings can be used.")
    if ledger:
        _check_ledger(settings)


def _checks(settings: Settings) -> Iterator[Problem]:
    """Checks of answers that are none."""
    for name, task in settings.routing.tasks.items():
        try:
            named(task.check)
        except ValueError as error:
            yield Problem(0, f"routing.tasks.{name}.check", f"{task.check!r} is no check", f"Write {error}.")


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


def _models(settings: Settings, catalog: Catalog) -> Iterator[str]:
    for name in settings.models:
        for place in catalog.places(name):
            known = "priced" if catalog.has_price(place) else "no price known"
            yield f"model {name}: {place.provider}, {place.model}, {known}"


def _tiers(catalog: Catalog) -> Iterator[str]:
    for tier, models in catalog.tiers().items():
        if models:
            yield f"tier {tier}: {', '.join(models)}"


def _price_warnings(settings: Settings, book: PriceBook, catalog: Catalog) -> Iterator[str]:
    agreed = {contract.provider for contract in settings.prices.contracts}
    for name, provider in settings.providers.items():
        if _price_list(name, provider) not in agreed and not book.models(_price_list(name, provider)):
            yield f"providers.{name}: there is no price list {_price_list(name, provider)!r}; its models have no price"
    for name in settings.models:
        if not all(catalog.has_price(place) for place in catalog.places(name)):
            then = "its cost will be unknown" if settings.prices.allow_unpriced else "calls to it are refused"
            yield f"models.{name}: no price is known, so {then}; add a contract or a rate card below [prices]"
    expect = Expect(lambda model: catalog.facts(model).verbosity, catalog.name_there)
    yield from Costs(book, catalog, expect).dear_tiers(time.time_ns() // 1000)


def _price_list(name: str, provider: ProviderSettings) -> str:
    return provider.prices or HOSTS[provider.kind or name].prices or name
