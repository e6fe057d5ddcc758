"""The report's own tables: budgets, alerts of the span, unit economics, corrections."""

from collections.abc import Sequence
from typing import NamedTuple

from farthing.dashboard.alerts.cards import sentence, title
from farthing.dashboard.budgets.reading import Card
from farthing.dashboard.formats import count, percent
from farthing.dashboard.periods import day_of
from farthing.dashboard.table import UNKNOWN, Column, Row, Table
from farthing.finops.units import Margin, Report, Unit
from farthing.model.money import Nano
from farthing.store.alerts import Entry, Standing
from farthing.store.corrections import Correction

MOST = 25
"""Rows of a table; those beyond are counted."""
TOLD = ("raised", "escalated", "reminder")


class Told(NamedTuple):
    """An alert that was told in the span."""

    alert: Standing
    """As it was worst."""
    first_us: int
    is_over: bool


def alerts_told(history: Sequence[Entry], since_us: int, until_us: int) -> list[Told]:
    """One for each alert and time that it was open, the dearest first. `history`: the newest first."""
    found: dict[tuple[str, int], Told] = {}
    ended: set[tuple[str, int]] = set()
    for each in history:
        key = each.alert_id, each.standing.since_us
        if each.what == "resolved":
            ended.add((each.alert_id, 0))
        if each.what not in TOLD or not since_us <= each.at_us < until_us:
            continue
        known = found.get(key)
        worse = known is None or each.standing.at_stake > known.alert.at_stake
        alert = each.standing if worse or known is None else known.alert
        is_over = known.is_over if known is not None else (each.alert_id, 0) in ended
        found[key] = Told(alert, each.at_us, is_over)
    return sorted(found.values(), key=lambda told: (-told.alert.at_stake, told.first_us))


def alerts(found: Sequence[Told]) -> Table:
    rows = [
        Row(
            (
                title(each.alert), f"{day_of(each.first_us):%-d %b}", "over" if each.is_over else "open", each.alert.at_stake or None,
                " ".join(filter(None, (each.alert.text, sentence(each.alert.cause)))),
            ),
            mark="" if each.is_over else "bad",
        )
        for each in found[:MOST]
    ]  # fmt: skip
    columns = (
        Column("alert", "Alert", "prose"), Column("told", "First told"), Column("state", "Now"), Column("at_stake", "At stake", "money"),
        Column("said", "What it was, and why", "prose"),
    )  # fmt: skip
    note = "At stake: what it cost beyond the usual, as far as that can be said. What a mute or an incident covered is not in it."
    return Table("alerts", "Alerts", columns, rows, empty="No alert was told in these days.", note=_rest(found, note))


def budgets(found: Sequence[Card], day: str) -> Table:
    shown = [each for each in found if not each.is_overhead or each.standing is not None]
    rows = [
        Row(
            (each.budget.id, each.scope, each.window, each.limit, each.spent, each.share, each.verdict),
            mark="bad" if each.state == "bad" else "",
        )
        for each in shown[:MOST]
    ]
    columns = (
        Column("budget", "Budget", "prose"), Column("scope", "For which calls", "prose"), Column("window", "Window"),
        Column("limit", "Limit", "exact"), Column("spent", "Spent", "exact"), Column("used", "Used", "percent"),
        Column("verdict", "Stands"),
    )  # fmt: skip
    note = f"In the window that runs on {day}, when this was made; where a budget has members, the fullest of them."
    return Table("budgets", "Budgets", columns, rows, empty="There is no budget.", note=_rest(shown, note))


def units(found: Report) -> Table:
    columns = (
        Column("type", "Transaction", "prose"), Column("count", "Cost known", "count"), Column("each", "Each", "money"),
        Column("success", "Successful one", "money"), Column("rate", "Success", "exact"), Column("hand", "By hand", "money"),
        Column("saved", "Saved beside people", "money"), Column("unknown", "Cost not known", "count"),
    )  # fmt: skip
    rows = [_unit(each) for each in found.units[:MOST]]
    note = (
        "Each: calls and tools, over those whose cost is known. Successful one: calls, tools and people of all that ended, over "
        "those that ended well. Success: of those whose outcome was posted, with its 95 % interval. Saved: those that ended, at "
        "what a person costs for each, less what they cost here with people's time."
    )
    return Table(
        "units", "Unit economics", columns, rows, empty="No call named a transaction.", note=_rest(found.units, note)
    )


def _unit(each: Unit) -> Row:
    rate, between = each.success_rate, each.success_interval
    success = (
        f"{percent(rate, 0)} ({percent(between[0], 0)} to {percent(between[1], 0)})"
        if rate is not None and between
        else None
    )
    saved = each.handling.saved if each.handling is not None else None
    return Row(
        (
            each.type,
            each.transactions,
            each.per_transaction,
            each.per_success,
            success,
            each.human,
            saved,
            each.partly or None,
        )
    )


def margins(found: Sequence[Margin]) -> Table:
    rows = [
        Row(
            (
                each.plan or each.name or "(no plan)",
                each.users,
                each.cost,
                each.revenue,
                _margin(each),
                each.share,
                each.unknown or None,
            )
        )
        for each in found[:MOST]
    ]
    columns = (
        Column("plan", "Plan", "prose"), Column("users", "Users", "count"), Column("cost", "Calls and tools", "money"),
        Column("revenue", "Revenue", "money"), Column("margin", "Margin", "money"), Column("share", "Of revenue", "percent"),
        Column("unknown", "Cost not known", "count"),
    )  # fmt: skip
    note = "Revenue less calls, tools and people's time of transactions. Calls outside of transactions are not in it."
    return Table("margins", "Margin by plan", columns, rows, note=_rest(found, note))


def _margin(each: Margin) -> object:
    return each.margin if each.margin is not None or each.people is not None else UNKNOWN


def corrections(found: Sequence[Correction], cost: Nano) -> Table:
    rows = [
        Row((f"{each.no}", f"{day_of(each.day_us):%-d %b %Y}", each.provider or None, each.model or None, each.amount, each.reason, each.who))
        for each in found[:MOST]
    ]  # fmt: skip
    posted = sum(each.amount for each in found)
    rows.append(Row(("", "", None, None, posted, "all corrections", ""), mark="total"))
    rows.append(Row(("", "", None, None, cost + posted, "cost of calls with them", ""), mark="total"))
    columns = (
        Column("no", "No"), Column("day", "For the day"), Column("provider", "Provider"), Column("model", "Model"),
        Column("amount", "Amount", "money"), Column("reason", "Reason", "prose"), Column("who", "By", "prose"),
    )  # fmt: skip
    note = "Corrections stand beside the ledger and are in no other figure of this report."
    return Table("corrections", "Corrections", columns, rows if found else [], note=_rest(found, note))


def _rest(found: Sequence[object], note: str) -> str:
    return f"{count(len(found) - MOST)} more are not shown. {note}" if len(found) > MOST else note
