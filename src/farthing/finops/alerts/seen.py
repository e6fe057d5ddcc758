"""What the rules see of one tenant at one moment: sums that were read from rollups, and the state of budgets. Values only."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import msgspec

from farthing.finops.alerts.drift import Drifting
from farthing.finops.alerts.finding import Scope
from farthing.finops.alerts.history import History, Usual
from farthing.finops.alerts.today import Today
from farthing.model.money import Nano


class Spend(NamedTuple):
    """The spending of one scope."""

    scope: Scope
    history: History
    today: Today
    usual: Usual | None = None
    """What the model of `history` expects of today."""
    first_seen: bool = False
    """Nothing of it was seen on any day before today."""


class Counts(NamedTuple):
    """Calls of one scope today."""

    scope: Scope
    calls: int = 0
    errors: int = 0
    cost: Nano = 0
    unpriced: int = 0
    """Calls of today whose model has no price."""
    unknown: int = 0
    """Calls of today that reported no usage."""
    tokens_without_cost: int = 0
    """Tokens of today's calls without a price."""
    lost: Nano = 0
    """What tries cost that came to nothing."""


class Rates(NamedTuple):
    """What the last seven days were made of: calls, and nano-dollars."""

    calls: int = 0
    cost: Nano = 0
    cacheable: int = 0
    hits: int = 0
    tiered: int = 0
    """Calls that left the choice of the model to Farthing, or to a tier."""
    small: int = 0
    other_tier_cost: Nano = 0
    """What those cost that were not on the small tier."""


class Silence(NamedTuple):
    """A scope that always has calls at this time of the week, and has none."""

    scope: Scope
    hours: int
    """Whole hours without a call."""
    usual_calls: int
    """Calls in the same hours, in the quietest of the weeks looked at."""


class PriceChange(NamedTuple):
    """A rate of a model in use that is another one than yesterday, or will be."""

    model: str
    unit: str
    before: int
    after: int
    """Pico-dollars a unit."""
    day: str
    spent_a_day: Nano
    """What the model costs in a usual day."""


class BudgetSeen(msgspec.Struct, frozen=True):
    """A budget as alerts see it. Amounts in nano-dollars, times in microseconds since 1970."""

    id: str
    name: str
    window: str
    """The window's id, such as 2026-11."""
    limit: Nano
    spent: Nano
    starts_us: int = 0
    ends_us: int = 0
    """0 for budgets without an end."""
    spent_before: tuple[tuple[float, Nano], ...] = ()
    """(hours ago, what was spent by then in this window), as far as it is known."""
    chance_over: float | None = None
    """That the window ends above the limit, by the forecast; None where nobody can say."""
    forecast: Nano | None = None
    forecast_low: Nano | None = None
    forecast_high: Nano | None = None


class Seen(msgspec.Struct, frozen=True):
    """All of it. Days are UTC days."""

    now_us: int
    spends: Sequence[Spend] = ()
    """The total first."""
    counts: Sequence[Counts] = ()
    rates: Rates = Rates()
    wasted: Nano = 0
    """What tries cost today that came to nothing."""
    retries: int = 0
    silences: Sequence[Silence] = ()
    price_changes: Sequence[PriceChange] = ()
    drifting: Sequence[Drifting] = ()
    budgets: Sequence[BudgetSeen] = ()
    known_days: int = 0
    """Days before today on which anything was spent."""

    @property
    def now(self) -> datetime:
        return datetime.fromtimestamp(self.now_us / 1e6, UTC)

    @property
    def day(self) -> str:
        return self.now.strftime("%Y-%m-%d")

    @property
    def week(self) -> str:
        return self.now.strftime("%G-W%V")

    @property
    def usual_total(self) -> Nano:
        """What all spend in a usual day; 0 where nothing is known."""
        return self.spends[0].history.mean_of_7 if self.spends else 0
