"""A budget burns so fast that it ends before its window does: a long span says that it matters, a short one that it still
goes on. The factors are those of the SRE workbook for 30 days (14.4 over 1 h and 5 min, 6 over 6 h and 30 min, 1 over 3
days and 6 h: 2, 5 and 10 % of the budget gone); unlike an error budget one of money is meant to be spent, so the pace
must also break it.
"""

from farthing.finops.alerts.finding import Finding, Level, Scope
from farthing.finops.alerts.seen import BudgetSeen, Seen
from farthing.finops.alerts.words import span, times
from farthing.model.money import Nano, show_dollars

NAME = "burn_rate"
PAIRS: tuple[tuple[float, float, float, Level], ...] = (
    (1.0, 1 / 12, 14.4, "alert"),
    (6.0, 0.5, 6.0, "alert"),
    (72.0, 6.0, 1.0, "warn"),
)
"""Long and short span in hours, times the even pace, and how bad that is."""
HOUR_US = 3_600_000_000
LONGEST_SHARE = 0.25
"""A span that is a larger part of the window says nothing about it: a day's budget has no three days."""


class BurnRate:
    """See the module. `least`: nano-dollars in the long span below which nobody is told."""

    name = NAME

    def __init__(self, least: Nano) -> None:
        self._least = least

    def __call__(self, seen: Seen) -> list[Finding]:
        return [found for budget in seen.budgets if (found := self._look(budget, seen.now_us)) is not None]

    def _look(self, budget: BudgetSeen, now_us: int) -> Finding | None:
        length_h = (budget.ends_us - budget.starts_us) / HOUR_US
        left_h = (budget.ends_us - now_us) / HOUR_US
        if budget.limit <= 0 or length_h <= 0 or left_h <= 0 or budget.spent >= budget.limit:
            return None
        even = budget.limit / length_h
        for long_h, short_h, factor, level in PAIRS:
            slow, fast = _pace(budget, long_h), _pace(budget, short_h)
            if slow is None or fast is None or long_h > LONGEST_SHARE * length_h or slow * long_h < self._least:
                continue
            ends_at = budget.spent + min(slow, fast) * left_h
            if min(slow, fast) > factor * even and ends_at > budget.limit:
                gone_h = (budget.limit - budget.spent) / slow
                return Finding(
                    NAME, Scope("budget", budget.name), budget.window, level,
                    f"The budget {budget.name} ({show_dollars(budget.limit)}) burns {times(slow / even)} its even pace: "
                    f"{show_dollars(int(slow * long_h))} in {span(long_h)}. At this pace it is gone in {span(gone_h)}, "
                    f"{span(left_h)} before its window ends.",
                    value=budget.spent, usual=int(even * long_h), at_stake=int(ends_at - budget.limit),
                )  # fmt: skip
        return None


def _pace(budget: BudgetSeen, hours: float) -> float | None:
    """Nano-dollars an hour over the last `hours`, by the level known nearest to then; None where none is near."""
    near = min(budget.spent_before, key=lambda level: abs(level[0] - hours), default=None)
    if near is None or not 0.7 * hours <= near[0] <= 1.5 * hours:
        return None
    return max(0, budget.spent - near[1]) / near[0]
