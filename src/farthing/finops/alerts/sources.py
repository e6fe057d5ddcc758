"""What alerts need of other parts, as small interfaces: budgets, forecasts, prices. `app.alerts` brings the objects."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from farthing.finops.alerts.seen import BudgetSeen, PriceChange
from farthing.model.money import Nano


class BudgetSource(Protocol):
    """Where budgets stand."""

    async def budgets(self, tenant: str, now_us: int) -> Sequence[BudgetSeen]:
        """All budgets of a tenant in their present windows, with the forecast where there is one. Raises StoreError."""


class PriceSource(Protocol):
    """What models in use cost, now and soon."""

    def changes(self, spent_a_day: Mapping[str, Nano], now_us: int) -> Sequence[PriceChange]:
        """Changes since yesterday, or within the next days, of models that cost so much in a usual day."""
