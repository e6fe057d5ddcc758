"""How rates and the costs of lines are shown: exact, without zeros that say nothing."""

import re
from collections.abc import Iterable, Sequence
from decimal import Decimal

from rich.table import Table

from farthing.cli.common import print_table
from farthing.model.money import Pico
from farthing.model.record import PricedLine


def plain(amount: Decimal) -> str:
    """Without an exponent and trailing zeros."""
    exact = f"{amount:f}"
    return exact.rstrip("0").rstrip(".") if "." in exact else exact


def per_million(rate: Pico | None) -> str:
    """A rate as price lists have it; empty where none is known."""
    return "" if rate is None else plain(Decimal(rate).scaleb(-6))


def line_dollars(line: PricedLine) -> str:
    """What a line costs, exactly: only the sum of an attempt is rounded."""
    return plain(Decimal(line.count * line.rate).scaleb(-12))


def print_rows(table: Table, rows: Iterable[Sequence[str]]) -> None:
    """Print a table, numbers to the right; nothing in a cell is taken for markup."""
    cells = [list(row) for row in rows]
    for place, column in enumerate(table.columns):
        if all(re.fullmatch(r"[\d.,$?-]*", row[place]) for row in cells):
            column.justify = "right"
    for row in cells:
        table.add_row(*row)
    print_table(table)


def lines_table(lines: Iterable[PricedLine]) -> Table:
    """The lines of a cost: units, rates, amounts."""
    table = Table("unit", "count", "$ per 1M", "cost", box=None, pad_edge=False)
    for column in table.columns[1:]:
        column.justify = "right"
    for line in lines:
        table.add_row(line.unit, f"{line.count:,}", per_million(line.rate), f"${line_dollars(line)}")
    return table
