"""`/metrics` for Prometheus. Counted from the ledger's batches after they are committed, so that no call pays for it.

Floats are fine here: these numbers draw graphs; the ledger has the money. No label holds a word that a caller can choose
freely: what features, teams and users cost is for reports.
"""

import os
from collections import Counter as Tally
from collections.abc import Awaitable, Callable, Sequence

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    multiprocess,
)
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from farthing.gateway.guard import Guard, Pass
from farthing.model.arms import BATCHING
from farthing.model.errors import FarthingError
from farthing.model.money import NANO_PER_DOLLAR
from farthing.model.record import Attempt, Record
from farthing.store import Ledger

SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)
LABELS = ("wire", "provider", "model")
TIERS = ("small", "mid", "flagship")


class Metrics:
    """The gateway's series. `observe` is an observer of the ledger."""

    def __init__(self, ledger: Callable[[], Ledger], standing: Callable[[], Awaitable[bytes]] | None = None) -> None:
        """`standing` adds what is read from the store when somebody looks, such as budgets."""
        self._shared = "PROMETHEUS_MULTIPROC_DIR" in os.environ
        self._registry = CollectorRegistry()
        self._ledger = ledger
        self._standing = standing
        self._calls = Counter("farthing_calls", "Calls by outcome.", (*LABELS, "outcome"), registry=self._registry)
        self._cost = Counter("farthing_cost_dollars", "Cost, where it is known.", LABELS, registry=self._registry)
        self._unknown = Counter(
            "farthing_calls_without_cost", "Calls whose cost is not known.", (*LABELS, "state"), registry=self._registry
        )
        self._saved = Counter("farthing_saved_dollars", "Baseline less cost.", LABELS, registry=self._registry)
        self._tokens = Counter("farthing_tokens", "Tokens by kind.", (*LABELS, "kind"), registry=self._registry)
        self._duration = Histogram(
            "farthing_call_seconds", "Duration of calls.", LABELS, buckets=SECONDS, registry=self._registry
        )
        self._first_byte = Histogram(
            "farthing_first_byte_seconds", "Until the answer began.", LABELS, buckets=SECONDS, registry=self._registry
        )
        self._attempts = self._counter("farthing_attempts", "Tries at providers.", "provider", "outcome")
        self._lost = self._counter("farthing_lost_dollars", "Cost of tries that did not answer.", "provider")
        self._cache = self._counter("farthing_cache_calls", "Calls that the cache might answer.", "result")
        self._tiers = self._counter("farthing_tier_calls", "Calls whose model Farthing chose.", "tier")
        self._tier_cost = self._counter("farthing_tier_cost_dollars", "Cost of these calls.", "tier")
        self._before = self._counter("farthing_lever_before_dollars", "Cost without a lever.", "lever")
        self._after = self._counter("farthing_lever_after_dollars", "Cost with it, its own included.", "lever")
        self._twice = self._counter("farthing_paid_twice", "Answers of batches whose line had been answered otherwise.")
        self._twice_cost = self._counter("farthing_paid_twice_dollars", "Cost of these.")
        self._refused = self._counter("farthing_refusals", "Calls that Farthing did not serve.", "code")
        self._trouble = Gauge(
            "farthing_ledger_delayed", "1 while the ledger cannot be written.", registry=self._registry,
            multiprocess_mode="livemax",
        )  # fmt: skip

    def _counter(self, name: str, help_: str, *labels: str) -> Counter:
        return Counter(name, help_, labels, registry=self._registry)

    def observe(self, records: Sequence[Record]) -> None:
        """Add a committed batch."""
        for labels, group in _grouped(records).items():
            for outcome, count in Tally(record.outcome for record in group).items():
                self._calls.labels(*labels, outcome).inc(count)
            duration, first_byte = self._duration.labels(*labels), self._first_byte.labels(*labels)
            for record in group:
                if record.first_byte_us or not record.cost:  # else it was fetched from a batch
                    duration.observe(record.duration_us / 1e6)
                if record.first_byte_us:
                    first_byte.observe(record.first_byte_us / 1e6)
            saved = max(0, sum(record.baseline - record.cost for record in group))
            self._saved.labels(*labels).inc(saved / NANO_PER_DOLLAR)
            self._cost.labels(*labels).inc(sum(record.cost for record in group) / NANO_PER_DOLLAR)
            for state in ("unpriced", "unknown"):
                if count := sum(record.cost_state == state for record in group):
                    self._unknown.labels(*labels, state).inc(count)
            cached = sum(record.cached_tokens for record in group)
            self._tokens.labels(*labels, "input").inc(sum(record.in_tokens for record in group) - cached)
            self._tokens.labels(*labels, "cached_input").inc(cached)
            self._tokens.labels(*labels, "output").inc(sum(record.out_tokens for record in group))
        tries = [attempt for record in records for attempt in record.attempts if not attempt.part]
        for (provider, outcome), count in Tally((attempt.provider, attempt.outcome) for attempt in tries).items():
            self._attempts.labels(provider, outcome).inc(count)
        for record in records:
            self._observe_levers(record)
            if record.error in CODES:
                self._refused.labels(record.error).inc()
            if len(record.attempts) > 1:
                self._observe_lost(record.attempts)

    def _observe_lost(self, attempts: Sequence[Attempt]) -> None:
        last = max(attempt.no for attempt in attempts)
        for attempt in attempts:
            if attempt.no != last and attempt.cost:
                self._lost.labels(attempt.provider).inc(attempt.cost / NANO_PER_DOLLAR)

    def _observe_levers(self, record: Record) -> None:
        if record.cache:
            self._cache.labels(record.cache).inc()
        if record.tier in TIERS:
            self._tiers.labels(record.tier).inc()
            self._tier_cost.labels(record.tier).inc(record.cost / NANO_PER_DOLLAR)
        for saving in record.savings:
            self._before.labels(saving.lever).inc(max(0, saving.before) / NANO_PER_DOLLAR)
            self._after.labels(saving.lever).inc(max(0, saving.after + saving.overhead) / NANO_PER_DOLLAR)
            if saving.lever == BATCHING and saving.overhead:
                self._twice.inc()
                self._twice_cost.inc(saving.overhead / NANO_PER_DOLLAR)

    def text(self) -> bytes:
        """All series, of all workers."""
        self._trouble.set(1 if self._ledger().trouble else 0)
        if not self._shared:
            return generate_latest(self._registry)
        everywhere = CollectorRegistry()
        multiprocess.MultiProcessCollector(everywhere)  # type: ignore[no-untyped-call]
        return generate_latest(everywhere)

    def routes(self, guard: Guard) -> list[Route]:
        async def metrics(request: Request, entered: Pass) -> Response:
            standing = await self._standing() if self._standing is not None else b""
            return Response(self.text() + standing, media_type=CONTENT_TYPE_LATEST)

        return [guard.page("/metrics", "GET", metrics)]


def _codes(kind: type[FarthingError]) -> set[str]:
    return {kind.code}.union(*(_codes(each) for each in kind.__subclasses__()))


CODES = _codes(FarthingError)
"""Farthing's own reasons not to serve a call; a provider's are as many as it likes."""


def _labels(record: Record) -> tuple[str, str, str]:
    """Models only where a call was sent there: callers must not be able to invent series."""
    return record.wire, record.provider, record.model if record.attempts else ""


def _grouped(records: Sequence[Record]) -> dict[tuple[str, str, str], list[Record]]:
    groups: dict[tuple[str, str, str], list[Record]] = {}
    for record in records:
        groups.setdefault(_labels(record), []).append(record)
    return groups
