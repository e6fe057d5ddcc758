"""`farthing report tiers`: how many calls go to the cheaper tiers, by feature, against the target."""

from pathlib import Path

import click
import msgspec
from rich.table import Table

from farthing.cli.common import load_settings, print_json, print_table, with_store
from farthing.cli.report_span import percent, report_options
from farthing.finops.mixes import TARGET, TOTAL, Mix, mixes_of, total_of
from farthing.model.routes import TIERS
from farthing.store import ReportRow, Store


@click.command()
@report_options()
def tiers(config: Path | None, since: int | None, tenant: str, as_json: bool) -> None:
    """How many calls went to which tier, and whether 70 % of those that were routed are on the cheaper ones.

    Calls that name a model, and calls that the cache answered, have no tier.
    """

    async def read(store: Store) -> list[ReportRow]:
        return await store.report("feature,tier", since or 0, tenant=tenant)

    mixes = mixes_of(with_store(load_settings(config, only={"store"}), read))
    total = total_of(mixes)
    if as_json:
        features = [_for_machines(mix) for mix in mixes]
        print_json({"target": TARGET, "total": _for_machines(total), "features": features})
    elif not mixes:
        click.echo("No calls yet.")
    else:
        _print(mixes, total)


def _for_machines(mix: Mix) -> dict[str, object]:
    reached = None if mix.cheaper is None else mix.cheaper >= TARGET
    return msgspec.structs.asdict(mix) | {"routed": mix.routed, "cheaper_share": mix.cheaper, "reached": reached}


def _print(mixes: list[Mix], total: Mix) -> None:
    table = Table(box=None, pad_edge=False, show_footer=len(mixes) > 1)
    shown = _cells(total)
    table.add_column("feature", footer=TOTAL, overflow="fold")
    for title, footer in zip((*TIERS, "no tier", "cheaper tiers", "target"), shown, strict=True):
        table.add_column(title, justify="right", footer=footer)
    for mix in mixes:
        table.add_row(mix.feature or "(none)", *_cells(mix))
    print_table(table)


def _cells(mix: Mix) -> list[str]:
    return [*(f"{mix.tiers[tier]:,}" for tier in TIERS), f"{mix.other:,}", percent(mix.cheaper), _target(mix.cheaper)]


def _target(cheaper: float | None) -> str:
    if cheaper is None:
        return ""
    return "reached" if cheaper >= TARGET else f"below {percent(TARGET, 0)}"
