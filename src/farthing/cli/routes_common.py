"""What the commands of `farthing routes` share: the models and rules that a gateway with these settings would have, who
asks, and how scopes and shares are written."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import click

from farthing.catalog import Catalog, Costs, Expect
from farthing.cli.common import CommandT, load_settings
from farthing.cli.places import catalog_of
from farthing.model.routes import ANY, Table
from farthing.prices.configured import configured_book
from farthing.quality.proposals import Floors
from farthing.quality.table import maker
from farthing.quality.watch import floors_of
from farthing.settings import Settings
from farthing.steps.route.policy import Policies
from farthing.store import Evidence, Store

LOOK_BACK_US = 7 * 86_400_000_000
"""The days whose calls say what a change would do."""


class Known(NamedTuple):
    """What the table is about."""

    settings: Settings
    catalog: Catalog
    expect: Expect
    costs: Costs
    policies: Policies
    floors: Floors
    prior: Table
    """What holds where nothing was measured."""

    async def learn(self, store: Store) -> None:
        """Expect the lengths of answers that were seen."""
        self.expect.load(await Evidence(store).sums())


def known_of(config: Path | None) -> Known:
    """Raises SettingsError; ClickException where there are no tiers to route to."""
    settings = load_settings(config)
    book = configured_book(settings.prices)
    catalog = catalog_of(settings, book)
    catalog.check()
    if not catalog.reference:
        raise click.ClickException("there are no tiers: list models under [routing] in farthing.toml")
    expect = Expect(lambda model: catalog.facts(model).verbosity, catalog.name_there)
    return Known(
        settings, catalog, expect, Costs(book, catalog, expect), Policies(settings.routing),
        floors_of(settings.routing), maker(catalog)(()),
    )  # fmt: skip


def scope_of(text: str, settings: Settings) -> str:
    """A scope as the table has it: a template may be called by its name. Raises BadParameter."""
    kind, _, name = text.partition(":")
    if text == ANY or (kind == "task" and name and name.isprintable()):
        return text
    if kind == "template":
        named = settings.routing.templates.get(name)
        fingerprint = named.fingerprint if named is not None else name
        if len(fingerprint) == 16 and all(digit in "0123456789abcdef" for digit in fingerprint):
            return f"template:{fingerprint}"
    raise click.BadParameter(f"{text!r} is no scope: write task:NAME, template:NAME, template:FINGERPRINT or '*'")


def named_scope(scope: str, settings: Settings) -> str:
    """A scope for people: a template by the name that settings give it."""
    kind, _, fingerprint = scope.partition(":")
    if kind != "template":
        return scope
    return f"template:{template_name(fingerprint, settings) or fingerprint}"


def template_name(fingerprint: str, settings: Settings) -> str:
    """Empty where settings do not name it."""
    named = settings.routing.templates.items()
    return next((name for name, template in named if template.fingerprint == fingerprint), "")


def yes_option(command: CommandT) -> CommandT:
    return click.option("--yes", "-y", is_flag=True, help="Do not ask.")(command)


def json_option(command: CommandT) -> CommandT:
    return click.option("--json", "as_json", is_flag=True, help="For machines.")(command)


def tenant_option(text: str, default: str = "") -> Callable[[CommandT], CommandT]:
    return click.option("--tenant", default=default, show_default=bool(default), help=text)


def confirm(question: str, yes: bool) -> None:
    """Ask on the terminal, apart from the output. Raises Abort, ClickException where nobody is there to answer."""
    if yes:
        return
    try:
        agrees = click.confirm(question, err=True)
    except click.Abort:
        if sys.stdin.isatty():
            raise
        raise click.ClickException("nobody is here to answer: say --yes") from None
    if not agrees:
        raise click.Abort
