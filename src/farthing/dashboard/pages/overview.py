"""What the company spends, what was saved and by what, what is wrong now, and what to switch on next."""

from farthing.dashboard.formats import change, count, money, percent
from farthing.dashboard.overview import metrics, next_steps, reading, savings, spending, wrong
from farthing.dashboard.overview.reading import Overview
from farthing.dashboard.overview.welcome import welcome
from farthing.dashboard.overview.wrong import State
from farthing.dashboard.page import Page, Values
from farthing.dashboard.periods import day_of
from farthing.dashboard.progress import under_way
from farthing.dashboard.view import View
from farthing.finops.alerts.catalog import is_on, times_of
from farthing.finops.alerts.rules import day_spend
from farthing.finops.metrics.plain import options_of
from farthing.finops.tiers import tier_of
from farthing.gateway.guard import OWN


async def read(view: View) -> Values:
    settings = view.sources.settings
    period, tier = view.filters.period, tier_of(settings)
    found = await view.read(
        lambda each: reading.read(
            each, view.sources.memory, period, view.now_us, view.tenant, view.where, options_of(settings.finops), tier
        )
    )
    work = await under_way(view)
    if found.is_new:
        return {"progress": work, "welcome": welcome(settings.server, view.entered.key is not None)}
    state = await wrong.look(view, found)
    proofs = [] if view.where else await view.sources.proofs.of(view.tenant, period.since_us, period.until_us)
    ratio = times_of(settings.alerts, day_spend.NAME) if is_on(settings.alerts, day_spend.NAME) else 0.0
    spend = spending.chart(found, period, view.now_us, ratio)
    coming = next_steps.savings(view, found, tier)
    steps = next_steps.steps(view, coming)
    before = period.before()
    return {
        "progress": work, "welcome": None, "soon": proofs is None, "tiles": _tiles(view, found, state, next_steps.sum_up(steps)), "state": state,
        "spend": spend, "legend": spending.legend(spend),
        "waterfall": savings.chart(found, proofs or []), "savings": savings.table(view, found, proofs or []),
        "proof": savings.proof_words(proofs) if found.levers is not None else "",
        "proofs": savings.proof_lines(proofs) if found.levers is not None else [],
        "by_lever": found.levers is not None,
        "cards": metrics.cards(view, found.metrics), "metrics": metrics.table(found.metrics),
        "features": metrics.features(view, found.metrics, found.before, before.label, period.until_us > view.now_us),
        "steps": steps, "next": next_steps.table(coming),
        "next_days": found.next.days if found.next is not None else 0,
    }  # fmt: skip


def _tiles(view: View, found: Overview, state: State, coming: dict[str, str] | None) -> list[dict[str, str]]:
    """The head of the page, from left to right."""
    tiles = [_spent(view, found), _forecast(view, found), _saved(view, found)]
    if view.may("viewer"):
        tiles.append(_open(state))
    if coming is not None:
        tiles.append(coming)
    return tiles


def _spent(view: View, found: Overview) -> dict[str, str]:
    period = view.filters.period
    unknown = found.calls_of_state("unpriced") + found.calls_of_state("unknown")
    beside = f", {count(unknown)} of them without a known cost" if unknown else ""
    tile = {
        "title": f"Spent, {period.in_sentence}",
        "value": money(found.spent), "href": view.calls(), "note": f"{count(found.calls)} calls{beside}",
    }  # fmt: skip
    if view.filters.compare:
        tile["change"] = change(found.spent, found.cost_before) or "nothing before"
        tile["note"] += f"; {money(found.cost_before)} in {period.before().label}"
    return tile


def _forecast(view: View, found: Overview) -> dict[str, str]:
    forecast = found.forecast.total.forecast
    month = f"{day_of(forecast.month_us):%B}"
    if forecast.method in ("none", "over"):
        return {"title": f"Forecast, end of {month}", "value": money(forecast.expected), "note": forecast.note}
    note = f"{money(forecast.low)} to {money(forecast.high)} in 8 of 10 cases; {money(forecast.spent)} is spent"
    return {"title": f"Forecast, end of {month}", "value": money(forecast.expected), "note": note}


def _saved(view: View, found: Overview) -> dict[str, str]:
    share = percent(found.saved / found.baseline) if found.baseline else ""
    note = f"{share} of {money(found.baseline)} that the calls would have cost as they were sent" if share else "nothing was paid for"  # fmt: skip
    look = "good" if found.saved > 0 else "bad" if found.saved < 0 else ""
    return {"title": "Saved", "value": money(found.saved), "note": note, "state": look, "href": "#savings"}


def _open(state: State) -> dict[str, str]:
    more = "more to look at" if state.alerts else "to look at"
    parts = [f"{count(state.others)} {more}" if state.others else ""]
    parts.append(f"{count(state.muted)} muted" if state.muted else "")
    note = "; ".join(filter(None, parts)) or (
        "nothing else is out of order" if state.alerts else "nothing is out of order"
    )
    look = state.worst or ("warn" if state.others else "good")
    return {"title": "Open alerts", "value": count(state.alerts), "note": note, "state": look, "href": "#wrong"}


PAGE = Page("overview", "/", "Overview", OWN, read, section="Cost", filters=("period", "scope", "compare"))
