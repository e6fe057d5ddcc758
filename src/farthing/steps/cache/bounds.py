"""The verdicts of each scope and the threshold that they allow, kept at hand; the store has them for good."""

import time
from collections.abc import Callable

from farthing.steps.cache.bound import BUCKETS, Tally, Threshold, threshold
from farthing.store import StoreError
from farthing.store.entries import Entries, Verdict

EDGES = [place / BUCKETS for place in range(BUCKETS + 1)]
FRESH_S = 30.0
"""How soon verdicts of other gateways count here."""


class _Scope:
    def __init__(self, tally: Tally, at: float) -> None:
        self.tally = tally
        self.read_at = at
        self.threshold: Threshold | None = None


class Bounds:
    """Thresholds by tenant and feature, for at most `bound` wrong hits in one hit."""

    def __init__(self, entries: Entries, bound: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._entries = entries
        self._bound = bound
        self._clock = clock
        self._scopes: dict[tuple[str, str], _Scope] = {}

    async def threshold(self, tenant: str, feature: str) -> Threshold:
        """What the scope's verdicts allow now. Without a store to read them from: nothing."""
        scope = self._scopes.get((tenant, feature))
        if scope is None or self._clock() - scope.read_at > FRESH_S:
            scope = await self._read(tenant, feature)
        if scope.threshold is None:
            scope.threshold = threshold(scope.tally, self._bound)
        return scope.threshold

    def add(self, verdict: Verdict) -> None:
        """One more verdict."""
        self._entries.verdict(verdict)
        scope = self._scopes.get((verdict.tenant, verdict.scope))
        if scope is not None:
            scope.tally.add(verdict.similarity, verdict.wrong)
            scope.threshold = None

    async def _read(self, tenant: str, feature: str) -> _Scope:
        known = self._scopes.get((tenant, feature))
        try:
            counts = await self._entries.counts(tenant, feature, EDGES)
        except StoreError:
            if known is not None:
                known.read_at = self._clock()
                return known
            return _Scope(Tally.empty(), self._clock())
        tally = Tally.empty()
        for each in counts:
            tally.add(each.at_least, False, each.total - each.wrong)
            tally.add(each.at_least, True, each.wrong)
        scope = self._scopes[tenant, feature] = _Scope(tally, self._clock())
        return scope
