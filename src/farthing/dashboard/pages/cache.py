"""The cache: how often it answers, how often it is wrong at most, which answers save most, what was near; and to drop answers."""

import asyncio
from typing import Any

from farthing.dashboard.cache import hits, proof, stored
from farthing.dashboard.cache.reading import called, is_on, kept
from farthing.dashboard.overview import next_steps
from farthing.dashboard.page import Action, Page, Values
from farthing.dashboard.shares import legend
from farthing.dashboard.view import View
from farthing.finops import next_savings
from farthing.finops.metrics.plain import options_of
from farthing.finops.tiers import tier_of
from farthing.gateway.guard import EDITOR, VIEWER
from farthing.model.arms import SEMANTIC_CACHE


async def read(view: View) -> Values:
    settings, entries = view.sources.settings, view.sources.entries
    least = options_of(settings.finops).least_hits
    found, held = await asyncio.gather(view.read(lambda connection: called(connection, view)), kept(view, entries))
    stats = held.stats if held is not None else None
    drawn = hits.over_time(view, found, least)
    coming = [each for each in next_steps.of_sums(view, found.next, tier_of(settings)) if each.lever == SEMANTIC_CACHE]
    tiles = hits.tiles(view, found, least)
    values: dict[str, Any] = {
        "on": is_on(settings.cache), "tiles": [*tiles, stored.room(stats, settings.cache)] if stats is not None else tiles,
        "over_time": drawn, "legend": legend(drawn), "features": hits.table(view, found.features, stats),
        "steps": next_steps.steps(view, coming), "next_days": next_savings.DAYS, "stats": stats, "is_kept": found.is_kept,
        "near": proof.near(view, found.near, found.looked_at), "has_calls": any(found.facts.in_span(day.day_us) for day in found.facts.daily),
        "trouble": entries.trouble if entries is not None else "", "file": settings_file(view),
    }  # fmt: skip
    if held is None:
        return values
    return values | {
        "bounds": proof.bounds(view, held.standings), "wrong": proof.wrong(view, held.wrong),
        "dearest": stored.table(view, "dearest", "Answers that save most", held.dearest, "No stored answer was given again yet."),
        "pins": stored.table(view, "pins", "Approved answers", held.pins, "No answer is approved. farthing cache pin approves one."),
        "by_feature": {each.scope: each.entries for each in held.stats.scopes},
    }  # fmt: skip


def settings_file(view: View) -> str:
    return view.sources.settings_file or "farthing.toml"


PAGE = Page("cache", "/cache", "Cache", VIEWER, read, section="Levers", actions={"purge": Action(EDITOR, stored.purge)})
