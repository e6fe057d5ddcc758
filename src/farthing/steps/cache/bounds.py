"""The verdicts of each scope and the threshold that they allow, kept at hand; the store has them for good."""

import time
from collections.abc import Callable

from farthing.steps.cache.bound import BUCKETS, Tally, Threshold, threshold
from farthing.steps.cache.calibration import NEAR, Probes, probes_of
from farthing.store import StoreError
from farthing.store.entries import PROBES, Entries, Verdict

EDGES = [place / BUCKETS for place in range(BUCKETS + 1)]
FRESH_S = 30.0
"""How soon verdicts of other gateways, and probes, count here."""


class _Scope:
    def __init__(self, tally: Tally, probes: Probes, at: float) -> None:
        self.tally = tally
        self.probes = probes
        self.read_at = at
        self.threshold: Threshold | None = None


class Bounds:
    """Thresholds by tenant and feature, for at most `bound` wrong hits in one hit.

    `judge` is the model whose verdicts and errors count, beside what people say: those of another one show nothing of it.
    """

    def __init__(
        self, entries: Entries, bound: float, judge: str = "", *, clock: Callable[[], float] = time.monotonic
    ) -> None:  # fmt: skip
        self._entries = entries
        self._bound = bound
        self._clock = clock
        self._scopes: dict[tuple[str, str], _Scope] = {}
        self.judge = judge

    async def threshold(self, tenant: str, feature: str) -> Threshold:
        """What the scope's verdicts allow now. Without a store to read them from: nothing."""
        scope = self._scopes.get((tenant, feature))
        if scope is None or self._clock() - scope.read_at > FRESH_S:
            scope = await self._read(tenant, feature)
        if scope.threshold is None:
            scope.threshold = threshold(scope.tally, self._bound, scope.probes.errors)
        return scope.threshold

    def add(self, verdict: Verdict) -> None:
        """One more verdict, or probe."""
        self._entries.verdict(verdict)
        scope = self._scopes.get((verdict.tenant, verdict.scope))
        if scope is not None and verdict.source not in PROBES:
            scope.tally.add(verdict.similarity, verdict.wrong, people=verdict.source == "feedback")
            scope.threshold = None

    async def _read(self, tenant: str, feature: str) -> _Scope:
        known = self._scopes.get((tenant, feature))
        try:
            tally, probes = await read_scope(self._entries, tenant, feature, self.judge)
        except StoreError:
            if known is not None:
                known.read_at = self._clock()
                return known
            return _Scope(Tally.empty(), Probes(), self._clock())
        scope = self._scopes[tenant, feature] = _Scope(tally, probes, self._clock())
        return scope


async def read_scope(entries: Entries, tenant: str, feature: str, judge: str) -> tuple[Tally, Probes]:
    """What the store knows of a scope. Raises StoreError."""
    tally = Tally.empty()
    for each in await entries.counts(tenant, feature, EDGES, judge=judge):
        tally.count(each.at_least, each.total, each.wrong, each.people)
    return tally, probes_of(feature, await entries.probes(tenant, judge, near=NEAR))
