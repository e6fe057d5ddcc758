"""The cost card of one call: what it cost and how that came about, what each step decided, where it was sent. The same as
`farthing explain` shows."""

from typing import Any, NamedTuple

from farthing.dashboard.card.money import waterfall_of
from farthing.dashboard.card.way import OUTCOMES, decisions_of, not_found, tries_of
from farthing.dashboard.page import Page, Values
from farthing.dashboard.table import Column, Row, Table
from farthing.dashboard.view import View
from farthing.finops.cost_card import how_known, is_known
from farthing.gateway.calls import ended_call
from farthing.gateway.edge import named_at_us
from farthing.gateway.guard import OWN
from farthing.model.errors import NotFound
from farthing.model.money import Nano, exact_dollars
from farthing.model.record import CACHE_HITS, Record
from farthing.model.transaction import split_name
from farthing.store import charges
from farthing.store.budgets import Budgets
from farthing.store.corrections import Correction, Corrections
from farthing.store.rerates import FirstPrice, Rerates
from farthing.store.rollups import DAY_US, NOT_ERRORS


class Fact(NamedTuple):
    name: str
    value: str
    href: str = ""


async def read(view: View) -> Values:
    """Raises NotFound, with what to check."""
    sources, call_id = view.sources, view.params["call_id"]
    record = await ended_call(sources.store, sources.ledger, call_id)
    if record is None or not (view.entered.everywhere or view.owns(record)):
        named = named_at_us(call_id)
        raise NotFound(not_found(call_id, view.now_us - named if named is not None else None))
    waiting = sources.ledger.find(call_id) is not None
    known = is_known(record.cost_state)
    first = await Rerates(sources.store).first(record.id)
    tries = tries_of(record)
    return {
        "call": record, "waiting": waiting, "soon": waiting, "known": known, "how_known": how_known(record.cost_state, record.attempts),
        "ended": OUTCOMES.get(record.outcome, record.outcome), "state": _state(record),
        "saved": _saved(record), "waterfall": waterfall_of(record), "decisions": decisions_of(record), "tries": tries,
        "facts_": _facts(view, record), "tags": sorted(record.tags.items()), "arms": _arms(record),
        "first": _first(first), "charges": await _charges(view, record), "corrections": await _corrections(view, record),
        "hit": record.cache in CACHE_HITS, "list_cost": _list_cost(record),
        **{each.lines.name: each.lines for each in tries},
    }  # fmt: skip


def _state(record: Record) -> str:
    return "good" if record.outcome == "ok" else "warn" if record.outcome in NOT_ERRORS else "bad"


def _saved(record: Record) -> tuple[Nano, float | None] | None:
    """With its share of what the call as sent would have cost; None where the cost is not known."""
    if not is_known(record.cost_state):
        return None
    saved = record.baseline - record.cost
    return saved, saved / record.baseline if record.baseline else None


def _list_cost(record: Record) -> str:
    """What the attempts would cost at list price, where contracts made it less or more; else empty."""
    at_list = sum(each.list_cost for each in record.attempts)
    changed = any(
        line.listed is not None and line.listed != line.rate for each in record.attempts for line in each.lines
    )
    return f"${exact_dollars(at_list)}" if changed else ""


def _facts(view: View, record: Record) -> list[Fact]:
    """What the call says of itself; each leads to the calls that say the same."""

    def same(name: str, value: str, shown: str = "") -> Fact:
        return Fact(name, shown or value, view.calls(**{name: value}) if value else "")

    found = [
        same("feature", record.feature), same("team", record.team), same("project", record.project),
        same("user", record.user), same("task", record.task), same("key", record.key_id),
        _transaction(view, record), same("session", record.session), same("template", record.template),
        same("model", record.model), same("tier", record.tier), same("provider", record.provider),
        same("deployment", record.deployment), same("wire", record.wire, f"{record.wire}{', stream' if record.stream else ''}"),
        same("cache", record.cache), Fact("tenant", record.tenant), Fact("trace", record.trace),
        Fact("size of the request", f"{record.request_bytes:,} bytes" if record.request_bytes else ""),
    ]  # fmt: skip
    return [fact for fact in found if fact.value]


def _transaction(view: View, record: Record) -> Fact:
    """Leads to all that is known of it, for whoever may see more than their own calls."""
    name = record.transaction
    kind, id_ = split_name(name)
    href = view.href("/units/one", type=kind, id=id_) if view.may("viewer") else view.calls(transaction=name)
    return Fact("transaction", name, href)


def _arms(record: Record) -> list[tuple[str, str]]:
    """Of each lever, whether the call went without it so that it can be measured."""
    return [
        (lever, "held out: it went without, on purpose, to measure the lever" if held else "treated like most calls")
        for lever, held in sorted(record.arms.items())
    ]


def _first(first: FirstPrice | None) -> dict[str, Any] | None:
    """What the call cost before it was priced anew."""
    if first is None:
        return None
    cost = f"${exact_dollars(first.cost)}" if is_known(first.cost_state) else "?"
    return {"cost": cost, "versions": ", ".join(first.versions), "run": first.rerate}


async def _charges(view: View, record: Record) -> Table:
    """What budgets paid, in each one's own unit. A call that is not written yet has them with it."""
    written = await view.read(lambda connection: charges.of_call(connection, record.id))
    units = (
        {each.id: each.unit for each in await Budgets(view.sources.store).every()} if written or record.charges else {}
    )
    rows = [
        Row((each.budget, each.member, each.window, _amount(each.amount, units.get(each.budget, ""))))
        for each in written or record.charges
    ]  # fmt: skip
    columns = (
        Column("budget", "Budget"),
        Column("member", "Member"),
        Column("window", "Window"),
        Column("amount", "Charged", "exact"),
    )
    return Table("budgets", "Budgets that paid for it", columns, rows, empty="No budget holds for this call.")


def _amount(amount: int, unit: str) -> str:
    if unit == "money":
        return f"${exact_dollars(amount)}"
    return f"{amount:,} {unit}".strip() if unit else f"{amount:,} (the budget is gone, and its unit with it)"


async def _corrections(view: View, record: Record) -> Table | None:
    """Posted for the day, provider and model of the call: they are of no single call, and not in its cost."""
    if not view.may("viewer"):
        return None
    day = record.started_us - record.started_us % DAY_US
    found = await Corrections(view.sources.store).entries(day, day + DAY_US)
    mine = [each for each in found if _is_about(each, record)]
    if not mine:
        return None
    columns = (
        Column("posted", "Posted", "moment"), Column("amount", "Amount", "money"), Column("who", "By"),
        Column("reason", "Why"),
    )  # fmt: skip
    rows = [Row((each.posted_us, each.amount, each.who, each.reason)) for each in mine]
    return Table(
        "corrections", "Corrections of that day", columns, rows,
        note="They are for all calls of the day to this provider and model together, and not in the cost of this one.",
    )  # fmt: skip


def _is_about(each: Correction, record: Record) -> bool:
    return (
        each.tenant in ("", record.tenant)
        and each.provider in ("", record.provider)
        and each.model in ("", record.model)
    )


PAGE = Page("call", "/calls/{call_id}", "Call", OWN, read, filters=())
