"""`farthing report tasks`: what each kind of work costs, and how much less than it would, beside what is usual; and what
work that compares texts would cost at an embedding model."""

import time
from pathlib import Path

import click
from rich.table import Table

from farthing.catalog import Costs, Expect
from farthing.cli.common import amounts, load_without_keys, print_json, print_table, with_store
from farthing.cli.places import catalog_of
from farthing.cli.report_span import percent, report_options
from farthing.finops.tasks import USUAL, VECTORS, AsVectors, reduction, usual
from farthing.model.money import show_dollars
from farthing.prices.configured import configured_book
from farthing.settings import Settings
from farthing.store import ReportRow, Store


@click.command()
@report_options()
def tasks(config: Path | None, since: int | None, tenant: str, as_json: bool) -> None:
    """What each kind of work costs, and by how much that is less than it would have been.

    The reduction is 1 - cost / baseline, by the ledger; `usual` is what is commonly expected of routing such work. Calls
    that have a model compare, rank or match texts are `embedding`; beside them stands what an embedding model would cost
    for the same texts at today's price. `farthing overhead` is what Farthing asked of its own accord: second answers, judges,
    encoders. It is in no other row.
    """
    settings = load_without_keys(config, {"store", "providers", "models", "prices", "routing"})

    async def read(store: Store) -> list[ReportRow]:
        return await store.report("task", since or 0, tenant=tenant)

    rows = with_store(settings, read)
    compared = next((row for row in rows if row.key == VECTORS), None)
    vectors = _as_vectors(settings, compared.in_tokens) if compared is not None else None
    if as_json:
        print_json({"tasks": [_for_machines(row, vectors if row is compared else None) for row in rows]})
    elif not rows:
        click.echo("No calls yet.")
    else:
        _print(rows)
        if compared is not None and vectors is not None:
            click.echo(
                f"{compared.calls:,} calls compare texts, which {vectors.model} does for at most "
                f"{show_dollars(vectors.cost)} instead of {show_dollars(compared.cost)}."
            )


def _as_vectors(settings: Settings, in_tokens: int) -> AsVectors | None:
    """None where no embedding model is at hand, or its price is not known."""
    book = configured_book(settings.prices)
    catalog = catalog_of(settings, book)
    model = next(iter(catalog.embeddings), "")
    costs = Costs(book, catalog, Expect(lambda name: catalog.facts(name).verbosity, catalog.name_there))
    cost = costs.as_embedding(in_tokens, time.time_ns() // 1000, model) if model else None
    return AsVectors(model, cost) if cost is not None else None


def _for_machines(row: ReportRow, vectors: AsVectors | None) -> dict[str, object]:
    return {
        "task": row.key, "calls": row.calls, "calls_without_cost": row.calls_without_cost, "cost": amounts(row.cost),
        "baseline": amounts(row.baseline), "reduction": reduction(row), "usual": USUAL.get(row.key),
        "at_embedding_model": {"model": vectors.model, "cost": amounts(vectors.cost)} if vectors is not None else None,
    }  # fmt: skip


def _print(rows: list[ReportRow]) -> None:
    table = Table(box=None, pad_edge=False)
    table.add_column("task", overflow="fold")
    for title in ("calls", "cost", "baseline", "reduction", "usual"):
        table.add_column(title, justify="right")
    for row in rows:
        table.add_row(
            row.key or "(unknown)", f"{row.calls:,}", show_dollars(row.cost), show_dollars(row.baseline),
            percent(reduction(row)), usual(row.key),
        )  # fmt: skip
    print_table(table)
    if any(row.calls_without_cost for row in rows):
        click.echo("Calls without a known price or usage are counted, but not in the amounts.")
