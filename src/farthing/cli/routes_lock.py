"""`farthing routes lock` and `unlock`: an operator's word, which callers and evidence cannot change."""

from pathlib import Path

import click

from farthing.cli.common import config_option, print_json, user, with_store
from farthing.cli.routes_common import Known, json_option, known_of, named_scope, scope_of, tenant_option
from farthing.model.routes import ANY, Cell, Table
from farthing.quality.locks import with_lock, without_lock
from farthing.store import Routes, Store

TRIES = 5
"""How often a change is made anew because another one came in between."""
LOOK_BACK = 1_000
"""Changes in which the cell is looked for that held before a lock."""

scope_option = click.option(
    "--scope",
    required=True,
    metavar="SCOPE",
    help="task:NAME, template:NAME, template:FINGERPRINT, or '*' for all work.",
)


@click.command(short_help="Let one model do all work of a scope.")
@click.argument("model")
@scope_option
@config_option
@tenant_option("Only for this tenant. Default: all.")
@json_option
def lock(model: str, scope: str, config: Path | None, tenant: str, as_json: bool) -> None:
    """Let MODEL do all work of a scope that leaves the choice to Farthing, whatever evidence says.

    Calls that name a model, or pin one, are not touched, nor are those held out to measure routing. A lock in
    farthing.toml (routing.tasks.NAME.lock) comes before one of the table.
    """
    known = known_of(config)
    place = scope_of(scope, known.settings)
    if known.catalog.stands_for(model) in (None, "embedding"):
        raise click.UsageError(
            f"{model} stands for no tier, so nothing can be routed to it: `farthing models` lists them"
        )
    why = f"locked by {user()}"

    async def do(store: Store) -> int:
        routes = Routes(store)
        for _ in range(TRIES):
            held = await routes.active()
            table = with_lock(held, held.over(known.prior), tenant or ANY, place, model, why)
            version = await _applied(routes, table, held, f"lock {model} for {_named(place, tenant, known)}")
            if version:
                return version
        raise click.ClickException("the table changes all the time; try again")

    _said(as_json, with_store(known.settings, do), f"{model} does all work of {_named(place, tenant, known)} now.")


@click.command(short_help="Take a lock back.")
@click.argument("model")
@scope_option
@config_option
@tenant_option("The tenant that it was locked for. Default: all.")
@json_option
def unlock(model: str, scope: str, config: Path | None, tenant: str, as_json: bool) -> None:
    """Take a lock back: what was known before it holds again."""
    known = known_of(config)
    place = scope_of(scope, known.settings)

    async def do(store: Store) -> int:
        routes = Routes(store)
        for _ in range(TRIES):
            held = await routes.active()
            former = await _before_lock(routes, (tenant or ANY, place), model)
            try:
                table = without_lock(held, tenant or ANY, place, model, former)
            except ValueError as error:
                raise click.ClickException(str(error)) from None
            version = await _applied(routes, table, held, f"unlock {model} for {_named(place, tenant, known)}")
            if version:
                return version
        raise click.ClickException("the table changes all the time; try again")

    _said(
        as_json, with_store(known.settings, do), f"{model} is not locked for {_named(place, tenant, known)} any more."
    )


async def _applied(routes: Routes, table: Table, held: Table, why: str) -> int:
    """The version that holds now; 0 if another change was first."""
    version = await routes.propose(table, why, user(), base=held.version)
    return version if await routes.apply(version, user()) else 0


async def _before_lock(routes: Routes, place: tuple[str, str], model: str) -> Cell | None:
    """What was known of the model there before it was locked; None if nothing, or it is not kept any more."""
    for change in await routes.history(LOOK_BACK):
        if change.what in ("apply", "undo"):
            try:
                table = await routes.table(change.former)
            except ValueError:
                return None
            cell = table.cells.get(place, {}).get(model)
            if cell is None or cell.state != "locked":
                return cell
    return None


def _named(scope: str, tenant: str, known: Known) -> str:
    return named_scope(scope, known.settings) + (f" of {tenant}" if tenant else "")


def _said(as_json: bool, version: int, words: str) -> None:
    if as_json:
        print_json({"version": version})
    else:
        click.echo(f"{words} Version {version} holds; `farthing routes undo` takes it back.")
