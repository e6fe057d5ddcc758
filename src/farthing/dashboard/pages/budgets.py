"""Budgets: where each stands, how fast it goes and where it ends; one by one with members, leases and raises; and to make,
change, raise and remove them."""

from typing import Any
from urllib.parse import urlencode

from farthing.dashboard.budgets import reading, typed, words
from farthing.dashboard.fields import end_of
from farthing.dashboard.formats import money
from farthing.dashboard.forms import Form
from farthing.dashboard.page import Action, Done, Page, Values
from farthing.dashboard.table import Column, Row, Table
from farthing.dashboard.view import View
from farthing.gateway.budgets import is_of
from farthing.gateway.guard import EDITOR, VIEWER
from farthing.model.budget import OVERHEAD, Budget, Raise
from farthing.model.errors import BadRequest, NotFound
from farthing.store.budgets import Budgets, Standing

COLUMNS = (
    Column("budget", "Budget"),
    Column("scope", "For which calls", "prose"),
    Column("window", "Window"),
    Column("limit", "Limit", "exact"),
    Column("spent", "Spent", "exact"),
    Column("reserved", "Reserved", "exact"),
    Column("left", "Left", "exact"),
    Column("used", "Used", "percent"),
    Column("pace", "Pace"),
    Column("forecast", "Forecast"),
)
MEMBERS = (
    Column("member", "Member"),
    Column("spent", "Spent", "exact"),
    Column("used", "Used", "percent"),
    Column("reserved", "Reserved", "exact", "Held by gateways for calls under way or soon to come"),
    Column("lost", "Held by vanished gateways", "exact", "It counts as spent until it is reconciled"),
    Column("left", "Left", "exact"),
    Column("limit", "Limit", "exact", "With raises, and what was carried over"),
)
LEASES = (
    Column("gateway", "Gateway"),
    Column("member", "Member"),
    Column("held", "Holds", "exact"),
    Column("state", "State", "prose"),
    Column("until", "Until (UTC)", "moment", "Unless it says again that it lives"),
)
RAISES = (
    Column("more", "More", "exact"),
    Column("until", "Until (UTC)", "moment"),
    Column("state", "State"),
    Column("reason", "Reason", "prose"),
    Column("by", "By", "prose"),
)

TOP = 25
"""Members on the page; the file has up to `reading.MANY`, those that spent most."""


async def read(view: View) -> Values:
    """Raises NotFound."""
    chosen = view.query.get("budget", "")
    shared = {"windows": typed.WINDOWS, "units": typed.UNITS, "file": view.sources.settings_file or "farthing.toml"}
    if chosen:
        return {**shared, "one": True, **await _one(view, await _mine(view, chosen))}
    found, _ = await reading.cards(view, await reading.every(view))
    rows = [_row(view, card) for card in found]
    table = Table("budgets", "Budgets", COLUMNS, rows, empty="There is no budget.")
    own = [card for card in found if not card.is_overhead]
    return {
        **shared, "one": False, "cards": found, "own": len(own), "budgets": table, "values": typed.fields_of(None),
        "tiles": _tiles(found),
    }  # fmt: skip


async def _one(view: View, budget: Budget) -> dict[str, Any]:
    budgets = Budgets(view.sources.store)
    (card,), standings = await reading.cards(view, [budget], reading.MANY)
    return {
        "card": card, "budget": budget, "values": typed.fields_of(budget), "overhead": OVERHEAD, "lines": _lines(budget),
        "members": _members(view, budget, standings) if budget.has_members else None,
        "leases": _leases(budget, await budgets.leases(budget, view.now_us)), "raises": _raises(budget, view.now_us),
    }  # fmt: skip


def _tiles(found: list[reading.Card]) -> list[dict[str, str]]:
    def names(state: str) -> str:
        every = [card.budget.id for card in found if card.state == state]
        return ", ".join(every[:3]) + (f" and {len(every) - 3} more" if len(every) > 3 else "")

    bad, warn = names("bad"), names("warn")
    count = {state: sum(card.state == state for card in found) for state in ("bad", "warn", "good", "")}
    return [
        {"title": "Used up", "value": f"{count['bad']}", "note": bad or "no budget refuses calls", "state": "bad" if bad else "good"},
        {"title": "Near the end, or passed and soft", "value": f"{count['warn']}", "note": warn or "none", "state": "warn" if warn else ""},
        {"title": "Within", "value": f"{count['good'] + count['']}", "note": "budgets with room"},
    ]  # fmt: skip


def _row(view: View, card: reading.Card) -> Row:
    values = (
        card.budget.id, card.scope, card.window, card.limit, card.spent, card.reserved or None, card.left or None, card.share,
        card.pace, card.forecast,
    )  # fmt: skip
    return Row(values, href=card.href, calls=card.calls, mark="bad" if card.state == "bad" else "")


def _members(view: View, budget: Budget, standings: list[Standing]) -> Table:
    rows = []
    for each in sorted(standings, key=lambda each: (-reading.share(each), each.member)):
        amounts = (each.reserved, each.lost, each.left, each.limit)
        values = (
            each.member or "(no name)",
            words.amount(budget, each.spent),
            reading.share(each) if each.limit > 0 else None,
        )
        rows.append(
            Row(
                (*values, *(words.amount(budget, amount) for amount in amounts)), calls=words.calls(view, budget, each),
                mark="bad" if reading.share(each) >= 1 else "",
            )
        )  # fmt: skip
    shown = rows if "table" in view.params else rows[:TOP]
    rest = f" The file has {len(rows) - TOP} more." if len(rows) > len(shown) else ""
    return Table(
        "members", "Members, the fullest first", MEMBERS, shown, empty="No member has spent anything in this window yet.",
        note=f"Each has a limit of its own.{rest}",
    )  # fmt: skip


def _leases(budget: Budget, leases: list[Any]) -> Table:
    rows = [
        Row(
            (each.holder, each.member or None, words.amount(budget, each.amount),
             "vanished: counts as spent until `farthing budgets reconcile`" if each.is_lost else "lives", each.expires_us or None),
            mark="bad" if each.is_lost else "",
        )
        for each in leases
    ]  # fmt: skip
    return Table(
        "leases", "Leases by gateway", LEASES, rows, empty="No gateway holds any of it now.",
        note="A gateway takes a slice in advance, so that most calls need not ask the store. Spent and held together never pass a hard limit.",
    )  # fmt: skip


def _raises(budget: Budget, now_us: int) -> Table:
    rows = [
        Row(
            (words.amount(budget, each.amount), each.until_us, _state(each, now_us), each.reason, each.by),
            mark="" if each.until_us > now_us else "quiet",
        )
        for each in sorted(budget.raises, key=lambda each: -each.until_us)
    ]  # fmt: skip
    return Table("raises", "Raises", RAISES, rows, empty="It was never raised.")


def _state(each: Raise, now_us: int) -> str:
    return "over" if each.until_us <= now_us else "in force" if each.from_us <= now_us else "to come"


def _lines(budget: Budget) -> list[tuple[str, str]]:
    """How it is set, in words."""
    full = {"refuse": "calls that no longer fit are refused", "downgrade": "calls that leave the model to Farthing go to a cheaper one, others are refused", "queue": "calls that name a deadline wait for the next window, others are refused"}  # fmt: skip
    lines = [
        ("Kind", "hard: never passed" if budget.hard else "soft: it only counts, and alerts watch it"),
        ("Counts", "dollars" if budget.unit == "money" else budget.unit),
        ("For", words.scope(budget)),
        ("Window", words.window(budget) + (", what is left over is added to the next" if budget.roll_over else "")),
    ]
    if budget.hard:
        status = "402" if budget.payment_required else "429"
        lines.append(("When it is used up", f"{full[budget.exceeded]} ({status})"))
        lines.append(("While the store is away", "calls are refused" if budget.when_unavailable == "refuse" else "calls are served, and counted later"))  # fmt: skip
    if budget.max_call:
        let = "; a header lets one through" if budget.confirm else ""
        lines.append(("One call", f"stopped above {money(budget.max_call)}{let}"))
    if budget.note:
        lines.append(("Note", budget.note))
    return lines


async def make(view: View, form: Form) -> Done:
    name = form.get("name", "").strip()
    budgets = Budgets(view.sources.store)
    if name and await budgets.one(name) is not None:
        raise BadRequest(
            f"The name {name} is taken. Open that budget to change it, or choose another name.", param="name"
        )
    budget = typed.budget_of(form, name, view.tenant)
    await budgets.put(budget, who=view.entered.who)
    return Done(f"The budget {name} is made: {_said(budget)}.", _href(view, name))


async def change(view: View, form: Form) -> Done:
    former = await _mine(view, form.get("id", ""))
    budget = typed.budget_of(form, former.id, former.tenant)
    try:
        await Budgets(view.sources.store).put(budget, who=view.entered.who)
    except ValueError as error:
        raise BadRequest(f"{f'{error}'[:1].upper()}{f'{error}'[1:]}.") from None
    return Done(f"The budget {former.id} is changed: {_said(budget)}.", _href(view, former.id))


async def raise_(view: View, form: Form) -> Done:
    budget = await _mine(view, form.get("id", ""))
    until_us = end_of(form.get("until", ""), view.now_us, "until")
    if not until_us:
        raise BadRequest("A raise needs a last day; it ends by itself.", param="until")
    more = typed.raise_of(form, budget, until_us, view.now_us, view.entered.who)
    try:
        raised = await Budgets(view.sources.store).add_raise(budget.id, more, who=view.entered.who)
    except ValueError as error:
        raise BadRequest(f"This is no raise: {error}.", param="reason") from None
    allowed = words.amount(budget, (raised or budget).allowed_at(view.now_us))
    return Done(f"The budget {budget.id} is {allowed} until the end of {form['until']}.", _href(view, budget.id))


async def remove(view: View, form: Form) -> Done:
    budget = await _mine(view, form.get("id", ""))
    try:
        await Budgets(view.sources.store).remove(budget.id, who=view.entered.who)
    except ValueError as error:
        raise BadRequest(f"{f'{error}'[:1].upper()}{f'{error}'[1:]}.") from None
    return Done(
        f"The budget {budget.id} is removed. What was charged to it stays in the ledger.", view.href("/budgets")
    )


def _said(budget: Budget) -> str:
    return f"{words.amount(budget, budget.amount)} {words.window(budget)} for {words.scope(budget)}"


def _href(view: View, name: str) -> str:
    return view.href("/budgets", budget=name) if view.filters.tenant else f"/budgets?{urlencode({'budget': name})}"


async def _mine(view: View, name: str) -> Budget:
    budget = await Budgets(view.sources.store).one(name)
    if budget is None or not is_of(budget, view.entered):
        raise NotFound("There is no such budget. It may have been removed.")
    return budget


PAGE = Page(
    "budgets", "/budgets", "Budgets", VIEWER, read, section="Control", filters=(), live=True,
    actions={
        "make": Action(EDITOR, make), "change": Action(EDITOR, change), "raise": Action(EDITOR, raise_),
        "remove": Action(EDITOR, remove),
    },
)  # fmt: skip
