"""The pages, in the order of the menu. A new one is a file here, a template of its name, and its line below."""

from farthing.dashboard.page import Page
from farthing.dashboard.pages import (
    alerts,
    audit,
    batch,
    budgets,
    cache,
    call,
    calls,
    job,
    keys,
    overview,
    prompts,
    report,
    routing,
    settings,
    spend,
    transaction,
    unit,
    units,
)

PAGES: tuple[Page, ...] = (
    overview.PAGE,
    spend.PAGE,
    units.PAGE,
    unit.PAGE,
    transaction.PAGE,
    calls.PAGE,
    call.PAGE,
    budgets.PAGE,
    alerts.PAGE,
    routing.PAGE,
    cache.PAGE,
    prompts.PAGE,
    batch.PAGE,
    job.PAGE,
    keys.PAGE,
    report.PAGE,
    settings.PAGE,
    audit.PAGE,
)
