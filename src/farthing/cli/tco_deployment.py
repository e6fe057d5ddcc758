"""`farthing tco deployment`: what the paid hours of an own deployment were used for, and what was idle."""

import time
from pathlib import Path
from typing import Any

import click
import msgspec

from farthing.cli.common import When, amounts, config_option, load_settings, print_json, with_store
from farthing.cli.report_span import percent
from farthing.finops.selfhosted import Standing, standing
from farthing.model.money import show_dollars
from farthing.store import Store
from farthing.store.rollups import HOUR_US
from farthing.store.served import Served, served

AMOUNTS = ("paid", "gpus", "used", "idle", "in_ledger")


@click.command("deployment", short_help="What an own deployment's paid hours were used for.")
@click.argument("name")
@click.option("--since", type=When(), default="30d", show_default=True, help="First hour.")
@click.option("--until", type=When(), default="now", show_default=True, help="First hour that is not counted any more.")
@click.option("--tenant", default="", help="Only calls of this tenant; the GPUs are all the same.")
@config_option
@click.option("--json", "as_json", is_flag=True, help="For machines; amounts as integer nano-dollars and as text.")
def deployment(name: str, since: int, until: int, tenant: str, config: Path | None, as_json: bool) -> None:
    """What a call at the deployment NAME really costs, by how much of its paid hours is used; idle hours are shown apart.

    NAME is a label of the ledger (`own/llama-8b`) with a table [selfhost.deployments."NAME"] in the settings.
    """
    settings = load_settings(config, only={"selfhost", "store"})
    own = settings.selfhost.deployments.get(name)
    if own is None:
        known = ", ".join(settings.selfhost.deployments) or "none"
        raise click.UsageError(f'There is no [selfhost.deployments."{name}"] in the settings; there are: {known}.')
    first = since - since % HOUR_US
    end = min(-(-until // HOUR_US) * HOUR_US, time.time_ns() // 1000)
    if end <= first:
        raise click.UsageError("The span ends before it begins.")

    async def work(store: Store) -> list[Served]:
        return await store.do(lambda connection: served(connection, name, first, end, tenant=tenant))

    found = standing(name, own, with_store(settings, work), first, end)
    if as_json:
        print_json(_for_machines(found))
    else:
        _print(found)


def _for_machines(found: Standing) -> dict[str, Any]:
    shown = msgspec.structs.asdict(found)
    shown |= {name: amounts(shown[name]) for name in AMOUNTS}
    each = {
        "per_call": found.per_call,
        "per_call_with_idle": found.per_call_with_idle,
        "per_million_output": found.per_million,
    }
    shown |= {name: None if value is None else amounts(value) for name, value in each.items()}
    return shown | {"utilisation": found.utilisation}


def _print(found: Standing) -> None:
    click.echo(f"{found.deployment}: {found.gpu_hours:,.0f} GPU hours paid, {found.attempts:,} calls\n")
    for name, amount in (
        ("paid", found.paid), ("of it GPUs", found.gpus), ("used by calls", found.used), ("idle", found.idle),
    ):  # fmt: skip
        click.echo(f"{name:<28}{show_dollars(amount):>16}")
    click.echo(f"{'utilisation':<28}{percent(found.utilisation):>16}")
    click.echo(f"{'busiest hour':<28}{percent(found.busiest):>16}")
    click.echo(f"{'a call, busy part':<28}{show_dollars(found.per_call):>16}")
    click.echo(f"{'a call, idle hours and all':<28}{show_dollars(found.per_call_with_idle):>16}")
    click.echo(f"{'1M tokens out, all':<28}{show_dollars(found.per_million):>16}")
    click.echo(f"{'in the ledger':<28}{show_dollars(found.in_ledger):>16}")
    if found.idle < 0 or found.busiest > 1:
        click.echo("\nMore was served than tokens_per_second allows: measure it again.")
    if found.without_usage:
        click.echo(f"\n{found.without_usage:,} calls reported no usage: what they used counts as idle.")
    if abs(found.in_ledger - found.used) > max(1, found.used // 100):
        click.echo("\nThe ledger has these calls at other prices; `farthing rerate` prices them anew.")
