"""A budget will probably end above its limit. How that is foreseen is for whoever makes the forecast."""

from farthing.finops.alerts.finding import Finding, Scope
from farthing.finops.alerts.seen import BudgetSeen, Seen
from farthing.finops.alerts.words import percent
from farthing.model.money import show_dollars

NAME = "budget_forecast"


class BudgetForecast:
    """See the module. `chance`: above it somebody is told."""

    name = NAME

    def __init__(self, chance: float = 0.5) -> None:
        self._chance = chance

    def __call__(self, seen: Seen) -> list[Finding]:
        return [found for budget in seen.budgets if (found := self._look(budget)) is not None]

    def _look(self, budget: BudgetSeen) -> Finding | None:
        chance, forecast = budget.chance_over, budget.forecast
        if chance is None or forecast is None or chance <= self._chance or not 0 <= budget.spent < budget.limit:
            return None
        low, high = budget.forecast_low, budget.forecast_high
        between = f" ({show_dollars(low)} to {show_dollars(high)})" if low is not None and high is not None else ""
        return Finding(
            NAME, Scope("budget", budget.name), budget.window, "warn",
            f"The budget {budget.name} is on its way to {show_dollars(forecast)}{between} of {show_dollars(budget.limit)}; "
            f"the chance that it ends above is {percent(chance)}.",
            value=forecast, usual=budget.limit, at_stake=max(0, forecast - budget.limit),
        )  # fmt: skip
