"""Tables of rates and of the lines of a cost."""

import re
from collections.abc import Iterable, Sequence

from rich.table import Table

from farthing.cli.common import print_table
from farthing.finops.cost_card import line_dollars, per_million
from farthing.model.record import PricedLine


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
