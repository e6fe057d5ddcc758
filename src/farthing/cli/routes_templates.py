"""`farthing routes templates`: the prompt templates that traffic of the last days came with."""

import time
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.table import Table

from farthing.cli.common import When, amounts, config_option, load_settings, print_json, print_table, with_store
from farthing.cli.report_span import percent, share_of
from farthing.cli.routes_common import json_option, template_name, tenant_option
from farthing.model.money import Nano, show_dollars
from farthing.quality.errand import FEATURES as ERRANDS
from farthing.settings import Settings
from farthing.store import Store
from farthing.store.work import Work, work


class Row(msgspec.Struct):
    """The calls of one template that do the same for one feature."""

    template: str
    name: str
    """What settings call it; empty where they do not."""
    tenant: str
    task: str
    feature: str
    calls: int = 0
    without_cost: int = 0
    cost: Nano = 0


@click.command(short_help="The prompt templates seen in traffic.")
@config_option
@click.option("--since", type=When(), default="7d", show_default=True, help="From this time on, or so long ago.")
@click.option("--limit", "-n", type=click.IntRange(1), default=30, show_default=True, help="How many, dearest first.")
@tenant_option("Only calls of this tenant.")
@json_option
def templates(config: Path | None, since: int, limit: int, tenant: str, as_json: bool) -> None:
    """The prompt templates seen in traffic: what they do, for which feature, and their share of the cost.

    Give one a name and its kind of work under [routing.templates.NAME] in farthing.toml. A template is seen where a call
    was routed, or with `routing.tasks_of = "all"`; the others are the row without one.
    """
    settings = load_settings(config, only={"store", "routing"})
    now = time.time_ns() // 1000

    async def read(store: Store) -> list[Work]:
        return await store.do(lambda connection: work(connection, since, now, tenant=tenant))

    rows = rows_of(with_store(settings, read), settings)
    total = sum(row.cost for row in rows)
    if as_json:
        print_json({"cost": amounts(total), "templates": [_for_machines(row, total) for row in rows[:limit]]})
    elif not rows:
        click.echo("No calls yet.")
    else:
        _print(rows[:limit], total)
        if len(rows) > limit:
            click.echo(f"{len(rows) - limit:,} more; --limit shows them.")


def rows_of(works: list[Work], settings: Settings) -> list[Row]:
    """By template, task and feature, dearest first; without calls that Farthing sends itself."""
    found: dict[tuple[str, str, str, str], Row] = {}
    for each in works:
        if each.feature in ERRANDS:
            continue
        key = (each.tenant, each.template, each.task, each.feature)
        row = found.get(key)
        if row is None:
            name = template_name(each.template, settings)
            row = found[key] = Row(each.template, name, each.tenant, each.task, each.feature)
        row.calls += each.calls
        row.without_cost += each.without_cost
        row.cost += each.cost
    return sorted(found.values(), key=lambda row: (-row.cost, -row.calls, row.template, row.feature))


def _for_machines(row: Row, total: Nano) -> dict[str, Any]:
    return msgspec.structs.asdict(row) | {"cost": amounts(row.cost), "share": share_of(row.cost, total)}


def _print(rows: list[Row], total: Nano) -> None:
    tenants = len({row.tenant for row in rows}) > 1
    grid = Table(box=None, pad_edge=False)
    for title in ("template", *(("tenant",) if tenants else ()), "task", "feature"):
        grid.add_column(title)
    for title in ("calls", "cost", "share"):
        grid.add_column(title, justify="right")
    for row in rows:
        grid.add_row(
            f"{row.name} ({row.template})" if row.name else row.template or "(none)", *((row.tenant,) if tenants else ()),
            row.task or "(unknown)", row.feature or "(none)", f"{row.calls:,}", show_dollars(row.cost),
            percent(share_of(row.cost, total)),
        )  # fmt: skip
    print_table(grid)
    if any(row.without_cost for row in rows):
        click.echo("Calls without a known price or usage are counted, but not in the amounts.")
