"""Settings -> the rules that are looked at. The one place that knows them all."""

from farthing.finops.alerts.rule import Rule
from farthing.finops.alerts.rules import (
    budget_forecast,
    budget_level,
    burn_rate,
    cache_hits,
    cheap_tier,
    day_spend,
    drift,
    errors,
    newcomer,
    no_data,
    price_change,
    single_call,
    unpriced,
    unusual_spend,
    waste,
    young_spend,
)
from farthing.finops.alerts.sensitivity import SENSITIVITIES, Floors
from farthing.model.money import Nano, nano_from_dollars, show_dollars
from farthing.settings import ALERT_RULES, AlertRuleSettings, AlertSettings

NOTHING = AlertRuleSettings()


def rules_for(settings: AlertSettings) -> list[Rule]:
    """The rules over sums that are on, with their thresholds. `single_call`, which hears of calls, is apart."""
    floors = Floors(nano_from_dollars(settings.floor_dollars), settings.floor_percent)
    sensitivity = SENSITIVITIES[settings.sensitivity]

    def kinds(name: str) -> tuple[str, ...]:
        return tuple(settings.rules.get(name, NOTHING).by or settings.by)

    middle = percent_of(settings, budget_level.NAME)
    every: list[Rule] = [
        day_spend.DaySpend(kinds(day_spend.NAME), floors, times_of(settings, day_spend.NAME)),
        unusual_spend.UnusualSpend(kinds(unusual_spend.NAME), floors, sensitivity),
        young_spend.YoungSpend(kinds(young_spend.NAME), dollars_of(settings, young_spend.NAME)),
        budget_level.BudgetLevel((50, middle, 100)),
        burn_rate.BurnRate(floors.amount),
        budget_forecast.BudgetForecast(percent_of(settings, budget_forecast.NAME) / 100),
        drift.Drift(percent_of(settings, drift.NAME), dollars_of(settings, drift.NAME), floors),
        newcomer.Newcomer(dollars_of(settings, newcomer.NAME)),
        price_change.PriceChanges(percent_of(settings, price_change.NAME)),
        cache_hits.CacheHits(percent_of(settings, cache_hits.NAME) / 100),
        cheap_tier.CheapTier(percent_of(settings, cheap_tier.NAME) / 100),
        waste.Waste(percent_of(settings, waste.NAME) / 100, dollars_of(settings, waste.NAME)),
        errors.Errors(percent_of(settings, errors.NAME) / 100),
        unpriced.Unpriced(),
        no_data.NoData(),
    ]
    return [rule for rule in every if is_on(settings, rule.name)]


def looks_at_users(settings: AlertSettings) -> bool:
    """Whether some rule wants the sums of single users."""
    return "user" in {*settings.by, *(kind for rule in settings.rules.values() for kind in rule.by)}


def single_call_limit(settings: AlertSettings) -> Nano | None:
    """What one call may cost; None where nobody wants to know."""
    return dollars_of(settings, single_call.NAME) if is_on(settings, single_call.NAME) else None


def is_on(settings: AlertSettings, name: str) -> bool:
    return settings.rules.get(name, NOTHING).on


def about(settings: AlertSettings, name: str) -> str:
    """When a rule is told, in words with the thresholds that hold."""
    dollars = ALERT_RULES[name].dollars is not None
    said = {
        "times": f"{times_of(settings, name):g} times", "percent": f"{percent_of(settings, name):g} %",
        "dollars": show_dollars(dollars_of(settings, name)) if dollars else "", "sensitivity": f"sensitivity: {settings.sensitivity}",
    }  # fmt: skip
    text = ALERT_RULES[name].about
    for word, value in said.items():
        text = text.replace(f"`{word}`", value)
    return text


def looks_at(settings: AlertSettings, name: str) -> tuple[str, ...]:
    """What a rule about daily spending looks at each of; nothing for the others."""
    if name not in (day_spend.NAME, unusual_spend.NAME, young_spend.NAME):
        return ()
    return tuple(settings.rules.get(name, NOTHING).by or settings.by)


def times_of(settings: AlertSettings, name: str) -> float:
    return settings.rules.get(name, NOTHING).times or ALERT_RULES[name].times or 0.0


def percent_of(settings: AlertSettings, name: str) -> float:
    return settings.rules.get(name, NOTHING).percent or ALERT_RULES[name].percent or 0.0


def dollars_of(settings: AlertSettings, name: str) -> Nano:
    return nano_from_dollars(settings.rules.get(name, NOTHING).dollars or ALERT_RULES[name].dollars or "0")
