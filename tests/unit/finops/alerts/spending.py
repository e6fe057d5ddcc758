"""Made-up spending for the tests of rules."""

from collections.abc import Sequence

from farthing.finops.alerts.finding import TOTAL, Scope
from farthing.finops.alerts.history import History, Shape
from farthing.finops.alerts.seen import Seen, Spend
from farthing.finops.alerts.today import Passing, Today
from farthing.model.money import NANO_PER_DOLLAR

DOLLAR = NANO_PER_DOLLAR
DAY_US = 86_400_000_000
NOON_US = 20_417 * DAY_US + DAY_US // 2
"""25 November 2025, a Tuesday."""
AGENT = Scope("feature", "agent")
EVEN = Passing(())


def spend(
    days: Sequence[float], today: float, scope: Scope = AGENT, *, hour: float = 24.0, weekday: int = 1, shape: Shape | None = None,
) -> Spend:  # fmt: skip
    """`days` and `today` in dollars."""
    history = History([round(day * DOLLAR) for day in days], weekday)
    usual = history.usual(shape or Shape())
    return Spend(scope, history, Today(round(today * DOLLAR), hour, EVEN), usual, first_seen=not days)


def seen(*spends: Spend, **more: object) -> Seen:
    """With a total of $100 a day before the others."""
    total = spend([100.0] * 35, 100.0, TOTAL)
    return Seen(NOON_US, spends=(total, *spends), known_days=35, **more)  # type: ignore[arg-type]
