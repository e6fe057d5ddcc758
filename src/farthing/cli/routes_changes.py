"""`farthing routes review`, `apply`, `reject` and `undo`: what evidence proposes, and what a person makes of it."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import click
import msgspec
from rich.table import Table as Grid

from farthing.cli.common import (
    amounts,
    config_option,
    load_settings,
    print_json,
    print_table,
    printable,
    show_time,
    user,
    with_store,
)
from farthing.cli.report_span import percent, share_of
from farthing.cli.routes_common import (
    LOOK_BACK_US,
    Known,
    confirm,
    json_option,
    known_of,
    template_name,
    yes_option,
)
from farthing.model.money import show_dollars
from farthing.quality import review as reviews
from farthing.quality.proposals import Move
from farthing.quality.review import Effect, Review, Shift
from farthing.settings import Settings
from farthing.store import Routes, Store, Version
from farthing.store.work import work

NOTHING = "nothing is proposed"
version_argument = click.argument("version", type=click.IntRange(1), required=False)


class _Proposed(NamedTuple):
    version: Version
    review: Review


@click.command(short_help="A proposal as a diff, with evidence and effect.")
@version_argument
@config_option
@json_option
def review(version: int | None, config: Path | None, as_json: bool) -> None:
    """The proposal (default: the newest) as a diff: what comes in and what goes out, on what evidence, and what that does
    to the cost of calls like those of the last 7 days."""
    known = known_of(config)

    async def read(store: Store) -> _Proposed | None:
        proposal = await _proposal(Routes(store), version)
        return _Proposed(proposal, await _review(store, known, proposal)) if proposal is not None else None

    found = with_store(known.settings, read)
    if as_json:
        print_json(_for_machines(found))
    elif found is None:
        click.echo(f"{NOTHING[0].upper()}{NOTHING[1:]}.")
    else:
        _print(found, known.settings)


@click.command(short_help="Let a proposal hold.")
@version_argument
@config_option
@yes_option
@json_option
def apply(version: int | None, config: Path | None, yes: bool, as_json: bool) -> None:
    """Let a proposal (default: the newest) hold. Gateways take it up within seconds; `undo` takes it back."""
    settings = load_settings(config, only={"store"})
    proposal = _proposed(settings, version)
    confirm(f"{printable_lines(proposal.why)}\nLet version {proposal.version} hold?", yes)

    async def do(store: Store) -> bool:
        return await Routes(store).apply(proposal.version, user())

    if not with_store(settings, do):
        raise click.ClickException(
            f"version {proposal.version} was made on top of version {proposal.base}, which does not hold any more"
        )
    _said(as_json, f"Version {proposal.version} holds.", version=proposal.version, former=proposal.base)


@click.command(short_help="Put a proposal away.")
@version_argument
@config_option
@json_option
def reject(version: int | None, config: Path | None, as_json: bool) -> None:
    """Put a proposal (default: the newest) away. The same comes again only with other evidence, or when a gateway starts."""
    settings = load_settings(config, only={"store"})
    proposal = _proposed(settings, version)

    async def do(store: Store) -> bool:
        return await Routes(store).reject(proposal.version, user())

    if not with_store(settings, do):
        raise click.ClickException(f"version {proposal.version} is no proposal any more")
    _said(as_json, f"Version {proposal.version} is put away.", rejected=proposal.version)


@click.command(short_help="Go back to the version before.")
@config_option
@yes_option
@json_option
def undo(config: Path | None, yes: bool, as_json: bool) -> None:
    """Go back to the version that held before; again, and it goes back further. A demotion that evidence asks for comes
    back by itself."""
    settings = load_settings(config, only={"store"})
    holds = with_store(settings, lambda store: Routes(store).active_version())
    if not holds:
        raise click.ClickException("nothing was applied yet, so there is nothing to undo")
    confirm(f"Go back to what held before version {holds}?", yes)

    async def do(store: Store) -> int:
        try:
            return await Routes(store).undo(user(), version=holds)
        except ValueError as error:
            raise click.ClickException(str(error)) from None

    now = with_store(settings, do)
    if now == holds:
        raise click.ClickException(f"version {holds} does not hold any more; look again")
    _said(
        as_json, f"Version {now} holds." if now else "No version holds: the prior decides.", version=now, former=holds
    )


def printable_lines(text: str) -> str:
    """Lines of which none commands a terminal."""
    return "\n".join(printable(line) for line in text.splitlines())


async def _proposal(routes: Routes, version: int | None) -> Version | None:
    proposals = await routes.proposals()
    return next((each for each in proposals if version in (None, each.version)), None)


def _proposed(settings: Settings, version: int | None) -> Version:
    """Raises ClickException where there is none."""
    found = with_store(settings, lambda store: _proposal(Routes(store), version))
    if found is None:
        raise click.ClickException(NOTHING if version is None else f"version {version} is no proposal (any more)")
    return found


async def _review(store: Store, known: Known, proposal: Version) -> Review:
    routes, now = Routes(store), time.time_ns() // 1000
    await known.learn(store)
    works = await store.do(lambda connection: work(connection, now - LOOK_BACK_US, now))
    return reviews.review(
        await routes.active(), await routes.table(proposal.version), known.prior, known.floors, works,
        known.catalog.tiers(), known.costs, known.policies, now,
    )  # fmt: skip


def _said(as_json: bool, words: str, **values: int) -> None:
    if as_json:
        print_json(values)
    else:
        click.echo(words)


def _for_machines(found: _Proposed | None) -> dict[str, Any]:
    if found is None:
        return {"proposal": None}
    effect = found.review.effect
    shown: dict[str, Any] = {"proposal": msgspec.structs.asdict(found.version)}
    shown |= {name: [_move(each) for each in getattr(found.review, name)] for name in ("comes_in", "goes_out")}
    shown["other_cells"] = found.review.other
    shown["effect"] = {
        "routed_calls": effect.routed, "calls_without_estimate": effect.unknown, "before": amounts(effect.before),
        "after": amounts(effect.after), "shifts": [_shift(each) for each in effect.shifts],
    }  # fmt: skip
    return shown


def _move(move: Move) -> dict[str, Any]:
    return {**msgspec.to_builtins(move), "text": str(move)}


def _shift(shift: Shift) -> dict[str, Any]:
    return {
        **msgspec.structs.asdict(shift), "before": amounts(shift.before), "after": amounts(shift.after)
    }  # fmt: skip


def _print(found: _Proposed, settings: Settings) -> None:
    version, review = found.version, found.review
    click.echo(f"Proposal {version.version} on top of version {version.base}, made {show_time(version.made_us)}.\n")
    for title, moves in (("comes in", review.comes_in), ("goes out", review.goes_out)):
        if moves:
            click.echo(title)
            for move in moves:
                click.echo(f"  {printable(str(move))}")
    if not review.comes_in and not review.goes_out:
        click.echo("No model crosses a floor.")
    if review.other:
        click.echo(f"{review.other:,} further cells get new figures, and cross no floor.")
    click.echo()
    _print_effect(review.effect, settings)
    click.echo(f"\nfarthing routes apply {version.version}, or farthing routes reject {version.version}")


def _print_effect(effect: Effect, settings: Settings) -> None:
    if effect.routed == effect.unknown:
        click.echo(
            "What it does to the cost cannot be said: there were no routed calls with known tokens and prices in the last 7 days."
        )
        return
    moved = sum(shift.calls for shift in effect.shifts)
    if not moved:
        click.echo(f"Of {effect.routed:,} routed calls of the last 7 days none would go to another model.")
        return
    print_table(_grid(effect.shifts, settings))
    less = share_of(effect.before - effect.after, effect.before)
    click.echo(
        f"Of {effect.routed:,} routed calls of the last 7 days {moved:,} would go to another model. All of them are expected "
        f"to cost {show_dollars(effect.after)} instead of {show_dollars(effect.before)}: {percent(less)} less."
    )
    if effect.unknown:
        click.echo(f"Of {effect.unknown:,} others nothing can be said: no tokens or no price is known.")


def _grid(shifts: Sequence[Shift], settings: Settings) -> Grid:
    grid = Grid(box=None, pad_edge=False)
    for title in ("task", "template", "feature"):
        grid.add_column(title)
    grid.add_column("calls", justify="right")
    for title in ("now", "then"):
        grid.add_column(title)
    for title in ("cost now", "cost then"):
        grid.add_column(title, justify="right")
    for each in shifts:
        template = template_name(each.template, settings) or each.template
        grid.add_row(
            each.task or "(unknown)", template or "(none)", each.feature or "(none)", f"{each.calls:,}", each.model, each.then,
            show_dollars(each.before), show_dollars(each.after),
        )  # fmt: skip
    return grid
