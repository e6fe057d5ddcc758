"""`farthing calls`: single calls, the newest first."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.table import Table

from farthing.cli.common import (
    When,
    amounts,
    config_option,
    load_settings,
    pairs_option,
    print_json,
    show_time,
    with_store,
)
from farthing.cli.rates_text import print_rows
from farthing.model.money import show_dollars
from farthing.store import CallRow, Store

AMOUNTS = ("cost", "baseline", "saved")


@click.command("calls")
@config_option
@click.option("--limit", "-n", type=click.IntRange(1, 10_000), default=20, show_default=True, help="How many.")
@click.option("--since", type=When(), help="Not before this day or time (UTC), or so long ago: 7d, 36h.")
@click.option("--until", type=When(), help="Before this day or time.")
@pairs_option("--where", help="Only calls of this feature, team, user, model, outcome, ...; repeat.")
@click.option("--json", "as_json", is_flag=True, help="For machines; amounts as integer nano-dollars and as text.")
def command(
    config: Path | None, limit: int, since: int | None, until: int | None, where: Mapping[str, str], as_json: bool
) -> None:  # fmt: skip
    """List the newest calls; `farthing explain` shows one of them in full."""

    async def read(store: Store) -> list[CallRow]:
        return await store.calls(since_us=since or 0, until_us=until, where=where, limit=limit)

    rows = with_store(load_settings(config, only={"store"}), read)
    if as_json:
        print_json([_for_machines(row) for row in rows])
    elif rows:
        table = Table(
            "call", "when", "feature", "user", "model", "in", "out", "cost", "ended", box=None, pad_edge=False
        )
        print_rows(table, ([*_cells(row)] for row in rows))
    else:
        click.echo("No calls.")


def _for_machines(row: CallRow) -> dict[str, Any]:
    shown: dict[str, Any] = msgspec.structs.asdict(row)
    return shown | {name: amounts(shown[name]) for name in AMOUNTS}


def _cells(row: CallRow) -> tuple[str, ...]:
    known = row.cost_state not in ("unpriced", "unknown")
    ended = row.outcome if row.outcome != "ok" else f"{row.status}"
    return (
        row.id, show_time(row.started_us).removesuffix(" UTC"), row.feature, row.user, row.model or row.model_asked,
        f"{row.in_tokens:,}", f"{row.out_tokens:,}", show_dollars(row.cost if known else None), ended,
    )  # fmt: skip
