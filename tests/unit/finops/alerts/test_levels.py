"""What budgets had spent some time ago: enough for the spans of the burn rate, and no more."""

import msgspec

from farthing.finops.alerts.levels import Levels
from farthing.finops.alerts.seen import BudgetSeen

MINUTE_US = 60_000_000
BUDGET = BudgetSeen("b", "b", "2025-11", 1000, 0)


def at(levels: Levels, minute: int, spent: int, window: str = "2025-11") -> BudgetSeen:
    budget = msgspec.structs.replace(BUDGET, spent=spent, window=window)
    return levels.add([budget], 10**15 + minute * MINUTE_US)[0]


def test_levels_of_each_span_are_there_after_days_and_a_new_start() -> None:
    levels = Levels()
    for minute in range(0, 4 * 1440):
        at(levels, minute, minute)
    levels = Levels(levels.text())
    before = at(levels, 4 * 1440, 4 * 1440).spent_before
    for hours in (1 / 12, 0.5, 1.0, 6.0, 72.0):
        near = min(before, key=lambda level: abs(level[0] - hours))
        assert 0.7 * hours <= near[0] <= 1.5 * hours
    assert len(before) < 60


def test_a_new_window_begins_anew_and_odd_memory_is_dropped() -> None:
    levels = Levels("{not json")
    at(levels, 0, 5)
    assert at(levels, 1, 6).spent_before == ((1 / 60, 5),)
    assert at(levels, 2, 0, "2025-12").spent_before == ()
