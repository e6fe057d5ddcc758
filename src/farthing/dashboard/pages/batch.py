"""Work that can wait: the queue by age and deadline, jobs with progress and cost, batches at providers, what waiting saved; to
cancel and to promote."""

import asyncio
from typing import Any, NamedTuple

from farthing.batch.speeds import Speed, speeds
from farthing.dashboard.batch import away, handed, queue, steer
from farthing.dashboard.batch.handed import Jobs
from farthing.dashboard.overview import next_steps
from farthing.dashboard.page import Action, Page, Values
from farthing.dashboard.view import View
from farthing.finops import next_savings, waiting
from farthing.finops.next_savings import Sums
from farthing.finops.tiers import tier_of
from farthing.finops.waiting import Waiting
from farthing.gateway.guard import EDITOR, VIEWER, Need
from farthing.model.arms import BATCHING
from farthing.model.batch import Shard
from farthing.store.batch import standing
from farthing.store.engine import Connection

GATEWAY = Need("viewer", whole=True)
"""Batches at providers hold lines of several tenants."""
MOST_SHARDS = 60


class Found(NamedTuple):
    """Read from the store in one go."""

    waiting: Waiting
    every: Waiting | None
    """Of all tenants; for whoever may see them."""
    jobs: Jobs
    shards: list[Shard] | None
    speeds: list[Speed]
    next: Sums | None


async def read(view: View) -> Values:
    found = await view.read(lambda connection: _read(connection, view))
    shown, settings = found.waiting, view.sources.settings
    table = handed.table(view, found.jobs)
    steps = await asyncio.to_thread(next_steps.of_sums, view, found.next, tier_of(settings))
    values: dict[str, Any] = {
        "is_used": shown.is_used or bool(found.jobs.jobs), "tiles": queue.tiles(view, shown), "at_least": queue.AT_LEAST if shown.queue.at_least else "",
        "ages": queue.spans("ages", "How long they have waited", shown.ages, "Nothing waits to be sent."),
        "left": queue.spans("left", "How much time they have left", shown.left, "Nothing waits to be sent."),
        "jobs": table, "may": {job.id: handed.buttons(job) for job in found.jobs.jobs}, "single": found.jobs.single,
        "ways": queue.ways(shown), "saved": queue.saved(shown), "speeds": away.speeds(found.speeds, counted=found.shards is not None),
        "steps": next_steps.steps(view, [each for each in steps if each.lever == BATCHING]), "next_days": next_savings.DAYS,
        "worker": settings.batch.worker, "file": view.sources.settings_file or "farthing.toml",
    }  # fmt: skip
    if found.every is not None and len(found.every.tenants) > 1:
        values["tenants"] = queue.tenants(view, found.every.tenants)
    if found.shards is not None:
        note = f"The newest {MOST_SHARDS}, and those that are not over." if len(found.shards) >= MOST_SHARDS else ""
        values["shards"] = away.shards(
            "shards", "Batches at providers", found.shards, view.now_us, "No batch was made yet.", note
        )
    return values


def _read(connection: Connection, view: View) -> Found:
    period, tenant, now_us = view.filters.period, view.tenant, view.now_us
    every = (
        waiting.read(connection, period.since_us, period.until_us, now_us) if view.entered.everywhere else None
    )  # fmt: skip
    own = waiting.read(connection, period.since_us, period.until_us, now_us, tenant=tenant)
    shards = standing.shards_lately(connection, MOST_SHARDS) if view.meets(GATEWAY) else None
    return Found(
        own, every, handed.read(connection, view), shards, speeds(connection, now_us), next_savings.read(connection, now_us, tenant)
    )  # fmt: skip


PAGE = Page(
    "batch", "/batch", "Batch", VIEWER, read, section="Levers", filters=("period",),
    actions={"cancel": Action(EDITOR, steer.cancel), "promote": Action(EDITOR, steer.promote)},
)  # fmt: skip
