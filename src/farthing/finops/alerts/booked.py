"""Budgets as alerts see them, from the store's own balances. Only reads; who may spend is for the budgets themselves."""

from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple

from farthing.finops.alerts.seen import BudgetSeen
from farthing.model.budget import EACH, Budget
from farthing.model.money import Nano
from farthing.model.windows import FOREVER_US, Window, window_at
from farthing.store import Store
from farthing.store.budgets import Budgets
from farthing.store.engine import Connection
from farthing.store.reading import DIMENSIONS

MOST_MEMBERS = 500
"""Of one budget: those that spent most of theirs."""
HOUR_US = 3_600_000_000
LEAST_SHARE = 0.05
"""Of a budget spent, below which nobody asks for a forecast."""


class Foreseen(NamedTuple):
    """What a month will have cost. Amounts in nano-dollars."""

    expected: Nano
    low: Nano
    high: Nano
    chance_above: Callable[[Nano], float | None]


Foresee = Callable[[str, Mapping[str, str], int], Awaitable[Foreseen | None]]
"""(tenant, scope, now_us) -> the end of the running month; None where no sums are kept of such a scope."""


class _Balance(NamedTuple):
    member: str
    spent: Nano
    carried: Nano


class StoredBudgets:
    """A `BudgetSource`. Budgets in tokens or calls are no matter of money, and left out."""

    def __init__(self, store: Store, foresee: Foresee | None = None) -> None:
        self._store = store
        self._budgets = Budgets(store)
        self._foresee = foresee
        self._foreseen: dict[str, tuple[int, Foreseen | None]] = {}

    async def budgets(self, tenant: str, now_us: int) -> list[BudgetSeen]:
        """Those of a tenant of which anything is spent in their present window."""
        found: list[BudgetSeen] = []
        for budget in await self._budgets.every():
            if budget.unit == "money" and budget.amount > 0 and budget.tenant in (tenant, EACH):
                found += await self._of(budget, tenant, now_us)
        return found

    async def _of(self, budget: Budget, tenant: str, now_us: int) -> list[BudgetSeen]:
        window = window_at(budget.period, now_us)
        balances = await self._store.do(lambda connection: _balances(connection, budget.id, window))
        mine = [each for each in balances if budget.tenant != EACH or each.member.split("/")[0] == _escaped(tenant)]
        mine = sorted(mine, key=lambda each: -each.spent)[:MOST_MEMBERS]
        return [await self._seen(budget, each, window, tenant, now_us) for each in mine]

    async def _seen(self, budget: Budget, balance: _Balance, window: Window, tenant: str, now_us: int) -> BudgetSeen:
        rolling = budget.period.kind == "rolling"
        limit = budget.allowed_at(now_us) + balance.carried
        member = f" ({balance.member})" if balance.member else ""
        foreseen = await self._month_of(budget, balance, limit, tenant, now_us)
        return BudgetSeen(
            f"{budget.id}/{balance.member}", f"{budget.id}{member}",
            f"{budget.window} {now_us // (24 * HOUR_US)}" if rolling else window.id, limit, balance.spent,
            starts_us=window.from_us, ends_us=0 if rolling or window.until_us >= FOREVER_US else window.until_us,
            chance_over=foreseen.chance_above(limit) if foreseen is not None else None,
            forecast=foreseen.expected if foreseen is not None else None,
            forecast_low=foreseen.low if foreseen is not None else None,
            forecast_high=foreseen.high if foreseen is not None else None,
        )  # fmt: skip

    async def _month_of(
        self, budget: Budget, balance: _Balance, limit: Nano, tenant: str, now_us: int
    ) -> Foreseen | None:  # fmt: skip
        """The forecast of a monthly budget without members, once an hour: it is made from whole days."""
        if self._foresee is None or not can_foresee(budget) or balance.member or balance.spent < LEAST_SHARE * limit:
            return None
        kept = self._foreseen.get(budget.id)
        if kept is None or kept[0] != now_us // HOUR_US:
            kept = now_us // HOUR_US, await self._foresee(tenant, budget.scope, now_us)
            self._foreseen[budget.id] = kept
        return kept[1]


def can_foresee(budget: Budget) -> bool:
    """Whether the forecast of a scope's month is one of the budget: it counts money by the month, and holds for one scope
    that sums may be kept of."""
    known = all(name in DIMENSIONS and EACH not in value for name, value in budget.scope.items())
    return budget.unit == "money" and budget.window == "month" and not budget.has_members and known


def _balances(connection: Connection, budget: str, window: Window) -> list[_Balance]:
    """What is spent of each member's budget in a window; a rolling one is a row of buckets."""
    ids = (window.id, *window.also)
    marks = ", ".join("?" for _ in ids)
    rows = connection.query(
        "SELECT member, CAST(sum(spent) AS BIGINT), CAST(max(coalesce(carried, 0)) AS BIGINT) FROM budget_balances "
        f"WHERE budget = ? AND window_id IN ({marks}) GROUP BY member",
        (budget, *ids),
    )
    return [_Balance(str(member), int(spent), int(carried)) for member, spent, carried in rows if spent]


def _escaped(name: str) -> str:
    """As a name stands in a member's."""
    return name.replace("%", "%25").replace("/", "%2F")
