"""Single calls, the newest first, narrowed by anything that a call says of itself."""

from typing import NamedTuple
from urllib.parse import quote

from farthing.dashboard.filters import SCOPES
from farthing.dashboard.page import Page, Values
from farthing.dashboard.spending.sums import holds, sums, total
from farthing.dashboard.table import UNKNOWN, Column, Row, Table
from farthing.dashboard.view import View
from farthing.finops.cost_card import is_known
from farthing.gateway.calls import ID_LIMIT
from farthing.gateway.guard import OWN
from farthing.model.errors import BadRequest
from farthing.store import CallRow, ReportRow, reading
from farthing.store.engine import Connection
from farthing.store.rollups import NOT_ERRORS

PAGE_ROWS = 50
MOST_IN_FILE = 10_000

COLUMNS = (
    Column("started", "Time (UTC)", "moment"),
    Column("feature", "Feature"),
    Column("user", "User"),
    Column("model", "Model", help="As it was asked for, and what ran where that is another"),
    Column("tier", "Tier"),
    Column("outcome", "Outcome"),
    Column("in_tokens", "In", "count", "Input tokens"),
    Column("out_tokens", "Out", "count", "Output tokens"),
    Column("cost", "Cost", "money", "A question mark where no price or no usage is known"),
    Column("saved", "Saved", "money", "What the call as sent would have cost, less its cost"),
    Column("duration", "Took", "duration"),
    Column("cache", "Cache", help="How our own cache answered"),
)
IN_FILE = (
    Column("id", "Call"),
    Column("started", "Time", "moment"),
    *(Column(name, name) for name in ("feature", "team", "project", "user", "key", "task", "transaction", "session")),
    *(Column(name, name) for name in ("wire", "model_asked", "model", "provider", "tier", "outcome")),
    *(Column(name, name, "count") for name in ("status", "in_tokens", "cached_tokens", "out_tokens")),
    Column("cost_state", "cost_state"),
    *(Column(name, name, "money") for name in ("cost", "baseline", "saved")),
    *(Column(name, name, "count") for name in ("first_byte_us", "duration_us")),
    Column("cache", "cache"),
)
"""The same and more, one thing a column, for files."""


class Quick(NamedTuple):
    """A filter that is set or taken away with one click."""

    title: str
    name: str
    value: str


QUICK = (
    Quick("errors", "outcome", "error"), Quick("broken off", "outcome", "broken"), Quick("client left", "outcome", "left"),
    Quick("no price", "cost_state", "unpriced"), Quick("no usage", "cost_state", "unknown"),
    Quick("exact hits", "cache", "exact"), Quick("semantic hits", "cache", "semantic"),
    Quick("small", "tier", "small"), Quick("mid", "tier", "mid"), Quick("flagship", "tier", "flagship"),
)  # fmt: skip


async def read(view: View) -> Values:
    in_file = "table" in view.params
    before = _before(view.query.get("before", ""))
    most = MOST_IN_FILE if in_file else PAGE_ROWS
    if in_file:
        return {"table": await view.read(lambda connection: _file(_read(connection, view, most, None)[0]))}
    rows, all_ = await view.read(lambda connection: _read(connection, view, most + 1, before))
    shown = rows[:most]
    later = len(rows) > most
    return {
        "table": _table(view, shown),
        "all": all_,
        "older": view.href(before=f"{shown[-1].started_us}.{shown[-1].id}") if later else "",
        "newest": view.href() if before is not None else "",
        "quick": [(each.title, _toggled(view, each), view.filters.where.get(each.name) == each.value) for each in QUICK],
        "scopes": SCOPES,
        "most_in_file": MOST_IN_FILE,
    }  # fmt: skip


def _read(
    connection: Connection, view: View, limit: int, before: tuple[int, str] | None
) -> tuple[list[CallRow], ReportRow | None]:
    """The calls, and the sum of all of the period and scope where such sums are kept."""
    period = view.filters.period
    rows = reading.calls(
        connection, since_us=period.since_us, until_us=period.until_us, where=view.where_calls, limit=limit,
        before=before,
    )  # fmt: skip
    where = {name: value for name, value in view.where_calls.items() if name != "tenant"}
    if not holds(("day",), where):
        return rows, None
    return rows, total(sums(connection, ("day",), period, view.tenant, where))


def _before(text: str) -> tuple[int, str] | None:
    """Where the list goes on: the last call of the part before. Raises BadRequest."""
    if not text:
        return None
    started, _, call_id = text.partition(".")
    if not (started.isascii() and started.isdigit()) or len(started) > 16:
        raise BadRequest("The list does not go on from there; take its beginning.", param="before")
    return int(started), call_id[:ID_LIMIT]


def _toggled(view: View, quick: Quick) -> str:
    is_set = view.filters.where.get(quick.name) == quick.value
    return view.href(**{quick.name: None if is_set else quick.value})


def _table(view: View, rows: list[CallRow]) -> Table:
    return Table(
        "calls", "Calls, the newest first", COLUMNS, [_row(view, row) for row in rows],
        empty=_empty(view), note=f"The CSV file has up to {MOST_IN_FILE:,} calls, with more columns.",
    )  # fmt: skip


def _row(view: View, call: CallRow) -> Row:
    ran = call.model or call.model_asked
    model = ran if call.model_asked in ("", ran) else f"{call.model_asked} → {ran}"
    known = is_known(call.cost_state)
    values = (
        call.started_us, call.feature, call.user, model, call.tier or None, _ended(call), call.in_tokens, call.out_tokens,
        call.cost if known else UNKNOWN, call.saved if known else UNKNOWN, call.duration_us, call.cache or None,
    )  # fmt: skip
    href = view.href(f"/calls/{quote(call.id, safe='')}")
    return Row(values, href=href, mark="" if call.outcome in NOT_ERRORS else "bad")


def _ended(call: CallRow) -> str:
    return call.outcome if call.outcome == "ok" or not call.status else f"{call.outcome} {call.status}"


def _file(rows: list[CallRow]) -> Table:
    return Table("calls", "Calls", IN_FILE, [Row(_line(call)) for call in rows])


def _line(call: CallRow) -> tuple[object, ...]:
    known = is_known(call.cost_state)
    amounts = [amount if known else UNKNOWN for amount in (call.cost, call.baseline, call.saved)]
    return (
        call.id, call.started_us, call.feature, call.team, call.project, call.user, call.key_id, call.task,
        call.transaction, call.session, call.wire, call.model_asked, call.model, call.provider, call.tier, call.outcome,
        call.status, call.in_tokens, call.cached_tokens, call.out_tokens, call.cost_state, *amounts, call.first_byte_us,
        call.duration_us, call.cache,
    )  # fmt: skip


def _empty(view: View) -> str:
    if view.filters.where:
        return "No such calls in this period. Take a filter away, or choose a longer period."
    return "No calls in this period. Choose a longer one, or point a client at this gateway."


PAGE = Page("calls", "/calls", "Calls", OWN, read, section="Cost")
