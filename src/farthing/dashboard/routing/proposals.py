"""Proposals of the table as a diff, what one does to the cost, and what was done before; to apply, reject and undo."""

from collections.abc import Sequence
from typing import NamedTuple

from farthing.dashboard.formats import money, percent
from farthing.dashboard.forms import Form
from farthing.dashboard.table import Column, Row, Table
from farthing.dashboard.view import View
from farthing.gateway.routes import Changes, Rules, is_seen, told
from farthing.model.errors import BadRequest
from farthing.model.routes import Table as Held
from farthing.quality.proposals import Move, moves
from farthing.quality.review import Effect, review
from farthing.quality.table import maker
from farthing.quality.watch import floors_of
from farthing.steps.route.policy import Policies
from farthing.store import Change, Routes, Version
from farthing.store.rollups import DAY_US
from farthing.store.work import work

MOST_CHANGES = 30
LOOK_BACK_US = 7 * DAY_US
"""The days whose calls say what a change would do."""
DONE = {"propose": "proposed", "apply": "applied", "undo": "undone", "reject": "put away"}


class Line(NamedTuple):
    """One model that comes in or goes out."""

    kind: str
    """promote or demote."""
    text: str
    was: str


class Proposal(NamedTuple):
    version: Version
    lines: list[Line]
    effect: Effect | None
    """None where nobody asked for it: it reads each call of seven days."""


def rules_of(view: View) -> Rules:
    catalog = view.sources.catalog
    return Rules(catalog.tier_of, floors_of(view.sources.settings.routing), maker(catalog)(()))


async def waiting(view: View, kept: Routes, rules: Rules, asked: str) -> list[Proposal]:
    """`asked`: the version of which the effect is wanted, as the address says it."""
    held = await kept.active()
    found = []
    for version in await kept.proposals():
        try:
            new = await kept.table(version.version)
        except ValueError:
            continue  # gone since
        seen = moves(held.over(rules.prior), new.over(rules.prior), rules.floors)
        lines = [_line(move) for move in seen if is_seen(move, view.entered)]
        effect = None
        if asked == f"{version.version}":
            effect = await _effect(view, held, new, rules)
        found.append(Proposal(version, lines, effect))
    return found


async def _effect(view: View, held: Held, new: Held, rules: Rules) -> Effect:
    """On calls like those of the last days; of all tenants for whoever may see all."""
    now, sources, tenant = view.now_us, view.sources, "" if view.entered.everywhere else view.tenant
    works = await view.read(lambda connection: work(connection, now - LOOK_BACK_US, now, tenant=tenant))
    policies = Policies(sources.settings.routing)
    found = review(held, new, rules.prior, rules.floors, works, sources.catalog.tiers(), sources.costs, policies, now)
    return found.effect


def _line(move: Move) -> Line:
    """The sign stands apart, for whoever does not see colours."""
    was = f"was {percent(move.before.lower)}, {move.before.state}" if move.before is not None else "nothing was known"
    return Line(move.kind, str(move)[2:], was)


def in_words(effect: Effect) -> str:
    if effect.routed == effect.unknown:
        return "What it does to the cost cannot be said: there were no routed calls with known tokens and prices in the last 7 days."
    moved = sum(shift.calls for shift in effect.shifts)
    less = (effect.before - effect.after) / effect.before if effect.before else None
    change = f"All of them are expected to cost {money(effect.after)} instead of {money(effect.before)}: {percent(less)} less."
    unsaid = f" Of {effect.unknown:,} others nothing can be said." if effect.unknown else ""
    return f"Of {effect.routed:,} routed calls of the last 7 days {moved:,} would go to another model. {change}{unsaid}"


def shifts(view: View, effect: Effect) -> Table:
    columns = (
        Column("task", "Task"), Column("feature", "Feature"), Column("calls", "Calls", "count"), Column("now", "Now"), Column("then", "Then"),
        Column("cost_now", "Cost now", "money"), Column("cost_then", "Cost then", "money"),
    )  # fmt: skip
    rows = [
        Row((each.task or "unknown", each.feature, each.calls, each.model, each.then, each.before, each.after), calls=view.calls(task=each.task, feature=each.feature))
        for each in effect.shifts[:50]
    ]  # fmt: skip
    return Table("shifts", "What would move", columns, rows, empty="No call would go to another model.")


def history(view: View, done: Sequence[Change]) -> Table:
    columns = (
        Column("at", "When (UTC)", "moment"), Column("what", "What"), Column("version", "Version", "exact"),
        Column("former", "Before it", "exact", "The version that held before."), Column("who", "By"), Column("why", "Why", "prose"),
    )  # fmt: skip
    rows = [
        Row((each.at_us, DONE[each.what], each.version, each.former if each.what != "propose" else None, each.who or "nobody", each.why))
        for each in told(list(done), view.entered)
    ]  # fmt: skip
    return Table("history", "What was done to the table", columns, rows, empty="Nothing was done yet.")


async def apply(view: View, form: Form) -> str:
    version = _version(form)
    await _changes(view).apply(version, view.entered)
    return f"Version {version} of the table holds. Gateways take it up within seconds."


async def reject(view: View, form: Form) -> str:
    version = _version(form)
    await _changes(view).reject(version, view.entered)
    return f"Version {version} is put away. The same comes again only with other evidence, or when a gateway starts."


async def undo(view: View, form: Form) -> str:
    version = _version(form)
    now = await _changes(view).undo(version, view.entered)
    holds = f"version {now} holds again" if now else "what public outcomes say holds again"
    return f"Version {version} is undone: {holds}."


def _changes(view: View) -> Changes:
    return Changes(Routes(view.sources.store), rules_of(view))


def _version(form: Form) -> int:
    text = form.get("version", "")
    if not (text.isascii() and text.isdigit()) or not 1 <= len(text) <= 15:
        raise BadRequest("Say which version.", param="version")
    return int(text)
