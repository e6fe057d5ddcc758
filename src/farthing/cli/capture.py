"""`farthing capture`: calls that are kept to learn from: how many there are, and how to be rid of them."""

from pathlib import Path
from typing import Any

import click
import msgspec
from rich.table import Table

from farthing.cli.common import When, config_option, load_settings, print_json, print_table, show_time, with_store
from farthing.cli.report_scope import now_us
from farthing.store import Store
from farthing.store.captures import Captures, Kept


@click.group("capture")
def command() -> None:
    """Calls that are kept to learn from, as `[capture]` in farthing.toml says. What they say is shown by none of these."""


@command.command("status")
@config_option
@click.option("--tenant", default="", help="Only this tenant's.")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def status(config: Path | None, tenant: str, as_json: bool) -> None:
    """What is kept, by feature, kind of work and template, and what the settings say."""
    settings = load_settings(config, only={"store", "capture"})
    found = with_store(settings, lambda store: Captures(store).kept(now_us(), tenant=tenant))
    rules = settings.capture
    said = {
        "features": rules.features, "tasks": rules.tasks, "percent": rules.percent, "keep_days": rules.keep_days,
        "redact": rules.redact, "sealed": bool(rules.encryption_key), "max_rows": rules.max_rows,
    }  # fmt: skip
    if as_json:
        print_json({"settings": said, "kept": [msgspec.to_builtins(each) for each in found]})
        return
    named = ", ".join([*(f"feature {name}" for name in rules.features), *(f"task {name}" for name in rules.tasks)])
    sealed, redacted = (
        ("sealed" if rules.encryption_key else "not sealed"),
        ("redacted" if rules.redact else "not redacted"),
    )
    if named:
        click.echo(f"Kept: {rules.percent:g} % of {named}, {redacted}, {sealed}, for {rules.keep_days:g} days.")
    else:
        click.echo('Nothing new is kept: [capture] features = ["NAME"] in farthing.toml names what shall be.')
    if found:
        print_table(_table(found))
    else:
        click.echo("No calls are there.")


@command.command("purge")
@config_option
@click.option("--tenant", default="", help="Only this tenant's.")
@click.option("--feature", default=None, help="Only this feature's.")
@click.option("--task", default=None, help="Only this kind of work's.")
@click.option("--before", type=When(), default=None, help="Only those that began before.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def purge(
    config: Path | None, tenant: str, feature: str | None, task: str | None, before: int | None, yes: bool, as_json: bool
) -> None:  # fmt: skip
    """Delete what is kept, at once; without an option, all of it."""
    if not yes:
        click.confirm("Delete these captured calls?", abort=True, err=True)

    async def work(store: Store) -> int:
        return await Captures(store).purge(tenant=tenant, feature=feature, task=task, before_us=before)

    gone = with_store(load_settings(config, only={"store"}), work)
    if as_json:
        print_json({"deleted": gone})
    else:
        click.echo(f"{gone:,} captured calls deleted.")


def _table(found: list[Kept]) -> Table:
    table = Table("tenant", "feature", "task", "template", box=None, pad_edge=False)
    for title in ("calls", "sealed", "overdue", "KiB"):
        table.add_column(title, justify="right")
    table.add_column("first")
    table.add_column("last")
    for each in found:
        figures: list[Any] = [f"{each.rows:,}", f"{each.sealed:,}", f"{each.overdue:,}", f"{each.bytes / 1024:,.0f}"]
        table.add_row(
            each.tenant, each.feature or "(none)", each.task or "(unknown)", each.template or "(none)", *figures,
            show_time(each.first_us), show_time(each.last_us),
        )  # fmt: skip
    return table
