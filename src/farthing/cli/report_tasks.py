"""`farthing report tasks`: what each kind of work costs, and how much less than it would, beside what is usual."""

from pathlib import Path

import click
from rich.table import Table

from farthing.cli.common import amounts, load_settings, print_json, print_table, with_store
from farthing.cli.report_span import percent, report_options, share_of
from farthing.model.money import show_dollars
from farthing.store import ReportRow, Store

USUAL: dict[str, tuple[float, float]] = {
    "classification": (0.80, 0.95), "extraction": (0.80, 0.95), "summarisation": (0.50, 0.70), "qa": (0.50, 0.70),
    "embedding": (0.95, 1.0),
}  # fmt: skip
"""Reductions that are commonly expected of routing such work to cheaper models."""


@click.command()
@report_options()
def tasks(config: Path | None, since: int | None, tenant: str, as_json: bool) -> None:
    """What each kind of work costs, and by how much that is less than it would have been.

    The reduction is 1 - cost / baseline, by the ledger; `usual` is what is commonly expected of routing such work.
    """

    async def read(store: Store) -> list[ReportRow]:
        return await store.report("task", since or 0, tenant=tenant)

    rows = with_store(load_settings(config, only={"store"}), read)
    if as_json:
        print_json({"tasks": [_for_machines(row) for row in rows]})
    elif not rows:
        click.echo("No calls yet.")
    else:
        _print(rows)


def reduction(row: ReportRow) -> float | None:
    """None where there is no baseline to compare with."""
    return share_of(row.baseline - row.cost, row.baseline)


def _for_machines(row: ReportRow) -> dict[str, object]:
    return {
        "task": row.key, "calls": row.calls, "calls_without_cost": row.calls_without_cost, "cost": amounts(row.cost),
        "baseline": amounts(row.baseline), "reduction": reduction(row), "usual": USUAL.get(row.key),
    }  # fmt: skip


def _print(rows: list[ReportRow]) -> None:
    table = Table(box=None, pad_edge=False)
    table.add_column("task", overflow="fold")
    for title in ("calls", "cost", "baseline", "reduction", "usual"):
        table.add_column(title, justify="right")
    for row in rows:
        table.add_row(
            row.key or "(unknown)", f"{row.calls:,}", show_dollars(row.cost), show_dollars(row.baseline),
            percent(reduction(row)), _usual(row.key),
        )  # fmt: skip
    print_table(table)
    if any(row.calls_without_cost for row in rows):
        click.echo("Calls without a known price or usage are counted, but not in the amounts.")


def _usual(task: str) -> str:
    if task not in USUAL:
        return ""
    low, high = USUAL[task]
    return f"{low:.0%}+" if high == 1 else f"{low:.0%} to {high:.0%}"
