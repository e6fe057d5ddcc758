"""Series for `/metrics` that are read from the store when somebody looks: how full budgets are, which alerts are open, how the
queue of work that can wait stands and how its lines ended.

One value a budget, that of its fullest member, and one a rule: as many series as administrators made. Those of the queue come
from sums, whatever waits, and are the same at each gateway of a store. A store that cannot be read leaves all of them out.
"""

import time
from collections import Counter as Tally
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from farthing.model.budget import Budget
from farthing.store import Store, StoreError
from farthing.store.alerts import Alerts
from farthing.store.batch import standing
from farthing.store.batch.ends import Ends, ends
from farthing.store.budgets import Budgets, Standing
from farthing.store.engine import Connection
from farthing.store.rollups import DAY_US
from farthing.store.store import now_us

MOST_BUDGETS = 200
KEPT_S = 5.0
"""How long a reading is good for: several who scrape, and the store is read once."""


Lines = dict[tuple[str, str, str], int]
"""Lines that ended, by way, end and deadline."""


class Waits(NamedTuple):
    """The queue, of all tenants."""

    lines: int = 0
    oldest_us: int = 0
    due_us: int = 0
    away: tuple[standing.Away, ...] = ()
    ended: Lines = {}
    now_us: int = 0


class Standings:
    """See the module. `text` is an addition to the gateway's other series."""

    def __init__(self, store: Store, clock: Callable[[], float] = time.monotonic) -> None:
        self._budgets = Budgets(store)
        self._alerts = Alerts(store)
        self._clock = clock
        self._read_at = float("-inf")
        self._text = b""
        self._store = store
        self._before: tuple[int, Lines] = (0, {})

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
        waits = await self._store.do(self._waits)
        registry = CollectorRegistry()
        registry.register(_Families(budgets, {each.budget: each for each in found}, open_alerts, waits))
        return generate_latest(registry)

    def _waits(self, connection: Connection) -> Waits:
        at_us = now_us()
        yesterday = at_us - at_us % DAY_US - DAY_US
        if self._before[0] != yesterday:  # lines end today; another gateway's clock may be a bit behind
            self._before = yesterday, _lines(ends(connection, 0, yesterday))
        ended = Tally(self._before[1])
        ended.update(_lines(ends(connection, yesterday)))
        return Waits(*standing.totals(connection), tuple(standing.away(connection)), ended, at_us)


def families() -> list[Metric]:
    """The series as they are without a budget, an alert or a line: their names, labels and words."""
    return list(_Families([], {}, Tally(), Waits()).collect())


def _lines(found: Iterable[Ends]) -> Lines:
    sums: Lines = {}
    for each in found:
        key = (each.way or "unsent", each.state, "met" if each.met else "missed")
        sums[key] = sums.get(key, 0) + each.n
    return sums


class _Families(Collector):
    def __init__(
        self, budgets: list[Budget], found: dict[str, Standing], alerts: Tally[str], waits: Waits
    ) -> None:  # fmt: skip
        self._budgets = budgets
        self._found = found
        self._alerts = alerts
        self._waits = waits

    def collect(self) -> Iterator[Metric]:
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
        yield from self._queue()

    def _queue(self) -> Iterator[Metric]:
        waits = self._waits
        lines = GaugeMetricFamily("farthing_queue_lines", "Lines of jobs that may be sent now and wait.")
        lines.add_metric([], waits.lines)
        oldest = GaugeMetricFamily(
            "farthing_queue_oldest_seconds", "How long the oldest of them has waited; 0 for none."
        )
        oldest.add_metric([], max(0, waits.now_us - waits.oldest_us) / 1e6 if waits.lines else 0.0)
        left = GaugeMetricFamily(
            "farthing_queue_tightest_seconds", "Until the first of them is due; below 0: it is late."
        )
        if waits.lines:
            left.add_metric([], (waits.due_us - waits.now_us) / 1e6)
        shards = GaugeMetricFamily("farthing_batches_open", "Batches that a provider has.", labels=["provider"])
        away = GaugeMetricFamily("farthing_batch_lines_open", "Lines in these batches.", labels=["provider"])
        for each in waits.away:
            shards.add_metric([each.provider], each.shards)
            away.add_metric([each.provider], each.lines)
        ended = CounterMetricFamily(
            "farthing_lines", "Lines that ended, by how they were worked, how, and whether in time.",
            labels=["way", "end", "deadline"],
        )  # fmt: skip
        for key, count in sorted(waits.ended.items()):
            ended.add_metric(key, count)
        yield from (lines, oldest, left, shards, away, ended)
