"""Prompts: what keeps providers' caches from being read, in dollars, how much of the input they serve, and what the lab found."""

from farthing.dashboard.page import Page, Values
from farthing.dashboard.prompts import cached, found, lab
from farthing.dashboard.prompts.reading import by_feature, read
from farthing.dashboard.shares import legend
from farthing.dashboard.view import View
from farthing.gateway.guard import VIEWER


async def show(view: View) -> Values:
    prompts = view.sources.settings.prompts
    known = await view.read(lambda connection: read(connection, view))
    features = by_feature(view, known.models) if known.models is not None else None
    drawn = cached.over_time(view.filters.period, known.days or [])
    report = known.report
    values: Values = {
        "on": prompts.doctor, "repairs": prompts.repair, "report": report, "tiles": cached.tiles(view, features, report, known.levers),
        "dearest": found.dearest(view, report) if report is not None else [], "over_time": drawn, "legend": legend(drawn),
        "features": cached.table(view, features, report), "is_kept": known.days is not None,
        "lab": lab.shown(known.lab), "has_calls": any(day.calls for day in known.days or ()), "file": view.sources.settings_file or "farthing.toml",
    }  # fmt: skip
    return {**values, "findings": found.table(view, report)} if report is not None and report.looked else values


PAGE = Page("prompts", "/prompts", "Prompts", VIEWER, show, section="Levers")
