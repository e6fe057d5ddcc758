"""The report to send: one file about a month, for people who see no page. Every figure is one of a page."""

from farthing.dashboard.budgets import reading as budgets
from farthing.dashboard.formats import moment, money
from farthing.dashboard.monthly import tables, words
from farthing.dashboard.overview import metrics, next_steps, reading, savings, spending
from farthing.dashboard.page import Page, Values
from farthing.dashboard.periods import day_of
from farthing.dashboard.prompts import found as prompts
from farthing.dashboard.view import View
from farthing.finops import units
from farthing.finops.alerts.catalog import is_on, times_of
from farthing.finops.alerts.rules import day_spend
from farthing.finops.metrics.plain import options_of
from farthing.finops.tiers import tier_of
from farthing.gateway.guard import VIEWER
from farthing.lab import doctor
from farthing.model.principal import OPERATOR
from farthing.store.alerts import Alerts
from farthing.store.corrections import Corrections
from farthing.store.units import Units

PATIENCE_S = 40.0
"""How long hold-outs may take; a report is not opened every minute."""
MOST_HISTORY = 5_000
MOST_UNREAD = 5
"""Reasons that are told for what providers' caches were not read for."""


async def read(view: View) -> Values:
    settings, period = view.sources.settings, view.filters.period
    tier = tier_of(settings)
    found = await view.read(
        lambda each: reading.read(
            each, view.sources.memory, period, view.now_us, view.tenant, view.where, options_of(settings.finops), tier
        )
    )
    proofs = (
        None if view.where else await view.sources.proofs.of(view.tenant, period.since_us, period.until_us, PATIENCE_S)
    )
    history = await Alerts(view.sources.store).history(view.tenant, limit=MOST_HISTORY)
    told = tables.alerts_told(history, period.since_us, period.until_us)
    book = await Units(view.sources.store).book(period.since_us, period.until_us, tenant=view.tenant)
    per_unit = units.report(book, settings.transactions, period.since_us, period.until_us)
    posted = await Corrections(view.sources.store).entries(period.since_us, period.until_us, tenant=view.tenant)
    standing, _ = await budgets.cards(view, await budgets.every(view), 1)
    ratio = times_of(settings.alerts, day_spend.NAME) if is_on(settings.alerts, day_spend.NAME) else 0.0
    chart = spending.chart(found, period, view.now_us, ratio)
    coming = next_steps.savings(view, found, tier)
    unread = await view.read(
        lambda each: doctor.of_scope(each, period.since_us, period.until_us, view.tenant, view.where)
    )
    before = period.before()
    return {
        "found": found, "name": words.name_of(period), "before": words.name_of(before), "made": moment(view.now_us), "whose": _whose(view), "dates": _dates(view),
        "sentences": words.sentences(found, period, view.now_us, proofs or [], told, per_unit.units, sum(each.amount for each in posted)),
        "spend": chart, "legend": spending.legend(chart), "waterfall": savings.chart(found, proofs or []),
        "levers": savings.table(view, found, proofs or []), "proof": savings.proof_words(proofs) if not view.where else "",
        "proofs": savings.proof_lines(proofs) if not view.where else [],
        "cards": metrics.cards(view, found.metrics),
        "features": metrics.features(view, found.metrics, found.before, words.name_of(before), period.until_us > view.now_us),
        "budgets": tables.budgets(standing, f"{day_of(view.now_us):%-d %B %Y}"), "alerts": tables.alerts(told),
        "units": tables.units(per_unit), "margins": tables.margins(per_unit.plans),
        "steps": next_steps.steps(view, coming), "next_days": found.next.days if found.next is not None else 0,
        "unread": unread if unread is not None and unread.findings else None, "dearest": prompts.dearest(view, unread, MOST_UNREAD) if unread is not None else [],
        "corrections": tables.corrections(posted, found.spent), "forecast": found.forecast.total.forecast,
        "unknown": found.calls_of_state("unpriced") + found.calls_of_state("unknown"), "money": money,
    }  # fmt: skip


def _whose(view: View) -> str:
    scope = ", ".join(f"{name} {value or '(none)'}" for name, value in view.where.items())
    tenant = f"Tenant {view.tenant}" if view.tenant != OPERATOR else ""
    return ", ".join(filter(None, (tenant, scope)))


def _dates(view: View) -> str:
    period = view.filters.period
    last = min(period.last, day_of(view.now_us))
    return f"{period.first:%-d %B %Y} to {last:%-d %B %Y}, UTC" + (", so far" if period.until_us > view.now_us else "")


PAGE = Page("report", "/report", "Report", VIEWER, read, standalone=True)
