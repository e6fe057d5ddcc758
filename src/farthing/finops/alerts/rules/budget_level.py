"""So much of a budget is spent: 50, 80 and 100 % of it, each told once a window. Whole numbers, so the edge is exact."""

from collections.abc import Sequence

from farthing.finops.alerts.finding import Finding, Scope
from farthing.finops.alerts.seen import BudgetSeen, Seen
from farthing.finops.alerts.words import until
from farthing.model.money import show_dollars

NAME = "budget_level"


class BudgetLevel:
    """See the module. `percents` in rising order, each a whole number of tenths."""

    name = NAME

    def __init__(self, percents: Sequence[float] = (50, 80, 100)) -> None:
        self._permille = sorted({round(each * 10) for each in percents})

    def __call__(self, seen: Seen) -> list[Finding]:
        return [found for budget in seen.budgets if (found := self._look(budget, seen.now_us)) is not None]

    def _look(self, budget: BudgetSeen, now_us: int) -> Finding | None:
        if budget.limit <= 0:
            return None
        passed = [step for step in self._permille if budget.spent * 1000 >= budget.limit * step]
        if not passed:
            return None
        over = budget.spent >= budget.limit
        left = budget.limit - budget.spent
        rest = (
            f"{show_dollars(left)} is left"
            if left > 0
            else f"{show_dollars(-left)} above it"
            if left
            else "nothing is left"
        )
        return Finding(
            NAME, Scope("budget", budget.name), budget.window, "alert" if over else "warn",
            f"{100 * budget.spent / budget.limit:.0f} % of the budget {budget.name} ({show_dollars(budget.limit)}) is spent; "
            f"{rest}{until(budget.ends_us, now_us)}.",
            value=budget.spent, usual=budget.limit, at_stake=max(0, -left), step=passed[-1],
        )  # fmt: skip
