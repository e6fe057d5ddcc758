"""The plan: what each strategy would save on the gateway's own calls, how sure that is and what could go wrong, in which order to
switch on, what happened since the last one, and settings that are proposed from it."""

from typing import Any

from farthing.dashboard.charts.chart import Chart
from farthing.dashboard.formats import moment
from farthing.dashboard.page import Action, Page, Values
from farthing.dashboard.periods import day_of
from farthing.dashboard.plan import changes, kept, levers
from farthing.dashboard.plan.curves import charts_of
from farthing.dashboard.plan.kept import Found
from farthing.dashboard.view import View
from farthing.finops.plans.stages import ranked
from farthing.gateway.guard import Need

SEE, EDIT, DECIDE = Need("viewer", whole=True), Need("editor", whole=True), Need("admin", whole=True)
"""Settings are the gateway's own."""


async def read(view: View) -> Values:
    found, proposed = await kept.read(view), await changes.read(view)
    rules = view.sources.settings.plan
    values: dict[str, Any] = {
        "why": found.why, "plans": kept.table(view, found), "waiting": changes.waiting(view, proposed),
        "history": changes.history(proposed), "file": view.sources.settings_file or "farthing.toml",
        "weekly": f"each {rules.weekday.capitalize()} at {rules.hour:02d}:00 UTC" if rules.weekly else "",
        "under_way": kept.is_under_way(view, found), "document": None,
    }  # fmt: skip
    return {**values, **_plan(view, found)} if found.document is not None and found.line is not None else values


def _plan(view: View, found: Found) -> dict[str, Any]:
    document, line = found.document, found.line
    assert document is not None and line is not None
    plan = document.plan
    curves: list[Chart] = charts_of(document.sweeps)
    values: dict[str, Any] = {
        "document": document, "tiles": levers.tiles(view, found), "made": moment(line.made_us), "by": line.who,
        "since": f"{day_of(plan.since_us):%-d %B %Y}", "until": f"{day_of(plan.until_us):%-d %B %Y}",
        "stages": levers.staged(document), "unsure": levers.unsure(document), "levers": levers.table(plan), "sums": levers.sums(document),
        "is_newest": not view.query.get("plan"), "curves": [f"curve_{number}" for number in range(len(curves))],
        "numbers": {each.lever: number for number, each in enumerate(ranked(plan), 1)},
        "swept": levers.swept(document),
    }  # fmt: skip
    if plan.replayed:
        values["drawing"] = levers.drawing(plan)
    if found.since is not None:
        values |= {"happened": levers.outcomes(found.since), "happened_of": moment(found.since.made_us)}
    values |= {f"curve_{number}": chart for number, chart in enumerate(curves)}
    values |= {table.name: table for table in values["swept"]}
    return values


PAGE = Page(
    "plan", "/plan", "Plan", SEE, read, section="Levers", filters=(),
    actions={
        "propose": Action(EDIT, changes.propose), "accept": Action(DECIDE, changes.accept), "reject": Action(DECIDE, changes.reject),
        "ask": Action(EDIT, changes.ask),
    },
)  # fmt: skip
