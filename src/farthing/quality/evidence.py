"""Evidence as one gateway knows it: what the store held at the latest refresh, and what was seen here since.

Observations wait in memory and are written in batches, so a call costs an append; other gateways' are read back with the
next refresh. Evidence about a model counts from its latest opening on: an opening is written when the provider runs a
version of the model that was never seen, and when the model was demoted. Belongs to one process.
"""

import logging
from collections.abc import Sequence
from typing import Protocol

import msgspec

from farthing.model.routes import ANY
from farthing.quality.noninferiority import Counts, counted
from farthing.store import StoreError
from farthing.store.evidence import Observation, Sample, Sums

log = logging.getLogger("farthing.quality")

DAY_US = 86_400_000_000
OPENED = "opened"
"""Source of the rows that say from when evidence counts; their `served` is an opening."""
PASSED = "passed"
"""Source of scores of answers that passed a check: 1 where they were as good as the flagship's."""
MOST_WAITING = 50_000
"""Observations that wait for a store; older ones are lost, since calls go on."""


MOST_SCOPES = 2_000
"""Scopes of one tenant that evidence is kept for: callers name tasks and write prompts as they like. What is seen in others
counts in the wider ones."""
MOST_VERSIONS = 100
"""Versions of one model that open its evidence anew: a provider with more of them gives each answer a name of its own."""


class Kept(Protocol):
    """Where evidence is kept for good."""

    async def add(self, batch: Sequence[Observation], samples: Sequence[Sample] = ()) -> None: ...
    async def sums(self, since_day_us: int = 0, tenant: str = "", *, by_day: bool = False) -> list[Sums]: ...
    async def prune(self, before_us: int) -> int: ...


class Opening(msgspec.Struct, frozen=True, order=True):
    """From when on evidence about a model counts, and the version that ran then."""

    at_us: int = 0
    version: str = ""

    @property
    def label(self) -> str:
        """As rows have it; empty for the first one."""
        return f"{self.at_us} {self.version}".strip() if self.at_us else ""


def opening_of(label: str) -> Opening:
    at, _, version = label.partition(" ")
    return Opening(int(at), version) if at.isdecimal() else Opening()


Key = tuple[str, str, str, str, str, str]
"""Tenant, scope, model, source, against, opening."""


class Evidence:
    """See the module. Times are microseconds since 1970."""

    def __init__(self, kept: Kept) -> None:
        self._kept = kept
        self._sums: dict[Key, Sums] = {}
        self._waiting: list[Observation] = []
        self._samples: list[Sample] = []
        self._openings: dict[tuple[str, str, str], Opening] = {}
        """By (tenant, scope, model); (ANY, ANY, model) is for all."""
        self._versions: dict[str, set[str]] = {}
        self._scopes: dict[str, set[str]] = {}
        """By tenant."""
        self._loaded = False
        self._pruned_us = 0

    @property
    def loaded(self) -> bool:
        """Whether the store was read at least once."""
        return self._loaded

    def add(
        self, tenant: str, scopes: Sequence[str], model: str, source: str, at_us: int, *, difference: float | None = None,
        score: float | None = None, out_tokens: int | None = None, against: str = "",
    ) -> None:  # fmt: skip
        """One observation, in each of its scopes."""
        for scope in scopes:
            if not self._is_kept(tenant, scope):
                continue
            self._take(
                Observation(
                    tenant=tenant, scope=scope, model=model, source=source, at_us=at_us, difference=difference,
                    score=score, out_tokens=out_tokens, against=against, served=self.opening(tenant, scope, model).label,
                )
            )  # fmt: skip

    def sample(self, sample: Sample) -> None:
        self._samples.append(sample)

    def ran(self, model: str, version: str, at_us: int) -> bool:
        """A version of the model answered. True if that opens all evidence about it anew."""
        known = self._versions.setdefault(model, set())
        if not version or version in known or len(known) >= MOST_VERSIONS:
            return False
        if not self._loaded:
            return False  # it may be known to the store
        known.add(version)
        self._open(ANY, ANY, model, Opening(at_us, version))
        return len(known) > 1

    def reopen(self, tenant: str, scope: str, model: str, at_us: int) -> None:
        """What was seen of the model there counts no more."""
        self._open(tenant, scope, model, Opening(at_us, self.opening(tenant, scope, model).version))

    def opening(self, tenant: str, scope: str, model: str) -> Opening:
        """The one in force."""
        nothing = Opening()
        return max(
            self._openings.get((ANY, ANY, model), nothing), self._openings.get((tenant, scope, model), nothing)
        )  # fmt: skip

    def current(self) -> list[Sums]:
        """All that counts, one row for each tenant, scope, model, source and model compared with."""
        return [
            row for row in self._sums.values()
            if row.source != OPENED and row.served == self.opening(row.tenant, row.scope, row.model).label
        ]  # fmt: skip

    def counts(self, tenant: str, scope: str, model: str, against: str) -> Counts:
        """Comparisons that count, of all sources."""
        found = Counts()
        opened = self.opening(tenant, scope, model).label
        for source in ("shadow", "eval", "check"):
            row = self._sums.get((tenant, scope, model, source, against, opened))
            if row is not None:
                found += counted(row.pairs, row.difference, row.difference_squares)
        return found

    def scores(self, tenant: str, scope: str, model: str, source: str) -> tuple[int, float]:
        """How many answers were scored there, and the sum."""
        row = self._sums.get((tenant, scope, model, source, "", self.opening(tenant, scope, model).label))
        return (row.scores, row.score) if row is not None else (0, 0.0)

    async def refresh(self, since_day_us: int = 0) -> None:
        """Write what waits, read what all gateways wrote; what is older than `since_day_us` is forgotten, once a day. Raises
        StoreError; nothing is lost then, until too much waits."""
        batch, self._waiting = self._waiting, []
        samples, self._samples = self._samples, []
        try:
            if batch or samples:
                await self._kept.add(batch, samples)
        except StoreError:
            self._waiting = [*batch, *self._waiting][-MOST_WAITING:]
            self._samples = [*samples, *self._samples][-MOST_WAITING // 10 :]
            raise
        if since_day_us - self._pruned_us >= DAY_US:
            await self._kept.prune(since_day_us)
            self._pruned_us = since_day_us
        rows = await self._kept.sums(since_day_us)
        self._sums = {_key(row): row for row in rows}
        self._scopes = {}
        for row in rows:
            self._scopes.setdefault(row.tenant, set()).add(row.scope)
            if row.source == OPENED:
                self._opened(row.tenant, row.scope, row.model, opening_of(row.served))
        self._loaded = True
        for seen in self._waiting:  # what came in meanwhile
            self._count(seen)

    def _is_kept(self, tenant: str, scope: str) -> bool:
        """Whether there is room for what is seen there."""
        known = self._scopes.setdefault(tenant, {ANY})
        if scope not in known:
            if len(known) >= MOST_SCOPES:
                return False
            known.add(scope)
        return True

    def _open(self, tenant: str, scope: str, model: str, opening: Opening) -> None:
        self._opened(tenant, scope, model, opening)
        self._take(
            Observation(
                tenant=tenant, scope=scope, model=model, source=OPENED, at_us=opening.at_us, served=opening.label
            )
        )  # fmt: skip

    def _opened(self, tenant: str, scope: str, model: str, opening: Opening) -> None:
        key = (tenant, scope, model)
        self._openings[key] = max(opening, self._openings.get(key, Opening()))
        if opening.version:
            self._versions.setdefault(model, set()).add(opening.version)

    def _take(self, seen: Observation) -> None:
        self._waiting.append(seen)
        if len(self._waiting) > MOST_WAITING:
            del self._waiting[: MOST_WAITING // 10]
        self._count(seen)

    def _count(self, seen: Observation) -> None:
        key = (seen.tenant, seen.scope, seen.model, seen.source, seen.against, seen.served)
        row = self._sums.get(key) or Sums(0, *key[:5], served=seen.served)
        d, s = seen.difference, seen.score
        self._sums[key] = msgspec.structs.replace(
            row,
            pairs=row.pairs + (d is not None), difference=row.difference + (d or 0.0),
            difference_squares=row.difference_squares + (d or 0.0) ** 2,
            scores=row.scores + (s is not None), score=row.score + (s or 0.0),
            score_squares=row.score_squares + (s or 0.0) ** 2,
            answers=row.answers + (seen.out_tokens is not None), out_tokens=row.out_tokens + (seen.out_tokens or 0),
        )  # fmt: skip


def _key(row: Sums) -> Key:
    return row.tenant, row.scope, row.model, row.source, row.against, row.served
