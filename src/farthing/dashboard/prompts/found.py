"""The doctor's findings on a page: the dearest with their spot and fix, and all of them as a table."""

from typing import NamedTuple

from farthing.dashboard.formats import count, moment, money
from farthing.dashboard.table import Column, Row, Table
from farthing.dashboard.view import View
from farthing.lab.doctor import Finding, Report

MOST = 10
COLUMNS = (
    Column("month", "A month", "money", "Lost in the time looked at, for 30 days."), Column("feature", "Feature"), Column("model", "Model"),
    Column("kind", "What breaks it"), Column("place", "Where"), Column("at_byte", "At byte", "count", "Of the block's JSON, as it was sent."),
    Column("shape", "It looks like", help="Letters and digits are masked."), Column("calls", "Calls", "count"),
    Column("looked", "Of", "count", "Calls of the feature to the model that were looked at."), Column("tokens", "Tokens", "count", "Could have been read and were not."),
    Column("lost", "Lost", "money", "These tokens at the plain rate, less what reading them would have cost."), Column("last", "Last seen", "moment"),
)  # fmt: skip


class Shown(NamedTuple):
    """One finding in words."""

    amount: str
    """A month."""
    where: str
    what: str
    fix: str
    times: str
    calls: str
    """An address."""


def dearest(view: View, report: Report, most: int = MOST) -> list[Shown]:
    return [_shown(view, each) for each in report.findings[:most]]


def _shown(view: View, each: Finding) -> Shown:
    where = f"{each.feature or 'calls without a feature'}, {each.model}"
    times = f"{count(each.calls)} of {count(each.looked)} calls, {count(each.tokens)} tokens; last seen {moment(each.last_us)}"
    return Shown(money(each.month), where, each.what, each.fix, times, view.calls(feature=each.feature))


def table(view: View, report: Report) -> Table:
    rows = [
        Row(
            (
                each.month, each.feature, each.model, each.kind, each.place, each.at_byte or None, each.shape or None, each.calls,
                each.looked, each.tokens, each.lost, each.last_us,
            ),
            calls=view.calls(feature=each.feature),
        )
        for each in report.findings
    ]  # fmt: skip
    looked = (
        f"{count(report.looked)} calls with {count(report.tokens)} tokens of input were looked at. "
        if report.looked
        else ""
    )
    note = f"{looked}A call is counted under one reason. Standard rates are taken, whatever tier served."
    empty = (
        "Nothing kept providers' caches from being read."
        if report.looked
        else "No prompt was looked at in this period."
    )
    return Table("findings", "All that the doctor found", COLUMNS, rows, empty=empty, note=note)
