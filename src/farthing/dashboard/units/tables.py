"""The tables of unit economics: types, drivers, margins, the newest transactions, and the calls and tools of one."""

from collections.abc import Sequence
from typing import Literal
from urllib.parse import quote

from farthing.dashboard.table import UNKNOWN, Column, Row, Table
from farthing.dashboard.view import View
from farthing.finops.cost_card import is_known
from farthing.finops.units import NOTES, Driver, Margin, Report, Unit
from farthing.model.transaction import ToolUse
from farthing.store import CallRow
from farthing.store.rollups import NOT_ERRORS
from farthing.store.schema_transactions import TRANSACTION_SUMS
from farthing.store.transaction_state import State
from farthing.store.units import NEWEST_CALLS

TYPES = (
    Column("type", "Type"),
    Column("transactions", "Transactions", "count", "Those whose cost is known"),
    Column("calls", "Calls", "count"),
    Column("cost", "Calls cost", "money"),
    Column("tools", "Tools cost", "money"),
    Column("each", "Each", "money", NOTES["per_transaction"]),
    Column("success_rate", "Success", "percent", NOTES["success_rate"]),
    Column("per_success", "Each that succeeds", "money", NOTES["per_success"]),
    Column("p50", "p50", "money", NOTES["p50_p90_p99"]),
    Column("p90", "p90", "money", NOTES["p50_p90_p99"]),
    Column("p99", "p99", "money", NOTES["p50_p90_p99"]),
    Column("by_hand", "By hand", "money", "What one costs when a person does it"),
    Column("saved", "Saved", "money", NOTES["saved"]),
    Column("roi", "Return", "exact", "Dollars saved for each dollar of AI and review"),
    Column("open", "No outcome", "count", "Nobody said how they ended"),
    Column("partly", "Cost unknown", "count", "With calls or tools whose cost is not known; in no figure of cost"),
    Column("empty", "No calls", "count", "Outcomes without calls and tools"),
)
DRIVERS = (
    Column("name", "What"),
    Column("kind", "Kind"),
    Column("uses", "Uses", "count"),
    Column("cost", "Cost", "money"),
    Column("share", "Share", "percent", "Of calls' and tools' cost, as far as it is known"),
    Column("lost", "Lost", "money", "Tries that came to nothing"),
    Column("unknown", "Cost unknown", "count", "Uses"),
)
PLANS = (
    Column("plan", "Plan"),
    Column("users", "Users", "count", "Those that are named"),
    Column("transactions", "Transactions", "count"),
    Column("cost", "AI", "money", "Calls and tools"),
    Column("people", "People", "money", "Their time on them"),
    Column("revenue", "Revenue", "money"),
    Column("margin", "Margin", "money", NOTES["margin"]),
    Column("share", "Of revenue", "percent"),
    Column("unknown", "Cost unknown", "count"),
)
USERS = (Column("user", "User"), *PLANS[:1], *PLANS[2:])
NEWEST = (
    Column("transaction", "Transaction"),
    Column("last", "Last call (UTC)", "moment"),
    Column("outcome", "Outcome"),
    Column("calls", "Calls", "count"),
    Column("cost", "Cost", "money", "Calls and tools"),
    Column("lasted", "Lasted", "duration"),
    Column("user", "User"),
    Column("plan", "Plan"),
)
CALLS = (
    Column("started", "Time (UTC)", "moment"),
    Column("feature", "Feature"),
    Column("model", "Model"),
    Column("outcome", "Outcome"),
    Column("in_tokens", "In", "count"),
    Column("out_tokens", "Out", "count"),
    Column("cost", "Cost", "money"),
    Column("duration", "Took", "duration"),
)
TOOLS = (
    Column("tool", "Tool"),
    Column("count", "Uses", "count"),
    Column("cost", "Cost", "money", "A question mark where no price is known"),
    Column("at", "When (UTC)", "moment"),
    Column("how", "Known by"),
)
MOST_CALLS = 100


def types(view: View, found: Report) -> Table:
    rows = [_type(view, unit) for unit in found.units]
    return Table(
        "types", "Types", TYPES, rows,
        note="By the day of a transaction's first call. Unknown is not zero: what is not known is counted apart, on the right.",
    )  # fmt: skip


def _type(view: View, unit: Unit) -> Row:
    p50, p90, p99 = unit.quantiles or (None, None, None)
    handling = unit.handling
    roi = f"${float(handling.roi):,.2f}" if handling is not None and handling.roi is not None else None
    values = (
        unit.type, unit.transactions, unit.calls, unit.cost, unit.tool_cost, unit.per_transaction, unit.success_rate,
        unit.per_success, p50, p90, p99, unit.human, handling.saved if handling is not None else None, roi, unit.open, unit.partly,
        unit.empty,
    )  # fmt: skip
    href = view.href("/units/type", type=unit.type)
    return Row(values, href=href, calls=href)


def drivers(view: View, unit: Unit) -> Table:
    rows = [_driver(view, each) for each in unit.drivers]
    return Table(
        "drivers", "What drives the cost", DRIVERS, rows, empty="No calls and no tools in this period.",
        note="Each kind adds up to the same calls: models and features are two views of them. Transactions whose cost is not wholly known are in it.",
    )  # fmt: skip


def _driver(view: View, each: Driver) -> Row:
    calls = view.calls(**{each.kind: each.name}) if each.kind in ("model", "feature") else ""
    values = (each.name, each.kind, each.uses, each.cost, each.share, each.lost_cost or None, each.without_cost or None)
    return Row(values, calls=calls)


def plans(found: Sequence[Margin]) -> Table:
    rows = [Row((each.plan, each.users, *_margin(each)), mark=_mark(each)) for each in found]
    return Table(
        "plans", "Margin by plan", PLANS, rows, empty="No transactions in these months.",
        note=f"{NOTES['margin'][:1].upper()}{NOTES['margin'][1:]}. Plans are the tag plan; their price is below [transactions.plans].",
    )  # fmt: skip


def users(view: View, found: Sequence[Margin]) -> Table:
    rows = [
        Row((each.name, each.plan, *_margin(each)), calls=view.calls(user=each.name), mark=_mark(each)) for each in found
    ]  # fmt: skip
    return Table("users", "Users that cost most", USERS, rows, empty="No transaction names a user.")


def _margin(each: Margin) -> tuple[object, ...]:
    people = UNKNOWN if each.people is None else each.people
    return (each.transactions, each.cost, people, each.revenue, each.margin, each.share, each.unknown or None)


def _mark(each: Margin) -> Literal["", "bad"]:
    return "bad" if each.margin is not None and each.margin < 0 else ""


def newest(view: View, kind: str, found: Sequence[tuple[str, State]]) -> Table:
    rows = []
    for id_, state in found:
        user, plan = state.owner
        known = state.knowledge != "partly"
        lasted = state.last_us - state.first_us if state.last_us is not None and state.first_us is not None else None
        values = (
            id_, state.last_us, state.outcome or None, state.sums[TRANSACTION_SUMS.index("calls")], state.whole_cost if known else UNKNOWN,
            lasted, user, plan,
        )  # fmt: skip
        href = view.href("/units/one", type=kind, id=id_)
        rows.append(Row(values, href=href, calls=href, mark="bad" if state.outcome == "failed" else ""))
    return Table(
        "newest", "The newest", NEWEST, rows, empty="None of them had a call in this period.",
        note=f"Found among the newest {NEWEST_CALLS:,} calls of the period.",
    )  # fmt: skip


def calls(view: View, found: Sequence[CallRow], more: str) -> Table:
    rows = []
    for call in found[:MOST_CALLS]:
        cost = call.cost if is_known(call.cost_state) else UNKNOWN
        values = (
            call.started_us, call.feature, call.model or call.model_asked, call.outcome, call.in_tokens, call.out_tokens, cost,
            call.duration_us,
        )  # fmt: skip
        rows.append(
            Row(
                values,
                href=view.href(f"/calls/{quote(call.id, safe='')}"),
                mark="" if call.outcome in NOT_ERRORS else "bad",
            )
        )
    return Table("calls", "Its calls, the newest first", CALLS, rows, empty="No call named it.", more=more)


def tools(found: Sequence[tuple[ToolUse, int, bool]]) -> Table:
    rows = [
        Row((use.name, use.count, UNKNOWN if use.cost is None else use.cost, at_us, "posted" if posted else "a call named it"))
        for use, at_us, posted in found
    ]  # fmt: skip
    return Table("tools", "Its tools", TOOLS, rows, empty="No tool served it, as far as anybody said.")
