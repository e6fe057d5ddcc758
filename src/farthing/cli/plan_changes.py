"""`farthing plan changes`, `accept`, `reject` and `apply`: settings that a plan proposed, from the proposal into the file."""

import os
import shutil
import time
from difflib import unified_diff
from pathlib import Path

import click
from rich.table import Table

from farthing.cli.common import (
    config_option,
    load_settings,
    print_json,
    print_table,
    show_time,
    user,
    with_store,
)
from farthing.cli.routes_changes import printable_lines
from farthing.cli.routes_common import confirm, yes_option
from farthing.finops.plans.settings_text import flat, merged
from farthing.settings import DEFAULT_FILE, Settings, parse
from farthing.store import Store
from farthing.store.proposed_settings import ProposedSettings, SettingChanges, State

LISTED = 30
number_argument = click.argument("number", type=click.IntRange(1))


@click.command(short_help="Settings that were proposed.")
@config_option
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def changes(config: Path | None, as_json: bool) -> None:
    """Settings that were proposed, the newest first, and what became of each."""
    found = with_store(load_settings(config, only={"store"}), lambda store: SettingChanges(store).every(LISTED))
    if as_json:
        print_json({"changes": found})
        return
    if not found:
        click.echo("Nothing was proposed. `farthing plan --ledger --propose` does, and the page Plan.")
        return
    table = Table(box=None, pad_edge=False)
    for title in ("change", "proposed", "by", "why", "state", "decided by"):
        table.add_column(title)
    for each in found:
        table.add_row(f"{each.no}", show_time(each.at_us), each.who, each.why, each.state, each.decided_by)
    print_table(table)
    for each in found:
        if each.state in ("proposed", "accepted"):
            next_ = "accept" if each.state == "proposed" else "apply"
            click.echo(f"\nChange {each.no}; next: farthing plan {next_} {each.no}\n{printable_lines(each.toml)}")


@click.command(short_help="Accept settings that were proposed.")
@number_argument
@config_option
def accept(number: int, config: Path | None) -> None:
    """Accept the change with this NUMBER. It holds when it is in the settings' file: `farthing plan apply`."""
    _move(config, number, "accepted")
    click.echo(f"Change {number} is accepted. Nothing has changed yet. Next: farthing plan apply {number}")


@click.command(short_help="Put settings away that were proposed.")
@number_argument
@config_option
def reject(number: int, config: Path | None) -> None:
    """Put the change with this NUMBER away."""
    _move(config, number, "rejected")
    click.echo(f"Change {number} is put away.")


@click.command("apply", short_help="Write an accepted change into the settings' file.")
@number_argument
@config_option
@yes_option
def apply(number: int, config: Path | None, yes: bool) -> None:
    """Write the accepted change with this NUMBER into the settings' file, which keeps its comments and order. What changes is
    shown first. The file before is left beside it, as FILE.before: put it back to go back. Gateways take either up when they
    start again; until then nothing changes."""
    settings = load_settings(config, only={"store"})
    change = _one(settings, number)
    if change.state != "accepted":
        raise click.ClickException(f"change {number} is {change.state}; only what is accepted is written")
    path = config or Path(DEFAULT_FILE)
    before = path.read_text(encoding="utf-8") if path.is_file() else ""
    after = _merged(before, change.toml, path)
    diff = unified_diff(before.splitlines(), after.splitlines(), "now", "then", lineterm="")
    confirm("\n".join(printable_lines(line) for line in diff) + f"\nWrite this to {path}?", yes)
    if before:
        shutil.copy2(path, path.with_name(f"{path.name}.before"))  # no more readable than the file itself
    path.write_text(after, encoding="utf-8")
    _move(config, number, "written")
    click.echo(f"{path} is written. It holds from the gateway's next start; until then nothing changes.")
    if before:
        click.echo(f"To go back: cp {path}.before {path}, and start it again.")


CHANGES = (changes, accept, reject, apply)


def _merged(before: str, more: str, path: Path) -> str:
    """Raises ClickException for a file that it cannot be put into, and SettingsError for settings that are none."""
    try:
        after = merged(before, more)
    except ValueError as error:
        raise click.ClickException(f"{path}: {error}. Put these lines in by hand:\n{more}") from None
    parse(after, os.environ, path, only={place[0] for place in flat(more)})
    return after


def _one(settings: Settings, number: int) -> ProposedSettings:
    found = with_store(settings, lambda store: SettingChanges(store).one(number))
    if found is None:
        raise click.ClickException(f"there is no change {number}")
    return found


def _move(config: Path | None, number: int, state: State) -> None:
    settings = load_settings(config, only={"store"})
    now = _one(settings, number)

    async def do(store: Store) -> bool:
        return await SettingChanges(store).move(number, state, user(), time.time_ns() // 1000)

    if not with_store(settings, do):
        raise click.ClickException(f"change {number} is {now.state} already")
