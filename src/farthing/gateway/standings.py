"""Gauges for `/metrics` that are read from the store when somebody looks: how full budgets are, which alerts are open.

One value a budget, that of its fullest member, and one a rule: as many series as administrators made. A store that cannot be
read leaves them out.
"""

import time
from collections import Counter as Tally
from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from farthing.model.budget import Budget
from farthing.store import Store, StoreError
from farthing.store.alerts import Alerts
from farthing.store.budgets import Budgets, Standing
from farthing.store.store import now_us

MOST_BUDGETS = 200
KEPT_S = 5.0
"""How long a reading is good for: several who scrape, and the store is read once."""


class Standings:
    """See the module. `text` is an addition to the gateway's other series."""

    def __init__(self, store: Store, clock: Callable[[], float] = time.monotonic) -> None:
        self._budgets = Budgets(store)
        self._alerts = Alerts(store)
        self._clock = clock
        self._read_at = float("-inf")
        self._text = b""

    async def text(self) -> bytes:
        """The gauges in Prometheus' text format."""
        if self._clock() - self._read_at >= KEPT_S:
            try:
                self._text = await self._read()
            except StoreError:
                self._text = b""
            self._read_at = self._clock()
        return self._text

    async def _read(self) -> bytes:
        budgets = (await self._budgets.every())[:MOST_BUDGETS]
        found = await self._budgets.standings(budgets, now_us(), most_members=1)
        open_alerts = Tally(each.rule for each in await self._alerts.standings() if each.state != "ok")
        registry = CollectorRegistry()
        registry.register(_Families(budgets, {each.budget: each for each in found}, open_alerts))
        return generate_latest(registry)


def families() -> list[GaugeMetricFamily]:
    """The gauges as they are without a budget or an alert: their names, labels and words."""
    return list(_Families([], {}, Tally()).collect())


class _Families(Collector):
    def __init__(self, budgets: list[Budget], found: dict[str, Standing], alerts: Tally[str]) -> None:
        self._budgets = budgets
        self._found = found
        self._alerts = alerts

    def collect(self) -> Iterator[GaugeMetricFamily]:
        used = GaugeMetricFamily("farthing_budget_used_ratio", "Spent share, of the fullest member.", labels=["budget"])
        held = GaugeMetricFamily(
            "farthing_budget_reserved_ratio", "Share held for calls under way, of that member.", labels=["budget"]
        )
        for budget in self._budgets:
            standing = self._found.get(budget.id)
            limit = standing.limit if standing is not None else 0
            spent = standing.spent + standing.lost if standing is not None else 0
            used.add_metric([budget.id], spent / limit if limit > 0 else float(spent > 0))
            held.add_metric([budget.id], standing.reserved / limit if standing is not None and limit > 0 else 0.0)
        alerts = GaugeMetricFamily("farthing_alerts_open", "Alerts that are not ok, by rule.", labels=["rule"])
        for rule, count in sorted(self._alerts.items()):
            alerts.add_metric([rule], count)
        yield from (used, held, alerts)
