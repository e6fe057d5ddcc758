"""A table of a page: one value, shown as HTML by a macro of `_macros.html` and downloaded as CSV from here."""

import csv
import io
from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from farthing.dashboard import formats
from farthing.finops.spreadsheet import harmless
from farthing.model.money import exact_dollars

Kind = Literal[
    "text", "money", "count", "percent", "duration", "moment", "change", "exact", "prose", "progress", "scope"
]
"""`exact` is a figure that is written out already, `prose` is text of several lines, `progress` a share of 1 that is drawn
as a bar too, `scope` names a task or, by its digest, a template."""
UNKNOWN = "?"
"""A value that there is and nobody knows, such as the cost of a call without a price. None is where there is none."""
MOST_SHOWN = 300
"""Rows of a table on a page; its file has all."""
NUMERIC: frozenset[Kind] = frozenset({"money", "count", "percent", "duration", "change", "exact"})


class Column(msgspec.Struct, frozen=True):
    """`name` heads the CSV, `title` the page."""

    name: str
    title: str
    kind: Kind = "text"
    help: str = ""
    """What it is, where the title does not say."""
    href: str = ""
    """Where the title leads: to the table sorted by it."""
    sorted: Literal["", "ascending", "descending"] = ""
    """How the rows stand by it."""

    @property
    def is_numeric(self) -> bool:
        return self.kind in NUMERIC


class Row(msgspec.Struct, frozen=True):
    """Values as they are kept: amounts in nano-dollars, shares of 1, microseconds; None where there is none."""

    values: tuple[Any, ...]
    href: str = ""
    """Where the first cell leads: deeper into it."""
    calls: str = ""
    """Where its figures lead: the calls behind them."""
    mark: Literal["", "bad", "good", "quiet", "total"] = ""


class Table(msgspec.Struct, frozen=True):
    """`name` is that of its CSV, unique on its page."""

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: Sequence[Row]
    empty: str = "Nothing here for this period and scope."
    """What stands in its place without rows."""
    note: str = ""
    """What is not in it, and other things that a careful reader asks."""
    more: str = ""
    """An address with the rest, where it was cut."""

    @property
    def on_page(self) -> Sequence[Row]:
        """The rows that a page shows: the first ones, and the totals below them."""
        if len(self.rows) <= MOST_SHOWN:
            return self.rows
        return [*self.rows[:MOST_SHOWN], *(row for row in self.rows[MOST_SHOWN:] if row.mark == "total")]

    def csv(self) -> str:
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\r\n")
        writer.writerow([column.name for column in self.columns])
        for row in self.rows:
            writer.writerow([_in_file(value, column) for value, column in zip(row.values, self.columns, strict=True)])
        return out.getvalue()


def shown(value: Any, column: Column) -> str:
    """A cell as people read it."""
    if value is None:
        return formats.NONE
    if value is UNKNOWN:
        return str(value)
    match column.kind:
        case "money":
            return formats.money(value)
        case "count":
            return formats.count(value)
        case "percent":
            return formats.percent(value)
        case "duration":
            return formats.duration(value)
        case "moment":
            return formats.moment(value)
        case "change":
            return f"{100 * value:+.0f} %"
        case "progress":
            return formats.percent(value, 0)
        case "exact":
            return str(value)
        case "scope":
            return formats.scope(str(value))
    return formats.said(str(value))


def exact(value: Any, column: Column) -> str:
    """What the eye was spared, for whoever points at the cell."""
    if column.kind == "scope" and value is not None:
        return str(value) if formats.scope(str(value)) != value else ""
    if value is None or value is UNKNOWN or column.kind not in ("money", "count"):
        return ""
    return f"${exact_dollars(round(value))}" if column.kind == "money" else f"{value:,}"


def _in_file(value: Any, column: Column) -> str:
    if value is None or value is UNKNOWN:
        return ""
    if column.kind == "money":
        return exact_dollars(round(value))
    if column.kind == "moment":
        return formats.iso(value)
    return harmless(value) if isinstance(value, str) else f"{value}"
