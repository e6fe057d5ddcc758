"""`farthing budgets`: what may be spent, where it stands, and more for a time."""

import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec
from rich.table import Table

from farthing.cli.common import (
    config_option,
    load_settings,
    microseconds,
    pairs_option,
    print_json,
    print_table,
    show_time,
    user,
    with_store,
)
from farthing.cli.keys import ahead
from farthing.model.budget import Budget, Raise, Unit, amount_from, scope_from, scope_text
from farthing.model.money import nano_from_dollars, show_dollars
from farthing.model.windows import FOREVER_US
from farthing.settings import Settings
from farthing.store import Store, recover
from farthing.store.budgets import Budgets, Lost, Standing

MEMBERS = 1_000
T = TypeVar("T")


@click.group("budgets")
def command() -> None:
    """List, set, raise and remove budgets; reconcile what a killed gateway left.

    Budgets below [budgets] in farthing.toml belong to that file. Gateways that run hear of a change within seconds.
    """


@command.command("list")
@config_option
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def list_(config: Path | None, as_json: bool) -> None:
    """All budgets, and where they stand in their present windows.

    Those of farthing.toml are there once a gateway has started with it.
    """

    async def work(budgets: Budgets) -> tuple[list[Budget], list[Standing]]:
        every = await budgets.every()
        return every, await budgets.standings(every, _now_us(), 20)

    every, standings = _with_budgets(_settings(config), work)
    if as_json:
        print_json([_for_machines(each, standings) for each in every])
    elif not every:
        click.echo("There are no budgets. Make one: farthing budgets set NAME --amount 500 --scope feature=support")
    else:
        _print(every, standings)


@command.command()
@click.argument("name")
@config_option
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def show(name: str, config: Path | None, as_json: bool) -> None:
    """One budget: how it is set, its raises, and all its members that spent something."""

    async def work(budgets: Budgets) -> tuple[Budget, list[Standing]]:
        budget = await _found(budgets, name)
        return budget, await budgets.standings([budget], _now_us(), MEMBERS)

    budget, standings = _with_budgets(_settings(config), work)
    if as_json:
        print_json(_for_machines(budget, standings))
        return
    for line in _lines(budget):
        click.echo(line)
    _print([budget], standings)


@command.command("set")
@click.argument("name")
@config_option
@click.option("--amount", required=True, help="Dollars, tokens or calls a window.")
@click.option(
    "--unit",
    type=click.Choice(["money", "tokens", "calls"]),
    default="money",
    show_default=True,
    help="What is counted.",
)
@pairs_option(
    "--scope", "scope",
    help="For which calls: team, project, user, feature, key, model or a tag; `*` for one budget each. Repeat.",
)  # fmt: skip
@click.option("--tenant", default="default", show_default=True, help="Whose calls; `*`: one budget for each tenant.")
@click.option(
    "--window", default="month", show_default=True, help="hour, day, week, month, quarter, total, or rolling 30d."
)
@click.option("--zone", default="UTC", show_default=True, help="Time zone in which days begin.")
@click.option("--fiscal-start", default="01-01", show_default=True, metavar="MM-DD", help="For quarters.")
@click.option("--roll-over", is_flag=True, help="Add what the window before left over.")
@click.option("--soft", is_flag=True, help="Only count; alerts watch it.")
@click.option(
    "--exceeded",
    type=click.Choice(["refuse", "downgrade", "queue"]),
    default="refuse",
    show_default=True,
    help="What becomes of a call for which too little is left.",
)
@click.option("--payment-required", is_flag=True, help="Refuse with 402 instead of 429.")
@click.option("--max-call", default="0", metavar="DOLLARS", help="Stop a call that is expected to cost more.")
@click.option(
    "--cover",
    type=click.Choice(["limit", "likely"]),
    default="limit",
    show_default=True,
    help="limit: answers are limited to what is reserved; likely: streams get more as they go.",
)
@click.option("--confirm/--no-confirm", default=True, help="Whether a header lets such a call through.")
@click.option(
    "--when-unavailable",
    type=click.Choice(["refuse", "serve"]),
    default="refuse",
    show_default=True,
    help="What becomes of its calls while the store is away.",
)
@click.option("--note", default="", help="For people.")
def set_(
    name: str, config: Path | None, amount: str, unit: Unit, scope: dict[str, str], tenant: str, window: str, zone: str,
    fiscal_start: str, roll_over: bool, soft: bool, exceeded: Any, payment_required: bool, max_call: str, cover: Any, confirm: bool,
    when_unavailable: Any, note: str,
) -> None:  # fmt: skip
    """Make the budget NAME, or replace it; what was spent stays."""
    budget = _checked(
        lambda: Budget(
            id=name, amount=amount_from(amount, unit), unit=unit, scope=scope_from(scope), tenant=tenant, window=window,
            zone=zone, fiscal_start=fiscal_start, roll_over=roll_over, hard=not soft, exceeded=exceeded,
            payment_required=payment_required, max_call=nano_from_dollars(max_call), cover=cover, confirm=confirm,
            when_unavailable=when_unavailable, note=note,
        )
    )  # fmt: skip

    async def work(budgets: Budgets) -> None:
        await budgets.put(budget, who=user())

    _with_budgets(_settings(config), work)
    click.echo(f"The budget {name} is {_amount(budget, budget.amount)} a {window} for {scope_text(budget)}.")


@command.command("raise")
@click.argument("name")
@config_option
@click.option("--amount", required=True, help="How much more, in the budget's unit.")
@click.option("--until", required=True, help="2027-01-31, 2027-01-31T08:00, 7d or 12h.")
@click.option("--reason", required=True, help="Why; it is kept.")
def raise_(name: str, config: Path | None, amount: str, until: str, reason: str) -> None:
    """More for a time. It ends by itself."""
    try:
        until_us = microseconds(ahead(until))
    except (ValueError, OverflowError):
        raise click.BadParameter(f"{until!r} is no time. Write 2027-01-31, 2027-01-31T08:00, 7d or 12h.") from None
    if until_us <= _now_us():
        raise click.BadParameter(f"{until!r} is over.")

    async def work(budgets: Budgets) -> Budget:
        budget = await _found(budgets, name)
        more = Raise(_checked(lambda: amount_from(amount, budget.unit)), until_us, reason, _now_us(), user())
        return await budgets.add_raise(name, more, who=user()) or budget

    budget = _with_budgets(_settings(config), work)
    said = _amount(budget, budget.allowed_at(_now_us()))
    click.echo(f"The budget {name} is {said} a {budget.window} until {show_time(until_us)}.")


@command.command()
@click.argument("name")
@config_option
def remove(name: str, config: Path | None) -> None:
    """Remove the budget NAME. What was charged to it stays in the ledger."""

    async def work(budgets: Budgets) -> bool:
        return await budgets.remove(name, who=user())

    if not _with_budgets(_settings(config), work):
        raise _unknown(name)
    click.echo(f"The budget {name} is removed.")


@command.command()
@config_option
@click.option(
    "--release", "holders", multiple=True, metavar="HOLDER",
    help="Give back what this gateway held: it is dead, and its journal is gone. Repeat.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def reconcile(config: Path | None, holders: tuple[str, ...], as_json: bool) -> None:
    """Take over what killed gateways left on this machine, and show what others still hold.

    What a gateway held when it vanished counts as spent. The journal beside it tells what of that was used; where the
    journal is gone with its machine, --release gives all of it back on your word.
    """
    settings = _settings(config)

    async def work(store: Store) -> tuple[str, dict[str, int], list[Lost]]:
        found = await recover(Path(settings.store.journal or store.engine.journal_folder), store)
        budgets = Budgets(store)
        lost = await budgets.lost(_now_us())
        known = {each.holder for each in lost}
        for holder in holders:
            if holder not in known:
                raise click.ClickException(f"no vanished gateway {holder} holds anything")
        given = {holder: await budgets.release(holder, who=user()) for holder in holders}
        return str(found), given, await budgets.lost(_now_us())

    found, given, lost = with_store(settings, work)
    if as_json:
        print_json({"recovered": found, "released": given, "lost": msgspec.to_builtins(lost)})
        return
    click.echo(f"Journals on this machine: {found}.")
    for holder, amount in given.items():
        click.echo(f"{holder} gave back {amount:,} units.")
    if lost:
        table = Table("gateway", "gone since", "budget", "member", "window", "held", box=None, pad_edge=False)
        for each in lost:
            since = show_time(each.ended_us) if each.ended_us else "?"
            table.add_row(each.holder, since, each.budget, each.member, each.window, f"{each.amount:,}")
        print_table(table)
    else:
        click.echo("No vanished gateway holds anything.")


def _settings(config: Path | None) -> Settings:
    return load_settings(config, only={"store"})


def _with_budgets(settings: Settings, work: Callable[[Budgets], Coroutine[Any, Any, T]]) -> T:
    try:
        return with_store(settings, lambda store: work(Budgets(store)), make=True)
    except ValueError as error:
        raise click.ClickException(f"{error}") from None


def _checked(make: Callable[[], T]) -> T:
    try:
        made = make()
        if isinstance(made, Budget):
            made.check()
    except (ValueError, ArithmeticError) as error:
        raise click.UsageError(f"{error}") from None
    return made


async def _found(budgets: Budgets, name: str) -> Budget:
    budget = await budgets.one(name)
    if budget is None:
        raise _unknown(name)
    return budget


def _unknown(name: str) -> click.ClickException:
    return click.ClickException(f"there is no budget {name}; `farthing budgets list` shows all")


def _lines(budget: Budget) -> list[str]:
    hard = "hard" if budget.hard else "soft"
    found = [
        f"{budget.id}: {_amount(budget, budget.amount)} a {budget.window} ({budget.zone}) for {scope_text(budget)}, {hard}, "
        f"from {'farthing.toml' if budget.source == 'settings' else 'the store'}"
    ]
    if budget.max_call:
        found.append(f"    calls above {show_dollars(budget.max_call)} are stopped")
    found += [
        f"    {_amount(budget, each.amount)} more until {show_time(each.until_us)}: {each.reason}"
        for each in budget.raises
        if each.until_us > _now_us()
    ]
    return found


def _print(budgets: list[Budget], standings: list[Standing]) -> None:
    table = Table("budget", "scope", "member", "window", box=None, pad_edge=False)
    for name in ("limit", "spent", "reserved", "left"):
        table.add_column(name, justify="right")
    table.add_column("resets")
    for budget in budgets:
        mine = [each for each in standings if each.budget == budget.id]
        for each in mine:
            resets = "never" if each.resets_us >= FOREVER_US else show_time(each.resets_us)
            amounts = (each.limit, each.spent + each.lost, each.reserved, each.left)
            table.add_row(
                budget.id,
                scope_text(budget),
                each.member,
                each.window,
                *(_amount(budget, each) for each in amounts),
                resets,
            )
        if not mine:
            table.add_row(budget.id, scope_text(budget), "(nobody yet)", budget.window, _amount(budget, budget.amount))
    print_table(table)


def _amount(budget: Budget, amount: int) -> str:
    return show_dollars(amount) if budget.unit == "money" else f"{amount:,} {budget.unit}"


def _for_machines(budget: Budget, standings: list[Standing]) -> dict[str, Any]:
    mine = [each for each in standings if each.budget == budget.id]
    return {**msgspec.to_builtins(budget), "standings": msgspec.to_builtins(mine)}


def _now_us() -> int:
    return time.time_ns() // 1000
