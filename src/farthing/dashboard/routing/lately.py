"""What was decided for the last calls, in the route step's own sentences."""

from collections.abc import Sequence
from urllib.parse import quote

from farthing.dashboard.table import UNKNOWN, Column, Row, Table
from farthing.dashboard.view import View
from farthing.finops.cost_card import is_known, weighed
from farthing.store import decided
from farthing.store.decided import Decided
from farthing.store.engine import Connection

LOOKED_AT = 200
"""Of the newest calls; the page does not search for more."""
SHOWN = 12
STEP = "route"


def read(connection: Connection, view: View) -> list[Decided]:
    """Raises BadRequest for a filter that there is not."""
    period = view.filters.period
    found = decided.lately(
        connection, LOOKED_AT, since_us=period.since_us, until_us=period.until_us, where=view.where_calls
    )  # fmt: skip
    return [each for each in found if each.of(STEP)][:SHOWN]


def table(view: View, found: Sequence[Decided]) -> Table:
    columns = (
        Column("at", "Time (UTC)", "moment"), Column("feature", "Feature"), Column("task", "Task"), Column("chosen", "Chosen"),
        Column("why", "Why", "prose"), Column("cost", "Cost", "money"), Column("saved", "Saved", "money"),
    )  # fmt: skip
    return Table(
        "decisions", "Decided lately", columns, [_row(view, each) for each in found],
        empty=f"None of the newest {LOOKED_AT} calls of this period and scope was routed. Calls are routed that ask for auto, or for a tier.",
    )  # fmt: skip


def _row(view: View, call: Decided) -> Row:
    last = call.of(STEP)[-1]
    known = is_known(call.cost_state)
    values = (
        call.started_us, call.feature, call.task or "unknown", last.what, weighed(last)[0],
        call.cost if known else UNKNOWN, call.saved if known else UNKNOWN,
    )  # fmt: skip
    return Row(values, href=view.href(f"/calls/{quote(call.id, safe='')}"))
