"""Routing: how much the cheaper tiers do, which model may do which work on what evidence, what is proposed, what was decided
lately, and how the deployments are."""

import asyncio
from typing import Any, NamedTuple

from farthing.dashboard.formats import money
from farthing.dashboard.page import Action, Page, Values
from farthing.dashboard.routing import evidence, lately, mix, places, proposals, work
from farthing.dashboard.shares import facts_of, legend
from farthing.dashboard.spending.sums import holds, sums
from farthing.dashboard.view import View
from farthing.finops.metrics.facts import Facts
from farthing.finops.metrics.plain import options_of
from farthing.finops.mixes import mixes_of
from farthing.finops.tiers import tier_of
from farthing.gateway.guard import VIEWER, Need
from farthing.gateway.routes import Rules
from farthing.model.arms import MODEL_SELECTION
from farthing.model.money import Nano, nano_from_dollars
from farthing.quality.errand import SPENT_BY
from farthing.store import LeverRow, ReportRow, Routes, reading
from farthing.store.decided import Decided
from farthing.store.engine import Connection
from farthing.store.evidence import tenants_costs

GATEWAY, CHANGES = Need("viewer", whole=True), Need("editor", whole=True)
"""Proposals and deployments are the gateway's own."""


class Found(NamedTuple):
    """Read from the ledger in one go."""

    facts: Facts
    tasks: list[ReportRow] | None
    sent: list[ReportRow] | None
    lever: LeverRow | None
    decided: list[Decided]


async def read(view: View) -> Values:
    settings = view.sources.settings
    least = options_of(settings.finops).least_cheaper
    kept, rules = Routes(view.sources.store), proposals.rules_of(view)
    found, held, spent = await asyncio.gather(
        view.read(lambda connection: _read(connection, view)), kept.active(),
        tenants_costs(view.sources.store, SPENT_BY, view.now_us),
    )  # fmt: skip
    mixed = mix.mix_of(found.facts, least, tier_of(settings))
    drawn = mix.over_time(view, mixed, least)
    values: dict[str, Any] = {
        "tiles": [*mix.tiles(view, mixed), *_saved(found.lever), _looking(view, spent)],
        "over_time": drawn, "legend": legend(drawn), "kept": mixed.kept, "mix": mix.table(view, mixed),
        "tasks": work.table(view, found.tasks), "sent": mix.sent(view, mixes_of(found.sent or [])),
        "table": evidence.table(view, held.over(rules.prior), rules.floors, found.tasks or [], every=view.query.get("cells") == "all"),
        "decisions": lately.table(view, found.decided), "holds": held.version,
    }  # fmt: skip
    return {**values, **await _of_gateway(view, kept, rules)}


def _read(connection: Connection, view: View) -> Found:
    period, tenant, where = view.filters.period, view.tenant, view.where

    def by(*names: str) -> list[ReportRow] | None:
        return sums(connection, names, period, tenant, where) if holds(names, where) else None

    levers = [] if where else reading.levers(connection, period.since_us, period.until_us, tenant=tenant)
    facts, _ = facts_of(connection, view)
    lever = next((each for each in levers if each.lever == MODEL_SELECTION), None)
    return Found(facts, by("task"), by("feature", "tier"), lever, lately.read(connection, view))


async def _of_gateway(view: View, kept: Routes, rules: Rules) -> dict[str, Any]:
    """For those who may see the gateway as a whole."""
    if not view.meets(GATEWAY):
        return {"waiting": None, "history": None, "deployments": None}
    waiting, done = await asyncio.gather(
        proposals.waiting(view, kept, rules, view.query.get("effect", "")), kept.history(proposals.MOST_CHANGES)
    )
    health = view.sources.health
    shown = next((each.effect for each in waiting if each.effect is not None), None)
    found: dict[str, Any] = {
        "waiting": waiting, "history": proposals.history(view, done),
        "deployments": places.table(health.snapshot(), health.process, view.sources.settings.server.workers),
        "effect": proposals.in_words(shown) if shown is not None else "",
    }  # fmt: skip
    return found | ({"shifts": proposals.shifts(view, shown)} if shown is not None else {})


def _saved(lever: LeverRow | None) -> list[dict[str, str]]:
    """What the choice of models took off, where levers are told apart."""
    if lever is None:
        return []
    own = f"after its own cost of {money(lever.overhead)}" if lever.overhead else "its own cost is nothing"
    state = "good" if lever.saved > 0 else "bad" if lever.saved < 0 else ""
    return [
        {
            "title": "Saved by choice of model",
            "value": money(lever.saved),
            "note": own,
            "state": state,
            "href": "/#savings",
        }
    ]


def _looking(view: View, spent: dict[str, Nano]) -> dict[str, str]:
    """Second answers and judges are paid from an allowance of all tenants together."""
    a_day, own = nano_from_dollars(view.sources.settings.routing.shadow_dollars_a_day), spent.get(view.tenant, 0)
    title = "Looking at quality, today"
    if not a_day:
        return {"title": title, "value": money(own), "note": "nothing may be spent: routing.shadow_dollars_a_day is 0"}
    used = sum(spent.values())
    others = f"; all tenants {money(used)}" if view.entered.everywhere and used != own else ""
    note = f"second answers and judges, of {money(a_day)} a day{others}"
    return {"title": title, "value": money(own), "note": note, "state": "warn" if used >= a_day else "", "href": view.calls(feature=SPENT_BY[1], period="today")}  # fmt: skip


PAGE = Page(
    "routing", "/routing", "Routing", VIEWER, read, section="Levers",
    actions={
        "apply": Action(CHANGES, proposals.apply), "reject": Action(CHANGES, proposals.reject),
        "undo": Action(CHANGES, proposals.undo),
    },
)  # fmt: skip
